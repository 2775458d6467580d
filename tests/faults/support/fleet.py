"""Many devices in a process of their own, so that the load is not what is measured.

`python -m tests.faults.support.fleet KIND` reads one command a line, as JSON, and answers each
with one line. `Fleet` is the handle of such a process.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvloop

from tests.bench.client import Device
from tests.faults.support.office import Office
from tests.faults.support.slow import SlowClients
from tests.faults.support.stack import ADMIN_KEY

ROOT = Path(__file__).resolve().parents[3]
SYNC_SECONDS = 120.0
CONNECTING_AT_ONCE = 20
# An answer holds some numbers of each device.
LINE_BYTES = 2**24

Answer = dict[str, Any]


@dataclass
class FleetDevice:
    """One device: signs in, catches up, notes what it was told at the end of its connection."""

    device_id: str
    cursor: int = 0
    epoch: str | None = None
    rows: int = 0
    draining: list[int] = field(default_factory=list)
    device: Device | None = None

    async def come(self, port: int) -> float:
        """Connects, signs in and syncs; gives the seconds until it was current."""
        begin = time.perf_counter()
        self.rows, self.draining = 0, []
        self._current: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.device = await Device.connect(self._hear, self.device_id, port=port, api_key=ADMIN_KEY)
        asked: Answer = {"since": self.cursor, "stream": True}
        if self.cursor:
            asked["epoch"] = self.epoch
        ack = json.loads(await self.device.call("sync_request", json.dumps(asked)))
        if not ack["ok"]:
            raise ConnectionError(f"sync_request: {ack['error']['code']}")
        await self._current
        return time.perf_counter() - begin

    def _hear(self, packet: bytes) -> None:
        if packet.startswith(b'2["draining"'):
            self.draining.append(json.loads(packet[1:])[1]["retry_after_ms"])
        elif packet.startswith(b'2["sync_complete"'):
            done = json.loads(packet[1:])[1]
            self.cursor, self.epoch = done["version"], done["epoch"]
            self._current.set_result(None)
        elif packet.startswith(b'2["changes"'):
            self.cursor = max(self.cursor, json.loads(packet[1:])[1]["until"])
        elif b'["sync_response"' in packet[:40]:
            self.rows += packet.count(b'{"id":')
            assert self.device is not None
            self.device.acknowledge(packet)


class Devices:
    """What a fleet's process does."""

    def __init__(self) -> None:
        self.devices: list[FleetDevice] = []

    async def connect(self, port: int, count: int, name: str) -> Answer:
        """So many devices come, a few at a time."""
        await self.prepare(count, name)
        for start in range(0, count, CONNECTING_AT_ONCE):
            some = self.devices[start : start + CONNECTING_AT_ONCE]
            await asyncio.gather(*(each.come(port) for each in some))
        return {"cursors": [each.cursor for each in self.devices]}

    async def prepare(self, count: int, name: str) -> Answer:
        """So many devices, which have not come yet."""
        self.devices = [FleetDevice(f"{name}-device-{number:05}") for number in range(count)]
        return {}

    async def storm(self, port: int) -> Answer:
        """All come back at once; one that is refused is not helped."""
        coming = [asyncio.wait_for(each.come(port), SYNC_SECONDS) for each in self.devices]
        came = await asyncio.gather(*coming, return_exceptions=True)
        return {
            "seconds": [each for each in came if isinstance(each, float)],
            "errors": [repr(each) for each in came if isinstance(each, BaseException)],
            "cursors": [each.cursor for each in self.devices],
            "rows": [each.rows for each in self.devices],
        }

    async def wait_closed(self) -> Answer:
        """Waits until all connections have ended."""
        connections = [each.device for each in self.devices if each.device]
        codes = [await each.socket.closed for each in connections]
        return {"codes": codes, "draining": [each.draining for each in self.devices]}


class Fleet:
    """The handle of a fleet's process. `await fleet.do("storm", port=…)` gives its answer."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    @classmethod
    async def start(cls, kind: str = "devices") -> Fleet:
        return cls(
            await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.faults.support.fleet", kind),
                cwd=ROOT,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=LINE_BYTES,
            )
        )

    async def do(self, command: str, **arguments: Any) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([command, arguments]).encode() + b"\n")
        line = await self.process.stdout.readline()
        assert line, f"the fleet ended over {command}; its message stands above"
        answer: Answer = json.loads(line)
        return answer

    async def end(self) -> None:
        """Ends the process; its connections end with it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            await asyncio.wait_for(self.process.wait(), 10)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


async def obey(devices: object) -> None:
    """Does what the lines of stdin say, until there are no more."""
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        command, arguments = json.loads(line)
        answer = await getattr(devices, command)(**arguments)
        print(json.dumps(answer), flush=True)


async def main() -> None:
    kinds = {"devices": Devices, "office": Office, "slow": SlowClients}
    await obey(kinds[sys.argv[1]]())


if __name__ == "__main__":
    uvloop.run(main())
