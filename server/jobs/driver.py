"""The job queue's way to Postgres: it waits out what passes, and listens again after a loss."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

import asyncpg
from loguru import logger
from pgqueuer.core.tm import TaskManager
from pgqueuer.ports.driver import Driver, NotifyCallback

from server.db.pool import PASSING, ROLE, Connection, Database
from server.errors import Unavailable
from server.tasks import end

Value = TypeVar("Value")

RETRY_SECONDS = 0.5
CONNECT_SECONDS = 5.0


class PatientDriver(Driver):
    """A pgqueuer driver on a pool, whose calls wait until the database answers again.

    pgqueuer ends its worker at the first lost connection, and drops what it had not written. So
    nothing here fails for a reason that passes, until `close`.
    """

    def __init__(self, database: Database, url: str) -> None:
        self._database = database
        self._url = url
        self._closed = asyncio.Event()
        self._tasks = TaskManager()
        self._callbacks: list[tuple[str, NotifyCallback]] = []
        self._listening: asyncio.Task[None] | None = None
        self._heard = asyncio.Event()

    async def fetch(self, query: str, *args: object) -> list[dict[str, object]]:
        """The rows of a query. Raises `Unavailable` only after `close`."""
        rows = await self._patiently(lambda connection: connection.fetch(query, *args))
        return [dict(row) for row in rows]

    async def execute(self, query: str, *args: object) -> str:
        """The status of a statement. Raises `Unavailable` only after `close`."""
        return await self._patiently(lambda connection: connection.execute(query, *args))

    async def notify(self, channel: str, payload: str) -> None:
        """Sends a NOTIFY."""
        await self.execute("SELECT pg_notify($1, $2)", channel, payload)

    async def _patiently(self, work: Callable[[Connection], Awaitable[Value]]) -> Value:
        while True:
            try:
                async with self._database.any_tenant() as connection:
                    return await work(connection)
            except Unavailable as error:
                if await self._closed_within(RETRY_SECONDS):
                    raise
                logger.debug("The job queue waits for the database: {}", error.details)

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Has `callback` called for each NOTIFY of `channel`, also after a reconnect."""
        self._callbacks.append((channel, callback))
        await self._listen_anew()

    async def remove_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Ends what `add_listener` began."""
        self._callbacks.remove((channel, callback))
        await self._listen_anew()

    async def _listen_anew(self) -> None:
        await self._stop_listening()
        self._heard.clear()
        self._listening = asyncio.create_task(self._listen_forever())
        # So that what is enqueued from now on is heard, unless the database is away.
        waiting = [asyncio.create_task(each.wait()) for each in (self._heard, self._closed)]
        await asyncio.wait(waiting, timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()

    async def _listen_forever(self) -> None:
        while True:
            try:
                await self._listen()
            except PASSING as error:
                logger.debug("The job queue can't listen just now: {!r}", error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self) -> None:
        """Listens until the connection is lost; jobs enqueued meanwhile are found by polling."""
        connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_SECONDS,
            server_settings={"role": ROLE, "application_name": "fieldbook jobs"},
        )
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _connection: lost.set())
        try:
            for channel, callback in self._callbacks:
                await connection.add_listener(channel, _payload_to(callback))
            self._heard.set()
            await lost.wait()
        finally:
            connection.terminate()

    async def _stop_listening(self) -> None:
        if self._listening:
            await end(self._listening)
            self._listening = None

    async def _closed_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._closed.wait(), timeout=seconds)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Ends listening, and the patience of whoever still waits for the database."""
        self._closed.set()
        await self._stop_listening()

    @property
    def shutdown(self) -> asyncio.Event:
        """Set by `close`."""
        return self._closed

    @property
    def tm(self) -> TaskManager:
        """For pgqueuer, which may track its tasks here."""
        return self._tasks

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        # Only listening ends: pgqueuer still writes what it has buffered after it left.
        self._callbacks.clear()
        await self._stop_listening()


def _payload_to(callback: NotifyCallback) -> Callable[[Any, int, str, object], None]:
    def hear(_connection: Any, _pid: int, _channel: str, payload: object) -> None:
        callback(str(payload))

    return hear
