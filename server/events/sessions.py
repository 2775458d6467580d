"""The open sockets of this process: who is signed in on each, and what runs for it."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.errors import Unauthenticated
from server.services.actors import Actor
from server.services.sync_log import SyncLogEntry

SKEW_SAMPLES = 8
SET_BACK = 120_000_000
"""Microseconds. No message is delayed so long: a line that is silent for 45 s is cut."""
CLOSE_SECONDS = 3.0


class Channel(Protocol):
    """How a handler sends to its client; the transport's connection is one."""

    sid: str

    @property
    def paused(self) -> bool:
        """Whether so much waits for the client that what is live would only pile up."""

    def send(self, event: str, payload: Any, attachment: bytes | None = None) -> bool:
        """Sends an event; False when the client is gone."""

    def send_acknowledged(
        self, event: str, payload: Any, attachment: bytes | None = None
    ) -> asyncio.Future[None]:
        """Sends an event and gives the future of its ack."""

    def abort(self) -> None:
        """Cuts the connection."""

    async def close(self, code: int = 1000) -> None:
        """Closes the connection."""


@dataclass(slots=True, eq=False)
class Session:
    """One socket.

    `order` keeps a device's mutations in the order in which they arrived; `sync` is the task that
    sends pages, `syncs` counts the requests for them, of which only the last is served.
    `connection` is its entry in the sync log, `ended_by` why it will have ended.
    """

    channel: Channel
    address: str
    actor: Actor | None = None
    batch: bool = False
    order: asyncio.Lock = field(default_factory=asyncio.Lock)
    skews: deque[int] = field(default_factory=lambda: deque(maxlen=SKEW_SAMPLES))
    sync: asyncio.Task[None] | None = None
    syncs: int = 0
    deadline: asyncio.TimerHandle | None = None
    connection: SyncLogEntry | None = None
    ended_by: str = "closed"

    @property
    def sid(self) -> str:
        """The socket's id."""
        return self.channel.sid

    @property
    def signed_in(self) -> Actor:
        """Who is signed in. Raises `Unauthenticated` when nobody is."""
        if self.actor is None:
            raise Unauthenticated
        return self.actor

    def note_clock(self, clock: int | None, arrived: int) -> None:
        """Takes a sample of the device's clock, which `arrived` at that time of ours.

        Both in microseconds since 1970.
        """
        if clock is None:
            return
        sample = arrived - clock
        if sample > self.skew + SET_BACK and self.skews:
            # The device's clock was set back. What it said before would make its next edits,
            # and all until the last old sample is gone, lose against what was long there.
            self.skews.clear()
        self.skews.append(sample)

    @property
    def skew(self) -> int:
        """The server's clock minus the device's, in microseconds.

        The smallest of the last samples: the network only ever adds to the difference.
        """
        return min(self.skews, default=0)


def our_clock() -> int:
    """Microseconds since 1970, which a device's clock is held against."""
    return time.time_ns() // 1_000


class Sessions:
    """All sessions of this process, by socket and by tenant."""

    def __init__(self) -> None:
        self._sessions: dict[str, Session] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._sessions.values()))

    def add(self, session: Session) -> None:
        """Enters a socket."""
        self._sessions[session.sid] = session

    def get(self, sid: str) -> Session | None:
        """The session of a socket, while it is open."""
        return self._sessions.get(sid)

    def remove(self, sid: str) -> Session | None:
        """Takes a socket out and gives its session."""
        return self._sessions.pop(sid, None)

    def of_tenant(self, tenant: str) -> list[Session]:
        """The signed-in sessions of one tenant."""
        return [each for each in self if each.actor and each.actor.tenant == tenant]

    def close_soon(self, session: Session) -> None:
        """Closes a socket once what was sent to it is on its way; cuts it after 3 s."""
        task = asyncio.create_task(_close(session))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(session: Session) -> None:
    try:
        await asyncio.wait_for(session.channel.close(), timeout=CLOSE_SECONDS)
    except TimeoutError:
        session.channel.abort()
