"""Change sets from process to process through Redis, so that not each of them reads the table.

A convenience, never the truth: whoever misses a message hears of the change from Postgres and
reads it there. So nothing here waits for Redis, and what can't be sent is dropped.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial

from loguru import logger
from nanoid import generate
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.ephemeral.connection import RedisConnection, RedisDown, make_client
from server.tasks import end

CHANNEL = "contact_changes"
WAITING = 256
"""Messages that may wait to be sent; the oldest is dropped."""
RETRY_SECONDS = 1.0
PING_SECONDS = 2.0
"""How often the subscription is asked whether it still hears, and how long it may be silent."""
ID_LENGTH = 21

Hear = Callable[[bytes], None]


class ChangeChannel:
    """Publishes this process's messages, and hears those of the others."""

    def __init__(
        self, redis: RedisConnection, url: str | None, hear: Hear, connected: Callable[[], None]
    ) -> None:
        """`hear(message)` gets what another process published, byte for byte; `connected()` is
        called when it begins to listen, also after a Redis that was away is back.
        """
        self._redis = redis
        self._url = url
        self._hear = hear
        self._connected = connected
        self._process = generate(size=ID_LENGTH).encode()
        self._waiting: asyncio.Queue[bytes] = asyncio.Queue(WAITING)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to send and to listen; without a Redis there is nobody to talk to."""
        if self._url:
            self._tasks = [
                asyncio.create_task(self._send_forever()),
                asyncio.create_task(self._listen_forever(self._url)),
            ]

    async def stop(self) -> None:
        """Ends both."""
        await end(*self._tasks)

    def publish(self, message: bytes) -> None:
        """Hands a message over to be sent; never waits."""
        if not self._tasks:
            return
        if self._waiting.full():
            self._waiting.get_nowait()
        self._waiting.put_nowait(self._process + message)

    async def _send_forever(self) -> None:
        while True:
            message = await self._waiting.get()
            try:
                await self._redis.run(partial(_publish, message=message))
            except RedisDown:
                # The others hear of it from Postgres.
                continue

    async def _listen_forever(self, url: str) -> None:
        while True:
            try:
                await self._listen(url)
            except (RedisError, OSError, TimeoutError) as error:
                logger.debug("Not hearing the other processes through Redis: {!r}", error)
            except Exception:  # the last line of defence
                logger.exception("Hearing the other processes failed")
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, url: str) -> None:
        """Listens on a connection of its own until that fails or falls silent."""
        client = make_client(url)
        try:
            async with client.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(CHANNEL)
                self._connected()
                heard = asked = time.monotonic()
                while True:
                    message = await subscription.get_message(timeout=RETRY_SECONDS)
                    now = time.monotonic()
                    if message:
                        heard = now
                        if message["type"] == "message":
                            self._take(message["data"])
                    # A connection may live and bring nothing any more. Only an answer tells.
                    if now - heard > 2 * PING_SECONDS:
                        raise TimeoutError("it fell silent")
                    if now - asked > PING_SECONDS:
                        await subscription.ping()
                        asked = now
        finally:
            await client.aclose()

    def _take(self, data: bytes) -> None:
        if not data.startswith(self._process):
            self._hear(data[ID_LENGTH:])


async def _publish(client: Redis, message: bytes) -> int:
    count: int = await client.publish(CHANNEL, message)
    return count
