"""Which devices have a socket open, on this process and, through Redis, on the others."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from functools import partial
from itertools import islice

from nanoid import generate
from redis.asyncio import Redis

from server.ephemeral.connection import RedisConnection, RedisDown
from server.tasks import end

PING_SECONDS = 25
FLUSH_SECONDS = 1.0
KEYS_AT_ONCE = 1_000

# Only who wrote a key takes it away: the device may have come back on another process.
DELETE_OWN = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
"""

DeviceKey = tuple[str, str]


class Presence:
    """A device is online while a socket of it is open and a ping came within 2 × `ping_seconds`.

    What this process knows counts at once and needs no Redis. The other processes learn of it
    within a second: noting is synchronous, and one pipeline a second carries all of it.
    """

    def __init__(self, redis: RedisConnection, *, ping_seconds: float = PING_SECONDS) -> None:
        self._redis = redis
        self._lifetime = 2 * ping_seconds
        self._process = generate()
        self._sockets: dict[DeviceKey, dict[str, float]] = {}
        self._unsent: dict[DeviceKey, float] = {}
        self._task: asyncio.Task[None] | None = None

    def online(self, tenant: str, device_id: str, sid: str) -> None:
        """Notes a sign-in or a ping of a device, on the socket `sid`."""
        now = time.monotonic()
        key = (tenant, device_id)
        self._sockets.setdefault(key, {})[sid] = now + self._lifetime
        self._unsent[key] = now

    def offline(self, tenant: str, device_id: str, sid: str) -> None:
        """Notes that the socket `sid` of a device is gone; another one of it may be open."""
        key = (tenant, device_id)
        sockets = self._sockets.get(key, {})
        sockets.pop(sid, None)
        if not sockets:
            self._sockets.pop(key, None)
            self._unsent[key] = time.monotonic()

    async def online_devices(self, tenant: str, device_ids: Iterable[str]) -> set[str]:
        """Those of the devices that are online. Without Redis, those of this process."""
        asked = set(device_ids)
        here = {each for each in asked if self._is_here((tenant, each))}
        elsewhere = iter(asked - here)
        try:
            while some := list(islice(elsewhere, KEYS_AT_ONCE)):
                keys = [_redis_key(tenant, each) for each in some]
                values = await self._redis.run(partial(_read, keys=keys))
                here.update(each for each, value in zip(some, values, strict=True) if value)
        except RedisDown:
            # The others' devices are then not known to be online, which is what we answer.
            return here
        return here

    def _is_here(self, key: DeviceKey) -> bool:
        now = time.monotonic()
        return any(expires > now for expires in self._sockets.get(key, {}).values())

    def start(self) -> None:
        """Begins to tell the other processes."""
        self._task = asyncio.create_task(self._flush_forever())

    async def stop(self) -> None:
        """Takes this process's devices out of Redis, as far as it answers."""
        if self._task:
            await end(self._task)
        now = time.monotonic()
        self._unsent.update(dict.fromkeys(self._sockets, now))
        self._sockets.clear()
        await self.flush()

    def announce(self) -> None:
        """Tells the others of every device here again, as a Redis that restarted has forgotten."""
        now = time.monotonic()
        self._unsent.update(dict.fromkeys(self._sockets, now))

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Sends what changed since the last time; keeps it when Redis does not answer."""
        unsent, self._unsent = self._unsent, {}
        keys = list(unsent)
        try:
            for start in range(0, len(keys), KEYS_AT_ONCE):
                some = keys[start : start + KEYS_AT_ONCE]
                await self._redis.run(partial(self._send, keys=some))
        except RedisDown:
            # Until the keys would have expired by themselves; what was noted meanwhile is newer.
            oldest = time.monotonic() - self._lifetime
            kept = {key: at for key, at in unsent.items() if at > oldest}
            self._unsent = {**kept, **self._unsent}

    async def _send(self, client: Redis, keys: list[DeviceKey]) -> None:
        now = time.monotonic()
        async with client.pipeline(transaction=False) as pipeline:
            for key in keys:
                name = _redis_key(*key)
                left = max(self._sockets.get(key, {}).values(), default=now) - now
                if left > 0:
                    pipeline.set(name, self._process, px=max(int(left * 1_000), 1))
                else:
                    pipeline.eval(DELETE_OWN, 1, name, self._process)
            await pipeline.execute()


async def _read(client: Redis, keys: list[str]) -> list[bytes | str | None]:
    values: list[bytes | str | None] = await client.mget(keys)
    return values


def _redis_key(tenant: str, device_id: str) -> str:
    return f"fieldbook:online:{tenant}:{device_id}"
