"""One client's connection, as the feed and the event handlers see it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import orjson

from server.transport.engine import PAUSE_BYTES, EngineSocket
from server.transport.frames import Frame

UNANSWERED = 256
"""Events of one client that may be worked on at once; it waits before more are read."""

NextAckId = Callable[[Callable[..., None]], int]


class Connection:
    """Sends to one client. Nothing here waits: packets leave in the order of the calls."""

    def __init__(self, sid: str, socket: EngineSocket, next_ack_id: NextAckId) -> None:
        self.sid = sid
        self._socket = socket
        self._next_ack_id = next_ack_id
        self.unanswered = asyncio.Semaphore(UNANSWERED)

    def send_frame(self, frame: Frame) -> bool:
        """Sends what was encoded for many; False when the client is gone."""
        return self._socket.push(frame)

    def send(self, event: str, payload: Any, attachment: bytes | None = None) -> bool:
        """Sends an event; `payload` may hold `orjson.Fragment`s. False when the client is gone.

        `attachment` goes out as a binary attachment under `gzip`.
        """
        return self._send("", event, payload, attachment)

    def send_acknowledged(
        self, event: str, payload: Any, attachment: bytes | None = None
    ) -> asyncio.Future[None]:
        """Sends an event that the client acknowledges, and gives the future of that."""
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settle(*_arguments: Any) -> None:
            if not acknowledged.done():
                acknowledged.set_result(None)

        self._send(str(self._next_ack_id(settle)), event, payload, attachment)
        return acknowledged

    def _send(self, ack_id: str, event: str, payload: Any, attachment: bytes | None) -> bool:
        if attachment is None:
            return self._push(f"2{ack_id}", [event, payload])
        body = [event, {**payload, "gzip": {"_placeholder": True, "num": 0}}]
        return self._push(f"51-{ack_id}", body) and self._socket.push(attachment)

    def _push(self, head: str, body: list[Any]) -> bool:
        # Bytes all the way: a page would be decoded and encoded again, a quarter megabyte each.
        return self._socket.push(Frame(head.encode() + orjson.dumps(body)))

    @property
    def paused(self) -> bool:
        """Whether so much waits for the client that live events would only pile up."""
        return self._socket.waiting > PAUSE_BYTES

    @property
    def drained(self) -> bool:
        """Whether the client has read nearly all that was sent to it."""
        return self._socket.backlog < PAUSE_BYTES // 4

    @property
    def backlog(self) -> int:
        """Bytes of this process that are kept for the client."""
        return self._socket.backlog

    def abort(self) -> None:
        """Cuts the connection without a goodbye."""
        self._socket.abort()

    async def close(self, code: int = 1000) -> None:
        """Closes the connection with a WebSocket close code (1001: going away)."""
        await self._socket.end(code)
