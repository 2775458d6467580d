"""What was committed reaches every device once, in order, whoever wrote it and wherever."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import asyncpg
import orjson
import pytest
from nanoid import generate

from server.settings import Settings
from tests.conftest import Psql
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device, Payload
from tests.integration.support.replicas import PLURAL, Replica
from tests.integration.support.servers import Company, Server, running_server
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP


def push_item(op: str, **payload: Any) -> Payload:
    return {"op": op, "mutation_id": generate(), **payload}


async def push(device: Device, *mutations: Payload) -> list[Payload]:
    answer = await device.call("sync_push", {"mutations": list(mutations)})
    assert all(each["ok"] for each in answer["results"]), answer
    results: list[Payload] = answer["results"]
    return results


async def test_single_events_are_chained_and_say_who_wrote_what(
    device: Device, second_device: Device, company: Company
) -> None:
    contact, other = generate(), generate()
    mutations = [
        push_item("contact_create", contact={"id": contact, "company": "A"}),
        push_item("contact_create", contact={"id": other, "company": "B"}),
    ]
    await push(second_device, *mutations)
    first = await device.expect("contact_created")
    second = await device.expect("contact_created")
    assert (first["contact"]["id"], second["contact"]["id"]) == (contact, other)
    assert (first["since"], first["until"]) == (0, first["version"])
    assert (second["since"], second["until"]) == (first["until"], second["version"])
    assert first["mutation_id"] == mutations[0]["mutation_id"]
    assert first["actor"] == {"agent": company.agents["manager"], "device": second_device.id}

    changes = {"changes": {"company": "C"}}
    answer = await second_device.call("contact_update", {"id": contact, **changes})
    updated = await device.expect("contact_updated")
    assert updated["contact"] == answer["contact"]
    assert updated["since"] == second["until"]
    answer = await second_device.call("contact_delete", {"id": contact})
    deleted = await device.expect("contact_deleted")
    assert {key: deleted[key] for key in ("id", "version", "deleted_at")} == answer["contact"]
    assert "contact" not in deleted
    # A restore makes it live again, and so does an edit in the same breath.
    await push(
        second_device,
        push_item("contact_restore", id=contact),
        push_item("contact_update", id=contact, **changes),
    )
    restored = await device.expect("contact_created")
    assert restored["since"] == deleted["until"]
    assert device.events == []


async def test_a_batch_device_gets_one_set_of_what_was_committed_together(
    device: Device, second_device: Device
) -> None:
    contact, gone = generate(), generate()
    results = await push(
        device,
        push_item("tag_create", tag={"name": "VIP"}),
        push_item("contact_create", contact={"id": contact, "company": "A"}),
        push_item("contact_create", contact={"id": gone, "company": "B"}),
        push_item("contact_update", id=contact, changes={"company": "C"}),
        push_item("contact_delete", id=gone),
    )
    changes = await second_device.expect("changes")
    assert (changes["since"], changes["until"]) == (0, results[-1]["version"])
    assert [row["name"] for row in changes["tags"]["put"]] == ["VIP"]
    assert [row["company"] for row in changes["contacts"]["put"]] == ["C"]
    assert [row["id"] for row in changes["contacts"]["del"]] == [gone]
    # What the author gets is the same, one by one; each row once.
    await device.flush()
    names = [name for name, _ in device.events]
    assert sorted(names) == ["contact_created", "contact_deleted", "tag_created"]
    assert second_device.events == []


@pytest.mark.parametrize("entity", ["tag", "group", "type"])
async def test_every_entity_has_its_events(device: Device, entity: str) -> None:
    row = (await device.call(f"{entity}_create", {entity: {"name": "A"}}))[entity]
    assert (await device.expect(f"{entity}_created"))[entity] == row
    await device.call(f"{entity}_update", {"id": row["id"], "changes": {"name": "B"}})
    assert (await device.expect(f"{entity}_updated"))[entity]["name"] == "B"
    await device.call(f"{entity}_delete", {"id": row["id"]})
    assert (await device.expect(f"{entity}_deleted"))["id"] == row["id"]
    await device.call(f"{entity}_restore", {"id": row["id"]})
    assert (await device.expect(f"{entity}_created"))[entity]["name"] == "B"


async def test_nothing_reaches_another_company_nor_who_is_not_signed_in(
    make_device: MakeDevice, device: Device, other_company: Company
) -> None:
    stranger = await make_device("admin", of=other_company).connect()
    await stranger.sign_in(batch=True)
    nobody = await make_device().connect()
    await device.create()
    await device.expect("contact_created")
    await stranger.flush()
    assert (await nobody.call("ping", {}))["error"]["code"] == "unauthenticated"
    assert stranger.events == nobody.events == []
    pages, complete = await stranger.sync()
    assert complete["version"] == 0
    assert "contacts" not in pages[0]


async def test_a_ping_never_tells_a_version_before_its_change(
    make_device: MakeDevice, second_server: Server, device: Device, second_device: Device
) -> None:
    far = await make_device(on=second_server).connect()
    await far.sign_in(batch=True)
    for _ in range(15):
        await device.create()
        for other in (second_device, far):
            version = (await other.call("ping", {}))["version"]
            assert max(each["until"] for each in other.take("changes")) == version


async def check_replica(sql: asyncpg.Connection, company: Company, replica: Replica) -> None:
    """The replica holds what the database has."""
    for plural, rows in replica.rows.items():
        records = await sql.fetch(
            f"SELECT id, wire FROM {plural} WHERE tenant_id = $1 AND deleted_at IS NULL",
            company.tenant,
        )
        assert rows == {record["id"]: orjson.loads(record["wire"]) for record in records}


async def test_a_snapshot_and_the_events_after_it_equal_a_fresh_snapshot(
    make_device: MakeDevice, second_server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    """Writers on two servers and in psql; readers of both kinds on both servers."""
    readers = [
        make_device(),
        make_device(),
        make_device(on=second_server),
        make_device(on=second_server),
    ]
    for number, reader in enumerate(readers):
        await reader.connect(reader.credentials(batch=number % 2 == 0))
        await reader.expect("authenticated")
    writers = [make_device("manager"), make_device("manager", on=second_server)]
    for writer in writers:
        await writer.connect(writer.credentials())
    chance = random.Random(7)
    made: list[str] = []

    async def write(writer: Device) -> None:
        for _ in range(40):
            kind = chance.choice(["create", "create", "update", "delete", "restore", "tag", "push"])
            if kind == "create" or not made:
                made.append((await writer.create(company=generate()))["id"])
            elif kind == "tag":
                await writer.call("tag_create", {"tag": {"name": generate()}})
            elif kind == "push":
                several = chance.sample(made, min(5, len(made)))
                payload = {
                    "mutations": [
                        push_item("contact_update", id=each, changes={"notes": generate()})
                        for each in several
                    ]
                }
                await writer.call("sync_push", payload)
            else:
                changes = {"changes": {"notes": generate()}} if kind == "update" else {}
                await writer.call(f"contact_{kind}", {"id": chance.choice(made), **changes})

    async def type_sql() -> None:
        await until(lambda: bool(made))
        for number in range(15):
            await sql.execute(
                "UPDATE contacts SET department = $2 WHERE tenant_id = $1 AND id = ANY ($3)",
                *(company.tenant, str(number), chance.sample(made, min(3, len(made)))),
            )
            if number % 5 == 4:
                await sql.execute("DELETE FROM contacts WHERE id = $1", chance.choice(made))
            await asyncio.sleep(0.01)

    await asyncio.gather(*(write(writer) for writer in writers), type_sql())
    for reader in readers:
        await reader.flush()
        replica = Replica()
        for event, payload in reader.events:
            replica.take_live(event, payload)
        assert replica.cursor == (await reader.call("ping", {}))["version"]
        await check_replica(sql, company, replica)
        fresh = Replica()
        fresh.take_pages((await reader.sync())[0])
        assert (fresh.rows, fresh.cursor) == (replica.rows, replica.cursor)


async def test_nothing_falls_between_signing_in_and_the_first_sync(
    make_device: MakeDevice, second_server: Server, second_device: Device
) -> None:
    done = asyncio.Event()

    async def write() -> int:
        version = 0
        while not done.is_set():
            version = (await second_device.create(company=generate()))["version"]
        return version

    writing = asyncio.create_task(write())
    readers = []
    for number in range(8):
        reader = make_device(on=second_server) if number % 2 else make_device()
        await reader.connect(reader.credentials(batch=True))
        readers.append((reader, (await reader.sync(limit=20))[1]["version"]))
    done.set()
    head = await writing
    for reader, covered in readers:
        await reader.flush()
        for changes in reader.take("changes"):
            assert changes["since"] <= covered
            covered = max(covered, changes["until"])
        assert covered == head


async def test_an_update_and_a_delete_typed_into_psql_reach_a_device(
    device: Device, second_device: Device, company: Company, psql: Psql, module_database_url: str,
    sql: asyncpg.Connection,
) -> None:  # fmt: skip
    contact = await device.create(company="A", custom={"size": 1})
    await device.expect("contact_created")
    await second_device.expect("changes")
    update = f"""UPDATE contacts SET company = 'Typed', custom = '{{"size": 2}}'
                 WHERE id = '{contact["id"]}'"""
    await asyncio.to_thread(psql, module_database_url, update)
    updated = await device.expect("contact_updated")
    assert (updated["contact"]["company"], updated["contact"]["custom"]) == ("Typed", {"size": 2})
    assert updated["actor"] == {}
    assert "mutation_id" not in updated
    assert "updated_by" not in updated["contact"]
    changes = await second_device.expect("changes")
    assert changes["contacts"]["put"] == [updated["contact"]]

    delete = f"DELETE FROM contacts WHERE id = '{contact['id']}'"
    await asyncio.to_thread(psql, module_database_url, delete)
    assert (await device.expect("contact_deleted"))["id"] == contact["id"]
    assert (await second_device.expect("changes"))["contacts"]["del"][0]["id"] == contact["id"]

    insert = f"""INSERT INTO contacts (tenant_id, id, first_name)
                 VALUES ('{company.tenant}', 'typed-in', 'Bob')"""
    await asyncio.to_thread(psql, module_database_url, insert)
    created = await device.expect("contact_created")
    assert created["contact"]["display_name"] == "Bob"
    history = await sql.fetch(
        "SELECT op, origin, agent_id FROM audit_log WHERE tenant_id = $1 AND origin = 'sql' "
        "ORDER BY id",
        company.tenant,
    )
    assert [tuple(record) for record in history] == [
        ("update", "sql", None),
        ("delete", "sql", None),
        ("create", "sql", None),
    ]
    # An edit from before the psql session loses against what was typed.
    await asyncio.to_thread(psql, module_database_url, update.replace("Typed", "Again"))
    restored = await device.call("contact_restore", {"id": contact["id"]})
    assert restored["contact"]["company"] == "Again"
    late = {"id": contact["id"], "edited_at": "2020-01-01T00:00:00Z"}
    answer = await second_device.call("contact_update", {**late, "changes": {"company": "B"}})
    assert answer["status"] == "superseded"


async def test_more_than_is_worth_pushing_is_announced_and_live_events_go_on_from_there(
    device: Device, second_device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    for _ in range(2):
        creates = (push_item("contact_create", contact={"company": "A"}) for _ in range(300))
        await push(device, *creates)
    await device.flush()
    await second_device.flush()
    device.events.clear()
    second_device.events.clear()
    statement = "UPDATE contacts SET notes = $2 WHERE tenant_id = $1"
    announced = []
    began = time.monotonic()
    for number in range(3):
        await sql.execute(statement, company.tenant, str(number))
        available = await second_device.expect("sync_available")
        announced.append((available["version"], time.monotonic()))
        assert await device.expect("sync_available") == available
    # At most one a second, also when more comes.
    assert announced[1][1] - began > 0.95
    assert announced[2][1] - began > 1.9
    contact = await device.create()
    changes = await second_device.expect("changes")
    assert changes["since"] == announced[-1][0]
    assert changes["contacts"]["put"] == [contact]
    assert (await device.expect("contact_created"))["since"] == announced[-1][0]
    assert second_device.events == []


async def test_a_change_is_found_when_nobody_told_of_it(
    device: Device, sql: asyncpg.Connection, company: Company
) -> None:
    """A listening connection that was cut hears nothing; heads are compared each second."""
    contact = await device.create()
    await device.expect("contact_created")
    await sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'fieldbook feed' AND datname = current_database()"
    )
    await sql.execute("UPDATE contacts SET company = 'B' WHERE id = $1", contact["id"])
    assert (await device.expect("contact_updated"))["contact"]["company"] == "B"
    # And it listens again, for what comes next and for who is shut out.

    async def hears_at_once() -> bool:
        began = time.monotonic()
        for name in "CDE":
            await sql.execute("UPDATE contacts SET company = $2 WHERE id = $1", contact["id"], name)
            await device.expect("contact_updated")
        # By comparing heads alone it would be two seconds.
        return time.monotonic() - began < 0.9

    await until(hears_at_once)


async def test_the_feed_goes_on_after_a_check_that_failed_for_whatever_reason(
    device: Device, sql: asyncpg.Connection, company: Company
) -> None:
    contact = await device.create()
    await device.expect("contact_created")
    await sql.execute("ALTER FUNCTION list_heads RENAME TO list_no_heads")
    await asyncio.sleep(1.1)
    await sql.execute("ALTER FUNCTION list_no_heads RENAME TO list_heads")
    await sql.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE application_name = 'fieldbook feed' AND datname = current_database()"
    )
    await sql.execute("UPDATE contacts SET company = 'B' WHERE id = $1", contact["id"])
    assert (await device.expect("contact_updated"))["contact"]["company"] == "B"


async def test_a_new_epoch_is_announced(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    contact = await device.create()
    await device.expect("contact_created")
    await sql.execute(
        "UPDATE global_version SET epoch = 'next' WHERE tenant_id = $1", company.tenant
    )
    assert (await device.expect("sync_available"))["version"] == contact["version"]
    assert (await device.call("ping", {}))["epoch"] == "next"
    await asyncio.sleep(1)
    await device.create()
    created = await device.expect("contact_created")
    assert created["since"] == contact["version"]


async def test_two_servers_without_redis_tell_each_other_by_the_database(
    make_device: MakeDevice, server_settings: Settings
) -> None:
    async with running_server(server_settings) as first, running_server(server_settings) as second:
        writer, reader = make_device(on=first), make_device(on=second)
        for each in (writer, reader):
            await each.connect(each.credentials(batch=True))
            await each.expect("authenticated")
        versions = [(await writer.create())["version"] for _ in range(5)]
        replica = Replica()
        while replica.cursor < versions[-1]:
            replica.take_set(await reader.expect("changes"))
        await writer.close()
        await reader.close()


async def test_the_replica_of_these_tests_refuses_a_gap() -> None:
    replica = Replica(cursor=5)
    with pytest.raises(AssertionError):
        replica.take_set({"since": 6, "until": 7})
    assert set(PLURAL) == {"contact", "tag", "group", "type"}
