"""What devices hear of an import: that there is something to sync, and not each contact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest_asyncio

from server.feed.feed import PUSHED_BULK_ROWS
from tests.integration.conftest import ON_THE_SERVERS_LOOP
from tests.integration.support.devices import Device, contacts_of
from tests.integration.support.imports import ended, send
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server

# What a chunk of an import writes, without its job.
CHUNK = """
INSERT INTO contacts
    (tenant_id, id, company, written_in, written_by, written_mutation, written_origin)
SELECT $1, 'made-' || gen_random_uuid(), 'A', pg_current_xact_id(), $2, 'import.made', 'import'
FROM generate_series(1, $3)
"""

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
        # On a busy machine its first chunk, and what came after the last second, may be few.
        live = [payload["contacts"]["put"] for event, payload in each.events if event == "changes"]
        assert told.count("contact_created") + sum(map(len, live)) <= 2 * PUSHED_BULK_ROWS
        assert 1 <= told.count("sync_available") <= seconds + 1
        pages, done = await each.sync()
        assert len(contacts_of(pages)) == rows
        latest = [payload for event, payload in each.events if event == "sync_available"][-1]
        assert latest["version"] == done["version"]


async def test_chunks_of_a_few_contacts_are_pushed_up_to_some_in_a_second(
    device: Device, second_device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    for number in range(4):
        await sql.execute(CHUNK, company.tenant, company.agents["api"], PUSHED_BULK_ROWS - 20)
        if number == 0:
            await second_device.expect("changes")
    await device.expect("sync_available")
    told = [event for event, _ in device.events]
    # The second chunk may have come a second later, on a busy machine.
    assert set(told) == {"contact_created"}
    assert len(told) <= 2 * (PUSHED_BULK_ROWS - 20)


async def test_a_few_imported_contacts_come_live(program: Api, device: Device) -> None:
    job = await ended(program, await send(program, "Name\nMia\nJo\n"))
    assert job["counts"]["created"] == 2
    names = {(await device.expect("contact_created"))["contact"]["first_name"] for _ in range(2)}
    assert names == {"Mia", "Jo"}
