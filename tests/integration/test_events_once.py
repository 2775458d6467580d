"""A mutation is applied once, however often and wherever it is sent."""

from __future__ import annotations

import asyncio

import asyncpg
from nanoid import generate

from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device, Payload
from tests.integration.support.servers import Company, Server, change_settings
from tests.integration.support.writing import count, create, outcome, push, update

pytestmark = ON_THE_SERVERS_LOOP


async def test_a_mutation_that_comes_twice_at_once_is_applied_once(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    payload = {"mutation_id": "once", "contact": {"company": "A"}}
    answers = await asyncio.gather(*(device.call("contact_create", payload) for _ in range(5)))
    assert sorted(map(outcome, answers)) == ["applied", *["duplicate"] * 4]
    assert len({answer["version"] for answer in answers}) == 1
    assert len({answer["contact"]["id"] for answer in answers}) == 1
    assert await count(sql, company) == await count(sql, company, "mutations") == 1


async def test_a_mutation_that_comes_to_two_servers_at_once_is_applied_once(
    make_device: MakeDevice, second_server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    first = await make_device().connect()
    second = await make_device(on=second_server).connect()
    await first.sign_in()
    await second.sign_in(device_id=first.id)
    for number in range(10):
        payload = {"mutation_id": f"once-{number}", "contact": {"company": "A"}}
        answers = await asyncio.gather(
            first.call("contact_create", payload), second.call("contact_create", payload)
        )
        assert sorted(map(outcome, answers)) == ["applied", "duplicate"]
        assert answers[0]["contact"] == answers[1]["contact"]
    assert await count(sql, company) == 10


async def test_what_was_applied_answers_duplicate_after_a_reconnect_and_in_a_push(
    make_device: MakeDevice, second_device: Device
) -> None:
    device = await make_device().connect()
    await device.sign_in()
    contact = await device.create(company="A", notes="old")
    await second_device.call("contact_update", {"id": contact["id"], "changes": {"company": "B"}})
    late = {
        "mutation_id": "late",
        "id": contact["id"],
        "base_version": contact["version"],
        "changes": {"company": "C"},
    }
    first = await device.call("contact_update", late)
    assert (first["status"], len(first["conflicts"])) == ("merged", 1)
    await second_device.call("contact_update", {"id": contact["id"], "changes": {"notes": "new"}})
    device.pull_the_plug()
    await device.disconnected.wait()

    await device.connect(device.credentials())
    again = await device.call("contact_update", late)
    # The first version and conflicts, and the contact as it is now.
    assert again["status"] == "duplicate"
    assert (again["version"], again["conflicts"]) == (first["version"], first["conflicts"])
    assert (again["contact"]["company"], again["contact"]["notes"]) == ("C", "new")
    assert again["contact"]["version"] > first["version"]
    (pushed,) = await push(device, {"op": "contact_update", **late})
    del again["contact"]
    assert pushed == again


async def test_one_push_may_hold_a_mutation_twice(device: Device) -> None:
    mutation = create()
    first, second = await push(device, mutation, mutation)
    assert (outcome(first), outcome(second)) == ("applied", "duplicate")
    assert first["version"] == second["version"]


async def test_the_same_id_with_another_body_is_a_conflict(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    contact = await device.create()
    payload = {"mutation_id": "mine", "id": contact["id"], "changes": {"company": "B"}}
    assert (await device.call("contact_update", payload))["ok"]
    others: list[tuple[str, Payload]] = [
        ("contact_update", {**payload, "changes": {"company": "C"}}),
        ("contact_update", {**payload, "base_version": contact["version"]}),
        ("contact_delete", {"mutation_id": "mine", "id": contact["id"]}),
        ("contact_create", {"mutation_id": "mine", "contact": {"company": "B"}}),
        ("tag_create", {"mutation_id": "mine", "tag": {"name": "B"}}),
    ]
    for event, other in others:
        answer = await device.call(event, other)
        assert (answer["error"]["code"], list(answer["error"]["fields"])) == (
            "conflict",
            ["mutation_id"],
        )
        (answer,) = await push(device, {"op": event, **other})
        assert outcome(answer) == "conflict"
    # The order of a body's keys says nothing.
    reordered = dict(reversed(payload.items()))
    assert outcome(await device.call("contact_update", reordered)) == "duplicate"
    assert await count(sql, company) == 1


async def test_the_same_id_of_another_device_is_another_mutation(
    device: Device, second_device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    payload = {"mutation_id": "mine", "contact": {"company": "A"}}
    for each in (device, second_device):
        assert outcome(await each.call("contact_create", payload)) == "applied"
    assert await count(sql, company) == 2


async def test_without_a_device_the_agent_stands_for_it(
    make_device: MakeDevice, company: Company
) -> None:
    payload = {"mutation_id": "mine", "contact": {"company": "A"}}
    outcomes = []
    for _ in range(2):
        device = await make_device().connect({"api_key": company.keys["api"]})
        assert (await device.expect("authenticated"))["device_id"] is None
        outcomes.append(outcome(await device.call("contact_create", payload)))
    assert outcomes == ["applied", "duplicate"]


async def test_gone_is_remembered_and_other_refusals_are_judged_anew(
    device: Device, second_device: Device
) -> None:
    contact, missing = await device.create(), generate()
    await second_device.call("contact_delete", {"id": contact["id"]})
    gone = update(contact["id"], company="B")
    invalid = update(contact["id"], birthday="1990-13-01")
    not_found = update(missing, company="B")
    taken = create(id=contact["id"])
    mutations = (gone, invalid, not_found, taken)
    codes = ["gone", "invalid", "not_found", "conflict"]
    for _ in range(2):
        assert [outcome(each) for each in await push(device, *mutations)] == codes
    await second_device.call("contact_restore", {"id": contact["id"]})
    await second_device.create(id=missing)
    corrected = {**invalid, "changes": {"birthday": "1990-12-01"}}
    results = await push(device, gone, corrected, not_found, taken)
    assert [outcome(each) for each in results] == ["gone", "applied", "applied", "conflict"]


async def test_a_forbidden_mutation_twice_in_one_push_is_refused_twice(
    device: Device, second_device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    contact = await second_device.create()
    await change_settings(sql, device.server, company, agents_edit="own")
    tried = update(contact["id"], company="B")
    results = await push(device, tried, create(), tried)
    assert [outcome(each) for each in results] == ["forbidden", "applied", "forbidden"]


async def test_a_retried_mutation_s_old_stamp_does_not_set_its_device_back(
    device: Device, second_device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    theirs, mine = await second_device.create(), await device.create()
    await change_settings(sql, device.server, company, agents_edit="own")
    tried = update(theirs["id"], company="B")
    assert outcome((await push(device, tried))[0]) == "forbidden"
    assert outcome((await push(device, update(mine["id"], company="1")))[0]) == "applied"
    await change_settings(sql, device.server, company, agents_edit="all")
    later = {**update(mine["id"], company="2"), "edited_at": "2020-01-01T00:00:00Z"}
    assert [outcome(each) for each in await push(device, tried, later)] == ["applied", "applied"]
