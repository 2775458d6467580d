"""Access that ends or changes while somebody is connected, or signs in."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from server.services.actors import Actor
from server.services.sync import Head
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import SECONDS, Refused
from tests.integration.support.servers import Company, Server, add_agent

pytestmark = ON_THE_SERVERS_LOOP


@pytest.mark.parametrize("transports", [["websocket"], ["polling"]])
@pytest.mark.parametrize("reason", ["key_revoked", "device_revoked", "account_disabled"])
async def test_whose_access_ends_is_told_and_cut_off_and_nobody_else(
    make_device: MakeDevice,
    company: Company,
    sql: asyncpg.Connection,
    reason: str,
    transports: list[str],
) -> None:
    device, colleague = make_device("agent"), make_device("manager")
    for each in (device, colleague):
        await each.connect(each.credentials(), transports=transports)
        await each.expect("authenticated")
    statement, subject = {
        "key_revoked": (
            "UPDATE api_keys SET revoked_at = now() WHERE tenant_id = $1 AND id = $2",
            company.key_ids["agent"],
        ),
        "device_revoked": (
            "UPDATE devices SET revoked_at = now() WHERE tenant_id = $1 AND id = $2",
            device.id,
        ),
        "account_disabled": (
            "UPDATE agents SET disabled = true WHERE tenant_id = $1 AND id = $2",
            company.agents["agent"],
        ),
    }[reason]
    await sql.execute(statement, company.tenant, subject)
    # In moments, and long before it would be missed for its pings.
    async with asyncio.timeout(15):
        assert await device.expect("revoked") == {"reason": reason}
        await device.disconnected.wait()
    await colleague.flush()
    assert colleague.take("revoked") == []


@pytest.mark.parametrize("at_connect", [True, False])
async def test_a_key_that_is_revoked_while_its_owner_signs_in_opens_no_socket(
    make_device: MakeDevice,
    server: Server,
    company: Company,
    sql: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
    at_connect: bool,
) -> None:
    read_head = server.parts.pages.head
    witness = await make_device().connect()
    await witness.sign_in()
    revoked, heard = asyncio.Event(), asyncio.Event()

    async def revoke_meanwhile(tenant: str) -> Head:
        if revoked.is_set():
            # Asked for the witness's sake: the server has heard of it.
            heard.set()
        else:
            revoked.set()
            await sql.execute(
                "UPDATE api_keys SET revoked_at = now() WHERE id = $1", company.key_ids["agent"]
            )
            await heard.wait()
        return await read_head(tenant)

    device = make_device()
    if not at_connect:
        await device.connect()
    monkeypatch.setattr(server.parts.pages, "head", revoke_meanwhile)
    if at_connect:
        with pytest.raises(Refused) as refused:
            await device.connect(device.credentials())
        answer = refused.value.payload["data"]
    else:
        answer = await device.sign_in()
    assert answer["error"]["code"] == "unauthenticated"


async def test_a_sign_in_that_is_looked_at_twice_stands_in_the_history_once(
    make_device: MakeDevice,
    server: Server,
    company: Company,
    sql: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read_head = server.parts.pages.head
    manager = await make_device("manager").connect()
    await manager.sign_in()
    changed = False

    async def rename_meanwhile(tenant: str) -> Head:
        nonlocal changed
        if not changed:
            changed = True
            await sql.execute(
                "UPDATE agents SET name = 'Renamed' WHERE id = $1", company.agents["manager"]
            )
            await manager.expect("agent_changed")
        return await read_head(tenant)

    device = await make_device("agent").connect()
    monkeypatch.setattr(server.parts.pages, "head", rename_meanwhile)
    assert (await device.sign_in())["ok"]
    entries = "SELECT count(*) FROM audit_log WHERE op = 'sign_in' AND agent_id = $1"
    assert changed
    assert await sql.fetchval(entries, company.agents["agent"]) == 1


async def test_a_disabled_agent_s_last_words_are_refused(
    make_device: MakeDevice, server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    """A write that comes between the disabling and the closing of the socket is not applied."""
    await add_agent(sql, server.parts.auth, company, "leaver", "agent")
    device = await make_device("leaver").connect()
    await device.sign_in()
    # Without the notice the socket stays open, as it does for the moment until one comes.
    await sql.execute("ALTER TABLE agents DISABLE TRIGGER notify_agent_access")
    try:
        await sql.execute("UPDATE agents SET disabled = true WHERE code = 'leaver'")
        answer = await device.call("contact_create", {"contact": {"first_name": "Bob"}})
        assert answer["error"]["code"] == "forbidden"
        assert answer["error"]["reason"] == "account_disabled"
    finally:
        await sql.execute("ALTER TABLE agents ENABLE TRIGGER notify_agent_access")


async def test_who_gets_another_role_or_name_hears_so_on_each_open_socket_and_nobody_else(
    make_device: MakeDevice, server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    await add_agent(sql, server.parts.auth, company, "riser", "agent")
    phone, tablet = [await make_device("riser").connect() for _ in range(2)]
    witness = await make_device("agent").connect()
    for device in (phone, tablet, witness):
        await device.sign_in()
    agent = {"id": company.agents["riser"], "code": "riser", "name": "Rosa", "role": "manager"}

    await sql.execute("UPDATE agents SET role = 'manager', name = 'Rosa' WHERE code = 'riser'")

    for device in (phone, tablet):
        assert await device.expect("agent_changed") == {"agent": agent}
    # An equal role is no news, nor is somebody else's.
    await sql.execute("UPDATE agents SET role = role")
    await sql.execute("UPDATE agents SET role = 'agent' WHERE code = 'riser'")
    back = await phone.expect("agent_changed")
    assert back == {"agent": agent | {"role": "agent"}}
    await witness.flush()
    assert (phone.take("agent_changed"), witness.take("agent_changed")) == ([], [])


async def test_a_role_that_was_read_before_the_last_change_is_not_taken_over_after_it(
    make_device: MakeDevice,
    server: Server,
    company: Company,
    sql: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await add_agent(sql, server.parts.auth, company, "faller", "agent")
    device = await make_device("faller").connect()
    await device.sign_in()
    read = server.parts.auth.as_they_are
    first_read, later_read = asyncio.Event(), asyncio.Event()

    async def late_at_first(tenant: str, actors: Sequence[Actor]) -> list[Actor]:
        found = await read(tenant, actors)
        if first_read.is_set():
            later_read.set()
        else:
            first_read.set()
            await later_read.wait()
        return found

    monkeypatch.setattr(server.parts.auth, "as_they_are", late_at_first)
    await sql.execute("UPDATE agents SET role = 'manager' WHERE code = 'faller'")
    await asyncio.wait_for(first_read.wait(), SECONDS)
    await sql.execute("UPDATE agents SET role = 'agent' WHERE code = 'faller'")
    await asyncio.wait_for(later_read.wait(), SECONDS)
    await device.flush()
    assert device.take("agent_changed") == []
