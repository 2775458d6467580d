"""How tasks that would run for ever are ended."""

from __future__ import annotations

import asyncio
from typing import Any

from loguru import logger

AGAIN_SECONDS = 0.1
END_SECONDS = 3.0


async def end(*tasks: asyncio.Task[Any]) -> None:
    """Cancels tasks that run until they are told to end, and waits until they did.

    Hazard: to cancel once is not enough. `asyncio.wait_for` of Python 3.11 loses a cancellation
    that comes as its work is done (redis-py sends by it), and the end of an `async with` may raise
    something else in its place, which the task's loop survives. So whoever still runs a moment
    later is cancelled again; what does so after `END_SECONDS` is named in the log and left, as
    nobody's stop shall wait for ever.
    """
    running = {task for task in tasks if not task.done()}
    for _ in range(round(END_SECONDS / AGAIN_SECONDS)):
        if not running:
            return
        for task in running:
            task.cancel()
        _, running = await asyncio.wait(running, timeout=AGAIN_SECONDS)
    for task in running:
        logger.error("A task does not end, however often it is cancelled: {!r}", task)
