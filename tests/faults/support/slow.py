"""Clients that stop reading, as a phone does whose app hangs or whose line is dead."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from typing import Any

from tests.bench.client import Device
from tests.faults.support.stack import ADMIN_KEY

# Well below the 20 s after which the server gives up, also when this process stands still.
PONG_SECONDS = 10.0
CONNECTING_AT_ONCE = 20
READ_SECONDS = 60.0
AVAILABLE = re.compile(rb'2\["sync_available",\{"version":(\d+)\}')


class SlowDevice(Device):
    """Does not care for acks."""

    def receive(self, message: bytes) -> None:
        if not message.startswith(b"43"):
            super().receive(message)


class SlowClient:
    """One of them; small buffers of the system on its side."""

    def __init__(self) -> None:
        self.available: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.events: list[bytes] = []
        self.device: Device

    async def come(self, port: int) -> SlowClient:
        self.device = await SlowDevice.connect(self._hear, port=port, api_key=ADMIN_KEY)
        line = self.device.socket.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16_384)
        return self

    def _hear(self, packet: bytes) -> None:
        self.events.append(packet[:100])
        found = AVAILABLE.match(packet)
        if found and not self.available.done():
            self.available.set_result(int(found[1]))


class SlowClients:
    """What the process does."""

    def __init__(self) -> None:
        self.clients: list[SlowClient] = []
        self._ponging: asyncio.Task[None] | None = None
        self._number = 0

    async def connect(self, port: int, count: int) -> dict[str, Any]:
        """So many come, and read as yet."""
        for start in range(0, count, CONNECTING_AT_ONCE):
            some = range(start, min(start + CONNECTING_AT_ONCE, count))
            self.clients += await asyncio.gather(*(SlowClient().come(port) for _ in some))
        return {}

    async def stop_reading(self, pongs: bool) -> dict[str, Any]:
        """They read no more; with `pongs` they go on sending pongs and pings."""
        for each in self.clients:
            each.device.socket.stop_reading()
        if pongs:
            self._ponging = asyncio.create_task(self._pong_on())
        return {}

    async def _pong_on(self) -> None:
        while True:
            for each in self.clients:
                if not each.device.socket.closed.done():
                    each.device.socket.send("3")
                    self._emit(each, "ping", {})
                # One after the other, as the pings of so many devices come.
                await asyncio.sleep(PONG_SECONDS / len(self.clients))

    async def emit(
        self, events: list[tuple[str, dict[str, Any]]], times: int = 1, pause: float = 0.0
    ) -> dict[str, Any]:
        """Each sends one of the events, so many times, and waits for no answer."""
        for _ in range(times):
            for number, each in enumerate(self.clients):
                self._emit(each, *events[number % len(events)])
            await asyncio.sleep(pause)
        return {}

    def _emit(self, client: SlowClient, event: str, payload: dict[str, Any]) -> None:
        self._number += 1
        if not client.device.socket.closed.done():
            client.device.socket.send(f"42{self._number}{json.dumps([event, payload])}")

    async def go_on_reading(self) -> dict[str, Any]:
        """They read again; gives the version that each was told to sync to."""
        for each in self.clients:
            each.device.socket.go_on_reading()
        async with asyncio.timeout(READ_SECONDS):
            return {"versions": [await each.available for each in self.clients]}

    async def last_events(self) -> dict[str, Any]:
        """The beginning of the last thing that each of them heard."""
        return {"events": [each.events[-1].decode() for each in self.clients]}

    async def leave(self) -> dict[str, Any]:
        """They are gone without a goodbye."""
        if self._ponging:
            self._ponging.cancel()
        for each in self.clients:
            each.device.close()
        self.clients = []
        return {}
