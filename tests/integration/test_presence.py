from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from server.db.embedded import EmbeddedRedis
from server.ephemeral.change_channel import CHANNEL, ChangeChannel
from server.ephemeral.connection import RedisConnection, RedisDown
from server.ephemeral.presence import Presence
from tests.waiting import until

PHONE, TABLET = "phone-0001", "tablet-0001"


@contextmanager
def hung(redis: EmbeddedRedis) -> Iterator[None]:
    """A Redis that takes connections and never answers."""
    os.kill(redis.process_id, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(redis.process_id, signal.SIGCONT)


@pytest.fixture
def rest_seconds() -> float:
    return 0.2


async def publish(connection: RedisConnection, message: bytes) -> None:
    """As another process publishes it: behind that one's id."""
    await connection.run(lambda client: client.publish(CHANNEL, b"-" * 21 + message))


async def ping(connection: RedisConnection) -> bool:
    return bool(await connection.run(lambda client: client.ping()))


async def answers(connection: RedisConnection) -> bool:
    try:
        return await ping(connection)
    except RedisDown:
        return False


async def knows(presence: Presence) -> bool:
    """Whether the phone is online as this process sees it."""
    return await presence.online_devices("default", [PHONE]) == {PHONE}


async def forgot(presence: Presence) -> bool:
    return not await knows(presence)


async def test_a_device_is_seen_by_the_other_process_until_it_leaves(
    connections: list[RedisConnection],
) -> None:
    here, there = (Presence(connection) for connection in connections)
    here.online("default", PHONE, "socket-1")
    assert await here.online_devices("default", [PHONE, TABLET]) == {PHONE}
    await here.flush()
    assert await there.online_devices("default", [PHONE, TABLET]) == {PHONE}
    assert await there.online_devices("other", [PHONE]) == set()

    here.offline("default", PHONE, "socket-1")
    assert await here.online_devices("default", []) == set()
    await here.flush()
    assert await here.online_devices("default", [PHONE]) == set()
    assert await there.online_devices("default", [PHONE]) == set()


async def test_presence_reaches_the_other_process_by_itself_and_ends_with_the_process(
    connections: list[RedisConnection],
) -> None:
    here, there = (Presence(connection) for connection in connections)
    here.start()
    here.online("default", PHONE, "socket-1")
    await until(lambda: knows(there))
    await here.stop()
    assert await there.online_devices("default", [PHONE]) == set()


async def test_a_device_with_two_sockets_stays_online_when_one_closes(
    connections: list[RedisConnection],
) -> None:
    here, there = (Presence(connection) for connection in connections)
    here.online("default", PHONE, "socket-1")
    here.online("default", PHONE, "socket-2")
    here.offline("default", PHONE, "socket-1")
    await here.flush()
    assert await here.online_devices("default", [PHONE]) == {PHONE}
    assert await there.online_devices("default", [PHONE]) == {PHONE}


async def test_a_device_that_moved_to_another_process_is_not_taken_offline_by_the_first(
    connections: list[RedisConnection],
) -> None:
    here, there = (Presence(connection) for connection in connections)
    here.online("default", PHONE, "socket-1")
    await here.flush()
    there.online("default", PHONE, "socket-2")
    await there.flush()
    here.offline("default", PHONE, "socket-1")
    await here.flush()
    assert await here.online_devices("default", [PHONE]) == {PHONE}


async def test_a_device_that_stops_pinging_goes_offline(
    connections: list[RedisConnection],
) -> None:
    here, there = (Presence(connection, ping_seconds=0.5) for connection in connections)
    pinged = time.monotonic()
    here.online("default", PHONE, "socket-1")
    await here.flush()
    for presence in (here, there):
        await until(lambda of=presence: forgot(of))
        assert time.monotonic() - pinged > 0.9


async def test_many_devices_are_asked_for_at_once(connections: list[RedisConnection]) -> None:
    here, there = (Presence(connection) for connection in connections)
    everyone = [f"device-{number:05}" for number in range(2_500)]
    for device in everyone[::2]:
        here.online("default", device, f"socket-{device}")
    await here.flush()
    assert await there.online_devices("default", everyone) == set(everyone[::2])


async def test_without_redis_a_process_knows_its_own_devices() -> None:
    presence = Presence(RedisConnection(None))
    presence.online("default", PHONE, "socket-1")
    await presence.flush()
    assert await presence.online_devices("default", [PHONE, TABLET]) == {PHONE}
    await presence.stop()


async def test_a_hung_redis_delays_one_call_by_a_second_and_no_other(
    redis: EmbeddedRedis, hasty: list[RedisConnection]
) -> None:
    slow = hasty[0]
    presence = Presence(slow)
    presence.online("default", PHONE, "socket-1")
    await until(lambda: answers(slow))
    with hung(redis):
        started = time.monotonic()
        assert await presence.online_devices("default", [PHONE, TABLET]) == {PHONE}
        assert not slow.reachable
        # A hundred more, each of which would wait a second, too.
        for _ in range(100):
            assert await presence.online_devices("default", [PHONE, TABLET]) == {PHONE}
        assert time.monotonic() - started < 30


async def test_what_was_noted_while_redis_hung_is_sent_once_it_answers(
    redis: EmbeddedRedis, hasty: list[RedisConnection]
) -> None:
    here, there = (Presence(connection) for connection in hasty)
    with hung(redis):
        here.online("default", PHONE, "socket-1")
        await here.flush()
        assert not hasty[0].reachable

    async def sent() -> bool:
        await here.flush()
        return await knows(there)

    await until(sent)


async def test_nobody_waits_for_a_redis_that_failed_until_it_answers_again(
    redis: EmbeddedRedis, hasty: list[RedisConnection]
) -> None:
    connection = hasty[0]
    with hung(redis):
        with pytest.raises(RedisDown):
            await ping(connection)
        # Long enough for several tries of its own.
        end = time.monotonic() + 2.5
        while time.monotonic() < end:
            # Without one turn of the loop: whoever waits for anything does not raise here.
            with pytest.raises(RedisDown):
                ping(connection).send(None)
            await asyncio.sleep(0.02)
    await until(lambda: answers(connection))


async def test_a_redis_that_forgot_everything_is_told_again_when_it_is_listened_to(
    redis_url: str, connections: list[RedisConnection]
) -> None:
    here, there = (Presence(connection) for connection in connections)
    here.online("default", PHONE, "socket-1")
    await here.flush()
    await connections[0].run(lambda client: client.flushall())
    assert await there.online_devices("default", [PHONE]) == set()

    channel = ChangeChannel(connections[0], redis_url, lambda _message: None, here.announce)
    channel.start()

    async def told_again() -> bool:
        await here.flush()
        return await knows(there)

    await until(told_again)
    await channel.stop()


async def test_a_message_that_nobody_can_read_does_not_end_the_listening(
    redis_url: str, connections: list[RedisConnection]
) -> None:
    heard: list[int] = []
    channel = ChangeChannel(
        connections[0], redis_url, lambda message: heard.append(int(message)), lambda: None
    )
    channel.start()
    deadline = time.monotonic() + 20
    for number in (b"7", b"8"):
        while int(number) not in heard:
            assert time.monotonic() < deadline
            await publish(connections[1], number)
            await asyncio.sleep(0.1)
        await publish(connections[1], b"no number")
    await channel.stop()


async def test_a_redis_that_is_not_there_costs_nothing_but_an_answer() -> None:
    absent = RedisConnection("unix:///nonexistent/redis.sock", rest_seconds=0)
    with pytest.raises(RedisDown):
        await ping(absent)
    assert not absent.reachable
    await absent.close()
