"""How a device comes to be known: what it says, does and was last seen with."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import asyncpg
import pytest

from server.db.pool import Database
from server.schemas.sync import PING
from server.services.actors import Actor
from server.services.device_reports import DeviceReports
from tests.integration.conftest import ON_THE_SERVERS_LOOP
from tests.integration.support.devices import Device
from tests.integration.support.fleet import (
    checked,
    insert_device,
    note_minute,
    set_head,
    state_of,
)
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP


async def test_a_device_tells_how_it_is_by_its_pings(
    device: Device, manager: Api, company: Company, server: Server
) -> None:
    clock = int(time.time() * 1_000) - 90_000
    two_days_ago = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%dT%H:%M:%S}"
    await device.call(
        "ping",
        {
            "clock": clock,
            "cursor": 0,
            "queue": {"size": 3, "oldest_at": f"{two_days_ago}Z"},
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
        "oldest_at": f"{two_days_ago}.000Z",
        "stuck": True,
    }
    assert (answer["battery"], answer["network"], answer["app_version"]) == (41.5, "wifi", "2.4.1")
    assert answer["clock_skew_ms"] == pytest.approx(90_000, abs=30_000)
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

    async def is_idle() -> bool:
        return await state_of(manager, device.id) == "idle"

    await until(is_idle)


async def test_a_device_on_one_server_is_online_on_the_other(
    device: Device, second_server: Server, company: Company, server: Server
) -> None:
    await device.sync()
    await server.parts.reports.flush()
    async with aiohttp.ClientSession() as session:
        api = Api(session, second_server.url, {"X-API-Key": company.keys["manager"]})

        async def is_online() -> bool:
            return await state_of(api, device.id) == "online"

        await until(is_online)


async def test_connections_and_syncs_are_logged(
    device: Device, server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    await device.create()
    await device.sync()
    refused = await device.call("contact_delete", {"id": "no-such-contact"})
    assert refused["error"]["code"] == "not_found"
    await device.close()
    logged: list[asyncpg.Record] = []

    async def has_ended() -> bool:
        await server.parts.sync_log.flush()
        logged[:] = await sql.fetch(
            "SELECT kind, ended IS NOT NULL AS ended, rows, outcome, error_code, address"
            " FROM sync_log WHERE tenant_id = $1 AND kind <> 'minute' ORDER BY kind",
            company.tenant,
        )
        return bool(logged) and logged[0]["ended"]

    await until(has_ended)
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
    await reports.flush()
    await database.close()
    row = await sql.fetchrow("SELECT battery, network FROM devices WHERE id = $1", device_id)
    assert row is not None
    assert (row["battery"], row["network"]) == (2, "wifi")
