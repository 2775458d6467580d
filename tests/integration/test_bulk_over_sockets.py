"""What devices hear of an import: that there is something to sync, and not each contact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from tests.integration.conftest import ON_THE_SERVERS_LOOP
from tests.integration.support.devices import Device, contacts_of
from tests.integration.support.imports import ended, send
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server

pytestmark = ON_THE_SERVERS_LOOP


@pytest_asyncio.fixture(loop_scope="module")
async def program(server: Server, company: Company) -> AsyncIterator[Api]:
    """A program of the company, which may import."""
    async with aiohttp.ClientSession() as session:
        yield Api(session, server.url).signed_in(company.keys["api"])


async def test_devices_are_told_of_an_import_once_a_second_and_not_of_each_contact(
    program: Api, device: Device, second_device: Device
) -> None:
    rows = 3_000
    people = "\n".join(f"Mia {number},mia{number}@example.com" for number in range(rows))
    begin = asyncio.get_running_loop().time()
    job = await ended(program, await send(program, f"Name,Mail\n{people}"))
    assert job["counts"]["created"] == rows
    # The last of it is announced after a quiet second.
    await asyncio.sleep(1.5)
    seconds = asyncio.get_running_loop().time() - begin
    for each in (device, second_device):
        told = [event for event, _ in each.events]
        assert told.count("contact_created") == 0
        assert "changes" not in told
        assert 1 <= told.count("sync_available") <= seconds + 1
        pages, done = await each.sync()
        assert len(contacts_of(pages)) == rows
        latest = [payload for event, payload in each.events if event == "sync_available"][-1]
        assert latest["version"] == done["version"]


async def test_a_few_imported_contacts_come_live(program: Api, device: Device) -> None:
    job = await ended(program, await send(program, "Name\nMia\nJo\n"))
    assert job["counts"]["created"] == 2
    names = {(await device.expect("contact_created"))["contact"]["first_name"] for _ in range(2)}
    assert names == {"Mia", "Jo"}
