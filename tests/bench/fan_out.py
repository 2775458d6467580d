"""One write to a thousand connected clients, beside a bare aiohttp broadcast of the same bytes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.bench.client import RAW_PORT, Device, WebSocket, was_done
from tests.bench.report import Row, Samples
from tests.bench.stack import Meter
from tests.bench.writes import random_edit

CONNECTING_AT_ONCE = 20
WARM_UP = 3
ARRIVAL_SECONDS = 60.0
LEAST_CPU_SECONDS = 0.01
"""Which is what the system counts in."""

Client = TypeVar("Client")


class Arrivals:
    """Counts one message at many clients, and notes when the first and the last have it."""

    def __init__(self, clients: int) -> None:
        self.clients = clients
        self.message = b""
        self.expect()

    def expect(self) -> None:
        """Begins to count anew."""
        self._missing = self.clients
        self.complete: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __call__(self, message: bytes) -> None:
        self._missing -= 1
        if self._missing == 0:
            self.message = message
            self.complete.set_result(None)


async def measure_fan_out(
    server: Meter, raw: Meter, contacts: int, clients: int, rounds: int
) -> list[Row]:
    """Clients that ask for batches, then clients that take one event a contact."""
    memory_before = server.processes["server"].memory_info().rss
    arrivals = Arrivals(clients)
    devices = await connect_many(clients, lambda: Device.connect(arrivals))
    # Only of the first clients of a fresh process: later ones get memory that others left.
    memory = server.processes["server"].memory_info().rss - memory_before
    rows = await measure_mode("batch", devices, arrivals, server, raw, contacts, rounds)
    rows.append(Row("  memory a connection", f"{memory / clients / 1024:.0f} KiB", mark="30 KiB"))

    arrivals = Arrivals(clients)
    devices = await connect_many(clients, lambda: Device.connect(arrivals, batch=False))
    rows += await measure_mode("per event", devices, arrivals, server, raw, contacts, rounds)
    return rows


async def measure_mode(
    mode: str,
    devices: list[Device],
    arrivals: Arrivals,
    server: Meter,
    raw: Meter,
    contacts: int,
    rounds: int,
) -> list[Row]:
    """One device's writes, of which all devices hear; closes them afterwards."""

    async def write() -> None:
        while not was_done(await devices[0].call("contact_update", random_edit(contacts))):
            continue

    seconds = await send_rounds(write, arrivals, server, rounds)
    for device in devices:
        device.close()
    clients, size = len(devices), len(arrivals.message)
    ours = server.spent["server"] / (rounds * clients)
    raw_seconds, bare = await measure_raw(raw, clients, rounds, size)
    return [
        Row(
            f"fan-out to {clients:,}, {mode}, CPU a delivery",
            f"{ours * 1e6:.1f} µs",
            f"{bare * 1e6:.1f} µs aiohttp send_str",
            ours / bare,
            "9 µs",
            server.busy,
        ),
        Row(
            f"  from the write until the last has it ({size} bytes)",
            seconds.tail(),
            raw_seconds.tail(),
            seconds.middle / raw_seconds.middle,
            busy=raw.busy,
        ),
    ]


async def measure_raw(meter: Meter, clients: int, rounds: int, size: int) -> tuple[Samples, float]:
    """The same for a bare aiohttp server: latencies, and CPU seconds a delivery."""
    arrivals = Arrivals(clients)
    sockets = await connect_many(
        clients, lambda: WebSocket.connect(RAW_PORT, "/broadcast", arrivals)
    )
    text = "x" * size

    async def send() -> None:
        sockets[0].send(text)

    seconds = await send_rounds(send, arrivals, meter, rounds)
    for socket in sockets:
        socket.close()
    return seconds, max(meter.spent["raw server"], LEAST_CPU_SECONDS) / (rounds * clients)


async def connect_many(
    count: int, connect: Callable[[], Coroutine[Any, Any, Client]]
) -> list[Client]:
    """So many clients, a few at a time."""
    clients: list[Client] = []
    while len(clients) < count:
        few = min(CONNECTING_AT_ONCE, count - len(clients))
        clients += await asyncio.gather(*(connect() for _ in range(few)))
    return clients


async def send_rounds(
    send: Callable[[], Coroutine[Any, Any, None]], arrivals: Arrivals, meter: Meter, rounds: int
) -> Samples:
    """Sends a message so many times, each once all have the one before it."""
    seconds = Samples()
    for number in range(WARM_UP + rounds):
        if number == WARM_UP:
            meter.start()
        arrivals.expect()
        started = time.perf_counter()
        await send()
        await asyncio.wait_for(arrivals.complete, ARRIVAL_SECONDS)
        if number >= WARM_UP:
            seconds.add(time.perf_counter() - started)
    meter.stop()
    return seconds
