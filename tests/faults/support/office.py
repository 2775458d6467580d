"""Devices of people at work: each writes now and then, all hear of it, and times are taken."""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from statistics import median
from typing import Any

from tests.bench.client import Device
from tests.bench.seed import contact_id
from tests.faults.support.stack import ADMIN_KEY

SENT = re.compile(rb'"sent":"([0-9.]+)"')


class Office:
    """What the process does."""

    def __init__(self) -> None:
        self.devices: list[Device] = []
        self.acks: list[float] = []
        self.deliveries: list[float] = []
        self._began = 0.0

    async def connect(self, port: int, count: int) -> dict[str, Any]:
        """So many devices come."""
        coming = (
            Device.connect(self._hear, f"office-device-{number}", port=port, api_key=ADMIN_KEY)
            for number in range(count)
        )
        self.devices = list(await asyncio.gather(*coming))
        return {}

    async def work(self, seconds: float, pause: float, contacts: int) -> dict[str, Any]:
        """All write for so long, each with such pauses on average.

        Gives the medians in seconds, and how many writes and deliveries there were.
        """
        self.acks, self.deliveries = [], []
        self._began = time.perf_counter()
        until = self._began + seconds
        await asyncio.gather(*(self._write(each, until, pause, contacts) for each in self.devices))
        await asyncio.sleep(0.5)
        return {
            "acks": median(self.acks),
            "deliveries": median(self.deliveries),
            "writes": len(self.acks),
            "delivered": len(self.deliveries),
        }

    async def _write(self, device: Device, until: float, pause: float, contacts: int) -> None:
        while time.perf_counter() < until:
            await asyncio.sleep(random.expovariate(1 / pause))
            begin = time.perf_counter()
            changes = {"custom": {"sent": f"{begin:.6f}"}}
            edit = {"id": contact_id(random.randrange(contacts)), "changes": changes}
            ack = await device.call("contact_update", json.dumps(edit))
            assert ack.startswith(b'{"ok":true'), ack
            self.acks.append(time.perf_counter() - begin)

    def _hear(self, packet: bytes) -> None:
        now = time.perf_counter()
        sent = map(float, SENT.findall(packet))
        # What comes late belongs to the work before this one.
        self.deliveries += [now - each for each in sent if each >= self._began]
