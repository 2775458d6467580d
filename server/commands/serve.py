"""`python -m server serve`: from the environment to a server that answers, and back again."""

from __future__ import annotations

import argparse
import asyncio
import errno
import signal
import socket
import time
from types import FrameType

import uvloop
from aiohttp import web
from loguru import logger

from server.app import PARTS, create_app
from server.commands.common import CommandError, Services, running_services
from server.commands.database import migrate_database
from server.logs import set_up_logging
from server.services.agents import ensure_first_admin
from server.settings import Settings

# From Ctrl-C to the end of the process, what the embedded databases take included.
SECONDS_TO_STOP = 2.0
SECONDS_TO_DRAIN = 1.2
SECONDS_FOR_REQUESTS = 0.3
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve(arguments: list[str]) -> int:
    """Runs the server until a signal ends it."""
    parser = argparse.ArgumentParser(
        prog="python -m server serve",
        description="Start the server; .env.example lists what the environment may say.",
    )
    parser.parse_args(arguments)
    # A signal while the databases start must still end them.
    for number in STOP_SIGNALS:
        signal.signal(number, interrupt)
    settings = Settings.from_environment()
    set_up_logging(settings)
    if settings.workers > 1:
        logger.warning("WORKERS is {}, but this version runs one process", settings.workers)
    # Before anything else: a second server must not touch the first one's database.
    listener = listen(settings.host, settings.port)
    try:
        with running_services(settings, alone=True) as services:
            try:
                uvloop.run(run(settings, services, listener))
            finally:
                # What is left is short and must not be cut off.
                for number in STOP_SIGNALS:
                    signal.signal(number, signal.SIG_IGN)
    finally:
        listener.close()
    return 0


async def run(settings: Settings, services: Services, listener: socket.socket) -> None:
    """Migrates, answers requests until a signal comes, and drains."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    await migrate_database(services.database_url)
    app = await create_app(settings, services.database_url, services.redis_url)
    new_key = await ensure_first_admin(app[PARTS].database, settings)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SECONDS_FOR_REQUESTS)
    await runner.setup()
    await web.SockSite(runner, listener).start()
    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stopped.set)
    announce(settings.host, listener.getsockname()[1], new_key)
    await stopped.wait()
    services.end_by = time.monotonic() + SECONDS_TO_STOP - 0.1
    try:
        await asyncio.wait_for(runner.cleanup(), SECONDS_TO_DRAIN)
    except TimeoutError:
        logger.warning("Some clients did not let go in time")


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens, for all of IPv4 too when the host is `::`. Raises `CommandError`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    dual_stack = host == "::" and socket.has_dualstack_ipv6()
    try:
        return socket.create_server(
            (host, port), family=family, backlog=1024, dualstack_ipv6=dual_stack
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise CommandError(
                f"Port {port} is taken: another program listens there, perhaps another "
                "Fieldbook. Stop it, or set PORT to another number."
            ) from None
        raise CommandError(f"HOST={host} PORT={port} can't be used: {error.strerror}.") from None


def announce(host: str, port: int, new_key: str | None) -> None:
    """Tells the person at the terminal where the server is, and the admin's new key."""
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host
    print(f"Fieldbook is ready at http://{shown}:{port}", flush=True)
    if new_key is not None:
        print(f"The admin's API key, shown only this once: {new_key}", flush=True)


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Ends the start."""
    raise KeyboardInterrupt
