from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest

from tests.integration.conftest import ON_THE_SERVERS_LOOP, SignIn
from tests.integration.support.devices import Device
from tests.integration.support.fleet import checked, insert_device, note_work
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

# Of a day of which the log is not purged yet.
MORNING = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0) - timedelta(days=30)


def day(number: int = 0) -> str:
    """That day, or one so many later."""
    return f"{MORNING + timedelta(days=number):%Y-%m-%d}"


async def read(api: Api, device_id: str, query: str = "") -> Any:
    answer = await api.get(f"/api/devices/{device_id}/history{query}")
    return checked(answer, "get_history")


async def ids_on(api: Api, device_id: str, day: str) -> list[str]:
    return [item["id"] for item in (await read(api, device_id, f"?day={day}"))["items"]]


async def test_a_device_s_history_tells_what_it_did(
    device: Device, manager: Api, server: Server
) -> None:
    await device.create()
    await device.sync()
    await device.call("contact_delete", {"id": "no-such-contact"})
    items: list[Any] = []

    async def are_noted() -> bool:
        await server.parts.sync_log.flush()
        items[:] = (await read(manager, device.id))["items"]
        return len(items) == 3

    await until(are_noted)
    refused, sync, connection = items
    assert (refused["kind"], refused["outcome"]) == ("refused", "contact_delete")
    assert refused["error_code"] == "not_found"
    assert (sync["kind"], sync["since"], sync["rows"], sync["outcome"]) == (
        *("sync", 0, 1),
        "complete",
    )
    assert sync["until"] > 0
    assert sync["bytes"] > 0
    assert (connection["kind"], connection["ended"]) == ("connection", None)
    for item in items:
        assert item["id"] in await ids_on(manager, device.id, item["started"][:10])

    await device.close()

    async def ended() -> bool:
        await server.parts.sync_log.flush()
        return (await read(manager, device.id))["items"][-1]["ended"] is not None

    await until(ended)


async def test_a_day_has_what_began_on_it_and_the_connection_held_into_it(
    company: Company, sql: asyncpg.Connection, manager: Api
) -> None:
    device = await insert_device(sql, company, last_seen=MORNING + timedelta(days=2))
    other = await insert_device(sql, company)

    async def note(kind: str, hours: float, ended: float | None = None, of: str = device) -> str:
        end = None if ended is None else MORNING + timedelta(hours=ended)
        started = MORNING + timedelta(hours=hours)
        return await note_work(sql, company, kind, started, device_id=of, ended=end)

    await note("connection", -30, -20)
    held = await note("connection", -12, 3)
    await note("sync", -9, -9)
    first = await note("sync", -8)
    last = await note("push", 15.9)
    await note("sync", 1, of=other)
    lasting = await note("connection", 16.5)

    assert await ids_on(manager, device, day()) == [last, first, held]
    # It was last seen on the third day: since then, the connection that has no end does not last.
    assert await ids_on(manager, device, day(1)) == [lasting]
    assert await ids_on(manager, device, day(2)) == [lasting]
    assert await ids_on(manager, device, day(3)) == []


async def test_a_connection_whose_end_nobody_saw_ended_when_the_next_began(
    company: Company, sql: asyncpg.Connection, manager: Api
) -> None:
    device = await insert_device(sql, company, last_seen=MORNING + timedelta(days=2))
    for hours, kind in ((0, "connection"), (1, "sync"), (2, "connection"), (30, "connection")):
        started = MORNING + timedelta(hours=hours)
        await note_work(sql, company, kind, started, device_id=device)
    items = (await read(manager, device))["items"]
    assert [item["ended"] for item in items] == [
        *(None, f"{day(1)}T14:00:00.000Z", None, f"{day()}T10:00:00.000Z")
    ]
    assert len(await ids_on(manager, device, day(1))) == 2


async def test_a_device_s_history_is_read_page_by_page(
    company: Company, sql: asyncpg.Connection, manager: Api
) -> None:
    device = await insert_device(sql, company)
    # Some at the same microsecond, and some at times that go out as one.
    for number in range(5):
        for _ in range(2):
            started = MORNING + timedelta(microseconds=number)
            await note_work(sql, company, "sync", started, device_id=device)
    seen: list[str] = []
    page: Any = {"next_cursor": ""}
    while page["next_cursor"] is not None:
        page = await read(manager, device, f"?limit=3&cursor={page['next_cursor']}")
        seen += [item["id"] for item in page["items"]]
    whole = [item["id"] for item in (await read(manager, device))["items"]]
    assert (seen, len(set(seen))) == (whole, 10)
    start = await read(manager, device, "?limit=1")
    answer = await manager.get(
        f"/api/devices/{device}/history?day={day()}&cursor={start['next_cursor']}"
    )
    assert answer.code == "invalid cursor"


async def test_agents_read_the_history_of_their_own_devices_alone(
    company: Company, other_company: Company, sql: asyncpg.Connection, sign_in: SignIn
) -> None:
    own = await insert_device(sql, company)
    others = await insert_device(sql, company, "manager")
    assert (await read(sign_in("agent"), own))["items"] == []
    refused = await sign_in("agent").get(f"/api/devices/{others}/history")
    assert refused.code == "forbidden"
    outsider = sign_in("admin", other_company)
    assert (await outsider.get(f"/api/devices/{own}/history")).code == "not_found"


@pytest.mark.parametrize("query", ["day=today", "limit=0", "cursor=nonsense", "days=3"])
async def test_a_bad_question_names_its_parameter(
    company: Company, sql: asyncpg.Connection, manager: Api, query: str
) -> None:
    device = await insert_device(sql, company)
    answer = await manager.get(f"/api/devices/{device}/history?{query}")
    assert answer.code == f"invalid {query.partition('=')[0]}"
