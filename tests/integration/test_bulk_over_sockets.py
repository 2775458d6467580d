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
from tests.waiting import until

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


def heard(device: Device) -> int:
    """The version up to which a device was sent what there is, or told of it."""
    told = [payload.get("until", payload.get("version", 0)) for _, payload in device.events]
    return max(told, default=0)


async def test_devices_are_told_of_an_import_once_a_second_and_not_of_each_contact(
    program: Api,
    device: Device,
    second_device: Device,
    company: Company,
    sql: asyncpg.Connection,
) -> None:
    rows = 3_000
    people = "\n".join(f"Mia {number},mia{number}@example.com" for number in range(rows))
    begin = asyncio.get_running_loop().time()
    job = await ended(program, await send(program, f"Name,Mail\n{people}"))
    assert job["counts"]["created"] == rows
    head = await sql.fetchval(
        "SELECT version FROM global_version WHERE tenant_id = $1", company.tenant
    )
    # The last of it is announced after a quiet second.
    await until(lambda: heard(device) == heard(second_device) == head)
    seconds = asyncio.get_running_loop().time() - begin
    for each in (device, second_device):
        told = [event for event, _ in each.events]
        # On a busy machine what came in a second may be few enough to be pushed.
        live = [payload["contacts"]["put"] for event, payload in each.events if event == "changes"]
        pushed = told.count("contact_created") + sum(map(len, live))
        assert pushed <= PUSHED_BULK_ROWS * (seconds + 1)
        assert 1 <= told.count("sync_available") <= seconds + 1
        pages, done = await each.sync()
        assert len(contacts_of(pages)) == rows
        assert done["version"] == head


async def test_chunks_of_a_few_contacts_are_pushed_up_to_some_in_a_second(
    device: Device, second_device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    begin, chunks = asyncio.get_running_loop().time(), 0
    # On a busy machine the second chunk may come a second later, and so may those after it.
    while not device.take("sync_available"):
        assert chunks < 50
        await sql.execute(CHUNK, company.tenant, company.agents["api"], PUSHED_BULK_ROWS - 20)
        chunks += 1
        if chunks == 1:
            await second_device.expect("changes")
        await device.flush()
    seconds = asyncio.get_running_loop().time() - begin
    told = [event for event, _ in device.events]
    assert set(told) == {"contact_created"}
    assert len(told) <= PUSHED_BULK_ROWS * (seconds + 1)


async def test_a_few_imported_contacts_come_live(program: Api, device: Device) -> None:
    job = await ended(program, await send(program, "Name\nMia\nJo\n"))
    assert job["counts"]["created"] == 2
    names = {(await device.expect("contact_created"))["contact"]["first_name"] for _ in range(2)}
    assert names == {"Mia", "Jo"}
