"""Devices that watch what reaches them, and how long after its ack."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from server.client.client import DeviceClient
from server.client.wire import Payload
from tests.faults.support.stack import ADMIN_KEY, ServerProcess

PATIENCE = 20.0


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

    `faults` has a line for each set that does not join on to the one before, and for each row
    that came twice in the same version.
    """

    def __init__(self, server: ServerProcess, *, batch: bool = True) -> None:
        self.device = DeviceClient(server.url, ADMIN_KEY, batch=batch, on_event=self._note)
        self.arrived: dict[str, float] = {}
        self.faults: list[str] = []
        self._until: int | None = None
        self._seen: set[tuple[str, int]] = set()
        self._syncs = 0

    async def start(self) -> Reader:
        await self.device.connect(PATIENCE)
        await self.device.settle(PATIENCE)
        self._syncs = self._all_syncs()
        return self

    async def stop(self) -> None:
        await self.device.disconnect()

    def _all_syncs(self) -> int:
        counters = self.device.counters
        return counters.first_syncs + counters.catch_ups

    def _note(self, event: str, payload: Payload) -> None:
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
        """Everything came by itself, in order, without a gap, once."""
        assert self.faults == []
        assert self.device.counters.gaps == 0
        assert self._all_syncs() == self._syncs, "it had to sync"
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
    """At most one of them took a second more, and the others what they took before."""
    usual = statistics.median(before)
    slow = [each for each in during if each > usual + 0.5]
    report(f"{what}, before", before)
    report(f"{what}, during", during)
    assert len(slow) <= 1, f"{len(slow)} of {len(during)} {what} waited: {slow}"
    assert all(each < usual + 1.5 for each in slow), slow
    assert statistics.median(during) < 3 * usual + 0.02


def report(what: str, seconds: list[float]) -> None:
    """Prints how long something took; `pytest -s` shows it."""
    ordered = sorted(seconds)
    print(
        f"{what}: median {statistics.median(ordered) * 1e3:.0f} ms, "
        f"most {ordered[-1] * 1e3:.0f} ms, of {len(ordered)}"
    )


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = PATIENCE) -> None:
    """Asks again and again until a condition holds. Raises AssertionError."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
