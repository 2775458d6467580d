from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from loguru import logger

from server import tasks
from server.tasks import end


@pytest.fixture
def messages() -> Iterator[list[str]]:
    """What is logged meanwhile."""
    logged: list[str] = []
    handler = logger.add(lambda message: logged.append(message.record["message"]))
    yield logged
    logger.remove(handler)


async def run_forever(losses: float = 0) -> None:
    """Goes on after as many cancellations."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            losses -= 1
            if losses < 0:
                raise


async def start(*losses: float) -> list[asyncio.Task[None]]:
    started = [asyncio.create_task(run_forever(each)) for each in losses]
    await asyncio.sleep(0)
    return started


async def test_tasks_are_ended_also_when_they_lose_a_cancellation(messages: list[str]) -> None:
    started = await start(0, 1, 3)
    async with asyncio.timeout(10):
        await end(*started)
    assert all(each.cancelled() for each in started)
    assert messages == []


async def test_a_task_that_nothing_ends_is_named_and_left(
    messages: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "END_SECONDS", 0.3)
    stubborn, other = started = await start(10, 0)
    async with asyncio.timeout(10):
        await end(*started)
    assert other.cancelled()
    assert not stubborn.done()
    (message,) = messages
    assert "run_forever" in message
    monkeypatch.undo()
    await end(stubborn)
    assert stubborn.cancelled()


async def test_tasks_that_have_ended_already_are_no_work() -> None:
    (ended,) = await start(0)
    await end(ended)
    await end(ended)
    await end()
    assert ended.cancelled()


async def test_whoever_waits_for_the_end_may_be_cancelled_too() -> None:
    started = await start(10)
    ending = asyncio.create_task(end(*started))
    await asyncio.sleep(0.05)
    ending.cancel()
    await asyncio.wait([ending])
    assert ending.cancelled()
    await end(*started)
    assert started[0].cancelled()
