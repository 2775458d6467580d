"""A restart, after which everybody comes back at once; and how a planned stop says goodbye."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from statistics import median

import asyncpg
import pytest

from tests.bench.seed import TENANT, contact_id, seed_contacts
from tests.faults.conftest import StartServer
from tests.faults.support.fleet import Fleet
from tests.faults.support.measures import MIB, connects_dropped, watched
from tests.faults.support.stack import ServerProcess

DEVICES = 1_000
FLEETS = 2
BEHIND = 100
WRITERS = 50


@pytest.fixture
async def fleets() -> AsyncIterator[list[Fleet]]:
    started = [await Fleet.start() for _ in range(FLEETS)]
    yield started
    await asyncio.gather(*(fleet.end() for fleet in started))


@contextmanager
def file_limit(files: int) -> Iterator[None]:
    """What is started meanwhile may open so many files, unless it asks for more itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def change_contacts(url: str, count: int) -> int:
    """So many changes, each a transaction of its own, by SQL; gives the head after them."""
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT set_config('app.tenant', $1, false)", TENANT)
    for number in range(count):
        await connection.execute(
            "UPDATE contacts SET job_title = 'Storm ' || $3 WHERE tenant_id = $1 AND id = $2",
            *(TENANT, contact_id(number), str(number)),
        )
    head: int = await connection.fetchval(
        "SELECT version FROM global_version WHERE tenant_id = $1", TENANT
    )
    await connection.close()
    return head


def process_id(server: ServerProcess) -> int:
    assert server.process is not None
    return server.process.pid


async def test_a_thousand_devices_that_come_back_at_once_all_become_current(
    make_server: StartServer, fault_database_url: str, fleets: list[Fleet]
) -> None:
    connection = await asyncpg.connect(fault_database_url)
    await seed_contacts(connection, 2 * BEHIND)
    await connection.close()
    server = make_server(LOG_LEVEL="WARNING")
    # What a login, or a service of systemd, may open.
    with file_limit(1_024):
        await server.start()
    share = DEVICES // FLEETS
    await asyncio.gather(
        *(
            fleet.do("connect", port=server.port, count=share, name=f"fleet-{number}")
            for number, fleet in enumerate(fleets)
        )
    )
    await asyncio.sleep(3)
    async with watched(process_id(server)) as steady:
        await asyncio.sleep(2)

    # The planned stop: each device hears when to come back, then its socket closes.
    server.send(signal.SIGTERM)
    goodbyes = await asyncio.gather(*(fleet.do("wait_closed") for fleet in fleets))
    await server.end()
    waits = [wait for goodbye in goodbyes for wait in goodbye["draining"]]
    assert all(len(wait) == 1 for wait in waits), "a device was not told, or twice"
    assert {code for goodbye in goodbyes for code in goodbye["codes"]} == {1001}
    assert len({wait[0] for wait in waits}) > DEVICES / 2, "they would come back together"

    head = await change_contacts(fault_database_url, BEHIND)
    with file_limit(1_024):
        await server.start()
    # The worst case: nobody waits as long as it was told.
    dropped = connects_dropped()
    async with watched(process_id(server)) as storm:
        began = time.perf_counter()
        answers = await asyncio.gather(*(fleet.do("storm", port=server.port) for fleet in fleets))
        took = time.perf_counter() - began
        errors = [error for answer in answers for error in answer["errors"]]
        seconds = sorted(each for answer in answers for each in answer["seconds"])
        await asyncio.sleep(1)
    after = storm.memory
    print(
        f"\n{DEVICES} devices, {BEHIND} behind: last current after {took:.2f} s"
        f" (median {median(seconds or [0]):.2f}), server {storm.cpu_seconds:.2f} CPU s,"
        f" memory steady {steady.peak / MIB:.0f} MiB, peak {storm.peak / MIB:.0f} MiB,"
        f" after {after / MIB:.0f} MiB; refused {len(errors)}"
    )
    assert not errors, errors[:3]
    # A dropped attempt is not refused, but made again after seconds.
    assert connects_dropped() == dropped, "some found no place to wait in"
    assert {cursor for answer in answers for cursor in answer["cursors"]} == {head}
    assert {rows for answer in answers for rows in answer["rows"]} == {BEHIND}
    assert storm.peak < 2 * steady.peak
    assert "WARNING" not in server.log.read_text()
