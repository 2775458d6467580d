"""The first sync of everything, and catching up on a hundred changes."""

from __future__ import annotations

import asyncio
import json
import time

from server.db.pool import Connection
from server.db.queries import queries
from server.services.changes import page_from_records
from server.services.sync import PAGE_BYTES, PAGE_ROWS
from tests.bench.client import RAW_PORT, Device, WebSocket
from tests.bench.report import Row, Samples
from tests.bench.seed import TENANT
from tests.bench.stack import Meter, Stack

CATCH_UP = 100
WARM_UP = 20
MOST_SECONDS = 120


class Sync:
    """One device that syncs; acknowledges pages and keeps them, to be counted afterwards."""

    def __init__(self) -> None:
        self.pages: list[bytes] = []

    async def connect(self) -> None:
        self.device = await Device.connect(self._receive)
        self.epoch = self.device.greeting["epoch"]
        self.head = self.device.greeting["version"]

    async def run(self, since: int) -> float:
        """Syncs from a cursor to the end and gives the seconds that it took."""
        self.pages.clear()
        self._complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        request = json.dumps({"since": since, "epoch": self.epoch, "stream": True})
        started = time.perf_counter()
        answer = json.loads(await self.device.call("sync_request", request))
        if answer["ok"]:
            await asyncio.wait_for(self._complete, MOST_SECONDS)
        seconds = time.perf_counter() - started
        rows = sum(page.count(b'{"id":') for page in self.pages)
        if not answer["ok"] or rows != answer["total"]:
            raise RuntimeError(f"{rows} rows came after {answer}")
        return seconds

    def _receive(self, packet: bytes) -> None:
        if packet.startswith(b'2["sync_complete"'):
            self._complete.set_result(None)
        else:
            self.pages.append(packet)
            self.device.acknowledge(packet)


async def measure_first_sync(stack: Stack, meter: Meter, contacts: int, runs: int) -> list[Row]:
    """Everything from 0, streamed: beside it the page query alone, and the bytes alone."""
    sync = Sync()
    await sync.connect()
    seconds, query, socket = Samples(), Samples(), Samples()
    async with stack.connected() as connection:
        row_bytes = await connection.fetchval("SELECT avg(octet_length(wire)) FROM contacts")
        await sync.run(0)
        for _ in range(runs):
            query.add(await read_all_pages(connection, float(row_bytes)))
            socket.add(await receive_raw(sync.pages))
            meter.start()
            seconds.add(await sync.run(0))
            meter.stop()
    size = sum(len(page) for page in sync.pages)
    sync.device.close()
    return [
        Row(
            f"first sync of {contacts:,} ({size / 1e6:.0f} MB, {len(sync.pages)} pages)",
            seconds.spread("s"),
            f"{query.spread('s')} the page query",
            seconds.middle / query.middle,
            "0.35 s",
            meter.busy,
        ),
        Row(
            "  rows a second",
            f"{contacts / seconds.middle:,.0f}",
            f"{socket.spread('s')} aiohttp, the same bytes",
            seconds.middle / socket.middle,
        ),
    ]


async def measure_catch_up(stack: Stack, meter: Meter, runs: int) -> list[Row]:
    """The last hundred changes, asked for again and again by one device."""
    sync = Sync()
    await sync.connect()
    catch_up, query = Samples(), Samples()
    async with stack.connected() as connection:
        since = await connection.fetchval(
            "SELECT version FROM contacts ORDER BY version DESC OFFSET $1 LIMIT 1", CATCH_UP
        )
        page = (TENANT, since, PAGE_ROWS, since, PAGE_BYTES, False)
        for _ in range(WARM_UP):
            await sync.run(since)
            await connection.fetch(queries.sync.read_page, *page)
        for _ in range(runs):
            started = time.perf_counter()
            await connection.fetch(queries.sync.read_page, *page)
            query.add(time.perf_counter() - started)
        meter.start()
        for _ in range(runs):
            catch_up.add(await sync.run(since))
        meter.stop()
    sync.device.close()
    return [
        Row(
            f"catch-up of {CATCH_UP}",
            catch_up.tail(),
            f"{query.tail()} the query",
            catch_up.middle / query.middle,
            "0.94 ms",
            meter.busy,
        )
    ]


async def read_all_pages(connection: Connection, row_bytes: float) -> float:
    """The seconds that the server's page query takes for everything, one page after another."""
    rows = min(PAGE_ROWS, int(PAGE_BYTES / row_bytes * 1.05) + 16)
    since, more = 0, True
    started = time.perf_counter()
    while more:
        records = await connection.fetch(
            queries.sync.read_page, TENANT, since, rows, 0, PAGE_BYTES, False
        )
        page = page_from_records(records, since)
        since, more = page.until, page.has_more
    return time.perf_counter() - started


async def receive_raw(pages: list[bytes]) -> float:
    """The seconds that messages of the same size take over a bare WebSocket."""
    size = sum(len(page) for page in pages) // len(pages)
    missing = len(pages)
    complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def receive(_message: bytes) -> None:
        nonlocal missing
        missing -= 1
        websocket.send("0 0")
        if missing == 0:
            complete.set_result(None)

    websocket = await WebSocket.connect(RAW_PORT, "/stream", receive)
    started = time.perf_counter()
    websocket.send(f"{missing} {size}")
    await complete
    seconds = time.perf_counter() - started
    websocket.close()
    return seconds
