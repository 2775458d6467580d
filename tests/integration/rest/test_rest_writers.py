"""Who writes, as headers say it: a device, or a writer that is none."""

from __future__ import annotations

import asyncpg

from tests.integration.support.contacts import ANN
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company
from tests.integration.support.writing import stamp_of


async def test_a_device_named_in_the_header_is_the_author(
    agent: Api, manager: Api, company: Company
) -> None:
    contact = (await agent.post("/api/contacts", ANN, X_Device_Id="tablet-of-ann")).json["contact"]

    history = (await agent.get(f"/api/contacts/{contact['id']}/history")).json["items"]
    assert history[0]["device"] == "tablet-of-ann"
    assert history[0]["agent"] == company.agents["agent"]
    assert history[0]["origin"] == "rest"

    stolen = await manager.post("/api/contacts", ANN, X_Device_Id="tablet-of-ann")
    assert (stolen.status, stolen.code) == (403, "forbidden")
    short = await agent.get("/api/contacts", X_Device_Id="x")
    assert (short.status, short.code) == (422, "invalid X-Device-Id")


async def test_a_writer_named_in_the_header_stands_in_the_stamps(
    agent: Api, owner: asyncpg.Connection
) -> None:
    contact = (await agent.post("/api/contacts", ANN, X_Writer_Id="program-one")).json["contact"]
    path = f"/api/contacts/{contact['id']}"
    await agent.patch(path, {"company": "A"}, X_Writer_Id="program-two")
    await agent.patch(path, {"notes": "n"}, X_Writer_Id="program-two", X_Device_Id="tablet-of-ann")
    writers = {
        name: (await stamp_of(owner, contact, name)).get("writer")
        for name in ("*", "company", "notes")
    }
    # A device is the writer of what comes from it.
    assert writers == {"*": "program-one", "company": "program-two", "notes": None}
    short = await agent.get("/api/contacts", X_Writer_Id="x")
    assert (short.status, short.code) == (422, "invalid X-Writer-Id")


async def test_each_device_has_its_own_idempotency_keys(agent: Api) -> None:
    phone = await agent.post("/api/contacts", ANN, X_Device_Id="phone-of-ann", Idempotency_Key="1")
    tablet = await agent.post(
        "/api/contacts", ANN, X_Device_Id="tablet-of-ann", Idempotency_Key="1"
    )

    assert phone.json["contact"]["id"] != tablet.json["contact"]["id"]
