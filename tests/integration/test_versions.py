"""Versions become visible in the order in which they were given, so a cursor misses nothing."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

import asyncpg
import pytest
from nanoid import generate

from server.db.pool import ROLE, Database
from server.services.sync import Pages
from tests.waiting import PATIENCE, until

WRITERS = 16
TRANSACTIONS = 10
"""Of each writer, at least: they go on until the reader has read often enough."""
READS = 50
# Who waits for the lock of versions in this database.
WAITING = (
    "FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted"
)


@dataclass
class Reader:
    """Follows its cursor by the query of every catch-up, as fast as it can."""

    pages: Pages
    tenant: str
    cursor: int = 0
    held: dict[str, int] = field(default_factory=dict)
    reads: int = 0

    async def read(self) -> bool:
        """Reads a page; whether there is more."""
        page = await self.pages.read(self.tenant, self.cursor, rows=50, detail=True)
        self.reads += 1
        assert page.until >= self.cursor
        for row in page.rows:
            assert self.cursor < row.version <= page.until
            self.held[row.wire.split('"')[3]] = row.version
        self.cursor = page.until
        return page.has_more


async def write(url: str, tenant: str, number: int, reader: Reader) -> None:
    """Commits transactions of a few statements with random delays, of its own rows alone.

    Half of the writers name their tenant, as the server does; half are as psql, and name none.
    """
    chance = random.Random(number)
    settings = {"role": ROLE, "app.tenant": tenant} if number % 2 else {}
    connection = await asyncpg.connect(url, server_settings=settings)
    mine: list[str] = []
    transactions = 0
    while transactions < TRANSACTIONS or reader.reads <= READS:
        transactions += 1
        async with connection.transaction():
            for _ in range(chance.randint(1, 3)):
                if mine and chance.random() < 0.3:
                    await connection.execute(
                        "UPDATE contacts SET notes = $3 WHERE tenant_id = $1 AND id = $2",
                        *(tenant, chance.choice(mine), generate()),
                    )
                else:
                    mine.append(generate())
                    await connection.execute(
                        "INSERT INTO contacts (tenant_id, id, first_name) VALUES ($1, $2, 'A')",
                        *(tenant, mine[-1]),
                    )
                await asyncio.sleep(chance.random() * 0.003)
    await connection.close()


async def count_skipped(url: str) -> tuple[int, int]:
    """How many of how many rows a tight reader does not have as they are, in the end."""
    database = await Database.connect(url)
    reader = Reader(Pages(database), "default")
    writers = asyncio.gather(*(write(url, "default", number, reader) for number in range(WRITERS)))
    while not writers.done():
        await reader.read()
    await writers
    # To the end: it may have fallen behind by more than a page.
    while await reader.read():
        pass
    await database.close()
    connection = await asyncpg.connect(url)
    records = await connection.fetch("SELECT id, version FROM contacts")
    await connection.close()
    skipped = [each for each in records if reader.held.get(each["id"]) != each["version"]]
    return len(skipped), len(records)


async def test_a_reader_never_skips_a_version(database_url: str) -> None:
    skipped, rows = await count_skipped(database_url)
    assert rows > WRITERS * TRANSACTIONS
    assert skipped == 0


async def test_the_same_reader_does_skip_versions_of_a_bare_sequence(database_url: str) -> None:
    """The control: what the lock is for."""
    connection = await asyncpg.connect(database_url)
    await connection.execute("ALTER TABLE contacts DISABLE TRIGGER lock_contacts")
    await connection.close()
    skipped, _ = await count_skipped(database_url)
    assert skipped > 0


@pytest.fixture
async def two_tenants(database_url: str) -> str:
    connection = await asyncpg.connect(database_url)
    await connection.execute("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
    await connection.close()
    return database_url


async def insert(connection: asyncpg.Connection, tenant: str) -> None:
    await connection.execute(
        "INSERT INTO contacts (tenant_id, id, first_name) VALUES ($1, $2, 'A')", tenant, generate()
    )


async def test_companies_do_not_wait_for_one_another_and_psql_waits_for_all(
    two_tenants: str,
) -> None:
    first, second, third, typed = [
        await asyncpg.connect(two_tenants, server_settings={"app.tenant": tenant} if tenant else {})
        for tenant in ("default", "other", "default", "")
    ]
    transaction = first.transaction()
    await transaction.start()
    await insert(first, "default")
    # Another company's write goes on, the same company's and one that names none wait.
    await asyncio.wait_for(insert(second, "other"), PATIENCE)
    waiting = [
        asyncio.create_task(insert(third, "default")),
        asyncio.create_task(insert(typed, "other")),
    ]
    await until(lambda: second.fetchval(f"SELECT count(*) = 2 {WAITING}"))
    assert not any(each.done() for each in waiting)
    await transaction.commit()
    await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)
    for each in (first, second, third, typed):
        await each.close()


async def test_deleting_agents_amid_writes_of_their_contacts_does_not_deadlock(
    database_url: str,
) -> None:
    """ON DELETE SET NULL writes contacts: without the lock first, it deadlocked with an insert."""
    owners = [generate() for _ in range(20)]
    connection = await asyncpg.connect(database_url)
    await connection.executemany(
        "INSERT INTO agents (tenant_id, id, code, name, role) "
        "VALUES ('default', $1, $1, 'A', 'agent')",
        [(owner,) for owner in owners],
    )
    await connection.executemany(
        "INSERT INTO contacts (tenant_id, id, first_name, owner_id) "
        "VALUES ('default', $1, 'A', $2)",
        [(generate(), owner) for owner in owners for _ in range(5)],
    )

    async def edit(role: str) -> None:
        writer = await asyncpg.connect(
            database_url, server_settings={"app.tenant": "default", "role": role}
        )
        for number in range(40):
            await writer.execute(
                "UPDATE contacts SET notes = $1 WHERE owner_id = $2",
                *(str(number), random.choice(owners)),
            )
            await insert(writer, "default")
        await writer.close()

    writers = [asyncio.create_task(edit(ROLE)) for _ in range(3)]
    for owner in owners:
        await connection.execute("DELETE FROM agents WHERE id = $1", owner)
        await asyncio.sleep(0.005)
    await asyncio.gather(*writers)
    # Devices learn of it: it is a change like any other.
    assert (
        await connection.fetchval("SELECT count(*) FROM contacts WHERE owner_id IS NOT NULL") == 0
    )
    changed = await connection.fetchval(
        "SELECT count(DISTINCT entity_id) FROM audit_log WHERE before ? 'owner_id'"
    )
    assert changed == 100
    await connection.close()
