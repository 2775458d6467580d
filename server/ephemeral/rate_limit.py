"""How often something may be done: counted in Redis for all processes, or here without it."""

from __future__ import annotations

import time
from dataclasses import dataclass

from redis.asyncio import Redis

from server.ephemeral.connection import RedisConnection, RedisDown
from server.errors import RateLimited

MOST_KEYS = 10_000
FAILED_SIGN_INS_A_MINUTE = 20

# In one step, so that a count never stays without its end.
COUNT = """
local count = redis.call('INCR', KEYS[1])
if count == 1 then
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
return {count, redis.call('PTTL', KEYS[1])}
"""


@dataclass(slots=True)
class Window:
    """How often something was done in a window of time, and when that ends (monotonic)."""

    ends: float
    count: int = 0


class RateLimit:
    """Counts in windows that begin with the first use of a key."""

    def __init__(self, redis: RedisConnection) -> None:
        self._redis = redis
        self._windows: dict[str, Window] = {}

    async def check(self, key: str, limit: int, window_seconds: int) -> None:
        """Counts one use of `key`. Raises `RateLimited` above `limit` in `window_seconds`."""
        try:
            count, milliseconds = await self._redis.run(
                lambda client: _count_in_redis(client, key, window_seconds)
            )
        except RedisDown:
            count, milliseconds = self._count_here(key, window_seconds)
        if count > limit:
            raise RateLimited(retry_after_ms=max(milliseconds, 1))

    async def note_failed_sign_in(self, address: str) -> None:
        """Slows down whoever guesses keys, over sockets and REST alike. Raises `RateLimited`.

        Only failures are counted, so a right key always opens.
        """
        await self.check(f"sign-in:{address}", FAILED_SIGN_INS_A_MINUTE, 60)

    def _count_here(self, key: str, window_seconds: int) -> tuple[int, int]:
        now = time.monotonic()
        window = self._windows.get(key)
        if window is None or window.ends <= now:
            self._windows.pop(key, None)
            # Whoever makes up keys can't have us keep them all: the window begun first goes.
            if len(self._windows) >= MOST_KEYS:
                del self._windows[next(iter(self._windows))]
            window = self._windows[key] = Window(now + window_seconds)
        window.count += 1
        return window.count, int((window.ends - now) * 1_000)


async def _count_in_redis(client: Redis, key: str, window_seconds: int) -> tuple[int, int]:
    count, milliseconds = await client.eval(
        COUNT, 1, f"fieldbook:rate:{key}", str(window_seconds * 1_000)
    )
    return int(count), int(milliseconds)
