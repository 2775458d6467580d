"""In order and together: what a push and a group of writes promise."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from nanoid import generate

from server.services.judging import Judge, Verdict
from server.services.mutations import Mutation
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device
from tests.integration.support.servers import Company, Server
from tests.integration.support.writing import count, create, outcome, push, update

pytestmark = ON_THE_SERVERS_LOOP


async def test_what_is_emitted_without_waiting_is_applied_in_order(device: Device) -> None:
    contact = await device.create()
    tasks = []
    for number in range(60):
        if number % 3 == 2:
            work = push(device, update(contact["id"], company=str(number)))
        else:
            payload = {"id": contact["id"], "changes": {"company": str(number)}}
            work = device.call("contact_update", payload)
        tasks.append(asyncio.ensure_future(work))
        # Each is on its way before the next; none waits for an ack.
        await asyncio.sleep(0)
    answers = await asyncio.gather(*tasks)
    versions = [
        each[0]["version"] if isinstance(each, list) else each["version"] for each in answers
    ]
    assert versions == sorted(versions)
    assert len(set(versions)) == 60
    assert (await device.sync())[0][-1]["contacts"]["put"][0]["company"] == "59"


async def test_a_chain_of_edits_in_one_push_is_applied_in_order(
    device: Device, second_device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    made = create(company="0")
    contact = made["contact"]["id"]
    results = await push(
        device,
        made,
        update(contact, company="1"),
        update(contact, company="2", notes="n"),
        {"op": "contact_delete", "mutation_id": generate(), "id": contact},
        update(contact, company="3"),
        {"op": "contact_restore", "mutation_id": generate(), "id": contact},
        update(contact, notes=None),
    )
    assert [outcome(each) for each in results] == [
        *["applied"] * 4,
        "gone",
        *["applied"] * 2,
    ]
    versions = [each["version"] for each in results if each["ok"]]
    assert versions == sorted(versions)
    (changes,) = [await second_device.expect("changes")]
    (row,) = changes["contacts"]["put"]
    assert (row["company"], row["version"]) == ("3", versions[-1])
    ops = await sql.fetch(
        "SELECT op, outcome FROM audit_log WHERE entity_id = $1 ORDER BY id", contact
    )
    applied = [record["op"] for record in ops if record["outcome"] == "applied"]
    assert applied == ["create", "update", "update", "delete", "restore", "update"]


async def test_a_tag_is_used_by_the_contact_that_follows_it_in_a_push(device: Device) -> None:
    tag, doomed = generate(), generate()
    made = create(tag_ids=[tag])
    results = await push(
        device,
        {"op": "tag_create", "mutation_id": generate(), "tag": {"id": tag, "name": "VIP"}},
        {"op": "tag_create", "mutation_id": generate(), "tag": {"id": doomed, "name": "Old"}},
        made,
        {"op": "tag_delete", "mutation_id": generate(), "id": doomed},
        update(made["contact"]["id"], tag_ids={"add": [doomed]}),
    )
    assert [outcome(each) for each in results] == [*["applied"] * 4, "merged"]
    assert results[-1]["conflicts"][0]["field"] == f"tag_ids.{doomed}"


async def test_a_push_of_500_is_applied_and_reaches_the_others_as_one_change(
    device: Device, second_device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    results = await push(device, *(create(company=f"Company {number}") for number in range(500)))
    assert {outcome(each) for each in results} == {"applied"}
    versions = [each["version"] for each in results]
    assert versions == sorted(set(versions))
    sets = [await second_device.expect("changes")]
    while sets[-1]["until"] < versions[-1]:
        sets.append(await second_device.expect("changes"))
    assert sum(len(each["contacts"]["put"]) for each in sets) == 500
    again = await push(device, create())
    assert outcome(again[0]) == "applied"
    assert await count(sql, company) == 501


async def test_an_empty_push_is_answered(device: Device) -> None:
    assert await push(device) == []


async def test_one_bad_mutation_among_many_is_refused_alone(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    tag = {"op": "tag_create", "tag": {"name": "VIP"}}
    assert outcome((await push(device, {**tag, "mutation_id": "first"}))[0]) == "applied"
    good = [create() for _ in range(9)]
    bad: list[Any] = [
        # The database alone finds this one, after the whole group was written.
        {**tag, "mutation_id": "second"},
        {"op": "contact_create", "mutation_id": generate(), "contact": {"company": "x" * 501}},
        {"op": "contact_explode", "mutation_id": generate()},
        {"op": "contact_create", "contact": {"company": "no id"}},
        "no object",
        None,
        update(generate(), company="B"),
        {**create(), "mutation_id": "nul\x00"},
        {"op": "contact_create", "mutation_id": generate(), "contact": {"custom": {"a": [1]}}},
    ]
    mixed = [each for pair in zip(good, bad, strict=True) for each in pair]
    results = await push(device, *mixed)
    assert [outcome(each) for each in results[::2]] == ["applied"] * 9
    assert [outcome(each) for each in results[1::2]] == [
        *("conflict", "invalid", "invalid", "invalid", "invalid", "invalid"),
        *("not_found", "invalid", "invalid"),
    ]
    assert results[1]["error"]["fields"] == {"name": ["This is taken already; choose another."]}
    assert "mutation_id" in results[7]["error"]["fields"]
    assert await count(sql, company) == 9


async def test_a_write_that_the_database_refuses_does_not_harm_those_beside_it(
    make_device: MakeDevice, company: Company, sql: asyncpg.Connection
) -> None:
    """Many devices at once, so that their writes share transactions with the refused ones."""
    devices = [await make_device("manager").connect() for _ in range(8)]
    for each in devices:
        assert (await each.sign_in())["ok"]
    assert (await devices[0].call("tag_create", {"tag": {"name": "VIP"}}))["ok"]
    answers = await asyncio.gather(
        *(
            each.call("tag_create", {"tag": {"name": "vip"}})
            if number % 4 == 0
            else each.call("contact_create", {"contact": {"company": "A"}})
            for number in range(12)
            for each in devices
        )
    )
    outcomes = [outcome(each) for each in answers]
    assert outcomes.count("conflict") == 3 * 8
    assert outcomes.count("applied") == await count(sql, company) == 9 * 8


async def test_a_write_that_we_stumble_over_does_not_harm_those_beside_it(
    device: Device, company: Company, sql: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge.judge

    def stumble(self: Judge, mutation: Mutation, *more: Any) -> Verdict:
        assert mutation.changes["company"] != "poison"
        return judge(self, mutation, *more)

    monkeypatch.setattr(Judge, "judge", stumble)
    companies = ["A"] * 20 + ["poison"] + ["B"] * 20 + ["poison"]
    results = await push(device, *(create(company=each) for each in companies))
    assert [outcome(each) for each in results] == [
        "internal" if each == "poison" else "applied" for each in companies
    ]
    versions = [each["version"] for each in results if each["ok"]]
    assert versions == sorted(versions)
    assert await count(sql, company) == 40


async def test_a_revoked_device_s_push_is_refused(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    await sql.execute("ALTER TABLE devices DISABLE TRIGGER notify_device_access")
    try:
        await sql.execute("UPDATE devices SET revoked_at = now() WHERE id = $1", device.id)
        assert [outcome(each) for each in await push(device, create(), create())] == [
            "forbidden",
            "forbidden",
        ]
        assert await count(sql, company) == 0
    finally:
        await sql.execute("ALTER TABLE devices ENABLE TRIGGER notify_device_access")


async def test_fifty_devices_that_write_at_once_on_two_servers_all_get_their_acks(
    make_device: MakeDevice,
    server: Server,
    second_server: Server,
    company: Company,
    sql: asyncpg.Connection,
) -> None:
    places = (server, second_server)
    devices = [make_device("manager", on=places[number % 2]) for number in range(50)]
    await asyncio.gather(*(each.connect(each.credentials()) for each in devices))
    await asyncio.gather(*(each.expect("authenticated") for each in devices))
    answers = await asyncio.gather(
        *(
            each.call("contact_create", {"contact": {"company": str(number)}})
            for number in range(3)
            for each in devices
        )
    )
    assert {outcome(each) for each in answers} == {"applied"}
    versions = {each["version"] for each in answers}
    assert len(versions) == await count(sql, company) == 150
