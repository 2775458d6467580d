"""Signing in, by event and at CONNECT."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from nanoid import generate

from server.events import connection
from server.transport import server as transport
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice, OpenRaw
from tests.integration.support.answers import WRITES, faults_of_refusal
from tests.integration.support.devices import Device, Refused
from tests.integration.support.servers import Company
from tests.integration.support.writing import stamp_of

pytestmark = ON_THE_SERVERS_LOOP

PUBLIC = {"api_key": "fb_nobody-has-this-key"}


async def test_a_device_signs_in_by_event(make_device: MakeDevice, company: Company) -> None:
    device = await make_device("manager").connect()
    answer = await device.sign_in()
    assert answer["agent"] == {
        "id": company.agents["manager"],
        "code": "manager",
        "name": "Manager",
        "role": "manager",
    }
    assert answer["tenant"] == company.tenant
    assert answer["device_id"] == device.id
    assert answer["version"] == 0
    assert answer["limits"] == {"page": 1000, "push": 500, "payload_bytes": 1_000_000, "ping_s": 25}


async def test_a_device_signs_in_at_connect_and_gets_what_the_ack_would_hold(
    make_device: MakeDevice, company: Company
) -> None:
    device = make_device()
    await device.connect(device.credentials())
    authenticated = await device.expect("authenticated")
    assert authenticated["agent"]["id"] == company.agents["agent"]
    again = await device.sign_in()
    without_clock = authenticated.keys() - {"server_time"}
    assert {key: again[key] for key in without_clock} == {
        key: authenticated[key] for key in without_clock
    }


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        (PUBLIC, "unauthenticated"),
        ({"token": "eyJhbGciOiJIUzI1NiJ9.e30.x"}, "unauthenticated"),
        ({"device_id": "abcdefgh"}, "invalid"),
        ({"api_key": "a", "token": "b"}, "invalid"),
        ({**PUBLIC, "devise_id": "abcdefgh"}, "invalid"),
        ({**PUBLIC, "device_id": 7}, "invalid"),
        ({**PUBLIC, "protocol": 2}, "invalid"),
        ({"api_key": "nul\x00"}, "invalid"),
        (["a list"], "invalid"),
        ("a text", "invalid"),
    ],
)
async def test_connect_is_refused_with_an_object_that_holds_the_error(
    make_device: MakeDevice, auth: Any, code: str
) -> None:
    device = make_device()
    with pytest.raises(Refused) as refused:
        await device.connect(auth)
    payload = refused.value.payload
    assert set(payload) == {"message", "data"}
    assert not faults_of_refusal(payload["data"])
    assert payload["data"]["error"]["code"] == code
    assert payload["message"] == payload["data"]["error"]["message"]
    # The next connection works.
    await device.connect(device.credentials())
    await device.expect("authenticated")


@pytest.mark.parametrize("auth", ["{", '{"api_key":"\\ud800"}', '{"api_key":', "[[["])
async def test_connect_with_broken_json_is_refused_in_words(open_raw: OpenRaw, auth: str) -> None:
    raw = await open_raw(connect=False)
    await raw.send(f"40{auth}")
    answer = await raw.receive()
    assert answer.startswith('44{"message":')
    assert '"code":"invalid"' in answer
    assert "JSON" in answer
    assert "a number" not in answer


async def test_a_wrong_key_is_refused_and_the_socket_lives_on(make_device: MakeDevice) -> None:
    device = await make_device().connect()
    answer = await device.call("auth", PUBLIC)
    assert answer["error"]["code"] == "unauthenticated"
    assert (await device.call("ping", {}))["error"]["code"] == "unauthenticated"
    assert (await device.sign_in())["ok"]
    await device.flush()


async def test_a_revoked_key_and_a_disabled_account_are_unauthenticated(
    make_device: MakeDevice, company: Company, sql: asyncpg.Connection
) -> None:
    await sql.execute(
        "UPDATE api_keys SET revoked_at = now() WHERE tenant_id = $1 AND id = $2",
        *(company.tenant, company.key_ids["manager"]),
    )
    await sql.execute(
        "UPDATE agents SET disabled = true WHERE tenant_id = $1 AND id = $2",
        *(company.tenant, company.agents["api"]),
    )
    for role in ("manager", "api"):
        device = await make_device(role).connect()
        assert (await device.sign_in())["error"]["code"] == "unauthenticated"


async def test_before_auth_every_other_event_is_unauthenticated(open_raw: OpenRaw) -> None:
    raw = await open_raw()
    for event in ("sync_request", "sync_push", "ping", "no_such_event", *WRITES):
        answer = await raw.call(event, {})
        assert (event, answer["error"]["code"]) == (event, "unauthenticated")


async def test_auth_again_is_for_the_same_agent_and_device_only(
    make_device: MakeDevice, company: Company, sql: asyncpg.Connection
) -> None:
    device = await make_device("manager").connect()
    first = await device.sign_in()
    assert (await device.call("auth", {"api_key": company.keys["manager"]}))["device_id"] == (
        first["device_id"]
    )
    for other in (
        {"api_key": company.keys["agent"], "device_id": generate()},
        {"api_key": company.keys["manager"], "device_id": generate()},
    ):
        assert (await device.call("auth", other))["error"]["code"] == "conflict"
        refused = "SELECT count(*) FROM devices WHERE id = $1"
        assert await sql.fetchval(refused, other["device_id"]) == 0
    await device.create()
    assert (await device.expect("contact_created"))["actor"]["device"] == device.id


async def test_a_writer_stays_what_it_said_it_was(
    make_device: MakeDevice, company: Company, sql: asyncpg.Connection
) -> None:
    browser = make_device("manager")
    key = {"api_key": company.keys["manager"]}
    await browser.connect({**key, "writer_id": "browser-one"})
    assert (await browser.expect("authenticated"))["device_id"] is None
    assert (await browser.call("auth", key))["ok"]
    other = await browser.call("auth", {**key, "writer_id": "browser-two"})
    assert other["error"]["code"] == "conflict"
    short = await browser.call("auth", {**key, "writer_id": "one"})
    assert list(short["error"]["fields"]) == ["writer_id"]
    contact = await browser.create()
    assert (await stamp_of(sql, contact, "*"))["writer"] == "browser-one"
    assert await sql.fetchval("SELECT count(*) FROM devices WHERE id = 'browser-one'") == 0


async def test_a_device_is_the_writer_of_what_comes_from_it(
    make_device: MakeDevice, sql: asyncpg.Connection
) -> None:
    device = await make_device().connect()
    assert (await device.sign_in(writer_id="not-needed"))["ok"]
    stamp = await stamp_of(sql, await device.create(), "*")
    assert stamp["device"] == device.id
    assert "writer" not in stamp


async def test_auth_again_may_ask_for_sets_instead_of_single_events(
    device: Device, second_device: Device
) -> None:
    await device.sign_in(batch=True)
    await second_device.sign_in()
    await device.create()
    await device.expect("changes")
    await second_device.expect("contact_created")
    for each in (device, second_device):
        await each.flush()
        assert each.events == []


async def test_of_two_agents_that_sign_in_at_once_on_one_socket_one_gets_it(
    make_device: MakeDevice, company: Company, other_company: Company
) -> None:
    for _ in range(5):
        device = await make_device("admin").connect()
        answers = await asyncio.gather(
            device.call("auth", {"api_key": company.keys["admin"]}),
            device.call("auth", {"api_key": other_company.keys["admin"]}),
        )
        refusals = [each["error"]["code"] for each in answers if not each["ok"]]
        assert refusals == ["conflict"]


async def test_a_device_of_another_agent_is_forbidden(make_device: MakeDevice) -> None:
    first = await make_device("agent").connect()
    await first.sign_in()
    second = await make_device("manager").connect()
    assert (await second.sign_in(device_id=first.id))["error"]["code"] == "forbidden"
    assert (await second.sign_in())["ok"]


async def test_one_device_id_in_two_companies_is_two_devices(
    make_device: MakeDevice, other_company: Company
) -> None:
    first = await make_device().connect()
    assert (await first.sign_in())["ok"]
    second = await make_device(of=other_company).connect()
    assert (await second.sign_in(device_id=first.id))["ok"]


async def test_a_revoked_device_is_forbidden(
    make_device: MakeDevice, sql: asyncpg.Connection
) -> None:
    device = await make_device().connect()
    await device.sign_in()
    await device.close()
    await sql.execute("UPDATE devices SET revoked_at = now() WHERE id = $1", device.id)
    with pytest.raises(Refused) as refused:
        await device.connect(device.credentials())
    assert refused.value.payload["data"]["error"]["code"] == "forbidden"


async def test_what_a_device_says_of_itself_is_kept(
    make_device: MakeDevice, sql: asyncpg.Connection
) -> None:
    device = await make_device().connect()
    await device.sign_in(device={"name": " Ann's  phone", "os": "Android 16"})
    await device.sign_in(device={"os": "Android 17"})
    row = await sql.fetchrow("SELECT name, model, os FROM devices WHERE id = $1", device.id)
    assert tuple(row) == ("Ann's phone", None, "Android 17")


async def test_a_device_without_an_id_is_given_one(make_device: MakeDevice) -> None:
    device = make_device()
    await device.connect({"api_key": device.credentials()["api_key"], "device": {"name": "Tab"}})
    assert len((await device.expect("authenticated"))["device_id"]) == 21


async def test_a_socket_that_does_not_sign_in_is_closed(
    make_device: MakeDevice, open_raw: OpenRaw, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert connection.AUTH_SECONDS == 10
    assert transport.CONNECT_SECONDS == 10
    # Time enough for those that sign in, or fail to, on a machine that stalls meanwhile.
    monkeypatch.setattr(connection, "AUTH_SECONDS", 2.5)
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 2.5)
    signed_in = await make_device().connect()
    await signed_in.sign_in()
    raw = await open_raw()
    never_connected = await open_raw(connect=False)
    assert (await raw.call("auth", PUBLIC))["ok"] is False
    assert await raw.closed() == 1000
    assert await never_connected.closed() == 1000
    await signed_in.flush()
