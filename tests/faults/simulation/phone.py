"""A sales agent's phone in a bad world: its network fails, it crashes, and its clock is wrong."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable

from server.client.client import DeviceClient, device_clock
from server.client.simulated import SimulatedDevice, World
from tests.faults.simulation.observer import Observations, WatchedClient
from tests.faults.support.proxy import Line

HOUR_MS = 3_600_000
TEN_YEARS_MS = 10 * 365 * 24 * HOUR_MS
WRONG_CLOCKS_MS = (HOUR_MS, -HOUR_MS, TEN_YEARS_MS, -TEN_YEARS_MS, 700, -700)
PAUSE_S = 0.5


class Phone:
    """One device with its own line to the servers; what its user does follows from the seed."""

    def __init__(self, number: int, key: str, line: Line, world: World, seed: int) -> None:
        self.number = number
        self.line = line
        self.chance = random.Random(f"phone-{seed}-{number}")
        # Every third clock is wrong from the start.
        self.clock_off_ms = self.chance.choice(WRONG_CLOCKS_MS) if number % 3 == 0 else 0
        self.seen = Observations(f"phone-{number}")
        self._key = key
        self._world = world
        self.client = self._make_client()
        self.user = SimulatedDevice(self.client, world, f"user-{seed}-{number}")
        self._lock = asyncio.Lock()

    def _make_client(self, device_id: str | None = None) -> DeviceClient:
        """One way of speaking the protocol or another, by the phone's number."""
        return WatchedClient(
            self.seen,
            self.line.url,
            self._key,
            device_id,
            batch=self.number % 5 != 4,
            sign_in="event" if self.number % 4 == 3 else "connect",
            stream=self.number % 7 != 6,
            compress=self.number % 3 == 2,
            page_limit=25 if self.number % 2 else None,
            answer_timeout_s=3.0,
            reconnect_s=0.1,
            longest_wait_s=1.0,
            clock=self._now,
            keep=self._world.keep,
        )

    def _now(self) -> int:
        return device_clock() + self.clock_off_ms

    @property
    def state(self) -> str:
        """How the device is, for whoever wonders why it does not come to rest."""
        client, store = self.client, self.client.store
        return (
            f"{self.seen.device} is {'online' if client.online else 'offline'}, "
            f"{len(client.queue)} in the queue, cursor {store.cursor}, syncing {store.syncing}, "
            f"refused {client.refused!r}, last error {client.last_error!r}"
        )

    async def use(self, until: float) -> None:
        """Writes at random moments until the loop's clock shows `until`, online or not."""
        clock = asyncio.get_running_loop().time
        while (pause := self.chance.expovariate(1 / PAUSE_S)) < until - clock():
            await asyncio.sleep(pause)
            # Nobody writes on a phone that is just dying.
            if not self._lock.locked():
                self.user.act()

    async def connect(self) -> None:
        """Comes online and stays so; does not wait until it is."""
        try:
            await self.client.connect(timeout_s=0.01)
        except TimeoutError:
            # It goes on trying, which is all that is asked for.
            return

    async def crash(self) -> None:
        """Dies at any moment, and starts again with what it had stored."""
        async with self._lock:
            stored = json.dumps(self.client.dump())
            await self.client.cut()
            # What the dying app still heard was never stored; the counters are the test's own.
            counters = self.client.counters
            self.client = self._make_client(self.client.device_id)
            self.client.counters = counters
            self.client.load(json.loads(stored))
            self.user.client = self.client
            await self.connect()

    def jump_clock(self) -> None:
        """Somebody sets the clock."""
        self.clock_off_ms = self.chance.choice((*WRONG_CLOCKS_MS, 0))

    async def stop(self) -> None:
        """Ends the app for good."""
        await self.client.disconnect()
        await self.line.close()


ChoosePort = Callable[[], int | None]


async def make_phones(keys: list[str], choose: ChoosePort, world: World, seed: int) -> list[Phone]:
    """A phone for each key, each on a line of its own."""
    lines = [await Line(choose).open() for _ in keys]
    return [
        Phone(number, key, line, world, seed)
        for number, (key, line) in enumerate(zip(keys, lines, strict=True))
    ]
