"""Change sets from process to process through Redis, so that not each of them reads the table.

A convenience, never the truth: whoever misses a message hears of the change from Postgres and
reads it there. So nothing here waits for Redis, and what can't be sent is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from loguru import logger
from nanoid import generate
from redis.asyncio import Redis
from redis.exceptions import RedisError

from server.ephemeral.connection import RedisConnection, RedisDown, make_client

CHANNEL = "contact_changes"
WAITING = 256
"""Messages that may wait to be sent; the oldest is dropped."""
RETRY_SECONDS = 1.0
ID_LENGTH = 21

Hear = Callable[[bytes], None]


class ChangeChannel:
    """Publishes this process's messages, and hears those of the others."""

    def __init__(self, redis: RedisConnection, url: str | None, hear: Hear) -> None:
        """`hear(message)` gets what another process published, byte for byte."""
        self._redis = redis
        self._url = url
        self._hear = hear
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
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

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
            except (RedisError, OSError) as error:
                logger.debug("Not hearing the other processes through Redis: {!r}", error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, url: str) -> None:
        """Listens on a connection of its own until that fails."""
        client = make_client(url)
        try:
            async with client.pubsub(ignore_subscribe_messages=True) as subscription:
                await subscription.subscribe(CHANNEL)
                while True:
                    message = await subscription.get_message(timeout=RETRY_SECONDS)
                    if message and not message["data"].startswith(self._process):
                        self._hear(message["data"][ID_LENGTH:])
        finally:
            await client.aclose()


async def _publish(client: Redis, message: bytes) -> int:
    count: int = await client.publish(CHANNEL, message)
    return count
