from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest
from nanoid import generate

from server.db.pool import Database
from server.schemas.queries import DEVICE_SORTABLE
from server.schemas.responses import DeviceSchema
from server.schemas.sync import PING
from server.services.actors import Actor
from server.services.device_reports import DeviceReports
from server.services.devices import Devices
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice, SignIn
from tests.integration.support.devices import Device
from tests.integration.support.fleet import ago, checked, insert_device
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server, add_agent

pytestmark = ON_THE_SERVERS_LOOP


async def set_head(sql: asyncpg.Connection, company: Company, version: int) -> None:
    await sql.execute(
        "UPDATE global_version SET version = $2 WHERE tenant_id = $1", company.tenant, version
    )


async def note_minute(
    sql: asyncpg.Connection, company: Company, head: int, **before: float
) -> None:
    """The row of a minute in the past, when the head was this."""
    await sql.execute(
        "INSERT INTO sync_log (tenant_id, id, kind, started, until)"
        " VALUES ($1, $2, 'minute', $3, $4)",
        *(company.tenant, generate(), await ago(sql, **before), head),
    )


async def state_of(api: Api, device_id: str) -> str:
    device = checked(await api.get(f"/api/devices/{device_id}"), "get_device")
    state: str = device["state"]
    return state


# How a device comes to be known


async def test_a_device_tells_how_it_is_by_its_pings(
    device: Device, manager: Api, company: Company, server: Server
) -> None:
    clock = int(time.time() * 1_000) - 90_000
    await device.call(
        "ping",
        {
            "clock": clock,
            "cursor": 0,
            "queue": {"size": 3, "oldest_at": "2026-03-01T09:30:00Z"},
            "battery": 41.5,
            "network": "wifi",
            "app_version": "2.4.1",
        },
    )
    await server.parts.reports.flush()
    answer = checked(await manager.get(f"/api/devices/{device.id}"), "get_device")
    assert answer["agent"] == {"id": company.agents["agent"], "code": "agent", "name": "Agent"}
    assert answer["queue"] == {
        "size": 3,
        "oldest_at": "2026-03-01T09:30:00.000Z",
        "stuck": True,
    }
    assert (answer["battery"], answer["network"], answer["app_version"]) == (41.5, "wifi", "2.4.1")
    assert answer["clock_skew_ms"] == pytest.approx(90_000, abs=5_000)
    assert (answer["state"], answer["online"]) == ("never_synced", True)

    await device.call("ping", {"queue": {"size": 0}})
    await server.parts.reports.flush()
    answer = checked(await manager.get(f"/api/devices/{device.id}"), "get_device")
    assert answer["queue"] == {"size": 0, "oldest_at": None, "stuck": False}
    # What the last ping did not say stays.
    assert (answer["battery"], answer["network"]) == (41.5, "wifi")


async def test_a_device_that_synced_is_online_until_its_socket_closes(
    device: Device, manager: Api, server: Server
) -> None:
    await device.create()
    _, complete = await device.sync()
    await server.parts.reports.flush()
    answer = checked(await manager.get(f"/api/devices/{device.id}"), "get_device")
    assert (answer["state"], answer["online"]) == ("online", True)
    assert answer["version"] == complete["version"]
    assert answer["lag"] == {"versions": 0, "seconds": 0}

    await device.close()
    deadline = time.monotonic() + 5
    while await state_of(manager, device.id) == "online":
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    assert await state_of(manager, device.id) == "idle"


async def test_a_device_on_one_server_is_online_on_the_other(
    device: Device, second_server: Server, company: Company, server: Server
) -> None:
    await device.sync()
    await server.parts.reports.flush()
    async with aiohttp.ClientSession() as session:
        api = Api(session, second_server.url, {"X-API-Key": company.keys["manager"]})
        deadline = time.monotonic() + 5
        while await state_of(api, device.id) != "online":
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)


async def test_connections_and_syncs_are_logged(
    device: Device, server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    await device.create()
    await device.sync()
    refused = await device.call("contact_delete", {"id": "no-such-contact"})
    assert refused["error"]["code"] == "not_found"
    await device.close()
    deadline = time.monotonic() + 5
    while True:
        await server.parts.sync_log.flush()
        logged = await sql.fetch(
            "SELECT kind, ended IS NOT NULL AS ended, rows, outcome, error_code, address"
            " FROM sync_log WHERE tenant_id = $1 AND kind <> 'minute' ORDER BY kind",
            company.tenant,
        )
        if logged and logged[0]["ended"]:
            break
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    connection, refusal, sync = logged
    assert (connection["kind"], connection["address"]) == ("connection", "127.0.0.1")
    assert (refusal["kind"], refusal["error_code"]) == ("refused", "not_found")
    assert (sync["kind"], sync["rows"], sync["outcome"]) == ("sync", 1, "complete")


async def report(server: Server, company: Company, device_id: str, **ping: Any) -> None:
    actor = Actor(company.tenant, company.agents["agent"], "a", "A", "agent", device_id=device_id)
    reports = DeviceReports(server.parts.database)
    reports.note_ping(actor, PING.load(ping), None)
    await reports.flush()


async def test_of_several_reports_in_a_second_the_last_counts(
    server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    device_id = await insert_device(sql, company)
    actor = Actor(company.tenant, company.agents["agent"], "a", "A", "agent", device_id=device_id)
    reports = DeviceReports(server.parts.database)
    for number in range(1, 4):
        reports.note_ping(actor, PING.load({"battery": number, "cursor": number}), number)
    reports.note_synced(actor, 7)
    # Without a device there is nothing to report of.
    reports.note_ping(Actor(company.tenant, "a", "a", "A", "agent"), {}, None)
    await reports.flush()
    row = await sql.fetchrow("SELECT * FROM devices WHERE id = $1", device_id)
    assert row is not None
    assert (row["battery"], row["version"], row["clock_skew_ms"]) == (3, 7, 3)
    assert row["last_sync"] is not None
    assert row["last_seen"] is not None


async def test_a_device_with_the_head_of_a_minute_ago_has_everything(
    server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    await set_head(sql, company, 1_000)
    device_id = await insert_device(sql, company)
    last_sync = "SELECT last_sync FROM devices WHERE id = $1"
    await report(server, company, device_id, cursor=900)
    assert await sql.fetchval(last_sync, device_id) is None
    await note_minute(sql, company, 900, seconds=50)
    await report(server, company, device_id, cursor=899)
    assert await sql.fetchval(last_sync, device_id) is None
    await report(server, company, device_id, cursor=900)
    assert await sql.fetchval(last_sync, device_id) is not None


async def test_reports_wait_while_the_database_is_away(
    server: Server, company: Company, sql: asyncpg.Connection, module_database_url: str
) -> None:
    device_id = await insert_device(sql, company)
    actor = Actor(company.tenant, company.agents["agent"], "a", "A", "agent", device_id=device_id)
    database = await Database.connect(module_database_url, size=2)
    reports = DeviceReports(database)
    reports.note_ping(actor, PING.load({"battery": 1, "network": "wifi"}), None)
    working_pool = database.pool
    broken = await Database.connect(module_database_url, size=2)
    await broken.close()
    database.pool = broken.pool
    await reports.flush()
    reports.note_ping(actor, PING.load({"battery": 2}), None)
    database.pool = working_pool
    await reports.stop()
    await database.close()
    row = await sql.fetchrow("SELECT battery, network FROM devices WHERE id = $1", device_id)
    assert row is not None
    assert (row["battery"], row["network"]) == (2, "wifi")


# States


async def test_the_state_is_the_first_that_holds(
    company: Company, sql: asyncpg.Connection, server: Server, manager: Api
) -> None:
    await set_head(sql, company, 1_000)
    await note_minute(sql, company, 400, days=20)
    await note_minute(sql, company, 500, hours=25)
    await note_minute(sql, company, 900, hours=2)
    now, long_ago = await ago(sql, seconds=1), await ago(sql, days=8)
    yesterday = await ago(sql, hours=30)
    columns: dict[str, dict[str, Any]] = {
        "revoked": {"revoked_at": now, "last_seen": long_ago},
        "never_synced": {"last_seen": now},
        "online": {"last_sync": long_ago, "last_seen": now, "version": 400},
        "missing": {"last_sync": long_ago, "last_seen": long_ago, "version": 1_000},
        # It had 500, which was the head 25 hours ago, and not 900, which was it 2 hours ago.
        "late": {"last_sync": yesterday, "last_seen": now, "version": 500},
        "idle": {"last_sync": yesterday, "last_seen": yesterday, "version": 1_000},
    }
    ids = {state: await insert_device(sql, company, **values) for state, values in columns.items()}
    for state in ("revoked", "never_synced", "online"):
        server.parts.presence.online(company.tenant, ids[state], f"socket-{state}")
    assert {state: await state_of(manager, ids[state]) for state in ids} == {
        state: state for state in ids
    }

    answer = checked(await manager.get("/api/devices"), "list_devices")
    assert answer["total"] == 6
    assert {item["id"]: item["state"] for item in answer["items"]} == {
        ids[state]: state for state in ids
    }
    for state, device_id in ids.items():
        answer = checked(await manager.get(f"/api/devices?state={state}"), "list_devices")
        assert [item["id"] for item in answer["items"]] == [device_id]
        assert answer["total"] == 1

    health = checked(await manager.get("/api/devices/health"), "get_health")
    assert health["states"] == dict.fromkeys(ids, 1)
    assert (health["total"], health["online"]) == (6, 2)
    assert health["lag"]["versions"] == 600
    assert [item["state"] for item in health["attention"]] == ["late", "missing"]


async def test_a_phone_that_slept_through_a_quiet_weekend_is_not_late(
    company: Company, sql: asyncpg.Connection, manager: Api
) -> None:
    await set_head(sql, company, 500)
    friday = await ago(sql, hours=60)
    device_id = await insert_device(sql, company, last_sync=friday, last_seen=friday, version=500)
    for hours in (60, 30, 0.5):
        await note_minute(sql, company, 500, hours=hours)
    # Half an hour ago a colleague was the first to edit something.
    await set_head(sql, company, 501)
    answer = checked(await manager.get(f"/api/devices/{device_id}"), "get_device")
    assert answer["state"] == "idle"
    assert answer["lag"]["versions"] == 1
    assert answer["lag"]["seconds"] == pytest.approx(1_800, abs=30)


# Lists


async def test_outdated_lists_those_that_are_late_or_too_far_behind(
    company: Company, sql: asyncpg.Connection, manager: Api
) -> None:
    await set_head(sql, company, 1_000)
    now, yesterday = await ago(sql, seconds=1), await ago(sql, hours=30)
    late = await insert_device(sql, company, last_sync=yesterday, last_seen=now, version=990)
    behind = [
        await insert_device(sql, company, last_sync=now, last_seen=now, version=version)
        for version in (100, 500, 800, 999)
    ]
    await insert_device(sql, company, last_sync=now, version=1, revoked_at=now)

    answer = checked(await manager.get("/api/devices/outdated"), "list_outdated")
    assert [item["id"] for item in answer["items"]] == [late]
    path = "/api/devices/outdated?versions=200&limit=2"
    answer = checked(await manager.get(path), "list_outdated")
    assert [item["id"] for item in answer["items"]] == behind[:2]
    assert answer["total"] == 3
    rest = await manager.get(f"{path}&cursor={answer['next_cursor']}")
    answer = checked(rest, "list_outdated")
    assert [item["id"] for item in answer["items"]] == [late]
    assert answer["next_cursor"] is None


async def test_a_list_goes_on_at_its_cursor_and_passes_over_an_offset(
    company: Company, sql: asyncpg.Connection, manager: Api, server: Server
) -> None:
    await add_agent(sql, server.parts.auth, company, "Zoe", "agent")
    mine = sorted([await insert_device(sql, company) for _ in range(3)])
    hers = sorted([await insert_device(sql, company, "Zoe") for _ in range(2)])
    seen: list[str] = []
    cursor = ""
    while True:
        page = checked(await manager.get(f"/api/devices?limit=2{cursor}"), "list_devices")
        assert page["total"] == 5
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == 5
    assert (sorted(seen[:3]), sorted(seen[3:])) == (mine, hers)
    page = checked(await manager.get("/api/devices?offset=3"), "list_devices")
    assert sorted(item["id"] for item in page["items"]) == hers

    of_zoe = checked(await manager.get("/api/devices/agent/zoe"), "list_of_agent")
    assert sorted(item["id"] for item in of_zoe["items"]) == hers
    assert (await manager.get("/api/devices/agent/nobody")).code == "not_found"


async def test_a_list_is_sorted_by_what_one_looks_for_and_what_is_not_known_comes_last(
    company: Company, sql: asyncpg.Connection, manager: Api
) -> None:
    await set_head(sql, company, 12)
    seen = {hours: await ago(sql, hours=hours) for hours in (1, 30, 200)}
    for name, columns in {
        "Élan": {"version": 2, "queue_size": 10, "battery": 9.5, "app_version": "2.9.1"},
        "dune": {"version": 12, "queue_size": 2, "battery": 100, "app_version": "v2.10"},
        "Fox": {"version": 11, "queue_size": 0, "battery": 55, "app_version": "2.9"},
    }.items():
        device_id, hours = {"dune": ("device-1", 30), "Fox": ("device-2", 200)}.get(
            name, ("device-3", 1)
        )
        times = {"last_seen": seen[hours], "last_sync": seen[hours]}
        await insert_device(sql, company, id=device_id, name=name, **times, **columns)
    await insert_device(sql, company, "admin", name="new", version=0)
    orders = {
        "name": ["dune", "Élan", "Fox", "new"],
        "agent": ["new", "dune", "Fox", "Élan"],
        "state": ["dune", "Élan", "new", "Fox"],
        "last_seen": ["Fox", "dune", "Élan", "new"],
        "last_sync": ["Fox", "dune", "Élan", "new"],
        "lag": ["dune", "Fox", "Élan", "new"],
        "queue": ["Fox", "dune", "Élan", "new"],
        "battery": ["Élan", "Fox", "dune", "new"],
        "app_version": ["Fox", "Élan", "dune", "new"],
    }
    assert set(orders) == set(DEVICE_SORTABLE)
    unknown = {"last_seen", "last_sync", "queue", "battery", "app_version"}
    for field, expected in orders.items():
        for sort in (field, f"-{field}"):
            whole = checked(await manager.get(f"/api/devices?sort={sort}"), "list_devices")
            names = [item["name"] for item in whole["items"]]
            if sort == field:
                assert names == expected, sort
            elif field in unknown:
                assert names == [*expected[-2::-1], "new"], sort
            else:
                assert names == expected[::-1], sort
            cursor, paged = "", []
            while cursor is not None:
                page = checked(
                    await manager.get(f"/api/devices?sort={sort}&limit=1&cursor={cursor}"),
                    "list_devices",
                )
                paged += page["items"]
                cursor = page["next_cursor"]
            assert [item["id"] for item in paged] == [item["id"] for item in whole["items"]]
            rest = await manager.get(f"/api/devices?sort={sort}&offset=2")
            assert [item["id"] for item in rest.json["items"]] == [
                item["id"] for item in whole["items"][2:]
            ]
    page = checked(await manager.get("/api/devices?sort=lag&limit=1"), "list_devices")
    other = await manager.get(f"/api/devices?sort=-lag&cursor={page['next_cursor']}")
    assert other.code == "invalid cursor"


async def test_an_outdated_app_and_a_stuck_queue_are_told_counted_and_listed(
    company: Company, sql: asyncpg.Connection, manager: Api, sign_in: SignIn
) -> None:
    hours_ago, now = await ago(sql, hours=2), await ago(sql, seconds=1)
    fine = await insert_device(sql, company, app_version="v2.10.0-beta.1", queue_size=0)
    nameless = await insert_device(sql, company, app_version="beta", queue_size=None)
    old = await insert_device(sql, company, app_version="2.9.9")
    stuck = await insert_device(
        sql, company, app_version="2.10", queue_size=1, queue_oldest_at=hours_ago
    )
    # By its own clock, which is two hours slow, the edit was made just now.
    slow = {"queue_oldest_at": hours_ago, "clock_skew_ms": 7_200_000}
    await insert_device(sql, company, "manager", queue_size=1, **slow)
    await insert_device(sql, company, "manager", queue_size=1, queue_oldest_at=now)
    revoked = {"app_version": "1.0", "queue_size": 1, "queue_oldest_at": hours_ago}
    await insert_device(sql, company, revoked_at=now, **revoked)
    health = checked(await manager.get("/api/devices/health"), "get_health")
    assert (health["app_outdated"], health["queue_stuck"]) == (0, 1)

    await sign_in("admin").patch("/api/tenant", {"min_app_version": "2.10"})

    async def listed(query: str) -> set[str]:
        answer = checked(await manager.get(f"/api/devices?{query}"), "list_devices")
        assert answer["total"] == len(answer["items"])
        return {item["id"] for item in answer["items"]}

    health = checked(await manager.get("/api/devices/health"), "get_health")
    assert (health["app_outdated"], health["queue_stuck"]) == (1, 1)
    assert await listed("app_outdated=true") == {old}
    assert await listed("queue_stuck=true") == {stuck}
    assert await listed("queue_stuck=true&app_outdated=true") == set()
    mine = company.agents["agent"]
    assert {fine, nameless} <= await listed("app_outdated=false")
    assert len(await listed("app_outdated=false")) == 6
    answer = checked(await manager.get(f"/api/devices/{old}"), "get_device")
    assert (answer["agent"]["id"], answer["app_outdated"]) == (mine, True)
    answer = checked(await manager.get(f"/api/devices/{stuck}"), "get_device")
    assert answer["queue"]["stuck"]


async def test_devices_are_found_by_any_part_of_their_names(
    company: Company, sql: asyncpg.Connection, manager: Api
) -> None:
    anns = await insert_device(sql, company, name="Ännchen's phone", model="Pixel 9")
    bens = await insert_device(sql, company, "manager", name="100 %", model="Pixel 8")
    nameless = await insert_device(sql, company, os="Android 16", app_version="2.4.1")
    found = {
        "annchen": {anns},
        "PIXEL": {anns, bens},
        "pixel%20agent": {anns},
        "0%20%25": {bens},
        "manager%209": set(),
        "agen": {anns, nameless},
        "ANDROID%2016": {nameless},
        "2.4.1%20agent": {nameless},
        bens: {bens},
        f"{bens}%20pixel": {bens},
        bens[:-1]: set(),
        "%20": {anns, bens, nameless},
    }
    for words, ids in found.items():
        answer = checked(await manager.get(f"/api/devices?search={words}"), "list_devices")
        assert ({item["id"] for item in answer["items"]}, answer["total"]) == (ids, len(ids))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("?app_outdated=maybe", "invalid app_outdated"),
        ("?state=asleep", "invalid state"),
        ("?cursor=nonsense", "invalid cursor"),
        ("?limit=0", "invalid limit"),
        ("?sort=colour", "invalid sort"),
        ("?sort=--lag", "invalid sort"),
        ("/outdated?versions=-1", "invalid versions"),
        ("/outdated?cursor=WyJvdXRkYXRlZCIsbnVsbCwieCIsIngiXQ==", "invalid cursor"),
        ("/stats?days=0", "invalid days"),
        ("/stats?days=91", "invalid days"),
        ("/nonexistent-device", "not_found"),
    ],
)
async def test_what_can_not_be_asked_is_named(manager: Api, path: str, code: str) -> None:
    assert (await manager.get(f"/api/devices{path}")).code == code


async def test_statistics_tell_what_devices_did_and_which_apps_they_have(
    company: Company, sql: asyncpg.Connection, manager: Api, sign_in: SignIn
) -> None:
    for version in ("2.4.1", "2.4.1", "2.3.0"):
        await insert_device(sql, company, app_version=version, os="Android 16")
    await sql.execute(
        "INSERT INTO sync_log (tenant_id, id, kind, started, ended, rows, bytes)"
        " VALUES ($1, 'one', 'sync', now() - interval '0.2 s', now(), 100, 5000)",
        company.tenant,
    )
    answer = checked(await manager.get("/api/devices/stats?days=2"), "get_stats")
    assert answer["apps"] == [
        {"app_version": "2.4.1", "os": "Android 16", "devices": 2},
        {"app_version": "2.3.0", "os": "Android 16", "devices": 1},
    ]
    (today,) = answer["days"]
    assert (today["syncs"], today["rows"], today["bytes"]) == (1, 100, 5_000)
    assert today["median_sync_ms"] == 200
    assert (await sign_in("agent").get("/api/devices/stats")).code == "forbidden"


# Who sees and does what


async def test_agents_see_only_their_own_devices(
    company: Company, sql: asyncpg.Connection, sign_in: SignIn
) -> None:
    own = await insert_device(sql, company, last_sync=await ago(sql, hours=1))
    others = await insert_device(sql, company, "manager", last_sync=await ago(sql, hours=1))
    agent = sign_in("agent")
    answer = checked(await agent.get("/api/devices"), "list_devices")
    assert [item["id"] for item in answer["items"]] == [own]
    assert checked(await agent.get("/api/devices/health"), "get_health")["total"] == 1
    assert (await agent.get(f"/api/devices/{own}")).status == 200
    assert (await agent.get("/api/devices/agent/AGENT")).json["total"] == 1
    for refused in (
        await agent.get(f"/api/devices/{others}"),
        await agent.get("/api/devices/agent/manager"),
        await agent.post(f"/api/devices/{others}/revoke"),
        await agent.post(f"/api/devices/{others}/sync"),
        await agent.post("/api/devices/enrol", {"agent_code": "agent"}),
    ):
        assert refused.code == "forbidden"


async def test_nobody_sees_the_devices_of_another_company(
    company: Company, other_company: Company, sql: asyncpg.Connection, sign_in: SignIn
) -> None:
    device_id = await insert_device(sql, company)
    outsider = sign_in("admin", other_company)
    assert (await outsider.get("/api/devices")).json["total"] == 0
    for refused in (
        await outsider.get(f"/api/devices/{device_id}"),
        await outsider.post(f"/api/devices/{device_id}/revoke"),
        await outsider.post(f"/api/devices/{device_id}/sync"),
        await outsider.get("/api/devices/agent/Zoe"),
    ):
        assert refused.code == "not_found"


async def test_a_revoked_device_is_cut_off_and_stays_out(
    device: Device, manager: Api, company: Company, sql: asyncpg.Connection
) -> None:
    answer = checked(await manager.post(f"/api/devices/{device.id}/revoke"), "revoke")
    assert answer["ok"]
    assert answer["device"]["state"] == "revoked"
    assert (await device.expect("revoked"))["reason"] == "device_revoked"
    await asyncio.wait_for(device.disconnected.wait(), 5)
    again = await device.connect()
    assert (await again.sign_in())["error"]["code"] == "forbidden"
    # Once more changes nothing, and says so once.
    answer = checked(await manager.post(f"/api/devices/{device.id}/revoke"), "revoke")
    assert answer["device"]["state"] == "revoked"
    history = await sql.fetch(
        "SELECT op, agent_id FROM audit_log WHERE tenant_id = $1 AND entity_id = $2",
        *(company.tenant, device.id),
    )
    assert [tuple(entry) for entry in history] == [("revoke", company.agents["manager"])]
    assert (await manager.post(f"/api/devices/{device.id}/sync")).code == "conflict"


async def test_a_device_says_since_when_it_is_known_and_since_when_it_is_revoked(
    company: Company, sql: asyncpg.Connection, manager: Api
) -> None:
    known = await ago(sql, hours=50)
    device_id = await insert_device(sql, company, created_at=known)
    device = checked(await manager.get(f"/api/devices/{device_id}"), "get_device")
    assert device["revoked_at"] is None
    made = datetime.fromisoformat(device["created_at"])
    assert abs(made - known) < timedelta(milliseconds=1)
    revoked = await manager.post(f"/api/devices/{device_id}/revoke")
    age = datetime.now(UTC) - datetime.fromisoformat(revoked.json["device"]["revoked_at"])
    assert abs(age) < timedelta(minutes=1)


async def test_an_agent_revokes_its_own_lost_phone(
    company: Company, sql: asyncpg.Connection, sign_in: SignIn
) -> None:
    device_id = await insert_device(sql, company)
    answer = checked(await sign_in("agent").post(f"/api/devices/{device_id}/revoke"), "revoke")
    assert answer["device"]["state"] == "revoked"


async def test_asking_a_device_to_sync_is_noted(
    company: Company, sql: asyncpg.Connection, manager: Api
) -> None:
    device_id = await insert_device(sql, company)
    answer = checked(await manager.post(f"/api/devices/{device_id}/sync"), "request_sync")
    assert answer["device"]["id"] == device_id
    asked = "SELECT sync_requested_at IS NOT NULL FROM devices WHERE id = $1"
    assert await sql.fetchval(asked, device_id)
    done = "SELECT op FROM audit_log WHERE tenant_id = $1 AND entity_id = $2"
    assert await sql.fetchval(done, company.tenant, device_id) == "sync"


async def test_an_enrolled_device_signs_in_with_its_key(
    company: Company, manager: Api, make_device: MakeDevice
) -> None:
    answer = checked(
        await manager.post("/api/devices/enrol", {"agent_code": "AGENT", "name": "Ann's phone"}),
        "enrol",
        201,
    )
    enrolled = answer["device"]
    assert (enrolled["name"], enrolled["state"]) == ("Ann's phone", "never_synced")
    assert enrolled["agent"]["id"] == company.agents["agent"]
    phone = await make_device().connect()
    signed_in = await phone.sign_in(api_key=answer["api_key"], device_id=enrolled["id"])
    assert signed_in["ok"]
    assert signed_in["device_id"] == enrolled["id"]
    assert signed_in["agent"]["code"] == "agent"


async def test_a_manager_can_not_become_an_admin_by_enrolling_a_device(
    company: Company, sign_in: SignIn
) -> None:
    manager, admin = sign_in("manager"), sign_in("admin")
    assert (await manager.post("/api/devices/enrol", {"agent_code": "admin"})).code == "forbidden"
    for api, code in ((manager, "manager"), (manager, "api"), (admin, "manager")):
        checked(await api.post("/api/devices/enrol", {"agent_code": code}), "enrol", 201)
    refused = await admin.post("/api/devices/enrol", {"agent_code": "nobody"})
    assert refused.code == "invalid agent_code"
    assert (await admin.post("/api/devices/enrol", {})).code == "invalid agent_code"


async def test_a_company_of_many_devices_is_answered_quickly(
    server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    await set_head(sql, company, 5_000)
    await sql.execute(
        "INSERT INTO devices (tenant_id, id, agent_id, last_seen, last_sync, version)"
        " SELECT $1, 'device-many-' || number, $2, now(), now() - interval '2 days', number"
        " FROM generate_series(1, 2000) AS number",
        *(company.tenant, company.agents["agent"]),
    )
    await sql.execute(
        "INSERT INTO sync_log (tenant_id, id, kind, started, until)"
        " SELECT $1, 'minute-' || number, 'minute', now() - number * interval '1 minute',"
        " 5000 - number / 10 FROM generate_series(1, 20000) AS number",
        company.tenant,
    )
    await sql.execute("ANALYZE sync_log, devices")
    devices = Devices(server.parts.database, server.parts.presence, server.parts.auth)
    boss = Actor(company.tenant, company.agents["manager"], "manager", "Manager", "manager")
    started = time.monotonic()
    health = await devices.health(boss)
    assert health["total"] == 2_000
    assert time.monotonic() - started < 5
    DeviceSchema().load(health["attention"][0])
