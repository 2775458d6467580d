"""`python -m server serve`: from the environment to a server that answers, and back again."""

from __future__ import annotations

import argparse
import asyncio
import signal
import socket
import time
from types import FrameType

import uvloop
from loguru import logger

from server.commands.answering import STOP_SIGNALS, answer, listen
from server.commands.common import Services, running_services
from server.commands.database import migrate_database
from server.commands.workers import supervise
from server.db.pool import Database
from server.logs import set_up_logging
from server.services.agents import ensure_first_admin
from server.settings import Settings

# From Ctrl-C to the end of the process, what the embedded databases take included.
SECONDS_TO_STOP = 2.0


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
    # Asks for a restart, and must not end a server that is still starting.
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    settings = Settings.from_environment()
    set_up_logging(settings)
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
    """Migrates, makes the first admin, and answers, in one process or in several."""
    await migrate_database(services.database_url)
    database = await Database.connect(services.database_url, size=2)
    try:
        new_key = await ensure_first_admin(database, settings)
    finally:
        await database.close()
    port = listener.getsockname()[1]

    def ready() -> None:
        announce(settings.host, port, new_key)

    def stopping() -> None:
        services.end_by = time.monotonic() + SECONDS_TO_STOP - 0.1

    if settings.workers > 1:
        await supervise(settings, services, listener, ready=ready, stopping=stopping)
    else:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, refuse_restart)
        await answer(
            settings,
            services.database_url,
            services.redis_url,
            listener,
            ready=ready,
            stopping=stopping,
        )


def announce(host: str, port: int, new_key: str | None) -> None:
    """Tells the person at the terminal where the server is, and the admin's new key."""
    shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::", "::1") else host
    print(f"Fieldbook is ready at http://{shown}:{port}", flush=True)
    if new_key is not None:
        print(f"The admin's API key, shown only this once: {new_key}", flush=True)


def refuse_restart() -> None:
    """One process can't be replaced while it answers."""
    logger.warning(
        "SIGUSR1 restarts the processes of a server one after the other, and this one has only "
        "one. Set WORKERS=2 or more, or stop it and start it again."
    )


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Ends the start."""
    raise KeyboardInterrupt
