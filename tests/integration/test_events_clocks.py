"""Devices whose clocks are wrong do no harm: what was edited later wins, and nothing is locked."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device, Payload
from tests.integration.support.writing import HOUR_MS, now_ms, outcome

pytestmark = ON_THE_SERVERS_LOOP

YEAR_MS = 365 * 24 * HOUR_MS
WRONG = {
    "an hour ahead": HOUR_MS,
    "an hour behind": -HOUR_MS,
    "ten years ahead": 10 * YEAR_MS,
    "ten years behind": -10 * YEAR_MS,
}
# Between two edits, so that what measuring the skew takes on a busy machine does not matter.
SECONDS_5 = 5_000


async def edit(device: Device, contact: Payload, company: str, edited_at: Any) -> Payload:
    changes = {"company": company}
    return await device.call(
        "contact_update", {"id": contact["id"], "edited_at": edited_at, "changes": changes}
    )


async def company_of(device: Device, contact: Payload) -> Any:
    """Who confirms what stands changes nothing: the answer holds the contact as it is."""
    restored = await device.call("contact_restore", {"id": contact["id"]})
    return restored["contact"]["company"]


async def old_contact(device: Device) -> Payload:
    """A contact of an hour ago, so that edits of a moment ago are later than it."""
    made = await device.call(
        "contact_create", {"edited_at": now_ms() - HOUR_MS, "contact": {"company": "0"}}
    )
    contact: Payload = made["contact"]
    return contact


async def latest_stamp(sql: asyncpg.Connection, contact: Payload) -> int:
    """In milliseconds."""
    stamps = orjson.loads(
        await sql.fetchval("SELECT stamps FROM contacts WHERE id = $1", contact["id"])
    )
    return int(max(stamp["at"] for stamp in stamps.values())) // 1_000


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_of_two_devices_the_later_edit_wins_however_wrong_one_s_clock_is(
    make_device: MakeDevice, device: Device, sql: asyncpg.Connection, wrong: int
) -> None:
    contact = await old_contact(device)
    other = await make_device().connect()
    await other.sign_in(clock=now_ms() + wrong)
    now = now_ms()
    assert outcome(await edit(other, contact, "1", now - 4 * SECONDS_5 + wrong)) == "applied"
    assert outcome(await edit(device, contact, "3", now - 2 * SECONDS_5)) == "applied"
    # Made before that one, and sent after it.
    late = await edit(other, contact, "2", now - 3 * SECONDS_5 + wrong)
    assert (outcome(late), late["conflicts"][0]["theirs"]) == ("superseded", "3")
    assert outcome(await edit(other, contact, "4", now - SECONDS_5 + wrong)) == "applied"
    assert outcome(await edit(device, contact, "5", now_ms())) == "applied"
    assert await latest_stamp(sql, contact) <= now_ms()


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_a_clock_that_jumps_while_connected_is_followed_by_the_next_ping(
    make_device: MakeDevice, device: Device, wrong: int
) -> None:
    contact = await old_contact(device)
    other = await make_device().connect()
    await other.sign_in(clock=now_ms())
    for _ in range(8):
        await other.call("ping", {"clock": now_ms()})
    skew = (await other.call("ping", {"clock": now_ms() + wrong}))["skew_ms"]
    assert -wrong - 5 <= skew <= -wrong + SECONDS_5
    now = now_ms()
    assert outcome(await edit(device, contact, "2", now - 2 * SECONDS_5)) == "applied"
    assert outcome(await edit(other, contact, "1", now - 4 * SECONDS_5 + wrong)) == "superseded"
    assert outcome(await edit(other, contact, "3", now + wrong)) == "applied"
    # And back to what is right.
    skew = (await other.call("ping", {"clock": now_ms()}))["skew_ms"]
    assert -5 <= skew <= SECONDS_5


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
async def test_without_a_clock_nothing_is_locked_for_the_future_and_the_own_order_is_kept(
    make_device: MakeDevice, device: Device, sql: asyncpg.Connection, wrong: int
) -> None:
    contact = await device.create(company="0")
    other = await make_device().connect()
    await other.sign_in()
    for number in (2, 1, 0):
        await edit(other, contact, f"theirs {number}", now_ms() + wrong - number * HOUR_MS)
    stands = "theirs 0" if wrong > 0 else "0"
    assert await company_of(device, contact) == stands
    assert await latest_stamp(sql, contact) <= now_ms()
    assert outcome(await edit(device, contact, "mine", now_ms() + 1)) == "applied"
    # What it makes itself, it edits in its own order, whatever it says of the time.
    made = await other.create(company="A")
    for number in range(3):
        answer = await edit(other, made, str(number), now_ms() + wrong - number * HOUR_MS)
        assert (outcome(answer), answer["contact"]["company"]) == ("applied", str(number))


async def test_a_queue_of_a_clock_that_was_set_right_meanwhile_is_kept_and_never_later_than_now(
    make_device: MakeDevice, device: Device, sql: asyncpg.Connection
) -> None:
    contact = await old_contact(device)
    await edit(device, contact, "mine", now_ms() - SECONDS_5)
    other = await make_device().connect()
    await other.sign_in(clock=now_ms())
    # Edited by a clock that was an hour behind, then by one that was ten years ahead.
    late = await edit(other, contact, "behind", now_ms() - HOUR_MS)
    assert (outcome(late), late["conflicts"][0]["theirs"]) == ("superseded", "mine")
    lost = await sql.fetchval(
        "SELECT after FROM audit_log WHERE entity_id = $1 AND outcome = 'lost'", contact["id"]
    )
    assert orjson.loads(lost) == {"company": "behind"}
    assert outcome(await edit(other, contact, "ahead", now_ms() + 10 * YEAR_MS)) == "applied"
    assert await latest_stamp(sql, contact) <= now_ms()
    assert outcome(await edit(device, contact, "after", now_ms() + 1)) == "applied"


async def test_a_first_sample_that_took_long_is_corrected_by_a_quicker_one(
    make_device: MakeDevice, device: Device, sql: asyncpg.Connection
) -> None:
    contact = await old_contact(device)
    other = await make_device().connect()
    # As if `auth` had been ten seconds on its way.
    await other.sign_in(clock=now_ms() - 10_000)
    assert outcome(await edit(other, contact, "1", now_ms() - SECONDS_5)) == "applied"
    # Ten seconds later than it was made would be five after now.
    assert await latest_stamp(sql, contact) <= now_ms()
    assert (await other.call("ping", {"clock": now_ms()}))["skew_ms"] < SECONDS_5
    # Seven slow ones do not push it out, and the edit of a moment ago counts as that.
    for _ in range(7):
        answer = await other.call("ping", {"clock": now_ms() - 10_000})
        assert answer["skew_ms"] < SECONDS_5
    assert (await other.call("ping", {"clock": now_ms() - 10_000}))["skew_ms"] > SECONDS_5


MILLISECONDS = st.integers(-(2**53), 2**53) | st.sampled_from(
    [
        *(0, 1, -1, 0.5, -0.0, 1e300, 2**53, -(2**53), 2**62),
        # The years 1900 and 9999, from within and from outside.
        *(-2_208_988_800_000, -2_208_988_800_001, 253_402_300_799_999, 253_402_300_800_000),
    ]
)
TIMES = (
    MILLISECONDS
    | st.floats(-3e12, 3e14)
    | st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z")
    | st.sampled_from(
        [
            "0000-01-01T00:00:00Z",
            "1900-01-01T00:00:00+23:59",
            "9999-12-31T23:59:59.999999999Z",
            "9999-12-31T23:59:59-23:59",
            "2024-02-30T00:00:00Z",
            "2016-12-31T23:59:60Z",
        ]
    )
)


@settings(
    deadline=None,
    max_examples=80,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(edits=st.lists(st.tuples(st.none() | TIMES, st.none() | TIMES), min_size=1, max_size=4))
async def test_whatever_a_device_says_of_the_time_its_edits_follow_one_another_and_not_the_future(
    device: Device, sql: asyncpg.Connection, edits: list[tuple[Any, Any]]
) -> None:
    contact = await device.create(company="A")
    stands = "A"
    for number, (clock, edited_at) in enumerate(edits):
        ping = await device.call("ping", {"clock": clock})
        assert ping["ok"] or list(ping["error"]["fields"]) == ["clock"]
        answer = await edit(device, contact, str(number), edited_at)
        if answer["ok"]:
            stands = str(number)
            assert (answer["status"], answer["contact"]["company"]) == ("applied", stands)
        else:
            assert list(answer["error"]["fields"]) == ["edited_at"]
    assert 0 <= await latest_stamp(sql, contact) <= now_ms()
    assert await company_of(device, contact) == stands
