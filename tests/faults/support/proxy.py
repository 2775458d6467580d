"""The network between devices and servers, to be broken: a TCP proxy for each device."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

CHUNK = 65_536
DELAY_SECONDS = 0.25
FAULTS = frozenset({"delay", "deaf", "half_open", "offline"})
Choose = Callable[[], int | None]


class Line:
    """One device's way to the servers, on a port of its own.

    Each new connection goes to the port that `choose()` names, as through a load balancer; None
    refuses it. It may suffer, from several faults at once and of one kind several times:

    - `delay`: each piece of data is late, either way;
    - `deaf`: what the server says is swallowed, so that what the device sent takes effect there
      and the device never learns of it;
    - `half_open`: nothing passes either way any more, and nobody is told;
    - `offline`: connections end, and new ones are refused.

    `cut` ends all connections at once. Bytes never vanish from the middle of a connection that
    lives on, as TCP would not let them: where some were swallowed, recovery cuts.
    """

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self._faults: Counter[str] = Counter()
        self._lossy = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def open(self) -> Line:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Ends every connection at once, with a reset both ways."""
        for writer in list(self._writers):
            writer.transport.abort()
        self._lossy = False

    def suffer(self, fault: str) -> None:
        """One of the faults begins."""
        assert fault in FAULTS, fault
        self._faults[fault] += 1
        if fault == "offline":
            self.cut()

    def recover(self, fault: str) -> None:
        """One of the faults ends; connections that lost bytes to it are cut."""
        self._faults[fault] -= 1
        if self._lossy and not self._swallows(from_server=True):
            self.cut()

    def heal(self) -> None:
        """All faults end; connections that lost bytes to them are cut."""
        self._faults.clear()
        if self._lossy:
            self.cut()

    def _swallows(self, *, from_server: bool) -> bool:
        return self._faults["half_open"] > 0 or (from_server and self._faults["deaf"] > 0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._join(reader, writer)
        except (OSError, asyncio.CancelledError):
            # Either side went away, which is what a network does.
            return
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = self._choose()
        if port is None or self._faults["offline"] > 0:
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        self._writers.add(server_writer)
        ways = [
            asyncio.create_task(self._carry(reader, server_writer, from_server=False)),
            asyncio.create_task(self._carry(server_reader, writer, from_server=True)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._writers.discard(server_writer)
            server_writer.transport.abort()

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, from_server: bool
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                if self._faults["delay"] > 0:
                    await asyncio.sleep(DELAY_SECONDS)
                if self._swallows(from_server=from_server):
                    self._lossy = True
                    continue
                writer.write(data)
                await writer.drain()
