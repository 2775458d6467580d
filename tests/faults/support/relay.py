"""What lies between a server and its Postgres or Redis: a Unix socket that may go deaf."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from tests.faults.support.stack import Databases

CHUNK = 65_536
ACTING_SECONDS = 0.2


@dataclass
class Call:
    """One connection: what its client said, at least in the beginning, and whether it hears."""

    said: bytearray = field(default_factory=bytearray)
    deaf: bool = False


class Relay:
    """Listens on a Unix socket and passes everything on to another.

    While `deaf_to` is set, connections whose client ever said those bytes hear nothing any more,
    and nobody is told: `b"SUBSCRIBE"` makes the one deaf that waits for Redis's messages,
    `b"LISTEN"` the one that waits for NOTIFY, `b""` all. They stay deaf when it ends.
    `cut_at` cuts one connection, at the words that its client says next.
    """

    def __init__(self, path: Path, target: Path) -> None:
        self.path = path
        self.target = target
        self.deaf_to: bytes | None = None
        self.swallowed = 0
        self.cuts = 0
        self._cut_at: tuple[bytes, bool] | None = None
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

    def cut_at(self, words: bytes, *, passed_on: bool) -> None:
        """Cuts the next connection whose client says these words, before it is answered.

        With `passed_on` the other side hears them first and has time to act on them.
        """
        self._cut_at = (words, passed_on)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        call = Call()
        try:
            far_reader, far_writer = await asyncio.open_unix_connection(self.target)
        except OSError:
            # As without a relay: whoever connects learns that nobody is there.
            self._tasks.discard(task)
            writer.transport.abort()
            return
        ways = [
            asyncio.create_task(self._ask(reader, far_writer, call)),
            asyncio.create_task(self._answer(far_reader, writer, call)),
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
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: Call
    ) -> None:
        while data := await reader.read(CHUNK):
            # What tells a connection apart is said early.
            call.said += data[: max(0, CHUNK - len(call.said))]
            if self._cut_at and self._cut_at[0] in data:
                _, passed_on = self._cut_at
                self._cut_at = None
                self.cuts += 1
                call.deaf = True
                if passed_on:
                    writer.write(data)
                    await asyncio.sleep(ACTING_SECONDS)
                return
            writer.write(data)
            await writer.drain()

    async def _answer(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, call: Call
    ) -> None:
        while data := await reader.read(CHUNK):
            # Bytes never vanish from the middle of a connection that goes on.
            call.deaf = call.deaf or (self.deaf_to is not None and self.deaf_to in call.said)
            if call.deaf:
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
