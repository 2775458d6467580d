"""What runs behind the application ends when it is told to, whatever it is doing just then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from server.ephemeral import connection as connection_module
from server.ephemeral import presence
from server.ephemeral.change_channel import ChangeChannel
from server.ephemeral.connection import RedisConnection
from server.ephemeral.presence import Presence
from tests.waiting import PATIENCE

# More turns of the loop than it takes to send something to Redis and to read the answer.
TURNS = 60
SECONDS = 30.0


@pytest.fixture
async def connection(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[RedisConnection]:
    """One that is connected, so that nothing else is on the way to what a test is about."""
    monkeypatch.setattr(connection_module, "WAIT_SECONDS", PATIENCE)
    made = RedisConnection(redis_url)
    await made.run(lambda client: client.ping())
    yield made
    await made.close()


# Hazard: `asyncio.wait_for` of Python 3.11, by which redis-py sends, loses a cancellation that
# comes in the one turn of the loop after the sending and before its caller goes on.


async def test_presence_ends_in_whichever_turn_of_the_loop_it_is_stopped(
    connection: RedisConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "FLUSH_SECONDS", 0)
    for turns in range(TURNS):
        here = Presence(connection)
        here.start()
        for _ in range(turns):
            here.online("default", "phone-0001", "socket-1")
            await asyncio.sleep(0)
        async with asyncio.timeout(SECONDS):
            await here.stop()


async def test_the_change_channel_ends_in_whichever_turn_of_the_loop_it_is_stopped(
    connection: RedisConnection, redis_url: str
) -> None:
    for turns in range(TURNS):
        channel = ChangeChannel(connection, redis_url, lambda _message: None, lambda: None)
        channel.start()
        for _ in range(turns):
            channel.publish(b"a change")
            await asyncio.sleep(0)
        async with asyncio.timeout(SECONDS):
            await channel.stop()
