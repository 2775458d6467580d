"""Whatever is sent, each event is answered once, nothing bad is stored, and the socket lives on."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from nanoid import generate

from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice, OpenRaw
from tests.integration.support.answers import WRITES, faults_of_answer
from tests.integration.support.devices import Device
from tests.integration.support.raw import RawSocket
from tests.integration.support.servers import Company

pytestmark = ON_THE_SERVERS_LOOP

LATER = 2**52


@pytest_asyncio.fixture(loop_scope="module")
async def raw(open_raw: OpenRaw, company: Company) -> RawSocket:
    raw = await open_raw()
    answer = await raw.call("auth", {"api_key": company.keys["agent"], "device_id": generate()})
    assert answer["ok"]
    return raw


async def count_rows(sql: asyncpg.Connection, company: Company) -> int:
    """Rows of the company in every table that a write goes to."""
    tables = ("contacts", "tags", "groups", "types", "mutations")
    counts = [
        await sql.fetchval(f"SELECT count(*) FROM {table} WHERE tenant_id = $1", company.tenant)
        for table in tables
    ]
    return sum(counts)


UNKNOWN = [
    "no_such_event",
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "error",
    "message",
    "auth ",
    "Ping",
    "*",
    "__class__",
    "newListener",
    "",
    "x" * 10_000,
    "contact_",
    "contacts_create",
    "tag_merge",
    "authenticated",
    "sync_response",
]


async def test_an_unknown_event_is_answered_as_such(raw: RawSocket) -> None:
    for event in UNKNOWN:
        answer = await raw.call(event, {})
        assert (event, answer["error"]["code"]) == (event, "unknown_event")
        assert len(answer["error"]["message"]) < 1_000
    assert (await raw.call("ping", {}))["ok"]


PACKETS = [
    ('["ping",{]', "invalid"),
    ('["ping"', "invalid"),
    ("[", "invalid"),
    ("", "invalid"),
    ("[]", "invalid"),
    ("{}", "invalid"),
    ("null", "invalid"),
    ('"ping"', "invalid"),
    ("[1,{}]", "invalid"),
    ("[null,{}]", "invalid"),
    ('[["ping"],{}]', "invalid"),
    ('[{"ping":1},{}]', "invalid"),
    ('["ping",{},{}]', "invalid"),
    ('["ping",{"cursor":NaN}]', "invalid"),
    ('["ping",{"network":"\\ud800"}]', "invalid"),
    ('["pi\\ud800ng",{}]', "invalid"),
    ('["ping",{"network":"\\u0000"}]', "invalid"),
    ('["ping",{"\\u0000":1}]', "invalid"),
    ('["ping",' + "[" * 100_000 + "]" * 100_000 + "]", "invalid"),
    ('["ping",' + '{"a":' * 5_000 + "1" + "}" * 5_000 + "]", "invalid"),
    ('["ping",{"battery":' + "9" * 5_000 + "}]", "invalid"),
    ('["ping",{"battery":1e999}]', "invalid"),
    ('["ping",{"cursor":4503599627370496}]', "invalid"),
    ('["pi\\u0000ng",{}]', "unknown_event"),
]


async def test_a_packet_that_is_no_event_with_one_object_is_answered_by_its_id(
    raw: RawSocket,
) -> None:
    for number, (packet, code) in enumerate(PACKETS, start=100):
        await raw.send(f"42{number}{packet}")
        answer = await raw.answer(number)
        assert not faults_of_answer("ping", answer)
        assert (packet[:50], answer["error"]["code"]) == (packet[:50], code)
    assert (await raw.call("ping", {}))["ok"]


async def test_a_payload_that_is_no_object_is_invalid_to_every_event(raw: RawSocket) -> None:
    for event in ("auth", "ping", "sync_request", "sync_push", *WRITES):
        for payload in (None, [], "text", 7, 1.5, True, [{}]):
            error = (await raw.call(event, payload))["error"]
            assert (event, payload, error["code"]) == (event, payload, "invalid")


async def test_an_event_without_a_payload_says_what_is_missing(raw: RawSocket) -> None:
    for event in ("auth", "sync_request", "sync_push", *WRITES):
        for payload in ((), ({},)):
            error = (await raw.call(event, *payload))["error"]
            assert (event, error["code"]) == (event, "invalid")
            assert error["fields"]


BAD_FIELDS: list[tuple[str, dict[str, Any], str]] = [
    ("ping", {"cursor": -1}, "cursor"),
    ("ping", {"cursor": "1"}, "cursor"),
    ("ping", {"cursor": LATER}, "cursor"),
    ("ping", {"battery": 101}, "battery"),
    ("ping", {"queue": {"size": -1}}, "queue.size"),
    ("ping", {"clock": "yesterday"}, "clock"),
    ("ping", {"curser": 1}, "curser"),
    ("sync_request", {"since": -1}, "since"),
    ("sync_request", {"since": 1.5}, "since"),
    ("sync_request", {"since": True}, "since"),
    ("sync_request", {"since": 1}, "epoch"),
    ("sync_request", {"since": LATER, "epoch": "x"}, "since"),
    ("sync_request", {"since": 0, "limit": 0}, "limit"),
    ("sync_request", {"since": 0, "limit": 5_001}, "limit"),
    ("sync_request", {"since": 0, "compress": "br"}, "compress"),
    ("sync_request", {"since": 0, "stream": 1}, "stream"),
    ("sync_request", {"since": 0, "resume": "not ours"}, "resume"),
    ("sync_request", {"since": 0, "resume": "W10="}, "resume"),
    ("sync_request", {"since": 0, "resume": "é"}, "resume"),
    ("sync_push", {"mutations": {}}, "mutations"),
    ("contact_create", {"contact": {}}, "contact.first_name"),
    ("contact_create", {"contact": {"first_name": 7}}, "contact.first_name"),
    ("contact_create", {"contact": {"first_name": "A\x00"}}, "contact.first_name"),
    ("contact_create", {"contact": {"first_name": "x" * 501}}, "contact.first_name"),
    ("contact_create", {"contact": {"firstname": "Ann"}}, "contact.firstname"),
    ("contact_create", {"contact": {"first_name": "A", "id": "a b"}}, "contact.id"),
    ("contact_create", {"contact": {"first_name": "A", "version": 3}}, "contact.version"),
    ("contact_create", {"contact": {"emails": [{"value": "@"}]}}, "contact.emails.0.value"),
    ("contact_create", {"contact": {"company": "A", "birthday": "1990-02-30"}},
     "contact.birthday"),
    ("contact_create", {"contact": {"company": "A", "owner_id": "nobody-here"}},
     "contact.owner_id"),
    ("contact_create", {"contact": {"company": "A"}, "mutation_id": "ü"}, "mutation_id"),
    ("contact_create", {"contact": {"company": "A"}, "edited_at": "12:00"}, "edited_at"),
    ("contact_create", {"contact": {"company": "A"}, "base_version": 1}, "base_version"),
    ("contact_update", {"id": "abcdefgh"}, "changes"),
    ("contact_update", {"changes": {}}, "id"),
    ("contact_update", {"id": "short", "changes": {}}, "id"),
    ("contact_update", {"id": "abcdefgh", "changes": [], "base_version": LATER},
     "base_version"),
    ("contact_delete", {"id": None}, "id"),
    ("contact_restore", {"id": "abcdefgh", "contact": {}}, "contact"),
    ("tag_create", {"tag": {"name": ""}}, "tag.name"),
    ("tag_create", {"tag": {"name": "VIP", "color": "red"}}, "tag.color"),
    ("group_create", {"group": {}}, "group.name"),
    ("type_create", {"type": {"name": "x" * 101}}, "type.name"),
]  # fmt: skip


async def test_bad_input_is_refused_by_the_name_of_its_field(
    raw: RawSocket, company: Company, sql: asyncpg.Connection
) -> None:
    for event, payload, path in BAD_FIELDS:
        error = (await raw.call(event, payload))["error"]
        assert (event, payload, error["code"]) == (event, payload, "invalid")
        assert (event, payload, path in error["fields"]) == (event, payload, True)
    assert await count_rows(sql, company) == 0
    assert (await raw.call("ping", {}))["ok"]


async def test_what_is_too_large_is_refused_by_its_name(
    raw: RawSocket, company: Company, sql: asyncpg.Connection
) -> None:
    custom = {f"field {number}": "x" * 4_000 for number in range(20)}
    error = (await raw.call("contact_create", {"contact": {"company": "A", "custom": custom}}))[
        "error"
    ]
    assert (error["code"], list(error["fields"])) == ("too_large", ["contact"])
    error = (await raw.call("sync_push", {"mutations": [{}] * 501}))["error"]
    assert (error["code"], list(error["fields"])) == ("too_large", ["mutations"])
    assert await count_rows(sql, company) == 0


async def test_a_contact_does_not_grow_above_its_limit_by_many_small_edits(
    raw: RawSocket, device: Device
) -> None:
    contact = await device.create()
    for number in range(4):
        custom = {f"field {number}.{part}": "x" * 4_900 for part in range(4)}
        update = {"id": contact["id"], "changes": {"custom": custom}}
        answer = await raw.call("contact_update", update)
    assert answer["error"]["code"] == "too_large"


async def test_an_id_that_is_not_there_is_not_found(raw: RawSocket) -> None:
    for entity in ("contact", "tag", "group", "type"):
        for operation, more in (("update", {"changes": {}}), ("delete", {}), ("restore", {})):
            answer = await raw.call(f"{entity}_{operation}", {"id": generate(), **more})
            assert answer["error"]["code"] == "not_found"


async def test_ids_of_another_company_are_as_if_they_were_not_there(
    raw: RawSocket, make_device: MakeDevice, other_company: Company
) -> None:
    stranger = make_device(of=other_company)
    await stranger.connect(stranger.credentials())
    theirs = await stranger.create()
    tag = (await stranger.call("tag_create", {"tag": {"name": "VIP"}}))["tag"]
    for event, payload in (
        ("contact_update", {"changes": {"company": "Mine now"}}),
        ("contact_delete", {}),
        ("contact_restore", {}),
    ):
        answer = await raw.call(event, {"id": theirs["id"], **payload})
        assert answer["error"]["code"] == "not_found"
    assert (await raw.call("tag_delete", {"id": tag["id"]}))["error"]["code"] == "not_found"
    answer = await raw.call("contact_create", {"contact": {"company": "A", "tag_ids": [tag["id"]]}})
    assert [each["field"] for each in answer["conflicts"]] == [f"tag_ids.{tag['id']}"]
    assert "tag_ids" not in answer["contact"]
    owner_id = other_company.agents["agent"]
    answer = await raw.call("contact_create", {"contact": {"company": "A", "owner_id": owner_id}})
    assert list(answer["error"]["fields"]) == ["contact.owner_id"]
    # One id may be used by two companies, as neither knows of the other.
    answer = await raw.call("contact_create", {"contact": {"company": "A", "id": theirs["id"]}})
    assert answer["ok"]
    assert (await stranger.sync())[0][0]["contacts"]["put"] == [theirs]


async def test_a_binary_payload_is_refused_with_its_field_and_its_attachments_are_dropped(
    raw: RawSocket, company: Company, sql: asyncpg.Connection
) -> None:
    placeholder = {"_placeholder": True, "num": 0}
    packet = ["contact_create", {"contact": {"first_name": placeholder}}]
    await raw.send(f"451-7{json.dumps(packet)}")
    await raw.send(b"Ann")
    answer = await raw.answer(7)
    assert answer["error"]["code"] == "invalid"
    assert list(answer["error"]["fields"]) == ["contact.first_name"]
    assert (await raw.call("ping", {}))["ok"]
    assert await count_rows(sql, company) == 0


LACKING = [
    '51-{id}["ping",{"_placeholder":true,"num":0}]',
    '53-{id}["ping",{"a":{"_placeholder":true,"num":2}}]',
    '51-{id}["ping",{"a":{"_placeholder":true,"num":5}}]',
    '51-{id}["ping",{"a":{"_placeholder":true,"num":-1}}]',
    '51-{id}["ping",{"a":{"_placeholder":true,"num":"x"}}]',
    '59999999-{id}["ping",{"a":{"_placeholder":true,"num":0}}]',
    '51-{id}["ping",{"a":[[[{"_placeholder":true,"num":0}]]]}]',
    '51-{id}["ping"',
    '51-{id}[{"_placeholder":true,"num":0}]',
    '51-{id}["ping",' + "[" * 5_000 + '{"_placeholder":true,"num":0}' + "]" * 5_000 + "]",
]


async def test_attachments_that_never_come_do_not_hold_an_answer_back(raw: RawSocket) -> None:
    for number, packet in enumerate(LACKING, start=100):
        await raw.send("4" + packet.replace("{id}", str(number)))
        answer = await raw.answer(number)
        assert (packet[:50], answer["error"]["code"]) == (packet[:50], "invalid")
    assert (await raw.call("ping", {}))["ok"]


async def test_binary_that_nobody_announced_is_dropped(raw: RawSocket) -> None:
    await raw.send(b"\x00\xff" * 1_000)
    assert (await raw.call("ping", {}))["ok"]


NO_EVENTS = [
    "4",
    "4x",
    "49",
    "4[]",
    '4{"a":1}',
    '4"2[]"',
    "4null",
    "42",
    "43",
    '437["never asked"]',
    "43[",
    "44{}",
    "461-7[]",
    "4²",
    "42" + "9" * 200 + '["ping",{}]',
    "45-1-[]",
    "459999999999999-7[]",
    "42/admin,7[]",
    "41/admin,",
    "40",
    "40/",
    "4" + "[" * 200_000,
    "4" + '{"a":' * 100_000,
]
NO_ENGINE_IO = ["", "x", "9", "7hello", "²", "b", "bé", "bAAEC", "5", "6", "0{}", "2probe"]


async def test_a_frame_that_asks_nothing_readable_leaves_the_socket_open(raw: RawSocket) -> None:
    for frame in NO_EVENTS + NO_ENGINE_IO:
        await raw.send(frame)
        assert (frame[:50], (await raw.call("ping", {}))["ok"]) == (frame[:50], True)


async def test_text_that_is_not_utf_8_is_answered(raw: RawSocket) -> None:
    # A WebSocket text frame, of which the client library would check the text.
    await raw.socket._writer.send_frame(b'427["ping",{"network":"\xff\xfe"}]', 1)
    answer = await raw.answer(7)
    assert answer["error"]["code"] == "invalid"
    assert (await raw.call("ping", {}))["ok"]


async def test_another_namespace_is_refused_in_words(open_raw: OpenRaw) -> None:
    raw = await open_raw(connect=False)
    await raw.send("40/admin,")
    answer = await raw.receive()
    assert answer.startswith("44/admin,")
    assert json.loads(answer.removeprefix("44/admin,"))["message"]


async def test_a_message_above_the_limit_closes_with_1009_and_the_next_connection_works(
    raw: RawSocket, device: Device, make_device: MakeDevice
) -> None:
    await raw.send(f'427["ping",{{"network":"{"x" * 1_000_000}"}}]')
    assert await raw.closed() == 1009
    again = make_device()
    await again.connect(again.credentials())
    await again.flush()
    await device.flush()


async def test_a_push_of_nearly_the_limit_is_taken(raw: RawSocket) -> None:
    mutations = [
        {
            "op": "contact_create",
            "mutation_id": generate(),
            "contact": {"company": "A", "notes": "x" * 1_800},
        }
        for _ in range(500)
    ]
    assert 950_000 < len(json.dumps(["sync_push", {"mutations": mutations}])) < 999_000
    answer = await raw.call("sync_push", {"mutations": mutations})
    assert [each["status"] for each in answer["results"]] == ["applied"] * 500


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]])
async def test_many_events_at_once_are_each_answered_once(
    make_device: MakeDevice, transports: list[str]
) -> None:
    device = make_device()
    await device.connect(device.credentials(), transports=transports)
    events = ["ping", "no_such_event", "sync_request", "contact_create"] * 25
    answers = await asyncio.gather(*(device.call(event, {"since": 0}) for event in events))
    codes = ["ok" if each["ok"] else each["error"]["code"] for each in answers]
    assert codes == ["invalid", "unknown_event", "ok", "invalid"] * 25
