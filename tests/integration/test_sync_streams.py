"""Pages in a stream: acknowledged, cut off, resumed, and ended by the next request."""

from __future__ import annotations

import asyncio
import json

import asyncpg
import pytest

from server.events import sync
from server.services.sync import Step
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice, OpenRaw
from tests.integration.support.devices import Device, Payload, contacts_of, tombstones_of
from tests.integration.support.servers import Company, Server
from tests.integration.support.syncing import (
    MADE,
    check_chain,
    checksum,
)
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP


def pages_of(device: Device) -> int:
    """How many pages have come in."""
    return [name for name, _ in device.events].count("sync_response")


async def test_the_ack_of_a_sync_request_comes_before_its_pages(
    open_raw: OpenRaw, device: Device, made: list[Payload], company: Company
) -> None:
    # Live events of what was made would come in between.
    await device.expect("contact_created", lambda each: each["until"] == made[-1]["version"])
    raw = await open_raw()
    await raw.call("auth", {"api_key": company.keys["agent"]})
    for stream in ("true", "false"):
        await raw.send(f'427["sync_request",{{"since":0,"limit":20,"stream":{stream}}}]')
        assert (await raw.receive()).startswith('437[{"ok":true,')
        page = await raw.receive()
        ack, _, body = page.removeprefix("42").partition("[")
        assert json.loads(f"[{body}")[0] == "sync_response"
        # Only a stream asks for acks.
        assert bool(ack) == (stream == "true")
        if stream == "true":
            assert (await raw.receive()).startswith("42")
            assert (await raw.receive()).startswith("42")
            assert (await raw.receive()).startswith('42["sync_complete",')


async def test_at_most_four_pages_are_unacknowledged(device: Device, made: list[Payload]) -> None:
    device.acknowledges.clear()
    await device.call("sync_request", {"since": 0, "limit": 5, "stream": True})
    await until(lambda: pages_of(device) == 4)
    # No fifth follows.
    await asyncio.sleep(0.2)
    assert pages_of(device) == 4
    device.acknowledges.set()
    await device.expect("sync_complete")
    pages = device.take("sync_response")
    check_chain(pages, 0, made[-1]["version"])
    assert len(pages) == 12


async def test_a_stream_that_nobody_acknowledges_ends_and_is_resumed_later(
    device: Device, made: list[Payload], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sync.ACK_SECONDS == 30
    monkeypatch.setattr(sync, "ACK_SECONDS", 0.2)
    device.acknowledges.clear()
    await device.call("sync_request", {"since": 0, "limit": 5, "stream": True})
    (session,) = [
        each
        for each in device.server.parts.sessions
        if each.actor and each.actor.device_id == device.id
    ]
    await until(lambda: session.sync is None or session.sync.done())
    # Whoever is busy for a moment would not acknowledge the rest in time.
    monkeypatch.undo()
    device.acknowledges.set()
    await until(lambda: pages_of(device) == 4)
    await device.flush()
    first = device.take("sync_response")
    assert (len(first), device.take("sync_complete")) == (4, [])
    rest, complete = await device.sync(limit=5, resume=first[-1]["resume"])
    check_chain(first + rest, 0, made[-1]["version"])
    assert complete["checksum"]["contacts"] == checksum(contacts_of(first + rest))


async def test_a_sync_that_was_cut_off_goes_on_at_another_server(
    make_device: MakeDevice, made: list[Payload], second_server: Server, second_device: Device
) -> None:
    first_life = await make_device().connect()
    await first_life.sign_in()
    first_life.acknowledges.clear()
    await first_life.call("sync_request", {"since": 0, "limit": 7, "stream": True})
    await until(lambda: pages_of(first_life) == 4)
    first_life.pull_the_plug()
    await first_life.disconnected.wait()
    pages = first_life.take("sync_response")
    assert len(pages) == 4
    # What it had got is deleted and edited meanwhile; so is what it had not.
    for each in (made[0], made[-1]):
        await second_device.call("contact_delete", {"id": each["id"]})
    for each in (made[1], made[-2]):
        await second_device.call(
            "contact_update", {"id": each["id"], "changes": {"company": "New"}}
        )
    second_life = await make_device(on=second_server).connect()
    await second_life.sign_in(device_id=first_life.id)
    answer = await second_life.call(
        "sync_request",
        {"since": 0, "limit": 7, "stream": True, "resume": pages[-1]["resume"]},
    )
    assert answer["total"] == MADE - 28
    complete = await second_life.expect("sync_complete")
    rest = second_life.take("sync_response")
    assert rest[0]["since"] == pages[-1]["until"]
    assert set(tombstones_of(rest)) == {made[0]["id"], made[-1]["id"]}
    held = contacts_of(pages + rest)
    for gone in tombstones_of(rest):
        held.pop(gone, None)
    assert held[made[1]["id"]]["company"] == held[made[-2]["id"]]["company"] == "New"
    assert complete["checksum"]["contacts"] == checksum(held)


async def test_a_new_request_ends_the_one_that_is_running(
    device: Device, made: list[Payload]
) -> None:
    device.acknowledges.clear()
    await device.call(
        "sync_request", {"since": 0, "limit": 5, "stream": True, "request_id": "first"}
    )
    await until(lambda: pages_of(device) == 4)
    await device.call(
        "sync_request", {"since": 0, "limit": 20, "stream": True, "request_id": "second"}
    )
    device.acknowledges.set()
    complete = await device.expect("sync_complete")
    await device.flush()
    assert complete["request_id"] == "second"
    assert device.take("sync_complete") == []
    ids = [page["request_id"] for page in device.take("sync_response")]
    assert ids == ["first"] * 4 + ["second"] * 3


async def test_of_many_requests_at_once_only_the_last_is_served(
    device: Device, made: list[Payload]
) -> None:
    requests = [{"since": 0, "stream": True, "request_id": str(number)} for number in range(8)]
    answers = await asyncio.gather(*(device.call("sync_request", each) for each in requests))
    assert all(answer["ok"] for answer in answers)
    complete = await device.expect("sync_complete", lambda each: each["request_id"] == "7")
    await device.flush()
    assert complete["checksum"]["contacts"]["count"] == MADE
    assert len(device.take("sync_complete")) < 4


async def test_a_stream_that_can_not_go_on_says_that_there_is_more(
    device: Device, made: list[Payload], company: Company, sql: asyncpg.Connection
) -> None:
    device.acknowledges.clear()
    await device.call("sync_request", {"since": 0, "limit": 5, "stream": True})
    await sql.execute(
        "UPDATE global_version SET epoch = 'next-life' WHERE tenant_id = $1", company.tenant
    )
    device.acknowledges.set()
    await device.expect("sync_available")
    await device.flush()
    assert device.take("sync_complete") == []
    resume = device.take("sync_response")[-1]["resume"]
    answer = await device.call("sync_request", {"since": 0, "resume": resume})
    assert answer["error"]["reason"] == "epoch"


async def test_a_stream_that_we_stumble_over_says_that_there_is_more(
    device: Device, made: list[Payload], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def stumble(*_: object) -> Step:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(server.parts.pages, "next", stumble)
    await device.call("sync_request", {"since": 0, "limit": 5, "stream": True})
    await device.expect("sync_available")
    monkeypatch.undo()
    (page,) = device.take("sync_response")
    rest, _ = await device.sync(limit=25, resume=page["resume"])
    check_chain([page, *rest], 0, made[-1]["version"])


async def test_a_device_that_is_cut_off_in_a_stream_leaves_nothing_running(
    make_device: MakeDevice, server: Server, made: list[Payload]
) -> None:
    device = await make_device().connect()
    await device.sign_in()
    device.acknowledges.clear()
    await device.call("sync_request", {"since": 0, "limit": 5, "stream": True})
    (session,) = [
        each for each in server.parts.sessions if each.actor and each.actor.device_id == device.id
    ]
    running = session.sync
    assert running is not None
    device.pull_the_plug()
    await asyncio.wait([running], timeout=sync.ACK_SECONDS / 2)
    assert running.done()
