"""One process that answers: from a socket that listens to clients that were told goodbye."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable

from aiohttp import web
from loguru import logger

from server.app import create_app
from server.settings import Settings

SECONDS_TO_DRAIN = 1.2
SECONDS_FOR_REQUESTS = 0.3
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def answer(
    settings: Settings,
    database_url: str,
    redis_url: str | None,
    listener: socket.socket,
    *,
    ready: Callable[[], None],
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Answers requests until a signal comes, and drains.

    `ready()` is called once it answers, `stopping()` when the signal came.
    """
    app = await create_app(settings, database_url, redis_url)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SECONDS_FOR_REQUESTS)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    stopped = stop_event()
    ready()
    await stopped.wait()
    stopping()
    try:
        await asyncio.wait_for(runner.cleanup(), SECONDS_TO_DRAIN)
    except TimeoutError:
        logger.warning("Some clients did not let go in time")


def stop_event() -> asyncio.Event:
    """An event that is set by the signals which end a server."""
    stopped = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
