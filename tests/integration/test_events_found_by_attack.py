"""What broke once under attack: large polls, large numbers, odd names, two ways of one mutation."""

from __future__ import annotations

from typing import Any

import aiohttp
import asyncpg
import pytest
from nanoid import generate

from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device
from tests.integration.support.servers import Company, Server

pytestmark = ON_THE_SERVERS_LOOP


async def test_a_push_of_many_packets_of_the_network_is_taken_over_polling(
    make_device: MakeDevice,
) -> None:
    device = make_device()
    await device.connect(transports=["polling"])
    await device.sign_in()
    mutations = [
        {
            "op": "contact_create",
            "mutation_id": generate(),
            "contact": {"first_name": "Ann", "notes": "n" * 2_000},
        }
        for _ in range(400)
    ]
    answer = await device.call("sync_push", {"mutations": mutations})
    assert answer["ok"], answer
    assert {each["status"] for each in answer["results"]} == {"applied"}


@pytest.mark.parametrize("number", [1e100, -1e300, 2.0**53 + 2, 18446744073709551617])
async def test_a_number_that_no_client_could_read_back_is_refused_by_name(
    device: Device, number: float
) -> None:
    contact = {"first_name": "Ann", "custom": {"n": number}}
    answer = await device.call("contact_create", {"contact": contact})
    assert answer["error"]["code"] == "invalid"
    assert list(answer["error"]["fields"]) == ["contact.custom.n"]


async def test_an_event_s_odd_name_costs_the_sync_log_nothing(
    device: Device, server: Server, company: Company, sql: asyncpg.Connection
) -> None:
    for name in ("plain", "with\x00nul", "after"):
        answer = await device.call(name, {})
        assert answer["error"]["code"] == "unknown_event"
    await server.parts.sync_log.flush()
    refused = await sql.fetch(
        "SELECT outcome FROM sync_log WHERE tenant_id = $1 AND kind = 'refused' ORDER BY started",
        company.tenant,
    )
    assert [record["outcome"] for record in refused] == ["plain", "withnul", "after"]


async def test_a_mutation_is_the_same_whether_it_comes_by_socket_or_by_rest(
    device: Device, server: Server, company: Company
) -> None:
    headers = {
        "X-API-Key": company.keys["agent"],
        "X-Device-Id": device.id,
        "Idempotency-Key": "same",
    }
    contact: dict[str, Any] = {"first_name": "Ann", "company": "Alder"}
    made = await device.call("contact_create", {"mutation_id": "same", "contact": contact})
    assert made["status"] == "applied"
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(f"{server.url}/api/contacts", json=contact) as response:
            again = await response.json()
        assert (again["status"], again["version"]) == ("duplicate", made["version"])
        assert again["contact"]["id"] == made["contact"]["id"]
        other = {**contact, "company": "Birch"}
        async with session.post(f"{server.url}/api/contacts", json=other) as response:
            assert (await response.json())["code"] == "conflict"
