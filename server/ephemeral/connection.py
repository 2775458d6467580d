"""Redis as something that may be away at any moment: nobody waits for it longer than a second."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from loguru import logger
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

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
    waits for some seconds; then one alone tries, and its success closes the circuit for all.
    """

    def __init__(self, url: str | None, *, rest_seconds: float = REST_SECONDS) -> None:
        """`url` is None where there is no Redis; `rest_seconds` lie between two tries."""
        self._rest_seconds = rest_seconds
        self._client = make_client(url) if url else None
        self._failing = self._client is None
        self._next_try = 0.0
        self._trying = False

    @property
    def reachable(self) -> bool:
        """Whether the last call got an answer; True before the first."""
        return not self._failing

    async def run(self, work: Callable[[Redis], Awaitable[Value]]) -> Value:
        """What `work(client)` gives, within 1 s. Raises `RedisDown`, at once while it is known.

        The circuit takes any error of Redis for a failure: a server that is loading, full or a
        replica is of no more use to us than one that is gone.
        """
        trial = self._failing
        if self._client is None or (trial and not self._may_try()):
            raise RedisDown
        self._trying = trial
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                answer = await work(self._client)
        except (RedisError, OSError, TimeoutError) as error:
            self._note_failure(error)
            raise RedisDown from error
        finally:
            if trial:
                self._trying = False
        if self._failing:
            logger.info("Redis answers again")
            self._failing = False
        return answer

    def _may_try(self) -> bool:
        return not self._trying and time.monotonic() >= self._next_try

    def _note_failure(self, error: Exception) -> None:
        if not self._failing:
            logger.warning("Going on without Redis: {!r}", error)
        self._failing = True
        self._next_try = time.monotonic() + self._rest_seconds

    async def close(self) -> None:
        """Closes the connections."""
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
