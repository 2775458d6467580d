"""`job_progress` over sockets: to whom, how often, and what never goes missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from server.events.job_progress import EVERY_SECONDS
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device, Payload
from tests.integration.support.imports import ended, read_job, send
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server, add_agent
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

LISTENS = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE application_name = 'fieldbook feed' AND datname = current_database()"
)


@pytest_asyncio.fixture(loop_scope="module")
async def program(server: Server, company: Company) -> AsyncIterator[Api]:
    """A program of the company, which may import."""
    async with aiohttp.ClientSession() as session:
        yield Api(session, server.url).signed_in(company.keys["api"])


async def signed_in(device: Device) -> Device:
    await device.connect()
    assert (await device.sign_in())["ok"]
    return device


def told(device: Device) -> list[Payload]:
    return [payload["job"] for event, payload in device.events if event == "job_progress"]


async def test_the_owner_and_the_leaders_hear_of_a_job_on_every_server_and_nobody_else(
    program: Api,
    company: Company,
    make_device: MakeDevice,
    server: Server,
    second_server: Server,
    other_company: Company,
    sql: asyncpg.Connection,
) -> None:
    await add_agent(sql, server.parts.auth, company, "api2", "api")
    owner, manager = [await signed_in(make_device(role)) for role in ("api", "manager")]
    admin, owner_there = [
        await signed_in(make_device(role, on=second_server)) for role in ("admin", "api")
    ]
    strangers = [
        await signed_in(each)
        for each in (
            make_device("agent"),
            make_device("api2", on=second_server),
            make_device("admin", of=other_company),
        )
    ]
    rows = "\n".join(f"Mia {number},mia{number}@example.com" for number in range(1_500))
    job = await ended(program, await send(program, f"Name,Mail\n{rows}"))
    assert job["state"] == "done"
    shown = {
        name: value
        for name, value in job.items()
        if name not in ("errors", "conflicts", "left", "options")
    }
    for device in (owner, manager, admin, owner_there):
        last = await device.expect("job_progress", lambda event: event["job"]["state"] == "done")
        assert last["job"] == shown
    assert [told(each) for each in strangers] == [[], [], []]


async def test_a_burst_of_notices_is_told_a_few_times_and_its_last_state_always(
    program: Api, manager: Device, company: Company, sql: asyncpg.Connection
) -> None:
    job = await ended(program, await send(program, "Name\nMia\n"))
    await manager.expect("job_progress", lambda event: event["job"]["state"] == "done")
    manager.events.clear()
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number in range(200):
        await sql.execute("UPDATE bulk_jobs SET done = $1 WHERE id = $2", number, job["id"])
    last = await manager.expect(
        "job_progress", lambda event: event["job"]["progress"]["done"] == 199
    )
    assert last["job"]["id"] == job["id"]
    # The first at once, the others a quarter of a second after one another.
    assert 1 + len(told(manager)) <= 2 + (loop.time() - began) / EVERY_SECONDS


async def test_a_client_that_is_too_slow_is_told_the_latest_once_it_has_caught_up(
    program: Api,
    manager: Device,
    server: Server,
    sql: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = await ended(program, await send(program, "Name\nMia\n"))
    await manager.expect("job_progress", lambda event: event["job"]["state"] == "done")
    read: list[int] = []
    progress = server.parts.jobs.progress

    async def note_read(tenant: str, job_id: str) -> Payload | None:
        found = await progress(tenant, job_id)
        read.append(found["progress"]["done"] if found else -1)
        return found

    monkeypatch.setattr(server.parts.jobs, "progress", note_read)
    with monkeypatch.context() as slow:
        # From now on, whatever waits for a client is too much.
        slow.setattr("server.transport.connection.PAUSE_BYTES", -1)
        # Its end may have been announced twice.
        await manager.flush()
        manager.events.clear()
        for number in range(1, 4):
            # 1 is what was done of it before.
            done = 10 * number
            await sql.execute("UPDATE bulk_jobs SET done = $1 WHERE id = $2", done, job["id"])
            await until(lambda done=done: done in read)
        await asyncio.sleep(2 * EVERY_SECONDS)
        await manager.flush()
        assert told(manager) == []
    heard = await manager.expect("job_progress")
    assert heard["job"]["progress"]["done"] == 30


async def test_what_is_announced_while_nobody_listens_is_looked_up(
    program: Api, manager: Device, sql: asyncpg.Connection
) -> None:
    job = await ended(program, await send(program, "Name\nMia\n"))
    await manager.expect("job_progress", lambda event: event["job"]["state"] == "done")
    # Its trigger tells nobody just now, as if they could not hear. Before they are cut off: they
    # may listen again, and look, in a moment.
    async with sql.transaction():
        await sql.execute("ALTER TABLE bulk_jobs DISABLE TRIGGER notify_job")
        await sql.execute("UPDATE bulk_jobs SET done = 77 WHERE id = $1", job["id"])
        await sql.execute("ALTER TABLE bulk_jobs ENABLE TRIGGER notify_job")
    assert await sql.fetch(LISTENS)
    heard = await manager.expect(
        "job_progress", lambda event: event["job"]["progress"]["done"] == 77
    )
    assert heard["job"]["id"] == job["id"]
    assert (await read_job(program, job["id"]))["progress"]["done"] == 77


@pytest_asyncio.fixture(loop_scope="module")
async def manager(make_device: MakeDevice) -> Device:
    return await signed_in(make_device("manager"))


async def test_who_becomes_a_manager_hears_of_jobs_from_then_on_and_until_it_ends(
    program: Api,
    company: Company,
    make_device: MakeDevice,
    server: Server,
    sql: asyncpg.Connection,
) -> None:
    await add_agent(sql, server.parts.auth, company, "riser", "agent")
    device = await signed_in(make_device("riser"))
    manager = await signed_in(make_device("manager"))
    for role, hears in (("manager", True), ("agent", False)):
        await sql.execute("UPDATE agents SET role = $1 WHERE code = 'riser'", role)
        await device.expect("agent_changed")
        device.events.clear()
        job = await ended(program, await send(program, f"Name\nMia {role}\n"))
        await manager.expect(
            "job_progress",
            lambda event, job=job: (
                event["job"]["id"] == job["id"] and event["job"]["state"] == "done"
            ),
        )
        await device.flush()
        assert bool(told(device)) == hears
