"""People at work: their devices write all the time, online or not."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field

from server.client.client import DeviceClient, Write
from tests.faults.support.stack import ADMIN_KEY

PATIENCE = 120
UNSENT = 20
"""Whoever has so many edits waits: else a slow machine would have ever more of them to send."""


@dataclass
class People:
    """Devices whose people write all the time, whether they are online or not."""

    devices: list[DeviceClient]
    writes: list[Write] = field(default_factory=list)
    _writing: list[asyncio.Task[None]] = field(default_factory=list)

    @classmethod
    async def at(cls, urls: list[str]) -> People:
        people = cls(
            [
                DeviceClient(url, ADMIN_KEY, batch=number % 2 == 0, reconnect_s=0.1)
                for number, url in enumerate(urls)
            ]
        )
        await asyncio.gather(*(device.connect(PATIENCE) for device in people.devices))
        people._writing = [asyncio.create_task(people._write(each)) for each in people.devices]
        return people

    async def _write(self, device: DeviceClient) -> None:
        made = device.create("contact", {"first_name": "Ann", "custom": {"edits": "0"}})
        self.writes.append(made)
        for number in range(1, 1_000_000):
            await asyncio.sleep(random.uniform(0.05, 0.15))
            if len(device.queue) >= UNSENT:
                continue
            if number % 3:
                changes = {"custom": {"edits": str(number)}}
                self.writes.append(device.update("contact", made.id, changes))
            else:
                self.writes.append(device.create("contact", {"company": f"Kestrel {number}"}))

    async def stop_writing(self) -> None:
        for task in self._writing:
            assert not task.done(), task
            task.cancel()
        await asyncio.wait(self._writing)

    async def leave(self) -> None:
        for task in self._writing:
            task.cancel()
        await asyncio.gather(*(device.disconnect() for device in self.devices))
