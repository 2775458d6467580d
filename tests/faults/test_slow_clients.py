"""Clients that stop reading: what each costs the server, what it is told, and who notices."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Callable
from functools import partial

import aiohttp
import asyncpg
import psutil
import pytest

from tests.bench.client import Device
from tests.bench.seed import contact_id, seed_contacts
from tests.faults.conftest import StartServer
from tests.faults.support.fleet import Fleet
from tests.faults.support.measures import MIB, read_metrics, watched
from tests.faults.support.stack import ADMIN_KEY, ServerProcess
from tests.waiting import until

CONTACTS = 2_000
MOST_BYTES = 2 * MIB
# The head of a WebSocket's frame is not counted before it is written.
HEAD_BYTES = 16
WORKING_BYTES = 48 * MIB
NOTES = "n" * 18_000
# A median wait that nobody notices: who waited for slow clients would wait for many seconds.
UNNOTICED_SECONDS = 0.25
# An equal value would change nothing.
EDITS = itertools.count()


@pytest.fixture
async def server(make_server: StartServer, fault_database_url: str) -> ServerProcess:
    connection = await asyncpg.connect(fault_database_url)
    await seed_contacts(connection, CONTACTS)
    await connection.close()
    server = make_server(LOG_LEVEL="WARNING")
    await server.start()
    return server


@pytest.fixture
async def slow() -> AsyncIterator[Fleet]:
    fleet = await Fleet.start("slow")
    yield fleet
    await fleet.end()


class Watched:
    """A server and what it holds now; `most` is the most that it kept for one client."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.most = 0.0

    async def look(self) -> dict[str, float]:
        metrics = await read_metrics(self.server.url)
        self.most = max(self.most, metrics["fieldbook_backlog_bytes_most"])
        return metrics

    async def until(
        self, what: str, holds: Callable[[dict[str, float]], bool], patience: float = 90
    ) -> dict[str, float]:
        deadline = time.monotonic() + patience
        while not holds(metrics := await self.look()):
            assert time.monotonic() < deadline, f"never: {what}; {metrics}, {self.lines()} lines"
            await asyncio.sleep(0.1)
        return metrics

    async def until_all_is_gone(
        self, before: dict[str, float], *, clients: int, patience: float = 90
    ) -> None:
        """Nothing of ended clients stays: sockets, listeners, bytes, tasks, connections."""

        def gone(now: dict[str, float]) -> bool:
            names = ("connections", "engine_sockets", "listeners", "backlog_bytes")
            return (
                all(now[f"fieldbook_{each}"] <= before[f"fieldbook_{each}"] for each in names)
                # The server itself begins some, a while after its start.
                and now["fieldbook_tasks"] < before["fieldbook_tasks"] + clients / 2
                and self.lines() == 0
            )

        await self.until(f"all is as it was: {before}", gone, patience)

    def lines(self) -> int:
        """Connections of TCP that its devices have to it, by what the system says."""
        assert self.server.process is not None
        with_port = 0
        for each in psutil.Process(self.server.process.pid).net_connections("tcp"):
            if each.laddr and each.laddr.port == self.server.port and each.status != "LISTEN":
                with_port += 1
        # One is the request for the metrics, kept alive for a moment perhaps.
        return max(0, with_port - 1)


def process_id(server: ServerProcess) -> int:
    assert server.process is not None
    return server.process.pid


async def write_long_notes(server: ServerProcess, count: int) -> int:
    """So many changes of 18 kB, one after the other; gives the version of the last."""
    writer = await Device.connect(lambda _packet: None, port=server.port, api_key=ADMIN_KEY)
    for number in range(count):
        edit = f'{{"id":"{contact_id(number)}","changes":{{"notes":"{next(EDITS)}{NOTES}"}}}}'
        ack = await writer.call("contact_update", edit)
        assert ack.startswith(b'{"ok":true'), ack
    writer.close()
    return int(re.findall(rb'"version":(\d+)', ack)[0])


async def test_one_that_stops_reading_is_told_to_sync_once_it_drains_and_costs_little_till_then(
    server: ServerProcess, slow: Fleet
) -> None:
    count = 40
    watch = Watched(server)
    before = await watch.look()
    async with watched(process_id(server)) as process:
        await write_long_notes(server, 5)
        empty = process.memory
        await slow.do("connect", port=server.port, count=count)
        await slow.do("stop_reading", pongs=True)
        version = await write_long_notes(server, 80)
        await watch.until("all are paused", lambda now: now["fieldbook_listeners_paused"] == count)
        # Nothing more is kept for them, however much is written.
        kept = (await watch.look())["fieldbook_backlog_bytes"]
        version = await write_long_notes(server, 40)
        now = await watch.look()
        grown = (process.memory - empty) / count
        print(
            f"\n{count} that stopped reading: memory +{grown / MIB:.2f} MiB each, "
            f"kept for one at most {watch.most / MIB:.2f} MiB"
        )
        assert now["fieldbook_listeners_paused"] == count
        assert now["fieldbook_backlog_bytes"] <= kept * 1.1
        assert watch.most < MOST_BYTES
        assert grown < MOST_BYTES

        told = await slow.do("go_on_reading")
        assert set(told["versions"]) == {version}
        assert await write_long_notes(server, 1) > version

        async def live_changes_go_on_from_exactly_there() -> bool:
            events = (await slow.do("last_events"))["events"]
            return all(f'"since":{version},' in event for event in events)

        await until(live_changes_go_on_from_exactly_there)
        await slow.do("leave")
        await watch.until_all_is_gone(before, clients=count)


async def test_those_that_ask_and_do_not_read_are_dropped_at_2_mib_and_leave_nothing(
    server: ServerProcess, slow: Fleet
) -> None:
    count = 60
    watch = Watched(server)
    before = await watch.look()
    await write_long_notes(server, 60)
    # A third of them asks for pages, a third for streams, each of which ends the one before it,
    # and a third for acks, of 18 kB.
    events = [
        ("sync_request", {"since": 0}),
        ("sync_request", {"since": 0, "stream": True}),
        ("contact_update", {"id": contact_id(1), "changes": {"company": "X"}}),
    ]
    async with watched(process_id(server)) as process:
        empty = process.memory
        await slow.do("connect", port=server.port, count=count)
        await slow.do("stop_reading", pongs=True)
        asking = asyncio.create_task(slow.do("emit", events=events, times=250, pause=0.02))
        # Who streams is sent four pages, and then nothing until it acknowledges one.
        await watch.until("dropped", lambda now: now["fieldbook_connections"] <= count / 3, 120)
        await asking
        grown = process.peak - empty
        print(
            f"\n{count} that asked and did not read: memory at most +{grown / count / MIB:.2f} MiB"
            f" each, kept for one at most {watch.most / MIB:.2f} MiB"
        )
        assert watch.most <= MOST_BYTES + HEAD_BYTES
        # Besides, what the server needs to work on all that they ask.
        assert grown < count * MOST_BYTES + WORKING_BYTES
        await slow.do("leave")
        await watch.until_all_is_gone(before, clients=count)


async def test_one_that_pauses_in_the_middle_of_a_stream_gets_the_rest_when_it_reads_again(
    server: ServerProcess,
) -> None:
    complete: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
    rows = 0

    def hear(packet: bytes) -> None:
        nonlocal rows
        if packet.startswith(b'2["sync_complete"'):
            complete.set_result(packet)
        elif b'["sync_response"' in packet[:40]:
            if not rows:
                device.socket.stop_reading()
            rows += packet.count(b'{"id":')
            device.acknowledge(packet)

    device = await Device.connect(hear, port=server.port, api_key=ADMIN_KEY)
    watch = Watched(server)
    await device.call("sync_request", '{"since":0,"stream":true}')
    await asyncio.sleep(3)
    await watch.look()
    assert watch.most < MOST_BYTES
    device.socket.go_on_reading()
    await asyncio.wait_for(complete, 30)
    assert rows == CONTACTS
    device.close()


async def test_the_dead_are_dropped_after_a_missed_ping_with_all_that_was_kept_for_them(
    server: ServerProcess, slow: Fleet
) -> None:
    count = 20
    watch = Watched(server)
    before = await watch.look()
    await write_long_notes(server, 60)
    async with watched(process_id(server)) as process:
        empty = process.memory
        await slow.do("connect", port=server.port, count=count)
        await slow.do("stop_reading", pongs=False)
        await slow.do("emit", events=[("sync_request", {"since": 0})], times=6, pause=0.1)
        pollers = [await DeafPoller.come(server) for _ in range(count)]
        print(f"\n{2 * count} that died keep {(await watch.look())['fieldbook_backlog_bytes']} B")
        began = time.monotonic()
        await watch.until_all_is_gone(before, clients=2 * count, patience=150)
        took = time.monotonic() - began
        grown = (process.peak - empty) / 2 / count
        print(
            f"dropped after {took:.0f} s; memory at most +{grown / MIB:.2f} MiB each, "
            f"kept for one at most {watch.most / MIB:.2f} MiB"
        )
        assert watch.most <= MOST_BYTES + HEAD_BYTES
        assert grown < MOST_BYTES
        for poller in pollers:
            poller.close()


class DeafPoller:
    """A client that polls, asks for pages, polls for them, and never reads that answer."""

    def __init__(self) -> None:
        self.lines: list[asyncio.StreamWriter] = []

    @classmethod
    async def come(cls, server: ServerProcess) -> DeafPoller:
        poller = cls()
        path = "/socket.io/?EIO=4&transport=polling"
        async with aiohttp.ClientSession(server.url) as session:
            async with session.get(path) as opened:
                path += f"&sid={json.loads((await opened.text())[1:])['sid']}"
            auth = json.dumps({"api_key": ADMIN_KEY})
            async with session.post(path, data=f"40{auth}") as posted:
                assert posted.status == 200
            heard = ""
            while "authenticated" not in heard:
                async with session.get(path) as polled:
                    heard += await polled.text()
            for _ in range(6):
                async with session.post(path, data='42["sync_request",{"since":0}]') as posted:
                    assert posted.status == 200
        await asyncio.sleep(0.2)
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=1_024)
        line = writer.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        await reader.read(100)
        writer.transport.pause_reading()
        poller.lines.append(writer)
        return poller

    def close(self) -> None:
        for line in self.lines:
            line.transport.abort()


async def test_200_that_do_not_read_slow_nobody_down_and_take_no_more_as_time_goes_by(
    server: ServerProcess, slow: Fleet, fault_database_url: str
) -> None:
    count, rounds = 200, 3
    office = await Fleet.start("office")
    watch = Watched(server)

    async def work(seconds: float) -> dict[str, float]:
        """What it took the office, and the server's CPU seconds for each of its writes."""
        async with watched(process_id(server)) as process:
            took = await office.do("work", seconds=seconds, pause=0.5, contacts=CONTACTS)
        return {**took, "cpu": process.cpu_seconds / took["writes"]}

    async def all_are_paused() -> bool:
        # It is a live change that finds out that they do not read.
        await work(1)
        return (await watch.look())["fieldbook_listeners_paused"] == count

    connection = await asyncpg.connect(fault_database_url)
    answered = "SELECT count(*) = $1 FROM sync_log WHERE kind = 'sync'"
    try:
        await office.do("connect", port=server.port, count=50)
        await work(4)
        async with watched(process_id(server)) as process:
            empty = process.memory
            without, beside, grown, later = [], [], [], []
            for number in range(rounds):
                without.append(await work(4))
                await slow.do("connect", port=server.port, count=count)
                await slow.do("stop_reading", pongs=True)
                await slow.do("emit", events=[("sync_request", {"since": 0})], times=3, pause=0.5)
                await until(partial(connection.fetchval, answered, (number + 1) * 3 * count), 90)
                await until(all_are_paused, 90)
                grown.append(process.memory)
                beside.append(await work(4))
                later.append(process.memory)
                now = await watch.look()
                assert now["fieldbook_listeners_paused"] == count, now
                assert now["fieldbook_connections"] == count + 50
                await slow.do("leave")
                await watch.until("they are gone", lambda now: now["fieldbook_connections"] == 50)
        # A machine that stands still makes some rounds worse, and none better.
        best = {
            name: [min(each[name] for each in them) for them in (without, beside)]
            for name in ("deliveries", "acks", "cpu")
        }
        for name, (alone, with_them) in best.items():
            print(f"\n{name}: {alone * 1e3:.1f} ms without, {with_them * 1e3:.1f} ms beside them ("
                  f"{[round(each[name] * 1e3, 1) for each in without]}, "
                  f"{[round(each[name] * 1e3, 1) for each in beside]})", end="")  # fmt: skip
        each_takes = (max(later) - empty) / count
        print(
            f"\nmemory +{each_takes / MIB:.2f} MiB each; in 5 s {(later[0] - grown[0]) / MIB:+.1f} "
            f"MiB for all; rounds {[round(each / MIB) for each in later]} MiB"
        )
        assert watch.most <= MOST_BYTES + HEAD_BYTES
        assert each_takes < MOST_BYTES
        assert later[-1] - grown[-1] < 16 * MIB, "it takes more and more"
        # The memory of those who went is taken by those who came.
        assert later[-1] - empty < 2 * (later[0] - empty)
        for name in ("deliveries", "acks"):
            alone, with_them = best[name]
            assert with_them < max(2 * alone, UNNOTICED_SECONDS), name
        alone, with_them = best["cpu"]
        # Their pings cost something; what is sent to others, made for each of them too, 5 times.
        assert with_them < 3 * alone, "they cost more than all the others"
    finally:
        await connection.close()
        await office.end()
