"""What a job gets, and how it is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from server.db.pool import Connection


class Interrupted(Exception):
    """The server stops: the job goes on at the next start."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a job.

    `connection` sees the tenant that the payload names, and holds the lock that makes this run the
    only one: a job that does its work on it can't do it twice at the same time.
    """

    connection: Connection
    payload: dict[str, Any]
    stopping: asyncio.Event

    async def pause(self, seconds: float) -> None:
        """Lets others work; call it between chunks. Raises `Interrupted` when the server stops."""
        await pause(self.stopping, seconds)


Job = Callable[[Run], Awaitable[None]]


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Waits so long. Raises `Interrupted`, at once, when the server stops."""
    try:
        await asyncio.wait_for(stopping.wait(), timeout=seconds)
    except TimeoutError:
        return
    raise Interrupted
