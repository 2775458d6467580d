"""Redis as something that may be away at any moment: nobody waits for it longer than a second."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from loguru import logger
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from server.tasks import end

Value = TypeVar("Value")

WAIT_SECONDS = 1.0
REST_SECONDS = 3.0
CONNECTIONS = 32
HEALTH_SECONDS = 10


class RedisDown(Exception):
    """Redis is absent, stopped or hung: go on without it."""


class RedisConnection:
    """The one client of this process, with a circuit that opens at a failure.

    Nothing in Redis is truth, so whoever calls has a way to go on without. After a failure no call
    waits any more: a task of its own asks now and then, and an answer closes the circuit for all.
    """

    def __init__(self, url: str | None, *, rest_seconds: float = REST_SECONDS) -> None:
        """`url` is None where there is no Redis; `rest_seconds` lie between two tries."""
        self._rest_seconds = rest_seconds
        self._client = make_client(url) if url else None
        self._failing = self._client is None
        self._trying: asyncio.Task[None] | None = None

    @property
    def reachable(self) -> bool:
        """Whether the last call got an answer; True before the first."""
        return not self._failing

    async def run(self, work: Callable[[Redis], Awaitable[Value]]) -> Value:
        """What `work(client)` gives, within 1 s. Raises `RedisDown`, at once while it is known.

        The circuit takes any error of Redis for a failure: a server that is loading, full or a
        replica is of no more use to us than one that is gone.
        """
        if self._client is None or self._failing:
            raise RedisDown
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                return await work(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            # Of those that waited together, the first opens the circuit.
            if not self._failing:
                logger.warning("Going on without Redis: {!r}", error)
                self._failing = True
                self._trying = asyncio.create_task(self._try_until_it_answers(self._client))
            raise RedisDown from error

    async def _try_until_it_answers(self, client: Redis) -> None:
        while self._failing:
            await asyncio.sleep(self._rest_seconds)
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await client.ping()
            except (RedisError, OSError, TimeoutError) as error:
                logger.debug("Redis does not answer yet: {!r}", error)
            else:
                logger.info("Redis answers again")
                self._failing = False

    async def close(self) -> None:
        """Closes the connections."""
        if self._trying:
            await end(self._trying)
        if self._client:
            await self._client.aclose()


def make_client(url: str) -> Redis:
    """A client that never waits for Redis longer than a second."""
    # Without its own retries: they would make a second of waiting five.
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=WAIT_SECONDS,
        socket_timeout=WAIT_SECONDS,
        socket_connect_timeout=WAIT_SECONDS,
        health_check_interval=HEALTH_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    return Redis.from_pool(pool)
