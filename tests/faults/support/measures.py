"""A process watched from outside: its memory, its CPU seconds, its metrics."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

MIB = 1024 * 1024
SAMPLE_SECONDS = 0.02


@dataclass
class Watch:
    """What a process took while it was watched; memory in bytes of resident set size."""

    process: psutil.Process
    peak: int = 0
    cpu_seconds: float = 0.0

    @property
    def memory(self) -> int:
        """Its resident set size now."""
        size: int = self.process.memory_info().rss
        return size

    async def _sample(self) -> None:
        while True:
            self.peak = max(self.peak, self.memory)
            await asyncio.sleep(SAMPLE_SECONDS)


@asynccontextmanager
async def watched(process_id: int) -> AsyncIterator[Watch]:
    """Samples a process until the end of the block."""
    watch = Watch(psutil.Process(process_id))
    before = watch.process.cpu_times()
    sampling = asyncio.create_task(watch._sample())
    try:
        yield watch
    finally:
        sampling.cancel()
        after = watch.process.cpu_times()
        watch.cpu_seconds = after.user + after.system - before.user - before.system


def connects_dropped() -> int:
    """How many connection attempts this machine has dropped, as too many waited to be accepted."""
    names, values = (
        line.split()
        for line in Path("/proc/net/netstat").read_text().splitlines()
        if line.startswith("TcpExt:")
    )
    return int(values[names.index("ListenOverflows")])


async def read_metrics(url: str) -> dict[str, float]:
    """The metrics of a server that have no labels, by name."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as response:
        text = await response.text()
    return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)}
