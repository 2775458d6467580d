"""One mutation, one effect: by whichever way it comes again, and wherever."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest
import pytest_asyncio
from nanoid import generate

from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device, Payload
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server, change_settings
from tests.integration.support.writing import count, history_of, outcome, push, update

pytestmark = ON_THE_SERVERS_LOOP

WAYS = ("event", "push", "rest")
OPERATIONS = ("create", "update", "delete", "restore")
PAIRS = list(itertools.product(WAYS, WAYS))


class Ways:
    """One device's ways to send a mutation, on two servers."""

    def __init__(self, sockets: list[Device], apis: list[Api]) -> None:
        self.sockets = sockets
        self.apis = apis

    async def send(
        self, way: str, operation: str, contact: str, fields: Payload, *, name: str, server: int = 0
    ) -> Payload:
        """A write as its ack or REST's answer tells it: with `ok`, and without the contact."""
        payload: Payload = {"mutation_id": name, "id": contact}
        if operation == "create":
            payload = {"mutation_id": name, "contact": fields}
        elif operation == "update":
            payload["changes"] = fields
        if way == "push":
            (answer,) = await push(self.sockets[server], {"op": f"contact_{operation}", **payload})
        elif way == "event":
            answer = await self.sockets[server].call(f"contact_{operation}", payload)
        else:
            answer = await self._call(self.apis[server], operation, contact, fields, name)
        answer.pop("contact", None)
        return answer

    async def _call(
        self, api: Api, operation: str, contact: str, fields: Payload, name: str
    ) -> Payload:
        path = f"/api/contacts/{contact}"
        method, place, body = {
            "create": ("POST", "/api/contacts", fields),
            "update": ("PATCH", path, fields),
            "delete": ("DELETE", path, None),
            "restore": ("POST", f"{path}/restore", None),
        }[operation]
        answer = await api.call(method, place, body, Idempotency_Key=name)
        told: Payload = answer.json
        if "code" in told:
            error = {key: told[key] for key in ("code", "fields", "version") if key in told}
            return {"ok": False, "error": error}
        return told


@pytest_asyncio.fixture(loop_scope="module")
async def ways(
    make_device: MakeDevice, server: Server, second_server: Server, company: Company
) -> AsyncIterator[Ways]:
    first = await make_device().connect()
    second = await make_device(on=second_server).connect()
    await first.sign_in()
    await second.sign_in(device_id=first.id)
    async with aiohttp.ClientSession() as session:
        yield Ways(
            [first, second],
            [
                Api(session, each.url).signed_in(company.keys["agent"], X_Device_Id=first.id)
                for each in (server, second_server)
            ],
        )


async def prepared(ways: Ways, other: Device, operation: str) -> str:
    """A contact that the operation changes; another device has edited it meanwhile."""
    contact = generate()
    if operation != "create":
        await ways.send(
            "event", "create", contact, {"id": contact, "company": "A"}, name=generate()
        )
        edit = {"id": contact, "edited_at": "2999-01-01T00:00:00Z", "changes": {"notes": "theirs"}}
        await other.call("contact_update", edit)
    if operation == "restore":
        await other.call("contact_delete", {"id": contact})
    return contact


def fields_for(operation: str) -> Payload:
    # A create without an id: whoever sends it again makes none.
    return {"company": "B", "custom": {"size": 1.5}} if operation in ("create", "update") else {}


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_by_two_ways_at_once_on_two_servers_a_mutation_has_one_effect_and_one_answer(
    ways: Ways,
    second_device: Device,
    sql: asyncpg.Connection,
    company: Company,
    first: str,
    second: str,
) -> None:
    for made, operation in enumerate(OPERATIONS, start=1):
        contact = await prepared(ways, second_device, operation)
        fields, name = fields_for(operation), generate()
        entries = len(await history_of(sql, {"id": contact}))
        answers = await asyncio.gather(
            ways.send(first, operation, contact, fields, name=name),
            ways.send(second, operation, contact, fields, name=name, server=1),
        )
        assert sorted(map(outcome, answers)) == ["applied", "duplicate"]
        # And later, by another way, on the other server.
        third = next(way for way in WAYS if way != second)
        answers.append(await ways.send(third, operation, contact, fields, name=name, server=1))
        assert outcome(answers[-1]) == "duplicate"
        assert len({(each["version"], str(each["conflicts"])) for each in answers}) == 1
        assert await count(sql, company) == made
        if operation != "create":
            assert len(await history_of(sql, {"id": contact})) == entries + 1


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_by_two_ways_another_body_is_a_conflict(
    ways: Ways, second_device: Device, first: str, second: str
) -> None:
    contact = await prepared(ways, second_device, "update")
    name = generate()
    assert outcome(await ways.send(first, "update", contact, {"company": "B"}, name=name)) == (
        "applied"
    )
    others: list[tuple[str, Payload]] = [
        ("update", {"company": "C"}),
        ("update", {"company": "B", "notes": None}),
        ("delete", {}),
        ("create", {"company": "B"}),
    ]
    for server, (operation, fields) in enumerate(others):
        answer = await ways.send(second, operation, contact, fields, name=name, server=server % 2)
        assert outcome(answer) == "conflict"
        assert list(answer["error"]["fields"]) == ["mutation_id"]


@pytest.mark.parametrize(("first", "second"), PAIRS)
async def test_by_two_ways_gone_is_the_same_answer_and_the_edit_is_kept_once(
    ways: Ways, second_device: Device, sql: asyncpg.Connection, first: str, second: str
) -> None:
    contact = await prepared(ways, second_device, "restore")
    name = generate()
    answers = [
        await ways.send(way, "update", contact, {"company": "B"}, name=name, server=server)
        for server, way in enumerate((first, second))
    ]
    await second_device.call("contact_restore", {"id": contact})
    answers.append(await ways.send(second, "update", contact, {"company": "B"}, name=name))
    assert [outcome(each) for each in answers] == ["gone"] * 3
    assert len({each["error"]["version"] for each in answers}) == 1
    refused = [
        each for each in await history_of(sql, {"id": contact}) if each["outcome"] == "refused"
    ]
    assert [each["after"] for each in refused] == [{"company": "B"}]


async def test_what_is_forbidden_is_judged_anew_and_its_values_are_kept_once(
    device: Device, second_device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    contact = await second_device.create(company="A")
    await change_settings(sql, device.server, company, agents_edit="own")
    tried = update(contact["id"], company="B")
    for _ in range(3):
        results = await push(device, tried, update(contact["id"], company="C"), tried)
        assert [outcome(each) for each in results] == ["forbidden"] * 3
    refused = [
        each["after"] for each in await history_of(sql, contact) if each["outcome"] == "refused"
    ]
    assert refused.count({"company": "B"}) == 1
    assert refused.count({"company": "C"}) == 3
    await change_settings(sql, device.server, company, agents_edit="all")
    assert [outcome(each) for each in await push(device, tried, tried)] == ["applied", "duplicate"]
    assert (await history_of(sql, contact))[-1]["after"] == {"company": "B"}


async def test_whoever_confirms_a_value_is_not_the_author_of_its_version(
    device: Device, second_device: Device, sql: asyncpg.Connection
) -> None:
    """A live event that is read from the table names who made the change, also a moment later."""
    query = "SELECT wire_author FROM contacts WHERE id = $1"
    contact = await device.create(company="A")
    await device.call(
        "contact_update", {"mutation_id": "mine", "id": contact["id"], "changes": {"company": "B"}}
    )
    await second_device.call("contact_update", {"id": contact["id"], "changes": {"company": "B"}})
    author = orjson.loads(await sql.fetchval(query, contact["id"]))
    assert (author["mutation_id"], author["actor"]["device"]) == ("mine", device.id)
    await device.call("contact_delete", {"mutation_id": "gone", "id": contact["id"]})
    await second_device.call("contact_update", {"id": contact["id"], "changes": {"company": "C"}})
    author = orjson.loads(await sql.fetchval(query, contact["id"]))
    assert (author["mutation_id"], author["actor"]["device"]) == ("gone", device.id)


async def test_what_is_put_back_reaches_every_device_as_any_write_does(
    ways: Ways, device: Device, second_device: Device, sql: asyncpg.Connection
) -> None:
    contact = await prepared(ways, second_device, "update")
    lost = {"id": contact, "edited_at": "2001-01-01T00:00:00Z", "changes": {"notes": "mine"}}
    assert outcome(await device.call("contact_update", lost)) == "superseded"
    api = ways.apis[1]
    entries = (await api.get(f"/api/contacts/{contact}/history")).json["items"]
    (entry,) = [each for each in entries if each["outcome"] == "lost"]
    assert (entry["device"], entry["changes"]) == (
        device.id,
        {"notes": {"from": "theirs", "to": "mine"}},
    )
    restored = await api.post(f"/api/contacts/{contact}/history/{entry['id']}/restore")
    version = restored.json["version"]

    def has_it(changes: Payload) -> bool:
        return bool(changes["until"] >= version)

    changes = await second_device.expect("changes", has_it)
    (row,) = [each for each in changes["contacts"]["put"] if each["id"] == contact]
    assert (row["version"], row["notes"]) == (version, "mine")


SAME: list[tuple[Any, Any]] = [
    ({"company": "B", "notes": "n"}, {"notes": "n", "company": "B"}),
    ({"custom": {"a": 1, "b": 2}}, {"custom": {"b": 2.0, "a": 1.0}}),
    ({"custom": {"a": -0.0}}, {"custom": {"a": 0}}),
    ({"company": "\u00e9"}, orjson.loads(rb'{"company": "\u00e9"}')),
]
OTHER: list[tuple[Any, Any]] = [
    ({"custom": {"a": 1}}, {"custom": {"a": True}}),
    ({"custom": {"a": 1}}, {"custom": {"a": "1"}}),
    ({"custom": {"a": 1}}, {"custom": {"a": 1.5}}),
    # One text to the reader, and stored as one; but no client rewrites what it sends again.
    ({"company": "\u00e9"}, {"company": "e\u0301"}),
    ({"company": "B"}, {"company": "B "}),
    ({"company": "B"}, {"company": "B", "active": True}),
    ({"company": "B"}, {"company": "B", "notes": None}),
    ({"tag_ids": {"add": []}}, {"tag_ids": {"add": [], "remove": []}}),
    ({"websites": ["a", "b"]}, {"websites": ["b", "a"]}),
]


async def test_a_body_is_what_its_json_means(device: Device) -> None:
    contact = await device.create()
    mutations = []
    for number, (first, second) in enumerate(SAME + OTHER):
        for fields in (first, second):
            mutation = update(contact["id"], **fields)
            mutations.append({**mutation, "mutation_id": f"m{number}"})
    results = [outcome(each) for each in await push(device, *mutations)]
    assert results[1::2] == ["duplicate"] * len(SAME) + ["conflict"] * len(OTHER)
    # Of the envelope: null is left out, a number may be written as a fraction.
    payload = {"mutation_id": "e", "id": contact["id"], "base_version": 3, "changes": {}}
    for more, expected in (
        ({}, "applied"),
        ({"edited_at": None}, "duplicate"),
        ({"edited_at": 1_767_225_600_000}, "conflict"),
        ({"base_version": 4}, "conflict"),
        ({"base_version": None}, "conflict"),
    ):
        assert outcome(await device.call("contact_update", {**payload, **more})) == expected
    payload = {"mutation_id": "f", "id": contact["id"], "edited_at": 1_767_225_600_000}
    assert (await device.call("contact_delete", payload))["ok"]
    for edited_at, expected in (
        (1_767_225_600_000.0, "duplicate"),
        ("2026-01-01T00:00:00Z", "conflict"),
    ):
        again = {**payload, "edited_at": edited_at}
        assert outcome(await device.call("contact_delete", again)) == expected


async def test_a_server_s_field_that_is_no_number_to_anybody_is_refused_by_name(
    device: Device,
) -> None:
    contact = await device.create()
    changes = {"company": "B", "version": 1e300}
    answer = await device.call("contact_update", {"id": contact["id"], "changes": changes})
    assert list(answer["error"]["fields"]) == ["changes.version"]
