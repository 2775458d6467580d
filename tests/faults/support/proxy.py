"""The network between devices and servers, to be broken: a TCP proxy for each device."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

CHUNK = 65_536
Choose = Callable[[], int | None]


class Line:
    """One device's way to the servers, on a port of its own.

    Each new connection goes to the port that `choose()` names, as through a load balancer; None
    refuses it. The faults are attributes that may be set at any time:

    - `delay`: seconds by which each piece of data is late, either way;
    - `deaf`: what the server says is swallowed, so that what the device sent takes effect there
      and the device never learns of it;
    - `half_open`: nothing passes either way any more, and nobody is told.

    `cut` ends all connections at once. Bytes never vanish from the middle of a connection that
    lives on, as TCP would not let them: what was swallowed ends with `heal`, which cuts.
    """

    def __init__(self, choose: Choose) -> None:
        self._choose = choose
        self.delay = 0.0
        self.deaf = False
        self.half_open = False
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

    def heal(self) -> None:
        """Ends all faults; connections that lost bytes to them are cut."""
        lossy = self._lossy or self.deaf or self.half_open
        self.delay, self.deaf, self.half_open = 0.0, False, False
        if lossy:
            self.cut()

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
        if port is None:
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
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.half_open or (self.deaf and from_server):
                    self._lossy = True
                    continue
                writer.write(data)
                await writer.drain()
