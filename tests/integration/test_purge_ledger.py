"""The nightly purge of the ledger: what no device can send again is forgotten, and no more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from server.db.pool import Database
from server.jobs import purge as purge_module
from server.jobs.purge import purge_ledger

TENANT = "default"


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    await connection.execute(
        "INSERT INTO agents (tenant_id, id, code, name, role) "
        "VALUES ('default', 'agent-1', 'ann', 'Ann', 'agent')"
    )
    yield connection
    await connection.close()


@pytest.fixture
async def purge(database_url: str) -> AsyncIterator[Database]:
    database = await Database.connect(database_url, size=2)
    yield database
    await database.close()


async def add_device(
    owner: asyncpg.Connection, name: str, *, empty: int | None = None, revoked: int | None = None
) -> None:
    """A device whose queue was empty, or that was revoked, so many days ago."""
    await owner.execute(
        "INSERT INTO devices (tenant_id, id, agent_id, queue_empty_at, revoked_at) VALUES "
        "($1, $2, 'agent-1', now() - make_interval(days => $3), "
        "now() - make_interval(days => $4))",
        *(TENANT, name, empty, revoked),
    )


async def remember(owner: asyncpg.Connection, source: str, *days: int) -> None:
    """A mutation of each of so many days ago, named by that: `100` was sent 100 days ago."""
    await owner.execute(
        "INSERT INTO mutations (tenant_id, source, mutation_id, body_hash, stamp, op, entity, "
        "entity_id, outcome, origin, created_at) "
        "SELECT $1, $2, days::text, '', (extract(epoch FROM created_at) * 1000000)::bigint, "
        "'create', 'contact', 'contact-1', 'applied', 'socket', created_at "
        "FROM unnest($3::int[]) AS days, "
        "LATERAL (SELECT now() - make_interval(days => days) AS created_at) AS made",
        *(TENANT, source, list(days)),
    )


async def remembered(owner: asyncpg.Connection, source: str) -> list[int]:
    records = await owner.fetch(
        "SELECT mutation_id::int AS days FROM mutations WHERE source = $1 ORDER BY 1 DESC", source
    )
    return [record["days"] for record in records]


async def test_what_is_old_goes_once_its_device_has_reported_an_empty_queue_since(
    owner: asyncpg.Connection, purge: Database
) -> None:
    await add_device(owner, "synced-device", empty=95)
    await remember(owner, "synced-device", 200, 100, 96, 94, 91, 89, 1)
    await purge_ledger(purge, asyncio.Event())
    assert await remembered(owner, "synced-device") == [94, 91, 89, 1]


async def test_of_a_device_that_never_reported_one_all_is_kept(
    owner: asyncpg.Connection, purge: Database
) -> None:
    await add_device(owner, "silent-device")
    for source in ("silent-device", "device-of-nobody"):
        await remember(owner, source, 400, 100, 1)
    await purge_ledger(purge, asyncio.Event())
    for source in ("silent-device", "device-of-nobody"):
        assert await remembered(owner, source) == [400, 100, 1]


async def test_of_a_revoked_device_what_is_old_goes(
    owner: asyncpg.Connection, purge: Database
) -> None:
    await add_device(owner, "lost-device", revoked=1)
    await remember(owner, "lost-device", 400, 100, 89)
    await purge_ledger(purge, asyncio.Event())
    assert await remembered(owner, "lost-device") == [89]


async def test_without_a_device_what_is_old_goes(
    owner: asyncpg.Connection, purge: Database
) -> None:
    for source in ("agent:agent-1", "agent:who-left"):
        await remember(owner, source, 400, 91, 89, 1)
    await purge_ledger(purge, asyncio.Event())
    for source in ("agent:agent-1", "agent:who-left"):
        assert await remembered(owner, source) == [89, 1]


async def test_the_greatest_stamp_of_each_stays_however_old(
    owner: asyncpg.Connection, purge: Database
) -> None:
    """The device's next mutation must be stamped after it."""
    await add_device(owner, "old-device", empty=1)
    await add_device(owner, "gone-device", revoked=1)
    for source in ("old-device", "gone-device", "agent:agent-1"):
        await remember(owner, source, 400, 300, 200)
    await purge_ledger(purge, asyncio.Event())
    for source in ("old-device", "gone-device", "agent:agent-1"):
        assert await remembered(owner, source) == [200]


async def test_many_go_in_chunks_of_every_company(
    owner: asyncpg.Connection, purge: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_module, "ROWS_AT_ONCE", 4)
    monkeypatch.setattr(purge_module, "PAUSE_SECONDS", 0)
    await owner.execute("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
    await remember(owner, "agent:agent-1", *range(91, 120), 1)
    await owner.execute(
        "INSERT INTO mutations SELECT 'other', source, mutation_id, body_hash, stamp, op, entity, "
        "entity_id, outcome, version, conflicts, lost, agent_id, device_id, origin, created_at "
        "FROM mutations"
    )
    await purge_ledger(purge, asyncio.Event())
    left = await owner.fetch("SELECT tenant_id, mutation_id FROM mutations ORDER BY 1")
    assert [tuple(record) for record in left] == [("default", "1"), ("other", "1")]


async def test_the_history_keeps_what_the_ledger_forgets(
    owner: asyncpg.Connection, purge: Database
) -> None:
    await remember(owner, "agent:agent-1", 1)
    await owner.execute(
        "INSERT INTO mutations (tenant_id, source, mutation_id, body_hash, stamp, op, entity, "
        "entity_id, outcome, lost, origin, created_at) "
        "VALUES ('default', 'agent:agent-1', 'lost', '', 1, 'update', 'contact', 'contact-1', "
        "'superseded', $1, 'rest', now() - interval '100 days')",
        '{"before": {"company": "A"}, "after": {"company": "B"}}',
    )
    entries = "SELECT count(*) FROM audit_log WHERE outcome = 'lost'"
    assert await owner.fetchval(entries) == 1
    await purge_ledger(purge, asyncio.Event())
    assert await remembered(owner, "agent:agent-1") == [1]
    assert await owner.fetchval(entries) == 1
