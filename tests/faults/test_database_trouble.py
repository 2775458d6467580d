"""Postgres restarted, killed, hung, cut off and locked: nobody is told `ok` for what is not
stored, everybody is answered, and all goes on by itself.
"""

from __future__ import annotations

import asyncio
import signal
import statistics
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import asyncpg
import psutil
import pytest
from nanoid import generate

from server.client.client import DeviceClient
from server.db.embedded import EmbeddedPostgres
from tests.faults.conftest import StartServer
from tests.faults.support.readers import PATIENCE
from tests.faults.support.relay import relay_to_postgres
from tests.faults.support.stack import ADMIN_KEY, START_SECONDS, Databases
from tests.faults.support.writers import (
    Asker,
    Load,
    Writer,
    check_connections_are_free,
    check_stored_once,
    load_on,
)
from tests.waiting import until

CUT_ALL = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE application_name LIKE 'fieldbook%' AND datname = current_database()"
)
LOCK_SECONDS = 5
HELD_SECONDS = 30.0
"""How long a write waits for the versions' lock (lock_timeout)."""


@asynccontextmanager
async def hung(postgres: EmbeddedPostgres) -> AsyncIterator[None]:
    """All processes of a Postgres are stopped, as on a machine whose disk hangs."""
    postmaster = psutil.Process(postgres.process_id)
    postmaster.suspend()
    # From then on none is born or buried.
    await until(lambda: postmaster.status() == psutil.STATUS_STOPPED)
    stopped = [postmaster, *postmaster.children()]
    for process in stopped:
        process.suspend()
    try:
        yield
    finally:
        for process in stopped:
            process.resume()


async def cut_connections(database_url: str, load: Load, times: int) -> None:
    """Cuts all of them again and again, so many times at least, until somebody was refused."""
    connection = await asyncpg.connect(database_url)
    async with asyncio.timeout(PATIENCE):
        while times > 0 or load.unavailable == 0:
            times -= 1
            await connection.execute(CUT_ALL)
            await asyncio.sleep(0.1)
    await connection.close()


@pytest.mark.parametrize("how", ["restarted", "killed", "hung", "cut"])
async def test_what_was_acknowledged_is_stored_once_though_postgres_is(
    databases: Databases, fault_database_url: str, make_server: StartServer, how: str
) -> None:
    server = make_server()
    await server.start()
    postgres = databases.postgres
    async with load_on(server) as load:
        if how == "cut":
            await cut_connections(fault_database_url, load, 30)
        elif how == "hung":
            # Longer than anybody is to wait.
            async with hung(postgres):
                await load.until_refused()
                await asyncio.sleep(6)
        else:
            if how == "killed":
                databases.send(postgres, signal.SIGKILL)
            await asyncio.to_thread(postgres.stop)
            await load.until_refused()
            await asyncio.to_thread(postgres.start, START_SECONDS)
        await load.until_stored(times=10)
        load.report(f"Postgres {how}")
        assert load.unavailable > 0
    await check_stored_once(fault_database_url, load.stored)
    await check_connections_are_free(server, fault_database_url)


@pytest.mark.parametrize("committed", [True, False])
async def test_a_write_whose_commit_got_no_answer_is_stored_once(
    databases: Databases, fault_database_url: str, make_server: StartServer, committed: bool
) -> None:
    relay, url = await relay_to_postgres(databases, fault_database_url)
    server = make_server(DATABASE_URL=url)
    await server.start()
    writer = await Writer(server).start()
    await writer.write()
    for _ in range(3):
        relay.cut_at(b"COMMIT;", passed_on=committed)
        await writer.write()
    assert relay.cuts == 3
    assert writer.answers.counts == {"unavailable": 3, "ok": 4}
    assert writer.statuses == ({"applied": 1, "duplicate": 3} if committed else {"applied": 4})
    await check_stored_once(fault_database_url, writer.stored)
    await writer.device.close()
    await server.end()
    await relay.close()


async def test_everything_says_unavailable_while_postgres_is_away_and_nobody_is_signed_out(
    databases: Databases, make_server: StartServer
) -> None:
    server = make_server()
    await server.start()
    asker = await Asker(server).start()
    writer = await Writer(server).start()
    assert all((await asker.ask()).values())
    await asyncio.to_thread(databases.postgres.stop)
    try:
        for _ in range(3):
            assert not any((await asker.ask()).values())
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{server.url}/health") as response:
                assert response.status == 200
            async with session.get(f"{server.url}/ready") as response:
                assert response.status == 503
        writing = asyncio.create_task(writer.write())

        async def was_refused() -> bool:
            return writer.answers.counts["unavailable"] > 0

        await until(was_refused, PATIENCE)
    finally:
        await asyncio.to_thread(databases.postgres.start, START_SECONDS)
    assert (await asyncio.wait_for(writing, PATIENCE))["ok"]

    async def all_is_well() -> bool:
        return all((await asker.ask()).values())

    await until(all_is_well, PATIENCE)
    assert not asker.device.disconnected.is_set()
    await asker.device.close()
    await writer.device.close()


@asynccontextmanager
async def versions_locked(database_url: str) -> AsyncIterator[None]:
    """As in a psql where somebody wrote and went to lunch."""
    connection = await asyncpg.connect(database_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("SELECT pg_advisory_xact_lock(7201, 0)")
    try:
        yield
    finally:
        await transaction.rollback()
        await connection.close()


async def until_somebody_waits_for_the_lock(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)

    async def somebody_waits() -> bool:
        return bool(
            await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'fieldbook%'"
                " AND datname = current_database() AND wait_event_type = 'Lock'"
            )
        )

    await until(somebody_waits)
    await connection.close()


async def push(writer: Writer, count: int) -> tuple[dict[str, object], float]:
    """One push of so many creates; its ack and how long it took."""
    mutations = [
        {"op": "contact_create", "mutation_id": generate(), "contact": {"company": "Kestrel"}}
        for _ in range(count)
    ]
    began = time.monotonic()
    answer = await writer.device.call("sync_push", {"mutations": mutations})
    return answer, time.monotonic() - began


async def test_a_lock_that_is_held_costs_each_write_seconds_and_no_reader_anything(
    fault_database_url: str, make_server: StartServer
) -> None:
    server = make_server()
    await server.start()
    async with load_on(server, writers=8) as load:
        asker = await Asker(server).start()
        async with versions_locked(fault_database_url):
            began = time.monotonic()
            for _ in range(20):
                assert all((await asker.ask()).values())
                await asyncio.sleep(0.1)
            while time.monotonic() < began + HELD_SECONDS:
                await load.until_refused()
                assert all((await asker.ask()).values())
        await load.until_stored()
        load.report("The lock held")
        print(f"reads while the lock was held: at most {asker.slowest:.2f} s")
        # Who waited for the lock was refused; and nobody waited for anything else.
        assert asker.usual < LOCK_SECONDS - 1
        # Whoever waits behind another may wait twice as long, and no longer, but for a machine
        # that stands still.
        waited = [took for each in load.writers for took in each.answers.took if took > 1]
        assert statistics.median(waited) < 2 * LOCK_SECONDS
        await asker.device.close()
    await check_stored_once(fault_database_url, load.stored)


async def test_no_matter_how_many_wait_for_the_lock_nobody_waits_for_them_all(
    fault_database_url: str, make_server: StartServer
) -> None:
    server = make_server()
    await server.start()
    # Each of these pushes is a group of its own.
    writers = [await Writer(server).start() for _ in range(8)]
    async with versions_locked(fault_database_url):
        headers = {"X-API-Key": ADMIN_KEY}
        async with aiohttp.ClientSession(headers=headers) as session:
            pushes = asyncio.gather(*(push(writer, 300) for writer in writers))
            began = time.monotonic()
            async with session.post(
                f"{server.url}/api/contacts", json={"company": "Kestrel"}
            ) as response:
                assert response.status == 503
                assert int(response.headers["Retry-After"]) > 0
                assert (await response.json())["code"] == "unavailable"
            took = [time.monotonic() - began]
        for answer, seconds in await pushes:
            assert answer["error"]["code"] == "unavailable"
            took.append(seconds)
    print(f"nine that waited for the lock: {min(took):.1f} to {max(took):.1f} s")
    # Behind one another, they would have waited for 45.
    assert max(took) < 3 * LOCK_SECONDS
    answer, _ = await push(writers[0], 300)
    assert answer["ok"]
    assert all(each["ok"] for each in answer["results"])
    connection = await asyncpg.connect(fault_database_url)
    assert await connection.fetchval("SELECT count(*) FROM contacts") == 300
    await connection.close()
    for writer in writers:
        await writer.device.close()


async def test_a_device_that_sends_ahead_loses_no_edit_to_a_lock(
    fault_database_url: str, make_server: StartServer
) -> None:
    """An edit behind a create must not be judged before it: it would be refused for good."""
    server = make_server()
    await server.start()
    writer = await Writer(server).start()
    row_id, ids = generate(), (generate(), generate())
    create = {"mutation_id": ids[0], "contact": {"id": row_id, "company": "A"}}
    update = {"mutation_id": ids[1], "id": row_id, "changes": {"company": "B"}}
    async with versions_locked(fault_database_url):
        creating = asyncio.create_task(writer.device.call("contact_create", create))
        # While the first group already waits for the lock.
        await until_somebody_waits_for_the_lock(fault_database_url)
        updating = asyncio.create_task(writer.device.call("contact_update", update))
        refused = await creating
    answers = [refused, await updating]
    assert [each["error"]["code"] for each in answers] == ["unavailable", "unavailable"]
    for event, payload in (("contact_create", create), ("contact_update", update)):
        assert (await writer.device.call(event, payload))["status"] == "applied"
    await writer.device.close()


async def test_a_server_whose_database_is_away_says_so_and_starts_once_it_is_back(
    databases: Databases, make_server: StartServer
) -> None:
    server = make_server()
    await asyncio.to_thread(databases.postgres.stop)
    try:
        with pytest.raises(AssertionError):
            await server.start()
        assert server.process is not None
        assert await asyncio.wait_for(server.process.wait(), PATIENCE) == 1
        (line,) = server.log.read_text().splitlines()
        assert line.startswith("The database can't be reached: ")
    finally:
        await asyncio.to_thread(databases.postgres.start, START_SECONDS)
    await server.start()


async def listening_workers(database_url: str) -> int:
    connection = await asyncpg.connect(database_url)
    try:
        count = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'fieldbook feed'"
            " AND datname = current_database()"
        )
    finally:
        await connection.close()
    return int(count)


async def test_processes_that_die_while_the_database_is_away_are_back_once_it_is(
    databases: Databases, fault_database_url: str, make_server: StartServer
) -> None:
    server = make_server(WORKERS="2")
    await server.start()
    device = DeviceClient(server.url, ADMIN_KEY, reconnect_s=0.2, longest_wait_s=1)
    await device.connect(PATIENCE)
    await device.settle(PATIENCE)

    async def both_are_there() -> bool:
        return await listening_workers(fault_database_url) == 2

    await until(both_are_there, PATIENCE)
    assert server.process is not None
    await asyncio.to_thread(databases.postgres.stop)
    try:
        workers = psutil.Process(server.process.pid).children()
        assert len(workers) == 2
        for worker in workers:
            worker.kill()
        writing = device.create("contact", {"company": "Kestrel"})
        # They are started anew meanwhile, and can't work yet.
        await asyncio.sleep(3)
        assert server.running
    finally:
        await asyncio.to_thread(databases.postgres.start, START_SECONDS)
    assert (await asyncio.wait_for(writing, PATIENCE))["ok"]
    await until(both_are_there, PATIENCE)
    await device.disconnect()
