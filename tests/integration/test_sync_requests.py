"""Catching up: what the pages of a sync hold, and which cursors are refused."""

from __future__ import annotations

import asyncio
import gzip
import json

import asyncpg
import orjson
import pytest
from nanoid import generate

from tests.integration.conftest import ON_THE_SERVERS_LOOP, OpenRaw
from tests.integration.support.devices import Device, Payload, contacts_of, tombstones_of
from tests.integration.support.servers import Company
from tests.integration.support.syncing import (
    MADE,
    check_chain,
    checksum,
    make_contacts,
    rows_of,
    stored,
)

pytestmark = ON_THE_SERVERS_LOOP


async def test_a_company_without_rows_is_synced_by_one_empty_page(device: Device) -> None:
    pages, complete = await device.sync(request_id="first")
    assert [rows_of(page) for page in pages] == [[]]
    assert (complete["version"], complete["request_id"]) == (0, "first")
    assert complete["checksum"]["contacts"] == {"count": 0, "sum": 0}


async def test_without_stream_one_request_gives_one_page(
    device: Device, made: list[Payload]
) -> None:
    resume: Payload = {}
    pages = []
    for number in range(6):
        request = {"since": 0, "limit": 10, "request_id": str(number), **resume}
        answer = await device.call("sync_request", request)
        assert answer["total"] == MADE - number * 10
        assert answer["version"] == made[-1]["version"]
        pages.append(await device.expect("sync_response"))
        assert pages[-1]["request_id"] == str(number)
        await device.flush()
        assert len(device.take("sync_complete")) == (number == 5)
        resume = {"resume": pages[-1]["resume"]}
    assert [row["id"] for page in pages for row in page["contacts"]["put"]] == [
        each["id"] for each in made
    ]
    check_chain(pages, 0, made[-1]["version"])


async def test_a_stream_sends_all_pages_and_then_says_so(
    device: Device, made: list[Payload], company: Company, sql: asyncpg.Connection
) -> None:
    tag = (await device.call("tag_create", {"tag": {"name": "VIP"}}))["tag"]
    pages, complete = await device.sync(limit=25)
    check_chain(pages, 0, tag["version"])
    assert contacts_of(pages) == await stored(sql, company)
    assert pages[-1]["tags"]["put"] == [tag]
    assert complete["version"] == tag["version"]
    assert complete["checksum"]["contacts"] == checksum(contacts_of(pages))
    assert complete["checksum"]["tags"] == {"count": 1, "sum": tag["version"]}


async def test_a_first_sync_has_no_tombstones_of_before_it_began(
    device: Device, made: list[Payload]
) -> None:
    await device.call("contact_delete", {"id": made[3]["id"]})
    pages, complete = await device.sync(limit=10)
    assert tombstones_of(pages) == {}
    assert len(contacts_of(pages)) == MADE - 1
    assert complete["checksum"]["contacts"] == checksum(contacts_of(pages))


async def test_a_catch_up_brings_just_what_changed_each_row_once(
    device: Device, made: list[Payload], company: Company, sql: asyncpg.Connection
) -> None:
    _, complete = await device.sync()
    cursor, epoch = complete["version"], complete["epoch"]
    for _ in range(3):
        await device.call("contact_update", {"id": made[0]["id"], "changes": {"notes": generate()}})
    await device.call("contact_delete", {"id": made[1]["id"]})
    for event in ("contact_delete", "contact_restore"):
        await device.call(event, {"id": made[2]["id"]})
    new = await device.create()
    await device.call("contact_create", {"contact": {"id": generate(), "company": "B"}})
    unborn = await device.create()
    await device.call("contact_delete", {"id": unborn["id"]})
    pages, complete = await device.sync(cursor, epoch=epoch)
    (page,) = pages
    assert len(page["contacts"]["put"]) == 4
    assert {row["id"] for row in page["contacts"]["put"]} > {
        made[0]["id"],
        made[2]["id"],
        new["id"],
    }
    assert set(tombstones_of(pages)) == {made[1]["id"], unborn["id"]}
    assert complete["checksum"]["contacts"] == checksum(await stored(sql, company))
    pages, complete = await device.sync(complete["version"], epoch=epoch)
    assert [rows_of(page) for page in pages] == [[]]
    assert pages[0]["since"] == pages[0]["until"] == complete["version"]


async def test_a_catch_up_counts_what_is_to_come(device: Device, made: list[Payload]) -> None:
    head = await device.call("ping", {})
    request = {"since": made[9]["version"], "epoch": head["epoch"], "limit": 20}
    for stream, total in ((False, 50), (True, 50)):
        answer = await device.call("sync_request", {**request, "stream": stream})
        assert answer["total"] == total
        await device.expect("sync_response")
    await device.expect("sync_complete")


async def test_a_sync_amid_writes_ends_in_what_the_database_has(
    device: Device, made: list[Payload], second_device: Device, company: Company,
    sql: asyncpg.Connection,
) -> None:  # fmt: skip
    """The last checksum is of the same snapshot as the last page."""
    done = asyncio.Event()

    async def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            contact = made[number * 7 % MADE]["id"]
            event = ("contact_delete", "contact_restore", "contact_update")[number % 3]
            payload: Payload = {"id": contact}
            if event == "contact_update":
                payload["changes"] = {"notes": str(number)}
            await second_device.call(event, payload)
            await second_device.create(company=f"New {number}")

    writer = asyncio.create_task(write())
    for limit in (3, 11, 1_000):
        pages, complete = await device.sync(limit=limit)
        check_chain(pages, 0, complete["version"])
        held: dict[str, Payload] = {}
        for page in pages:
            held |= contacts_of([page])
            for gone in tombstones_of([page]):
                held.pop(gone, None)
        assert complete["checksum"]["contacts"] == checksum(held)
    done.set()
    await writer


async def test_pages_are_compressed_when_asked(device: Device, made: list[Payload]) -> None:
    plain, complete = await device.sync(limit=25)
    zipped, also = await device.sync(limit=25, compress="gzip")
    assert complete["checksum"] == also["checksum"]
    for page, other in zip(plain, zipped, strict=True):
        assert isinstance(other["gzip"], bytes)
        entities = orjson.loads(gzip.decompress(other.pop("gzip")))
        assert {**other, **entities} == page


async def test_a_page_is_at_most_256_kb_and_no_row_is_cut(
    open_raw: OpenRaw, device: Device, company: Company
) -> None:
    for _ in range(5):
        await make_contacts(device, 10, notes="é" * 9_000)
    raw = await open_raw()
    await raw.call("auth", {"api_key": company.keys["agent"]})
    sizes, received, resume = [], 0, None
    for number in range(1, 20):
        request = {"since": 0} | ({"resume": resume} if resume else {})
        await raw.send(f"42{number}{json.dumps(['sync_request', request])}")
        assert (await raw.answer(number))["ok"]
        frame = ""
        # Live events of what was made may come in between.
        while not frame.startswith('42["sync_response",'):
            frame = await raw.receive()
        sizes.append(len(frame.encode()))
        page = json.loads(frame.removeprefix("42"))[1]
        received += len(page["contacts"]["put"])
        resume = page["resume"]
        if not page["has_more"]:
            break
    assert received == 50
    assert max(sizes) <= 256_000
    assert len(sizes) == 4


@pytest.mark.parametrize("stream", [True, False])
async def test_a_cursor_of_another_epoch_or_from_the_future_must_sync_again(
    device: Device, made: list[Payload], stream: bool
) -> None:
    head = await device.call("ping", {})
    for since, epoch, reason in (
        (1, "another-life", "epoch"),
        (head["version"] + 1, head["epoch"], "ahead"),
        (2**52 - 1, head["epoch"], "ahead"),
        (2**52 - 1, "another-life", "epoch"),
    ):
        answer = await device.call(
            "sync_request", {"since": since, "epoch": epoch, "stream": stream}
        )
        error = answer["error"]
        assert (error["code"], error["reason"]) == ("resync_required", reason)
        assert (error["floor"], error["epoch"]) == (0, head["epoch"])
    await device.flush()
    assert device.take("sync_response") == []


async def test_a_cursor_below_the_floor_is_expired(
    device: Device, made: list[Payload], company: Company, sql: asyncpg.Connection
) -> None:
    epoch = (await device.call("ping", {}))["epoch"]
    floor = made[10]["version"]
    await sql.execute(
        "UPDATE global_version SET floor = $2 WHERE tenant_id = $1", company.tenant, floor
    )
    below = await device.call("sync_request", {"since": floor - 1, "epoch": epoch})
    assert (below["error"]["reason"], below["error"]["floor"]) == ("expired", floor)
    pages, _ = await device.sync(floor, epoch=epoch)
    assert len(contacts_of(pages)) == MADE - 11
    pages, _ = await device.sync()
    assert len(contacts_of(pages)) == MADE


async def test_the_floor_is_held_against_the_head_at_which_a_first_sync_began(
    device: Device, made: list[Payload], company: Company, sql: asyncpg.Connection
) -> None:
    await device.call("sync_request", {"since": 0, "limit": 10})
    resume = (await device.expect("sync_response"))["resume"]
    later = await device.create()
    for floor, served in ((made[-1]["version"], True), (later["version"], False)):
        await sql.execute(
            "UPDATE global_version SET floor = $2 WHERE tenant_id = $1", company.tenant, floor
        )
        answer = await device.call("sync_request", {"since": 0, "limit": 10, "resume": resume})
        assert answer["ok"] is served
    assert answer["error"]["reason"] == "expired"


async def test_a_new_epoch_ends_a_sync_that_was_begun_in_the_old_one(
    device: Device, made: list[Payload], company: Company, sql: asyncpg.Connection
) -> None:
    await device.call("sync_request", {"since": 0, "limit": 10})
    resume = (await device.expect("sync_response"))["resume"]
    await sql.execute(
        "UPDATE global_version SET epoch = 'next-life' WHERE tenant_id = $1", company.tenant
    )
    answer = await device.call("sync_request", {"since": 0, "resume": resume})
    assert (answer["error"]["reason"], answer["error"]["epoch"]) == ("epoch", "next-life")
    pages, complete = await device.sync()
    assert (pages[0]["epoch"], complete["epoch"]) == ("next-life", "next-life")


async def test_a_resume_of_another_sync_is_invalid(device: Device, made: list[Payload]) -> None:
    await device.call("sync_request", {"since": 0, "limit": 10})
    page = await device.expect("sync_response")
    for request in (
        {"since": made[0]["version"], "epoch": page["epoch"], "resume": page["resume"]},
        {"since": 0, "resume": page["resume"][4:]},
        {"since": 0, "resume": "A" * 40},
    ):
        answer = await device.call("sync_request", request)
        assert (answer["error"]["code"], list(answer["error"]["fields"])) == (
            "invalid",
            ["resume"],
        )
