"""Redis stopped, killed, hung and deaf: every change comes all the same, in order, and nobody
waits. Then it is back, and all is as before.
"""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass

import aiohttp
import asyncpg
import pytest

from server.client.client import DeviceClient
from tests.faults.conftest import StartServer
from tests.faults.support.readers import (
    PATIENCE,
    Reader,
    Written,
    check_as_quick_as_before,
    report,
    write,
)
from tests.faults.support.relay import Relay, relay_to_postgres, relay_to_redis
from tests.faults.support.stack import ADMIN_KEY, START_SECONDS, Databases, ServerProcess
from tests.waiting import until

DELIVERED_SECONDS = 2.0
LATE_SECONDS = 10.0
"""Only a machine that stands still now and then makes one of them so late."""
QUICK_SECONDS = 0.25
"""Below the second after which heads are compared: only a message brings a change so soon."""


@dataclass
class Pair:
    """Two server processes on one Postgres and one Redis, a device on each.

    The second reaches both through relays.
    """

    databases: Databases
    first: ServerProcess
    second: ServerProcess
    redis: Relay
    postgres: Relay
    near: Reader
    reader: Reader

    @property
    def writer(self) -> DeviceClient:
        """The device on the first process."""
        return self.near.device

    def check(self) -> None:
        """Everything came to both, in order."""
        self.near.check()
        self.reader.check()


@pytest.fixture
async def pair(
    databases: Databases, fault_database_url: str, make_server: StartServer
) -> AsyncIterator[Pair]:
    redis, redis_url = await relay_to_redis(databases)
    postgres, database_url = await relay_to_postgres(databases, fault_database_url)
    first = make_server()
    second = make_server(REDIS_URL=redis_url, DATABASE_URL=database_url)
    await asyncio.gather(first.start(), second.start())
    near = await Reader(first).start()
    reader = await Reader(second).start()
    yield Pair(databases, first, second, redis, postgres, near, reader)
    await near.stop()
    await reader.stop()
    await second.end()
    await redis.close()
    await postgres.close()


async def break_redis(pair: Pair, how: str) -> None:
    redis = pair.databases.redis
    if how == "stopped":
        await asyncio.to_thread(redis.stop)
    elif how == "killed":
        pair.databases.send(redis, signal.SIGKILL)
    elif how == "hung":
        pair.databases.send(redis, signal.SIGSTOP)
    else:
        pair.redis.deaf_to = b"SUBSCRIBE"


async def heal_redis(pair: Pair, how: str) -> None:
    if how in ("stopped", "killed"):
        await asyncio.to_thread(pair.databases.redis.start, START_SECONDS)
    elif how == "hung":
        pair.databases.send(pair.databases.redis, signal.SIGCONT)
    pair.redis.deaf_to = None


async def until_changes_come_at_once(pair: Pair) -> list[Written]:
    """Writes until five in a row do, which then are not found by comparing heads."""
    written: list[Written] = []
    quick = 0
    async with asyncio.timeout(PATIENCE):
        while quick < 5:
            one = await write(pair.writer, 1)
            (delay,) = await pair.reader.delays(one)
            written += one
            quick = quick + 1 if delay < QUICK_SECONDS else 0
            # Out of step with that comparison.
            await asyncio.sleep(0.13)
    return written


async def is_online(server: ServerProcess, device_id: str) -> bool:
    """Whether the server's list of devices has it online."""
    async with (
        aiohttp.ClientSession(headers={"X-API-Key": ADMIN_KEY}) as session,
        session.get(f"{server.url}/api/devices/{device_id}") as response,
    ):
        assert response.status == 200, await response.text()
        device = await response.json()
    return bool(device["online"])


@pytest.mark.parametrize("how", ["stopped", "killed", "hung", "deaf"])
async def test_changes_come_without_redis_and_by_it_again_when_it_is_back(
    pair: Pair, how: str
) -> None:
    before = await write(pair.writer, 20)
    report("with Redis", await pair.reader.delays(before))
    await until(lambda: is_online(pair.second, pair.writer.device_id), PATIENCE)

    await break_redis(pair, how)
    # Over more seconds than a failed Redis is left alone for.
    during = await write(pair.writer, 50, pause=0.07)
    delays = await pair.reader.delays(during)
    report(f"Redis {how}", delays)
    assert statistics.median(delays) < QUICK_SECONDS
    assert max(delays) < LATE_SECONDS
    check_as_quick_as_before(
        [each.took for each in before], [each.took for each in during], f"writes, Redis {how}"
    )
    if how == "deaf":
        await until(lambda: pair.redis.swallowed > 0, PATIENCE)

    await heal_redis(pair, how)
    # Without NOTIFY only the channel brings them so soon; below is the control.
    pair.postgres.deaf_to = b"LISTEN"
    after = await until_changes_come_at_once(pair)
    report(f"Redis back ({how})", await pair.reader.delays(after))
    await until(lambda: is_online(pair.second, pair.writer.device_id), PATIENCE)
    pair.check()


async def sign_in_wrongly(server: ServerProcess, times: int, pause: float) -> list[float]:
    """Seconds that the server took over each wrong key."""
    took = []
    async with aiohttp.ClientSession(headers={"X-API-Key": "fb_wrong"}) as session:
        for _ in range(times):
            started = time.monotonic()
            async with session.get(f"{server.url}/api/contacts") as response:
                assert response.status in (401, 429), await response.text()
            took.append(time.monotonic() - started)
            await asyncio.sleep(pause)
    return took


async def test_of_many_sign_ins_one_at_most_waits_for_a_hung_redis(
    databases: Databases, make_server: StartServer
) -> None:
    server = make_server()
    await server.start()
    before = await sign_in_wrongly(server, 15, 0)
    databases.send(databases.redis, signal.SIGSTOP)
    try:
        during = await sign_in_wrongly(server, 50, 0.1)
    finally:
        databases.send(databases.redis, signal.SIGCONT)
    check_as_quick_as_before(before, during, "sign-ins, Redis hung")


async def stop_listening_backends(url: str) -> list[int]:
    """Stops the backends that listen for the two processes; gives their pids."""
    connection = await asyncpg.connect(url)
    pids: list[int] = []

    async def both_listen() -> bool:
        pids[:] = await connection.fetchval(
            "SELECT array_agg(pid) FROM pg_stat_activity WHERE application_name = 'fieldbook feed'"
            " AND datname = current_database()"
        )
        return len(pids) >= 2

    await until(both_listen, PATIENCE)
    await connection.close()
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    return pids


@pytest.mark.parametrize("how", ["half-open line", "stopped backend"])
async def test_changes_come_within_two_seconds_though_redis_is_away_and_listen_hears_nothing(
    pair: Pair, fault_database_url: str, how: str
) -> None:
    await break_redis(pair, "killed")
    stopped: list[int] = []
    try:
        if how == "stopped backend":
            stopped += await stop_listening_backends(fault_database_url)
        else:
            pair.postgres.deaf_to = b"LISTEN"
        written = await write(pair.writer, 16, pause=0.31)
        delays = await pair.reader.delays(written)
        report(f"Redis away, LISTEN deaf ({how})", delays)
        assert statistics.median(delays) < DELIVERED_SECONDS
        assert max(delays) < LATE_SECONDS
        if how == "half-open line":
            # Nothing else comes at once, then; some are written just before heads are compared.
            assert sum(each > QUICK_SECONDS for each in delays) > len(delays) // 4
        pair.postgres.deaf_to = None
        # It listens again by itself, though the backend is stopped still.
        await until_changes_come_at_once(pair)
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        await heal_redis(pair, "killed")
    pair.check()


async def in_turn(steps: list[Callable[[], Awaitable[object]]], pause: float) -> None:
    for step in steps:
        await asyncio.sleep(pause)
        await step()


async def test_sets_join_on_to_one_another_on_every_socket_while_both_processes_write(
    pair: Pair,
) -> None:
    """Writers and readers of both kinds on both processes, while Redis comes and goes."""
    servers = [pair.first, pair.second]
    async with AsyncExitStack() as leaving:
        readers = []
        for server in servers:
            for batch in (True, False):
                readers.append(await Reader(server, batch=batch).start())
                leaving.push_async_callback(readers[-1].stop)
        writers = [DeviceClient(server.url, ADMIN_KEY) for server in servers for _ in range(2)]
        for device in writers:
            await device.connect(PATIENCE)
            leaving.push_async_callback(device.disconnect)

        trouble = asyncio.create_task(
            in_turn(
                [
                    lambda: break_redis(pair, "hung"),
                    lambda: heal_redis(pair, "hung"),
                    lambda: break_redis(pair, "killed"),
                    lambda: heal_redis(pair, "killed"),
                ],
                0.7,
            )
        )
        groups = await asyncio.gather(*(write(device, 50, pause=0.05) for device in writers))
        await trouble
        # And pushes of many, which one change set carries.
        pushing = [
            device.create("contact", {"company": f"Kestrel {number}"})
            for device in writers
            for number in range(40)
        ]
        async with asyncio.timeout(PATIENCE):
            assert all([(await each)["ok"] for each in pushing])

        wanted = {each.id for group in groups for each in group} | {each.id for each in pushing}
        for reader in readers:
            await reader.wait_for(wanted)
            reader.check()
        await until(lambda: len({each.device.store.cursor for each in readers}) == 1, PATIENCE)
