"""Devices that watch what reaches them, and how long after its ack."""

from __future__ import annotations

import asyncio
import statistics
import time
from dataclasses import dataclass

from server.client.client import DeviceClient
from server.client.wire import Payload
from tests.faults.support.stack import ADMIN_KEY, ServerProcess

PATIENCE = 60.0
WAITED_SECONDS = 0.5
"""Whoever waits for a Redis that hangs does so for a second."""


@dataclass
class Written:
    """A contact that was written: when it was sent and acknowledged, by time.monotonic()."""

    id: str
    sent: float
    acknowledged: float

    @property
    def took(self) -> float:
        return self.acknowledged - self.sent


class Reader:
    """A device on one server that notes when each contact came, and what is wrong with the way.

    `faults` has a line for each set that does not join on to the one before, for each row that
    came twice in the same version, and for each time that the server would have it sync.
    """

    def __init__(self, server: ServerProcess, *, batch: bool = True) -> None:
        self.device = DeviceClient(server.url, ADMIN_KEY, batch=batch, on_event=self._note)
        self.arrived: dict[str, float] = {}
        self.faults: list[str] = []
        self._until: int | None = None
        self._seen: set[tuple[str, int]] = set()

    async def start(self) -> Reader:
        await self.device.connect(PATIENCE)
        await self.device.settle(PATIENCE)
        return self

    async def stop(self) -> None:
        await self.device.disconnect()

    def _note(self, event: str, payload: Payload) -> None:
        if event == "sync_available":
            self.faults.append(f"{event} came: {payload}")
            return
        if event == "changes":
            rows = [row for each in ("put", "del") for row in payload["contacts"][each]]
        elif event.startswith("contact_"):
            rows = [{"id": payload.get("contact", payload)["id"], "version": payload["version"]}]
        else:
            return
        now = time.monotonic()
        if self._until not in (None, payload["since"]):
            self.faults.append(f"{event}: after {self._until} came {payload['since']}")
        self._until = payload["until"]
        for row in rows:
            key = (row["id"], row["version"])
            if key in self._seen:
                self.faults.append(f"{event}: {key} came twice")
            self._seen.add(key)
            self.arrived.setdefault(row["id"], now)

    async def wait_for(self, ids: set[str]) -> None:
        """Waits until all of them have come."""
        await self.device.wait_until(lambda: ids <= self.arrived.keys(), PATIENCE)

    async def delays(self, written: list[Written]) -> list[float]:
        """Seconds from the ack of each to its arrival here, waiting for the last of them."""
        await self.wait_for({each.id for each in written})
        return [max(0.0, self.arrived[each.id] - each.acknowledged) for each in written]

    def check(self) -> None:
        """Everything came by itself, in order, without a gap, once.

        Its own counts of gaps and syncs say less: after a ping it waits a second for what it was
        told of, and asks for it then, which on a busy machine is on its way.
        """
        assert self.faults == []
        assert self.device.counters.mismatches == 0


async def write(device: DeviceClient, times: int, *, pause: float = 0.0) -> list[Written]:
    """Makes contacts one after the other; each must be acknowledged as applied."""
    written = []
    for number in range(times):
        sent = time.monotonic()
        making = device.create("contact", {"first_name": f"Ann {number}"})
        ack = await asyncio.wait_for(making, PATIENCE)
        assert ack["ok"], ack
        written.append(Written(making.id, sent, time.monotonic()))
        await asyncio.sleep(pause)
    return written


def check_as_quick_as_before(before: list[float], during: list[float], what: str) -> None:
    """One of them may have waited a second, and one in ten for a machine that is busy; the others
    took what they took before.
    """
    usual = statistics.median(before)
    slow = [each for each in during if each > usual + WAITED_SECONDS]
    report(f"{what}, before", before)
    report(f"{what}, during", during)
    assert len(slow) <= 1 + len(during) // 10, f"{len(slow)} of {len(during)} {what}: {slow}"
    assert statistics.median(during) < usual + WAITED_SECONDS / 2


def report(what: str, seconds: list[float]) -> None:
    """Prints how long something took; `pytest -s` shows it."""
    ordered = sorted(seconds)
    print(
        f"{what}: median {statistics.median(ordered) * 1e3:.0f} ms, "
        f"most {ordered[-1] * 1e3:.0f} ms, of {len(ordered)}"
    )
