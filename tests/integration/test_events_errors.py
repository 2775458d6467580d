"""Errors that a client can do nothing about, and whatever else a client may think of."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import asyncpg
import orjson
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from nanoid import generate

from server.schemas.events_out import faults_of_event
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice, OpenRaw
from tests.integration.support.answers import WRITES, faults_of_answer
from tests.integration.support.devices import Device, Payload
from tests.integration.support.raw import RawSocket
from tests.integration.support.servers import Company, Server
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP


async def test_who_guesses_keys_is_slowed_down_and_a_right_key_is_not(
    make_device: MakeDevice, server: Server
) -> None:
    device = await make_device().connect()
    errors: list[Payload] = []
    # Twice as many at most: where Redis does not answer in time, the server counts for itself.
    while len(errors) < 41 and (not errors or errors[-1]["code"] == "unauthenticated"):
        answer = await device.call("auth", {"api_key": f"guess-{len(errors)}"})
        errors.append(answer["error"])
    assert len(errors) > 20
    assert errors[-1]["code"] == "rate_limited"
    assert 0 < errors[-1]["retry_after_ms"] <= 60_000
    # A right key is not counted, and opens the same socket.
    assert (await device.sign_in())["ok"]
    again = make_device()
    await again.connect(again.credentials())
    await again.expect("authenticated")


async def terminate_writers(sql: asyncpg.Connection) -> None:
    """Ends the server's connections that wait for the versions' lock, as a restart does."""

    async def ended() -> bool:
        number: int = await sql.fetchval(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE application_name = 'fieldbook' AND wait_event = 'advisory' "
            "AND datname = current_database()"
        )
        return number > 0

    await until(ended)


async def test_what_the_database_could_not_take_is_unavailable_and_applied_once_when_sent_again(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    payload = {"mutation_id": "again", "contact": {"company": "A"}}
    async with sql.transaction():
        await sql.execute("SELECT lock_versions()")
        writing = asyncio.create_task(device.call("contact_create", payload))
        await terminate_writers(sql)
        error = (await writing)["error"]
    assert error["code"] == "unavailable"
    assert error["retry_after_ms"] > 0
    outcomes = [(await device.call("contact_create", payload))["status"] for _ in range(2)]
    assert outcomes == ["applied", "duplicate"]
    count = await sql.fetchval("SELECT count(*) FROM contacts WHERE tenant_id = $1", company.tenant)
    assert count == 1


async def test_a_push_meets_a_failing_database_as_a_whole(
    device: Device, sql: asyncpg.Connection
) -> None:
    mutations = [
        {"op": "contact_create", "mutation_id": str(number), "contact": {"company": "A"}}
        for number in range(3)
    ]
    async with sql.transaction():
        await sql.execute("SELECT lock_versions()")
        writing = asyncio.create_task(device.call("sync_push", {"mutations": mutations}))
        await terminate_writers(sql)
        assert (await writing)["error"]["code"] == "unavailable"
    answer = await device.call("sync_push", {"mutations": mutations})
    assert [each["status"] for each in answer["results"]] == ["applied"] * 3


async def test_a_fault_of_ours_is_internal_and_tells_nothing_of_its_inside(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    await sql.execute("ALTER TABLE contacts RENAME COLUMN department TO division")
    try:
        for event, payload in (
            ("contact_create", {"contact": {"company": "A"}}),
            ("sync_push", {"mutations": [
                {"op": "contact_create", "mutation_id": "m", "contact": {"company": "A"}}]}),
        ):  # fmt: skip
            answer = await device.call(event, payload)
            error = answer["error"] if event != "sync_push" else answer["results"][0]["error"]
            assert error["code"] == "internal"
            assert "division" not in json.dumps(error)
        # Others are not harmed.
        assert (await device.call("tag_create", {"tag": {"name": "VIP"}}))["ok"]
        await device.flush()
    finally:
        await sql.execute("ALTER TABLE contacts RENAME COLUMN division TO department")
    assert (await device.create())["id"]


async def test_a_migration_beside_a_running_server_refuses_no_write(
    device: Device, sql: asyncpg.Connection
) -> None:
    """As in a rolling restart: the statements that it has prepared are of the older table."""
    await device.create()
    await device.sync()
    for change in ("ADD COLUMN shoe_size text", "DROP COLUMN shoe_size"):
        await sql.execute(f"ALTER TABLE contacts {change}")
        for _ in range(3):
            answer = await device.call("contact_create", {"contact": {"company": "A"}})
            assert answer["ok"], answer
        await device.sync()


# A right payload of each event, at which changes are made.
RIGHT: dict[str, Payload] = {
    "ping": {"clock": 1_700_000_000_000, "cursor": 3, "queue": {"size": 0}, "battery": 50},
    "sync_request": {"since": 0, "limit": 10, "stream": False, "request_id": "r"},
    "sync_push": {
        "mutations": [
            {"op": "contact_update", "mutation_id": "p1", "id": "contact-1", "changes": {}},
            {"op": "tag_delete", "mutation_id": "p2", "id": "tag-0001"},
        ]
    },
    "contact_create": {
        "mutation_id": "c1",
        "edited_at": "2026-01-01T00:00:00Z",
        "contact": {
            "first_name": "Ann",
            "emails": [{"label": "work", "value": "a@b.ch"}],
            "phones": [{"value": "+41446681800"}],
            "custom": {"size": 1},
            "preferences": {"email": "opted_in"},
            "tag_ids": ["tag-0001"],
            "birthday": "--02-29",
        },
    },
    "contact_update": {
        "mutation_id": "u1",
        "base_version": 1,
        "id": "contact-1",
        "changes": {"company": "A", "tag_ids": {"add": ["tag-0001"], "remove": []}, "custom": {}},
    },
    "contact_delete": {"id": "contact-1"},
    "contact_restore": {"id": "contact-1"},
    "tag_create": {"tag": {"id": "tag-0001", "name": "VIP", "color": "#ffffff"}},
    "tag_update": {"id": "tag-0001", "changes": {"name": "VIP"}},
    "tag_delete": {"id": "tag-0001"},
    "auth": {"device": {"name": "Phone"}, "protocol": 1},
}
ODD_TEXTS = ["", "\x00", "\ud800", "é", "contact-1", "tag-0001", "__proto__", "9" * 300, "a" * 70]
KEYS = st.sampled_from(
    ["id", "mutation_id", "changes", "contact", "_placeholder", "version", *ODD_TEXTS]
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.sampled_from([0, 1, 2**52, 2**53, 10**25])
    | st.sampled_from(ODD_TEXTS)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def changed(draw: st.DrawFn, payload: Any) -> Any:
    """A right payload with a few places replaced, left out or added."""
    copied = orjson.loads(orjson.dumps(payload))
    for _ in range(draw(st.integers(0, 3))):
        place = copied
        while isinstance(place, dict | list) and place and draw(st.booleans()):
            key = draw(
                st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place)))
            )
            if not isinstance(place[key], dict | list):
                break
            place = place[key]
        if isinstance(place, dict):
            known = st.sampled_from(sorted(place)) if place else KEYS
            key = draw(known | KEYS)
            if draw(st.booleans()):
                place.pop(key, None)
            else:
                place[key] = draw(JSON)
        else:
            place.append(draw(JSON))
    return copied


EVENTS = st.sampled_from(sorted(RIGHT)).flatmap(
    lambda name: st.tuples(st.just(name), changed(RIGHT[name]) | JSON)
) | st.tuples(st.sampled_from([*WRITES, *ODD_TEXTS]), JSON)


@pytest_asyncio.fixture(loop_scope="module")
async def raw(open_raw: OpenRaw, company: Company) -> RawSocket:
    raw = await open_raw()
    assert (await raw.call("auth", {"api_key": company.keys["manager"], "device_id": generate()}))[
        "ok"
    ]
    return raw


@settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(events=st.lists(EVENTS, min_size=1, max_size=6))
async def test_whatever_comes_over_a_socket_is_answered_once_and_never_by_a_fault_of_ours(
    raw: RawSocket, server: Server, company: Company, events: list[tuple[str, Any]]
) -> None:
    for number, event in enumerate(events, start=1_000):
        await raw.send(f"42{number}{json.dumps(event)}")
    answers: dict[int, list[Any]] = {}
    # The last answer is of a ping that comes after them all; none may be missing then, or double.
    await raw.send('42999["ping",{}]')
    while 999 not in answers or len(answers) < len(events) + 1:
        frame = await raw.receive()
        if frame == "2":
            # Who leaves the server's ping unanswered is cut off, on a slow machine before the end.
            await raw.send("3")
        elif isinstance(frame, str) and frame.startswith("43"):
            number, _, body = frame.removeprefix("43").partition("[")
            answers.setdefault(int(number), []).append(json.loads(f"[{body}"))
    for number, (name, _) in enumerate(events, start=1_000):
        ((answer,),) = answers[number]
        known = name if name in RIGHT or name in WRITES else "ping"
        assert faults_of_answer(known, answer) == []
        assert answer["ok"] or answer["error"]["code"] != "internal"
    assert answers[999][0][0]["ok"]
    # What was let in goes out as it should.
    page = await server.parts.pages.read(company.tenant, 0)
    span = {"epoch": page.epoch, "since": page.since, "until": page.until}
    stored = {plural: orjson.loads(text) for plural, text in page.texts.items()}
    assert faults_of_event("changes", span | stored) == {}
