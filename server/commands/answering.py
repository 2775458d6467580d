"""One process that answers: from a socket that listens to clients that were told goodbye."""

from __future__ import annotations

import asyncio
import errno
import gc
import resource
import signal
import socket
from collections.abc import Callable

from aiohttp import web
from loguru import logger

from server.app import create_app
from server.commands.common import CommandError
from server.settings import Settings

SECONDS_TO_DRAIN = 1.2
SECONDS_FOR_REQUESTS = 0.3
SECONDS_TO_ASK = 0.1
BACKLOG = 4_096
"""Connections that may wait to be accepted; a client that finds no place waits for 1, 3, 7 s."""
LONGEST_ADDRESS = 65_536
"""Bytes of a request's first line: an import's mapping of a wide table goes in it."""
UNSENT_BYTES = 128 * 1024
"""What the system takes for a client before it tells us to wait."""
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
    raise_file_limit()
    app = await create_app(settings, database_url, redis_url)
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=SECONDS_FOR_REQUESTS,
        max_line_size=LONGEST_ADDRESS,
    )
    await runner.setup()
    # Said here too: it would listen anew with the 128 of asyncio, which a restart overflows.
    await web.SockSite(runner, listener, backlog=BACKLOG).start()
    stopped = stop_event()
    # What is there by now stays: a full collection need not look through its 100,000 objects,
    # while every client waits.
    gc.collect()
    gc.freeze()
    ready()
    await stopped.wait()
    stopping()
    for site in list(runner.sites):
        await site.stop()
    # Who was just accepted, and has not asked yet, would be closed without a word.
    await asyncio.sleep(SECONDS_TO_ASK)
    try:
        await asyncio.wait_for(runner.cleanup(), SECONDS_TO_DRAIN)
    except TimeoutError:
        logger.warning("Some clients did not let go in time")


def listen(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket that listens, for all of IPv4 too when the host is `::`.

    With `shared` other processes listen on the same port, and the system spreads the connections
    over them. Raises `CommandError`.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual_stack = host == "::" and socket.has_dualstack_ipv6()
    try:
        listener = socket.create_server(
            (host, port),
            family=family,
            backlog=BACKLOG,
            dualstack_ipv6=dual_stack,
            reuse_port=shared,
        )
        # Its connections inherit it. The system would keep megabytes for a client that does not
        # read, and we would not know.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
        return listener
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} is taken: another program listens there, perhaps another "
                "Fieldbook. Stop it, or set PORT to another number."
            ) from None
        raise CommandError(f"HOST={host} PORT={port} can't be used: {error.strerror}.") from None


def raise_file_limit() -> None:
    """Lets this process have as many open files as it may: each device's socket is one.

    Logins and services usually begin with 1,024, though they may have far more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # macOS says that there is no limit, and then does not take that for one.
        most = 65_536 if hard == resource.RLIM_INFINITY else hard
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


def stop_event() -> asyncio.Event:
    """An event that is set by the signals which end a server."""
    stopped = asyncio.Event()
    for number in STOP_SIGNALS:
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    return stopped
