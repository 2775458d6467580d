"""Several server processes behind one port, started, watched and ended by one beside them."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable

import uvloop
from loguru import logger

from server.commands.answering import SECONDS_TO_DRAIN, answer, listen, stop_event
from server.commands.common import CommandError, Services
from server.logs import set_up_logging
from server.settings import Settings

READY = "ready"
RESTART_SECONDS = 1.0
SECONDS_TO_START = 30.0


def work(arguments: list[str]) -> int:
    """`python -m server work`: one of the processes, on a port that it shares."""
    parser = argparse.ArgumentParser(
        prog="python -m server work",
        description="One process of a server that has several; `serve` starts it.",
    )
    parser.add_argument("--port", type=int, required=True, help="the port of them all")
    chosen = parser.parse_args(arguments)
    settings = Settings.from_environment()
    set_up_logging(settings)
    if settings.database_url is None:
        parser.error("DATABASE_URL must be set: `serve` starts the databases")
    listener = listen(settings.host, chosen.port, shared=True)
    uvloop.run(
        answer(
            settings,
            settings.database_url,
            settings.redis_url,
            listener,
            ready=lambda: print(READY, flush=True),
        )
    )
    return 0


async def supervise(
    settings: Settings,
    services: Services,
    listener: socket.socket,
    *,
    ready: Callable[[], None],
    stopping: Callable[[], None],
) -> None:
    """Runs `settings.workers` processes until a signal comes; one that dies is started anew.

    Each listens on the port itself: from one socket the quickest would accept nearly all.
    `ready()` is called once all answer, `stopping()` when the signal came. Raises `CommandError`
    when they do not start.
    """
    stopped = stop_event()
    environment = {**os.environ, "DATABASE_URL": services.database_url}
    if services.redis_url:
        environment["REDIS_URL"] = services.redis_url
    port = listener.getsockname()[1]
    # It has shown that nobody else has the port; from here on the processes share it.
    listener.close()
    first = [await _start(port, environment) for _ in range(settings.workers)]
    for process in first:
        await _wait_until_ready(process)
    watchers = [
        asyncio.create_task(_keep_running(process, port, environment, stopped)) for process in first
    ]
    ready()
    await stopped.wait()
    stopping()
    await asyncio.gather(*watchers)


async def _start(port: int, environment: dict[str, str]) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", "work", "--port", str(port)),
        env=environment,
        stdout=PIPE,
    )


async def _wait_until_ready(process: Process) -> None:
    assert process.stdout is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), SECONDS_TO_START)
    except TimeoutError:
        line = b""
    if line.strip() != READY.encode():
        raise CommandError("A server process did not start; its message stands above.")


async def _keep_running(
    process: Process,
    port: int,
    environment: dict[str, str],
    stopped: asyncio.Event,
) -> None:
    """Starts a process anew when it dies, and ends it when the server stops."""
    while True:
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(stopped.wait())
        await asyncio.wait([ended, stopping], return_when=asyncio.FIRST_COMPLETED)
        if stopped.is_set():
            await _end(process)
            return
        stopping.cancel()
        logger.error("A server process ended with status {}: starting another", ended.result())
        await asyncio.sleep(RESTART_SECONDS)
        process = await _start(port, environment)


async def _end(process: Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), SECONDS_TO_DRAIN)
    except TimeoutError:
        process.kill()
        await process.wait()
