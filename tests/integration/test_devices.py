"""The states of devices, and the lists and figures made of them."""

from __future__ import annotations

import time
from typing import Any

import asyncpg
import pytest

from server.schemas.queries import DEVICE_SORTABLE
from server.schemas.responses import DeviceSchema
from server.services.actors import Actor
from server.services.devices import Devices
from tests.integration.conftest import ON_THE_SERVERS_LOOP, SignIn
from tests.integration.support.fleet import (
    ago,
    checked,
    insert_device,
    note_minute,
    set_head,
    state_of,
)
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server, add_agent

pytestmark = ON_THE_SERVERS_LOOP


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
    (today,) = [day for day in answer["days"] if day["syncs"]]
    assert (today["syncs"], today["rows"], today["bytes"]) == (1, 100, 5_000)
    assert today["median_sync_ms"] == 200
    assert (await sign_in("agent").get("/api/devices/stats")).code == "forbidden"


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
    taken = []
    # A machine that stalls does so for one of them.
    for _ in range(3):
        started = time.monotonic()
        health = await devices.health(boss)
        taken.append(time.monotonic() - started)
    assert health["total"] == 2_000
    assert min(taken) < 5
    DeviceSchema().load(health["attention"][0])
