"""The purge of tombstones, in the database: floor and tombstones move together, in order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import timedelta
from statistics import median

import asyncpg
import pytest
from nanoid import generate

from server.commands.common import CommandError
from server.commands.purge import describe, read_age
from server.db.pool import ROLE, Database
from server.db.queries import queries
from server.jobs import purge as purge_module
from server.jobs.purge import Purged, purge_tombstones
from server.services.sync import Pages

TENANT = "default"
NOW = timedelta(0)
PLURALS = ("contacts", "groups", "tags", "types")
HEAD = "SELECT version, epoch, checksum, floor FROM global_version WHERE tenant_id = 'default'"


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    database = await Database.connect(database_url, size=4)
    yield database
    await database.close()


async def insert(
    owner: asyncpg.Connection, plural: str, *ids: str, tenant: str = TENANT
) -> list[str]:
    column = "first_name" if plural == "contacts" else "name"
    await owner.execute(
        f"INSERT INTO {plural} (tenant_id, id, {column}) SELECT $1, id, id "
        "FROM unnest($2::text[]) AS id",
        *(tenant, list(ids)),
    )
    return list(ids)


async def make_tombstones(owner: asyncpg.Connection, rounds: int, first: int = 0) -> None:
    """Tombstones of all entities, their versions mixed, between live rows."""
    for number in range(first, first + rounds):
        for plural in random.Random(number).sample(PLURALS, len(PLURALS)):
            gone, _ = await insert(owner, plural, f"{plural}-{number}-gone", f"{plural}-{number}")
            await owner.execute(f"DELETE FROM {plural} WHERE id = $1", gone)


async def grow_old(owner: asyncpg.Connection, condition: str, days: int = 100) -> None:
    """Puts the time at which versions were given back, which only whoever drops triggers can."""
    for plural in PLURALS:
        await owner.execute(f"ALTER TABLE {plural} DISABLE TRIGGER USER")
        await owner.execute(
            f"UPDATE {plural} SET updated_at = updated_at - make_interval(days => $1) "
            f"WHERE {condition}",
            days,
        )
        await owner.execute(f"ALTER TABLE {plural} ENABLE TRIGGER USER")


async def tombstones(owner: asyncpg.Connection) -> list[int]:
    records = await owner.fetch(
        "SELECT version FROM synced_rows WHERE deleted_at IS NOT NULL AND tenant_id = 'default' "
        "ORDER BY version"
    )
    return [record["version"] for record in records]


async def floor_of(owner: asyncpg.Connection, tenant: str = TENANT) -> int:
    return int(
        await owner.fetchval("SELECT floor FROM global_version WHERE tenant_id = $1", tenant)
    )


async def test_old_tombstones_of_all_entities_go_and_the_floor_is_the_highest_of_them(
    owner: asyncpg.Connection, database: Database
) -> None:
    await make_tombstones(owner, 3)
    old = await tombstones(owner)
    await grow_old(owner, "deleted_at IS NOT NULL")
    await make_tombstones_again(owner)
    before = await owner.fetchrow(HEAD)
    live = "SELECT array_agg(wire ORDER BY version) FROM synced_rows WHERE deleted_at IS NULL"
    rows = await owner.fetchval(live)
    purged = await purge_tombstones(database, TENANT, timedelta(days=90))
    assert purged == Purged(purged.removed, old[-1])
    assert purged.removed == dict.fromkeys(PLURALS, 3)
    left = await tombstones(owner)
    assert len(left) == 4
    assert left[0] > old[-1]
    # Nothing that a device compares has moved but the floor.
    after = await owner.fetchrow(HEAD)
    assert dict(after) == {**before, "floor": old[-1]}
    assert await owner.fetchval(live) == rows
    searched = "SELECT count(*) FROM contact_search WHERE id LIKE '%gone'"
    assert await owner.fetchval(searched) == 1


async def make_tombstones_again(owner: asyncpg.Connection) -> None:
    for plural in PLURALS:
        await insert(owner, plural, f"{plural}-young-gone")
        await owner.execute(f"DELETE FROM {plural} WHERE id = $1", f"{plural}-young-gone")


async def test_where_nothing_is_old_the_floor_stays_and_it_never_goes_down(
    owner: asyncpg.Connection, database: Database
) -> None:
    await make_tombstones(owner, 1)
    assert await purge_tombstones(database, TENANT, timedelta(days=90)) == Purged()
    await owner.execute("UPDATE global_version SET floor = 1000")
    purged = await purge_tombstones(database, TENANT, NOW)
    assert (purged.floor, purged.removed.total()) == (1000, 4)
    assert await purge_tombstones(database, TENANT, NOW) == Purged(floor=1000)


async def test_a_backdated_deletion_is_as_young_as_its_version(
    owner: asyncpg.Connection, database: Database
) -> None:
    await insert(owner, "contacts", "contact-1", "contact-2")
    await owner.execute(
        "UPDATE contacts SET deleted_at = now() - interval '2 years', "
        "updated_at = now() - interval '2 years' WHERE id = 'contact-1'"
    )
    assert await purge_tombstones(database, TENANT, timedelta(days=90)) == Purged()
    # Nor does a hidden edit of an old tombstone make it young.
    await owner.execute("DELETE FROM contacts WHERE id = 'contact-2'")
    await grow_old(owner, "id = 'contact-2'")
    await owner.execute("UPDATE contacts SET notes = 'hidden' WHERE id = 'contact-2'")
    purged = await purge_tombstones(database, TENANT, timedelta(days=90))
    assert purged.removed == {"contacts": 1}


async def test_companies_are_purged_by_themselves(
    owner: asyncpg.Connection, database: Database
) -> None:
    await owner.execute("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
    for tenant in (TENANT, "other"):
        await insert(owner, "contacts", "contact-1", tenant=tenant)
    await owner.execute("DELETE FROM contacts")
    await purge_tombstones(database, TENANT, NOW)
    assert await floor_of(owner, "other") == 0
    assert await owner.fetchval("SELECT tenant_id FROM contacts") == "other"


async def test_a_row_that_was_restored_meanwhile_is_not_taken(
    owner: asyncpg.Connection, database: Database
) -> None:
    """What was found outside of the lock is judged anew under it."""
    await insert(owner, "contacts", "contact-1", "contact-2", "contact-3")
    await owner.execute("DELETE FROM contacts")
    found = await tombstones(owner)
    await owner.execute("UPDATE contacts SET deleted_at = NULL WHERE id <> 'contact-3'")
    await owner.execute("DELETE FROM contacts WHERE id = 'contact-2'")
    async with database.tenant(TENANT) as connection:
        chunk = await connection.fetchrow(
            queries.sync.purge_tombstones, found, await later(owner), 1_000.0
        )
    assert (chunk["done"], chunk["removed"]) == (3, '{"contacts": 1}')
    assert await owner.fetchval("SELECT array_agg(id ORDER BY id) FROM contacts") == [
        "contact-1",
        "contact-2",
    ]
    assert await floor_of(owner) == found[2]


async def later(owner: asyncpg.Connection) -> object:
    return await owner.fetchval("SELECT clock_timestamp() + interval '1 hour'")


async def test_the_purge_may_not_take_another_company_s_rows_nor_live_ones(
    owner: asyncpg.Connection, database: Database
) -> None:
    await owner.execute("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
    await insert(owner, "contacts", "contact-1", tenant="other")
    await owner.execute("DELETE FROM contacts")
    await insert(owner, "contacts", "contact-2")
    versions = [record["version"] for record in await owner.fetch("SELECT version FROM contacts")]
    async with database.tenant(TENANT) as connection:
        chunk = await connection.fetchrow(
            queries.sync.purge_tombstones, versions, await later(owner), 1_000.0
        )
    assert chunk["removed"] == "{}"
    assert await owner.fetchval("SELECT count(*) FROM contacts") == 2
    assert (await floor_of(owner), await floor_of(owner, "other")) == (0, 0)


async def test_no_snapshot_shows_a_purged_tombstone_with_an_old_floor(
    owner: asyncpg.Connection,
    database: Database,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A reader in a tight loop, beside writers, while the purge goes on in small chunks."""
    monkeypatch.setattr(purge_module, "CHUNK", 20)
    amid: set[int] = set()
    made = 0
    # On a busy machine a purge may be over before the reader has looked at it amid its work.
    while len(amid) < 2:
        await make_tombstones(owner, 60, made)
        made += 60
        amid |= await read_beside_a_purge(owner, database, database_url)


async def read_beside_a_purge(
    owner: asyncpg.Connection, database: Database, database_url: str
) -> set[int]:
    """Purges all tombstones; gives the floors that a reader saw while not all were gone."""
    doomed = await tombstones(owner)
    await grow_old(owner, "deleted_at IS NOT NULL")
    writing = True
    floors = {await floor_of(owner), doomed[-1]}
    ends = set(floors)

    async def write(number: int) -> None:
        writer = await asyncpg.connect(
            database_url, server_settings={"role": ROLE, "app.tenant": TENANT}
        )
        for _ in range(500):
            if not writing:
                break
            name = generate()
            await insert(writer, "contacts", name)
            if number:
                await writer.execute("DELETE FROM contacts WHERE id = $1", name)
        await writer.close()

    writers = [asyncio.create_task(write(number)) for number in range(2)]
    purge = asyncio.create_task(purge_tombstones(database, TENANT, timedelta(days=90)))
    pages = Pages(database)
    while not purge.done():
        page = await pages.read(TENANT, 0, rows=50_000, size=20_000_000, detail=True)
        assert not page.has_more
        shown = {row.version for row in page.rows if row.live_version is None}
        # Missing are exactly those up to the floor: the chunks go in order, over all entities.
        assert {each for each in doomed if each not in shown} == {
            each for each in doomed if each <= page.floor
        }
        floors.add(page.floor)
    writing = False
    await asyncio.gather(*writers)
    purged = await purge
    assert purged.floor == doomed[-1]
    assert purged.removed.total() == len(doomed)
    return floors - ends


async def test_the_lock_is_held_shortly(owner: asyncpg.Connection, database: Database) -> None:
    medians: list[float] = []
    # One of three rounds must hold it, as the machine may be busy with other tests.
    while not medians or (medians[-1] >= 20 and len(medians) < 3):
        ids = (f"contact-{len(medians)}-{number}" for number in range(3_000))
        await insert(owner, "contacts", *ids)
        await owner.execute("DELETE FROM contacts")
        medians.append(median(await purge_by_chunks(owner, database)))
    assert medians[-1] < 20


async def purge_by_chunks(owner: asyncpg.Connection, database: Database) -> list[float]:
    """For how many milliseconds each chunk held the lock."""
    found = await tombstones(owner)
    held: list[float] = []
    async with database.tenant(TENANT) as connection:
        moment = await later(owner)
        while found:
            chunk = await connection.fetchrow(
                queries.sync.purge_tombstones, found[:2_000], moment, purge_module.LOCK_MS
            )
            found = found[chunk["done"] :]
            held.append(chunk["held"])
    assert len(held) > 3
    assert await owner.fetchval("SELECT count(*) FROM contacts") == 0
    return held


async def test_the_purge_wakes_nobody(owner: asyncpg.Connection, database: Database) -> None:
    await make_tombstones(owner, 1)
    heard: asyncio.Queue[object] = asyncio.Queue()
    await owner.add_listener("contact_changes", lambda *message: heard.put_nowait(message[-1]))
    await purge_tombstones(database, TENANT, NOW)
    await owner.execute("SELECT pg_notify('contact_changes', 'mine')")
    assert await asyncio.wait_for(heard.get(), 30) == "mine"


@pytest.mark.parametrize(
    ("text", "age"),
    [
        ("90d", timedelta(days=90)),
        ("12h", timedelta(hours=12)),
        ("30m", timedelta(minutes=30)),
        ("0s", NOW),
        ("100000s", timedelta(seconds=100_000)),
    ],
)
def test_an_age_is_a_number_and_a_unit(text: str, age: timedelta) -> None:
    assert read_age(text) == age


@pytest.mark.parametrize(
    "text",
    ["", "90", "d", "-1d", "1.5d", "90 d", "90D", "1w", "3d12h", "٣d", "9" * 30 + "d", "36501d"],
)
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(CommandError, match=r"is no age: write a number and d, h, m or s") as error:
        read_age(text)
    assert "\n" not in str(error.value)


def test_what_was_removed_is_said_plainly() -> None:
    assert describe("default", Purged(floor=7)) == (
        "default: nothing to remove; the floor stays at 7."
    )
    purged = Purged(floor=4211)
    purged.removed.update({"tags": 2, "contacts": 1234})
    assert describe("default", purged) == (
        "default: removed the tombstones of 1,234 contacts, 2 tags; the floor is now 4211."
    )
