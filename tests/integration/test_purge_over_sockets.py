"""Devices before, amid and after a purge: what they miss they are told, and nothing comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import asyncpg
import pytest
import pytest_asyncio
from nanoid import generate

from server.client.store import Store
from server.db.pool import Database
from server.db.queries import queries
from server.jobs.purge import purge_ledger, purge_tombstones
from server.services.sync import Pages
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device, Payload, contacts_of, tombstones_of
from tests.integration.support.servers import Company, Server
from tests.integration.support.syncing import MADE, stored
from tests.integration.support.writing import outcome, push, update

pytestmark = ON_THE_SERVERS_LOOP

NOW = timedelta(0)
A_WHILE = timedelta(minutes=10)
LIMIT = 10
Meanwhile = Callable[[], Awaitable[None]]


@pytest_asyncio.fixture(loop_scope="module")
async def database(server: Server, module_database_url: str) -> AsyncIterator[Database]:
    database = await Database.connect(module_database_url, size=2)
    yield database
    await database.close()


async def floor_of(sql: asyncpg.Connection, company: Company) -> int:
    query = "SELECT floor FROM global_version WHERE tenant_id = $1"
    return int(await sql.fetchval(query, company.tenant))


async def test_a_device_below_the_floor_is_expired_and_one_at_or_above_it_is_not(
    device: Device, made: list[Payload], company: Company, sql: asyncpg.Connection,
    database: Database,
) -> None:  # fmt: skip
    epoch = (await device.call("ping", {}))["epoch"]
    await device.call("contact_delete", {"id": made[0]["id"]})
    gone = await device.call("contact_delete", {"id": made[1]["id"]})
    await device.create()
    head = (await device.call("ping", {}))["version"]
    purged = await purge_tombstones(database, company.tenant, NOW)
    assert purged.floor == gone["version"] == await floor_of(sql, company)
    below = await device.call("sync_request", {"since": purged.floor - 1, "epoch": epoch})
    assert below["error"]["code"] == "resync_required"
    assert (below["error"]["reason"], below["error"]["floor"]) == ("expired", purged.floor)
    for since in (purged.floor, head):
        pages, complete = await device.sync(since, epoch=epoch)
        assert tombstones_of(pages) == {}
        assert complete["version"] == head
    pages, _ = await device.sync(0)
    assert contacts_of(pages) == await stored(sql, company)


async def first_sync(
    device: Device, cut: int, meanwhile: Meanwhile
) -> tuple[Store, Payload, list[str]]:
    """A first sync by the client's own rules; after `cut` pages it is cut off, and goes on.

    Gives what the device holds, its `sync_complete`, and why it had to begin again.
    """
    store, reasons, read = Store(), list[str](), 0
    request = store.begin_sync()
    while True:
        if read == cut and not reasons:
            await meanwhile()
        answer = await device.call("sync_request", {**request, "limit": LIMIT})
        if not answer["ok"]:
            assert answer["error"]["code"] == "resync_required"
            reasons.append(answer["error"]["reason"])
            request = store.begin_first_sync()
            continue
        page = await device.expect("sync_response")
        store.apply_page(page)
        read += 1
        if not page["has_more"]:
            complete = await device.expect("sync_complete")
            completion = store.complete(
                complete["version"], complete["epoch"], complete["checksum"]
            )
            assert not completion.gap
            assert completion.mismatch == {}
            return store, complete, reasons
        request = store.begin_sync()


async def set_back(sql: asyncpg.Connection, contact_ids: list[str], age: timedelta) -> None:
    """Makes contacts older than they are, behind the triggers' back."""
    async with sql.transaction():
        await sql.execute("SET LOCAL session_replication_role = replica")
        await sql.execute(
            "UPDATE contacts SET updated_at = updated_at - $2::interval WHERE id = ANY($1)",
            *(contact_ids, age),
        )


async def change_rows(device: Device, made: list[Payload]) -> None:
    """Deletes, changes and restores rows that were sent already, and ones that were not."""
    rows = [each["id"] for each in made]
    for row_id in (rows[1], rows[-2]):
        await device.call("contact_delete", {"id": row_id})
    for row_id in (rows[2], rows[-3]):
        await device.call("contact_update", {"id": row_id, "changes": {"notes": "changed"}})
    for row_id in (rows[3], rows[-4]):
        await device.call("contact_delete", {"id": row_id})
        await device.call("contact_restore", {"id": row_id})
    unborn = await device.create()
    await device.call("contact_delete", {"id": unborn["id"]})


@pytest.mark.parametrize("cut", range(1, MADE // LIMIT))
@pytest.mark.parametrize("of", ["before the sync", "of everything"])
async def test_a_first_sync_that_is_cut_off_at_any_page_ends_right_though_a_purge_ran_meanwhile(
    device: Device, second_device: Device, made: list[Payload], company: Company,
    sql: asyncpg.Connection, database: Database, cut: int, of: str,
) -> None:  # fmt: skip
    earlier = [each["id"] for each in made[4:6]]
    for contact_id in earlier:
        await second_device.call("contact_delete", {"id": contact_id})
    await set_back(sql, earlier, 2 * A_WHILE)

    async def meanwhile() -> None:
        await change_rows(second_device, made)
        older_than = NOW if of == "of everything" else A_WHILE
        purged = await purge_tombstones(database, company.tenant, older_than)
        assert purged.removed == {"contacts": 5 if of == "of everything" else 2}

    store, complete, reasons = await first_sync(device, cut, meanwhile)
    # What was purged had been deleted before it began: it goes on. Else it must begin again, for
    # deletions that it has to hear of are gone.
    assert reasons == (["expired"] if of == "of everything" else [])
    assert {row["id"]: row for row in store.rows("contacts")} == await stored(sql, company)
    assert store.cursor == complete["version"]


async def test_a_catch_up_between_whose_pages_a_purge_runs_is_expired(
    device: Device, made: list[Payload], company: Company, database: Database
) -> None:
    epoch = (await device.call("ping", {}))["epoch"]
    request = {"since": made[9]["version"], "epoch": epoch, "limit": LIMIT}
    await device.call("sync_request", request)
    page = await device.expect("sync_response")
    await device.call("contact_delete", {"id": made[0]["id"]})
    await purge_tombstones(database, company.tenant, NOW)
    answer = await device.call("sync_request", {**request, "resume": page["resume"]})
    assert answer["error"]["reason"] == "expired"


async def test_a_device_that_listens_is_told_to_sync_when_a_tombstone_went_before_it_was_sent(
    device: Device, made: list[Payload], company: Company, sql: asyncpg.Connection
) -> None:
    head = await device.call("ping", {})
    async with sql.transaction():
        await sql.execute("SELECT set_config('app.tenant', $1, true)", company.tenant)
        await sql.execute("DELETE FROM contacts WHERE id = $1", made[0]["id"])
        version = await sql.fetchval("SELECT version FROM contacts WHERE id = $1", made[0]["id"])
        moment = await sql.fetchval("SELECT clock_timestamp() + interval '1 hour'")
        await sql.execute(queries.sync.purge_tombstones, [version], moment, 1_000.0)
    told = await device.expect("sync_available")
    assert told["version"] == version
    request = {"since": head["version"], "epoch": head["epoch"]}
    answer = await device.call("sync_request", request)
    assert answer["error"]["reason"] == "expired"
    # And from there on, live events go on.
    new = await device.create()
    created = await device.expect("contact_created", lambda each: each["contact"] == new)
    assert created["since"] >= version


async def test_of_a_purged_contact_nothing_is_left_to_edit_and_its_id_may_be_used_anew(
    device: Device, made: list[Payload], company: Company, database: Database,
    make_device: MakeDevice,
) -> None:  # fmt: skip
    row_id = made[0]["id"]
    deletion = {"mutation_id": generate(), "id": row_id}
    deleted = await device.call("contact_delete", deletion)
    assert outcome(await device.call("contact_update", {"id": row_id, "changes": {}})) == "gone"
    await purge_tombstones(database, company.tenant, NOW)
    for event in ("contact_update", "contact_delete", "contact_restore"):
        payload = {"id": row_id, **({"changes": {"notes": "x"}} if "update" in event else {})}
        assert outcome(await device.call(event, payload)) == "not_found"
    # The ledger still knows what was done; there is no row to show.
    again = await device.call_for_all("contact_delete", deletion)
    assert again == [
        {"ok": True, "status": "duplicate", "version": deleted["version"], "conflicts": []}
    ]
    new = await device.create(id=row_id, company="Anew")
    assert new["version"] > deleted["version"]
    other = await make_device().connect()
    await other.sign_in()
    pages, complete = await other.sync(0)
    assert contacts_of(pages)[row_id]["company"] == "Anew"
    assert complete["checksum"]["contacts"]["count"] == MADE


async def test_a_mutation_sent_again_within_the_time_is_still_a_duplicate(
    device: Device, company: Company, sql: asyncpg.Connection, database: Database
) -> None:
    contact = await device.create()
    mutations = [update(contact["id"], notes=str(number)) for number in range(3)]
    await push(device, *mutations)
    await device.call("ping", {"queue": {"size": 0}})
    await sql.execute(
        "UPDATE mutations SET created_at = created_at - interval '89 days', "
        "stamp = stamp - 89 * 86400000000 WHERE tenant_id = $1",
        company.tenant,
    )
    await purge_ledger(database, asyncio.Event())
    results = await push(device, *mutations)
    assert [outcome(each) for each in results] == ["duplicate"] * 3


async def test_the_page_that_devices_read_names_the_floor_of_its_own_snapshot(
    device: Device, made: list[Payload], company: Company, database: Database
) -> None:
    await device.call("contact_delete", {"id": made[0]["id"]})
    pages = Pages(database)
    before = await pages.read(company.tenant, 0)
    await purge_tombstones(database, company.tenant, NOW)
    after = await pages.read(company.tenant, 0)
    assert (before.count, before.floor) == (MADE, 0)
    assert (after.count, after.floor) == (MADE - 1, after.head)
    assert before.checksum == after.checksum
