"""Every server process is replaced while people work: nobody loses anything, or finds no server."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import asyncpg
import psutil
import pytest

from server.client.agreement import compare_all, healed
from server.client.client import DeviceClient
from server.client.rest import Rest
from tests.faults.conftest import StartServer
from tests.faults.support.people import PATIENCE, People
from tests.faults.support.proxy import Line
from tests.faults.support.stack import ADMIN_KEY, Databases, ServerProcess

DEVICES = 20
PROCESSES = 2
# For four processes, one after the other, each of which may take 30 s to start.
SECONDS_TO_REPLACE = 200


@dataclass
class Knocker:
    """Somebody who connects all the time; notes each time that nobody was there."""

    port: int
    knocks: int = 0
    refused: list[str] = field(default_factory=list)
    reset: list[str] = field(default_factory=list)
    slowest: float = 0.0

    async def knock(self) -> None:
        while True:
            begin = time.perf_counter()
            self.knocks += 1
            try:
                async with asyncio.timeout(PATIENCE):
                    reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except (OSError, TimeoutError) as error:
                self.refused.append(repr(error))
                continue
            try:
                writer.write(b"GET /health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                async with asyncio.timeout(PATIENCE):
                    answer = await reader.read()
                if b" 200 " not in answer[:20]:
                    self.reset.append(repr(answer[:20]))
            except (OSError, TimeoutError) as error:
                self.reset.append(repr(error))
            finally:
                writer.transport.abort()
            self.slowest = max(self.slowest, time.perf_counter() - begin)
            await asyncio.sleep(0.002)


async def check_nothing_was_lost(people: People, url: str, database_url: str) -> None:
    """Every write was acked, each is applied once, and all devices hold what the database does."""
    answers = await asyncio.gather(*(asyncio.wait_for(each, PATIENCE) for each in people.writes))
    assert all(answer["ok"] for answer in answers), [each for each in answers if not each["ok"]][:3]
    await asyncio.gather(*(device.settle(PATIENCE) for device in people.devices))
    async with Rest(url, ADMIN_KEY) as rest:
        differences = await compare_all(people.devices, rest, lambda _plural, row: row, PATIENCE)
    assert differences == []
    assert healed(people.devices) == []
    connection = await asyncpg.connect(database_url)
    made = {row["id"] for row in await connection.fetch("SELECT id FROM contacts")}
    ledger = await connection.fetch("SELECT mutation_id FROM mutations")
    await connection.close()
    assert made == {each.id for each in people.writes if each.mutation.action == "create"}
    known = [row["mutation_id"] for row in ledger]
    assert len(known) == len(set(known))
    assert set(known) == {each.mutation.mutation_id for each in people.writes}


def working_processes(server: ServerProcess) -> set[int]:
    assert server.process is not None
    children = psutil.Process(server.process.pid).children()
    return {each.pid for each in children if _works(each)}


def _works(process: psutil.Process) -> bool:
    try:
        return "work" in process.cmdline()
    except psutil.NoSuchProcess:
        # It ended since it was listed; a zombie is one, too.
        return False


async def until(what: str, holds: Callable[[], bool], patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        await asyncio.sleep(0.05)


async def replace_all(server: ServerProcess) -> float:
    """Asks for a rolling restart and waits until it is done; gives the seconds that it took."""
    before, begin = working_processes(server), time.monotonic()
    server.send(signal.SIGUSR1)
    await until(
        "both processes are new ones",
        lambda: (now := working_processes(server)).isdisjoint(before) and len(now) == PROCESSES,
        SECONDS_TO_REPLACE,
    )
    return time.monotonic() - begin


@pytest.fixture
async def two_workers(make_server: StartServer) -> ServerProcess:
    server = make_server(WORKERS=str(PROCESSES))
    await server.start()
    return server


async def test_a_rolling_restart_under_load_loses_nothing_and_the_port_always_answers(
    two_workers: ServerProcess, fault_database_url: str
) -> None:
    people = await People.at([two_workers.url] * DEVICES)
    knockers = [Knocker(two_workers.port) for _ in range(4)]
    knocking = [asyncio.create_task(each.knock()) for each in knockers]
    try:
        await asyncio.sleep(2)
        took = await replace_all(two_workers)
        await asyncio.sleep(1)
        for task in knocking:
            task.cancel()
        await people.stop_writing()
        refused = [each for knocker in knockers for each in knocker.refused]
        reset = [each for knocker in knockers for each in knocker.reset]
        print(
            f"\nboth processes were replaced in {took:.1f} s while {DEVICES} devices made "
            f"{len(people.writes)} writes; {sum(each.knocks for each in knockers)} connects, "
            f"{len(refused)} refused, {len(reset)} reset, the slowest answered after "
            f"{max(each.slowest for each in knockers):.2f} s"
        )
        assert not refused, refused[:3]
        # A process that ends gives whom it accepted last 0.1 s to ask; a busy machine's clients
        # may take longer over it. They connect again, as after any loss of the line, and then get
        # to another process.
        assert max(len(each.reset) for each in knockers) <= PROCESSES, reset[:3]
        await check_nothing_was_lost(people, two_workers.url, fault_database_url)
        assert min(device.counters.reconnects for device in people.devices) >= 1
    finally:
        for task in knocking:
            task.cancel()
        await people.leave()


async def test_a_rolling_restart_that_is_asked_for_again_meanwhile_is_done_again(
    two_workers: ServerProcess,
) -> None:
    first = working_processes(two_workers)
    two_workers.send(signal.SIGUSR1)
    await until("it begins", lambda: "one after the other" in two_workers.log.read_text())
    two_workers.send(signal.SIGUSR1)
    two_workers.send(signal.SIGUSR1)
    await until(
        "both rounds are done",
        # Where the last signal came late it has made a third, which may be under way.
        lambda: two_workers.log.read_text().count("process 2 of 2 is a new one") >= 2,
        SECONDS_TO_REPLACE,
    )
    await until(
        "two new processes work",
        lambda: (now := working_processes(two_workers)).isdisjoint(first) and len(now) == 2,
        SECONDS_TO_REPLACE,
    )
    await two_workers.end(patience=PATIENCE)
    assert two_workers.process is not None
    assert two_workers.process.returncode == 0


async def test_where_a_new_process_does_not_start_the_old_ones_go_on(
    two_workers: ServerProcess, fault_database_url: str, databases: Databases
) -> None:
    before = working_processes(two_workers)
    database = fault_database_url.partition("?")[0].rpartition("/")[2]
    owner = await asyncpg.connect(databases.postgres.database_url)
    # The connections that are open go on; only who starts gets none.
    await owner.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS false')
    two_workers.send(signal.SIGUSR1)
    await until("it says so", lambda: "does not start, see above" in two_workers.log.read_text())
    assert working_processes(two_workers) == before
    device = DeviceClient(two_workers.url, ADMIN_KEY)
    await owner.execute(f'ALTER DATABASE "{database}" ALLOW_CONNECTIONS true')
    await owner.close()
    await device.connect(PATIENCE)
    answer = await asyncio.wait_for(device.create("contact", {"first_name": "Ann"}), PATIENCE)
    assert answer["ok"]
    await device.disconnect()
    await replace_all(two_workers)


async def test_a_process_that_somebody_stops_is_replaced_and_no_error_is_logged(
    two_workers: ServerProcess,
) -> None:
    stopped = min(working_processes(two_workers))
    os.kill(stopped, signal.SIGTERM)
    await until(
        "another is there",
        lambda: len(now := working_processes(two_workers)) == 2 and stopped not in now,
    )
    log = two_workers.log.read_text()
    assert "A server process was told to stop: starting another" in log
    assert "ERROR" not in log


async def test_a_server_of_one_process_says_what_a_rolling_restart_needs(
    make_server: StartServer,
) -> None:
    server = make_server()
    await server.start()
    server.send(signal.SIGUSR1)
    await until("it says so", lambda: "Set WORKERS=2 or more" in server.log.read_text())
    assert server.running
    device = DeviceClient(server.url, ADMIN_KEY)
    await device.connect(PATIENCE)
    await device.disconnect()


async def test_two_machines_behind_a_load_balancer_are_restarted_in_turn_and_nothing_is_lost(
    make_server: StartServer, fault_database_url: str
) -> None:
    machines = [make_server(), make_server()]
    await asyncio.gather(*(machine.start() for machine in machines))

    def choose() -> int | None:
        running = [machine.port for machine in machines if machine.running]
        return random.choice(running) if running else None

    lines = [await Line(choose).open() for _ in range(DEVICES)]
    people = await People.at([line.url for line in lines])
    try:
        await asyncio.sleep(2)
        for machine in machines:
            await machine.end()
            await asyncio.sleep(0.5)
            await machine.start()
            await asyncio.sleep(1)
        await people.stop_writing()
        print(f"\n{DEVICES} devices made {len(people.writes)} writes over two restarts")
        await check_nothing_was_lost(people, machines[0].url, fault_database_url)
        assert min(device.counters.reconnects for device in people.devices) >= 1
    finally:
        await people.leave()
        await asyncio.gather(*(line.close() for line in lines))
