from __future__ import annotations

import asyncio
import os
import signal
import time

import pytest

from server.db.embedded import EmbeddedRedis
from server.ephemeral import rate_limit
from server.ephemeral.connection import RedisConnection
from server.ephemeral.rate_limit import RateLimit
from server.errors import RateLimited


async def use(limit: RateLimit, times: int, *, key: str = "sign-in:10.0.0.1") -> int:
    """Uses the key so often; how many times were allowed, of 3 a minute."""
    allowed = 0
    for _ in range(times):
        try:
            await limit.check(key, 3, 60)
        except RateLimited:
            continue
        allowed += 1
    return allowed


async def test_uses_on_all_processes_are_counted_together(
    connections: list[RedisConnection],
) -> None:
    here, there = (RateLimit(connection) for connection in connections)
    assert await use(here, 2) == 2
    assert await use(there, 2) == 1
    assert await use(here, 1) == 0
    assert await use(here, 3, key="sign-in:10.0.0.2") == 3


async def test_a_window_ends(connections: list[RedisConnection]) -> None:
    for limit in (RateLimit(connections[0]), RateLimit(RedisConnection(None))):
        refused = await use_until_refused(limit)
        assert refused.retry_after_ms is not None
        assert 0 < refused.retry_after_ms <= 1_000
        await asyncio.sleep(refused.retry_after_ms / 1_000 + 0.05)
        await limit.check("export", 1, 1)


async def use_until_refused(limit: RateLimit) -> RateLimited:
    """The second use within a second is; on a machine that is busy it may be another's first."""
    for _ in range(10):
        try:
            await limit.check("export", 1, 1)
        except RateLimited as refused:
            return refused
    raise AssertionError("ten uses were allowed")


async def test_without_redis_each_process_counts_alone() -> None:
    here, there = RateLimit(RedisConnection(None)), RateLimit(RedisConnection(None))
    assert await use(here, 5) == 3
    assert await use(there, 5) == 3


async def test_a_hung_redis_lets_nobody_past_the_limit(
    redis: EmbeddedRedis, hasty: list[RedisConnection]
) -> None:
    limit = RateLimit(hasty[0])
    os.kill(redis.process_id, signal.SIGSTOP)
    try:
        started = time.monotonic()
        assert await use(limit, 50) == 3
        # Only the first waited, for a second: each of them would have.
        assert time.monotonic() - started < 30
    finally:
        os.kill(redis.process_id, signal.SIGCONT)


async def test_made_up_keys_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limit, "MOST_KEYS", 10)
    limit = RateLimit(RedisConnection(None))
    for number in range(100):
        await limit.check(f"key-{number}", 1, 60)
    assert len(limit._windows) == 10
    with pytest.raises(RateLimited):
        await limit.check("key-99", 1, 60)
