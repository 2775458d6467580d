"""The database's disk is full, or fails to sync: writes are refused for now, nothing that was
acknowledged is missing, and the queues drain once there is room again.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from tests.faults.conftest import StartServer
from tests.faults.support.disk import FaultyDisk, bring_back, databases_on_a_faulty_disk
from tests.faults.support.stack import Databases
from tests.faults.support.writers import check_connections_are_free, check_stored_once, load_on

NOTES_BYTES = 20_000
"""Of each contact, so that the tables must grow with nearly every one."""


@pytest.fixture(scope="module")
def on_disk() -> Iterator[tuple[Databases, FaultyDisk]]:
    with databases_on_a_faulty_disk() as on_disk:
        yield on_disk


@pytest.fixture(scope="module")
def databases(on_disk: tuple[Databases, FaultyDisk]) -> Databases:
    return on_disk[0]


@pytest.fixture
async def disk(on_disk: tuple[Databases, FaultyDisk]) -> AsyncIterator[FaultyDisk]:
    databases, disk = on_disk
    yield disk
    disk.heal()
    await bring_back(databases.postgres)


def long_notes() -> str:
    """Text that does not become small when it is compressed."""
    return "".join(random.Random(7).choices("abcdefghijklmnopqrstuvwxyzäöü", k=NOTES_BYTES))


async def test_full_tables_refuse_writes_for_now_and_are_read_on(
    disk: FaultyDisk, databases: Databases, fault_database_url: str, make_server: StartServer
) -> None:
    server = make_server()
    await server.start()
    async with load_on(server, notes=long_notes()) as load:
        disk.suffer("full-tables")
        for _ in range(3):
            await load.until_refused()
        # Postgres has not gone down: whoever reads is answered as ever.
        answered = await load.asker.ask()
        assert answered["ping"]
        assert answered["sync_request"]
        disk.heal()
        await load.until_stored(times=10)
        load.report("Tables full")
    await check_stored_once(fault_database_url, load.stored)
    await check_connections_are_free(server, fault_database_url)
    assert "could not extend file" in databases.postgres.log.read_text()


@pytest.mark.parametrize("fault", ["full-wal", "no-sync"])
async def test_what_was_acknowledged_is_stored_though_the_log_can_not_be(
    disk: FaultyDisk,
    databases: Databases,
    fault_database_url: str,
    make_server: StartServer,
    fault: str,
) -> None:
    server = make_server()
    await server.start()
    async with load_on(server) as load:
        disk.suffer(fault)
        await load.until_refused()
        await asyncio.sleep(1)
        refused = load.unavailable
        stored = len(load.stored)
        disk.heal()
        how = "started again" if await bring_back(databases.postgres) else "recovered by itself"
        await load.until_stored(times=10)
        print(f"{fault}: Postgres {how}; {stored} were stored before, {refused} refused")
        load.report(fault)
    await check_stored_once(fault_database_url, load.stored)
    await check_connections_are_free(server, fault_database_url)
    assert "PANIC" in databases.postgres.log.read_text()


async def test_the_control_an_undisturbed_disk_stores_everything(
    disk: FaultyDisk, fault_database_url: str
) -> None:
    """The faults are the flags', not the shim's."""
    connection = await asyncpg.connect(fault_database_url)
    await connection.execute(
        "CREATE TABLE filler AS SELECT repeat('x', 1000) FROM generate_series(1, 5000)"
    )
    await connection.execute("CHECKPOINT")
    disk.suffer("full-tables")
    with pytest.raises(asyncpg.DiskFullError):
        await connection.execute("INSERT INTO filler SELECT * FROM filler")
    disk.heal()
    await connection.execute("INSERT INTO filler SELECT * FROM filler")
    await connection.close()
