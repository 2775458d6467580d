"""Who sees which devices, and who revokes, wakes and enrols them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg

from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice, SignIn
from tests.integration.support.devices import Device
from tests.integration.support.fleet import (
    ago,
    checked,
    insert_device,
)
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP


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
    await until(device.disconnected.is_set)
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
