"""What lies between a server and its Postgres or Redis: a Unix socket that may go deaf."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import quote

from tests.faults.support.stack import Databases

CHUNK = 65_536


class Relay:
    """Listens on a Unix socket and passes everything on to another.

    While `deaf_to` is set, connections whose client ever said those bytes hear nothing any more,
    and nobody is told: `b"SUBSCRIBE"` makes the one deaf that waits for Redis's messages,
    `b"LISTEN"` the one that waits for NOTIFY, `b""` all. They stay deaf when it ends.
    """

    def __init__(self, path: Path, target: Path) -> None:
        self.path = path
        self.target = target
        self.deaf_to: bytes | None = None
        self.swallowed = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> Relay:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._server = await asyncio.start_unix_server(self._serve, self.path)
        return self

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        said = bytearray()
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self.target)
        except OSError:
            # As without a relay: whoever connects learns that nobody is there.
            self._tasks.discard(task)
            writer.transport.abort()
            return
        ways = [
            asyncio.create_task(self._ask(reader, far_writer, said)),
            asyncio.create_task(self._answer(far_reader, writer, said)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            self._tasks.discard(task)
            writer.transport.abort()
            far_writer.transport.abort()

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytearray
    ) -> None:
        while data := await reader.read(CHUNK):
            # What tells a connection apart is said early.
            said += data[: max(0, CHUNK - len(said))]
            writer.write(data)
            await writer.drain()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytearray
    ) -> None:
        deaf = False
        while data := await reader.read(CHUNK):
            # Bytes never vanish from the middle of a connection that goes on.
            deaf = deaf or (self.deaf_to is not None and self.deaf_to in said)
            if deaf:
                self.swallowed += len(data)
                continue
            writer.write(data)
            await writer.drain()


async def relay_to_redis(databases: Databases) -> tuple[Relay, str]:
    """A relay to the Redis, and the `REDIS_URL` that leads through it."""
    relay = Relay(databases.folder / "relay" / "redis.sock", databases.redis.socket)
    await relay.open()
    return relay, f"unix://{quote(str(relay.path))}?db=0"


async def relay_to_postgres(databases: Databases, database_url: str) -> tuple[Relay, str]:
    """A relay to the Postgres, and the `DATABASE_URL` that leads through it."""
    name = ".s.PGSQL.5432"
    relay = Relay(databases.folder / "relay" / name, databases.postgres.socket_folder / name)
    await relay.open()
    direct = quote(str(databases.postgres.socket_folder), safe="")
    return relay, database_url.replace(direct, quote(str(relay.path.parent), safe=""))
