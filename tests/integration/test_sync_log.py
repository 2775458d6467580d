from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest

from server.db.pool import Database
from server.db.queries import queries
from server.ephemeral.connection import RedisConnection
from server.ephemeral.presence import Presence
from server.services import backlog
from server.services.actors import Actor
from server.services.sync_log import SyncLog, SyncLogEntry
from tests.waiting import PATIENCE, until

Psql = Callable[[str, str], str]
TENANT = "default"
# Who waits for the table. Of two databases made alike, its number is the same.
WAITING = (
    "SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE datname = current_database() AND relation = 'sync_log'::regclass AND NOT granted"
)
ANN = Actor(TENANT, "agent-ann", "ann", "Ann", "agent", device_id="phone-0001")


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.connect(database_url, size=3)
    yield database
    await database.close()


@pytest.fixture
def presence() -> Presence:
    return Presence(RedisConnection(None))


@pytest.fixture
def sync_log(database: Database, presence: Presence) -> SyncLog:
    return SyncLog(database, presence)


async def rows(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    return await owner.fetch("SELECT * FROM sync_log ORDER BY started, id")


async def test_a_connection_has_a_row_from_its_start_which_its_end_completes(
    sync_log: SyncLog, owner: asyncpg.Connection
) -> None:
    entry = sync_log.open_connection(ANN, "10.0.0.7")
    await sync_log.flush()
    (row,) = await rows(owner)
    assert (row["kind"], row["agent_id"], row["device_id"]) == (
        "connection",
        "agent-ann",
        "phone-0001",
    )
    assert (row["address"], row["ended"], row["outcome"]) == ("10.0.0.7", None, None)
    assert abs(row["started"].timestamp() - time.time()) < 30

    sync_log.close_connection(entry, "transport close")
    await sync_log.flush()
    (row,) = await rows(owner)
    assert row["outcome"] == "transport close"
    assert row["ended"] >= row["started"]


async def test_a_connection_that_ends_within_the_second_has_one_row(
    sync_log: SyncLog, owner: asyncpg.Connection
) -> None:
    sync_log.close_connection(sync_log.open_connection(ANN, "10.0.0.7"))
    await sync_log.flush()
    assert [row["outcome"] for row in await rows(owner)] == ["closed"]


async def test_each_kind_of_entry_keeps_all_that_it_holds(
    sync_log: SyncLog, owner: asyncpg.Connection
) -> None:
    sync_log.record(
        SyncLogEntry.of(
            ANN,
            "sync",
            "10.0.0.7",
            started=1_700_000_000.25,
            ended=1_700_000_001.5,
            since=10,
            until=2**52 - 1,
            rows=100,
            bytes=2**40,
            outcome="complete",
        )
    )
    sync_log.record(SyncLogEntry.of(ANN, "push", "10.0.0.7", rows=3, outcome="applied"))
    sync_log.record(SyncLogEntry.of(ANN, "refused", "::1", error_code="invalid"))
    await sync_log.flush()
    entries = {row["kind"]: row for row in await rows(owner)}
    sync, push, refused = (entries[kind] for kind in ("sync", "push", "refused"))
    assert (sync["since"], sync["until"], sync["rows"]) == (10, 2**52 - 1, 100)
    assert (sync["bytes"], sync["outcome"]) == (2**40, "complete")
    assert (sync["started"].timestamp(), sync["ended"].timestamp()) == (
        1_700_000_000.25,
        1_700_000_001.5,
    )
    assert (push["kind"], push["rows"]) == ("push", 3)
    assert (refused["kind"], refused["error_code"], refused["address"]) == (
        "refused",
        "invalid",
        "::1",
    )


async def test_entries_are_written_by_themselves_and_those_that_wait_at_the_stop(
    sync_log: SyncLog, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "STOP_SECONDS", PATIENCE)
    sync_log.start()
    sync_log.record(SyncLogEntry.of(ANN, "sync", "10.0.0.7"))

    async def kinds() -> set[str]:
        # Should a minute end meanwhile, its row stands there too.
        return {row["kind"] for row in await rows(owner)} - {"minute"}

    async def written() -> bool:
        return await kinds() == {"sync"}

    await until(written)
    sync_log.record(SyncLogEntry.of(ANN, "push", "10.0.0.7"))
    await sync_log.stop()
    assert await kinds() == {"sync", "push"}


async def test_entries_of_several_tenants_go_to_each(
    sync_log: SyncLog, owner: asyncpg.Connection
) -> None:
    await owner.execute("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
    bob = Actor("other", "agent-bob", "bob", "Bob", "agent")
    for actor in (ANN, bob, ANN):
        sync_log.record(SyncLogEntry.of(actor, "sync", "10.0.0.7"))
    await sync_log.flush()
    counted = await owner.fetch("SELECT tenant_id, count(*) FROM sync_log GROUP BY 1 ORDER BY 1")
    assert [tuple(row) for row in counted] == [(TENANT, 2), ("other", 1)]


async def test_trouble_with_the_database_loses_nothing(
    sync_log: SyncLog, owner: asyncpg.Connection, database: Database
) -> None:
    entry = sync_log.open_connection(ANN, "10.0.0.7")
    sync_log.record(SyncLogEntry.of(ANN, "sync", "10.0.0.7"))
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("LOCK TABLE sync_log IN ACCESS EXCLUSIVE MODE")
    writing = asyncio.create_task(sync_log.flush())
    await until(lambda: owner.fetchval(f"SELECT EXISTS ({WAITING})"))
    sync_log.close_connection(entry)
    await owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'fieldbook' AND datname = current_database()"
    )
    await writing
    await transaction.rollback()
    assert await rows(owner) == []

    async def written() -> bool:
        # The pool may still hold a cut connection whose end it has not read: once more, then.
        await sync_log.flush()
        return bool(await rows(owner))

    await until(written)
    outcomes = {row["kind"]: row["outcome"] for row in await rows(owner)}
    assert outcomes == {"connection": "closed", "sync": None}
    assert sync_log.dropped == 0


async def test_beyond_the_bound_the_oldest_entries_go_and_are_counted(
    sync_log: SyncLog, owner: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "MOST_RECORDS", 10)
    for number in range(15):
        sync_log.record(SyncLogEntry.of(ANN, "sync", "10.0.0.7", since=number))
    assert sync_log.dropped == 5
    await sync_log.flush()
    assert sorted(row["since"] for row in await rows(owner)) == list(range(5, 15))


async def test_what_the_database_refuses_for_good_does_not_stop_the_rest(
    sync_log: SyncLog, owner: asyncpg.Connection
) -> None:
    stranger = Actor("no-such-tenant", "agent-eve", "eve", "Eve", "agent")
    sync_log.record(SyncLogEntry.of(stranger, "sync", "10.0.0.7"))
    sync_log.record(SyncLogEntry.of(ANN, "sync", "10.0.0.7"))
    await sync_log.flush()
    await sync_log.flush()
    assert [row["tenant_id"] for row in await rows(owner)] == [TENANT]
    assert sync_log.dropped == 1


async def make_device(owner: asyncpg.Connection, device: str, version: int) -> None:
    await owner.execute(
        "INSERT INTO agents (tenant_id, id, code, name, role)"
        " VALUES ($1, 'agent-ann', 'ann', 'Ann', 'agent') ON CONFLICT DO NOTHING",
        TENANT,
    )
    await owner.execute(
        "INSERT INTO devices (tenant_id, id, agent_id, last_seen, version)"
        " VALUES ($1, $2, 'agent-ann', now(), $3)",
        *(TENANT, device, version),
    )


async def test_once_a_minute_one_process_writes_each_tenants_state(
    sync_log: SyncLog, presence: Presence, database: Database, owner: asyncpg.Connection
) -> None:
    await owner.execute("UPDATE global_version SET version = 100")
    await make_device(owner, "phone-0001", 97)
    await make_device(owner, "phone-0002", 40)
    presence.online(TENANT, "phone-0001", "socket-1")
    # Should a minute end in between, both may write one.
    for _ in range(2):
        await owner.execute("DELETE FROM sync_log")
        other = SyncLog(database, presence)
        await asyncio.gather(sync_log.note_minute(), other.note_minute(), sync_log.note_minute())
        written = await rows(owner)
        if len(written) == 1:
            break
    (row,) = written
    assert row["kind"] == "minute"
    assert (row["until"], row["devices_online"], row["greatest_lag"]) == (100, 1, 3)
    assert row["id"] == f"minute-{row['started']:%Y%m%d%H%M}"


async def test_statistics_are_counted_by_day(
    sync_log: SyncLog, database: Database, owner: asyncpg.Connection
) -> None:
    noon = 1_700_000_000 - 1_700_000_000 % 86_400 + 43_200
    for index in range(3):
        sync_log.record(
            SyncLogEntry.of(
                ANN,
                "sync",
                "10.0.0.7",
                started=noon,
                ended=noon + (index + 1) / 10,
                rows=100,
                bytes=1_000,
                error_code="unavailable" if index == 2 else None,
            )
        )
    sync_log.record(SyncLogEntry.of(ANN, "push", "10.0.0.7", started=noon, rows=7))
    sync_log.record(SyncLogEntry.of(ANN, "refused", "10.0.0.7", started=noon, error_code="gone"))
    sync_log.record(SyncLogEntry.of(ANN, "connection", "10.0.0.7", started=noon + 86_400))
    await sync_log.flush()
    first, second = await owner.fetch("SELECT * FROM sync_statistics ORDER BY day")
    assert (first["syncs"], first["pushes"], first["refused"], first["failures"]) == (3, 1, 1, 1)
    assert (first["rows"], first["bytes"], first["connections"]) == (300, 3_000, 0)
    assert first["median_sync_ms"] == pytest.approx(200, abs=1)
    assert (second["connections"], second["syncs"], second["median_sync_ms"]) == (1, 0, None)
    async with database.tenant(TENANT) as connection:
        days = await connection.fetch(queries.sync_log.list_statistics, TENANT, 40_000)
    assert [day["connections"] for day in days] == [1, 0]
