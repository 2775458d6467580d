"""`python -m server backup FILE` and `python -m server restore FILE`."""

from __future__ import annotations

import argparse
import asyncio
import time
from pathlib import Path

import asyncpg

from server.commands.common import (
    CommandError,
    Services,
    connection_as_owner,
    running_services,
)
from server.db.backup import check_backup, choose_reader, restore_backup, write_backup
from server.db.migrate import Report, migrate, only_runner
from server.db.programs import find_programs
from server.db.queries import queries
from server.logs import set_up_logging
from server.settings import Settings

SECONDS_TO_LEAVE = 5.0
"""How long a server that was just stopped may still seem to be connected."""


def backup(arguments: list[str]) -> int:
    """Writes the whole database to a file, beside a running server or without one."""
    parser = argparse.ArgumentParser(
        prog="python -m server backup",
        description="Write the database of DATABASE_URL, or the embedded one, to a file. The file "
        "is there only when it is whole. It holds no secrets of the server: keep API_KEY_SALT, "
        "or the data folder's, elsewhere, for without it no API key is known any more.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    file = parser.parse_args(arguments).file.absolute()
    settings = Settings.from_environment()
    set_up_logging(settings)
    with running_services(settings, alone=False) as services:
        folders = asyncio.run(_programs(services))
        write_backup(services.database_url, folders[0], file)
    print(f"Wrote {file} ({file.stat().st_size / 1_000_000:,.1f} MB)")
    return 0


def restore(arguments: list[str]) -> int:
    """Puts a backup in the place of the database, and begins a new epoch."""
    parser = argparse.ArgumentParser(
        prog="python -m server restore",
        description="Put a backup in the place of everything in the database of DATABASE_URL, or "
        "in the embedded one. Stop the server before. Every device then syncs anew, keeps its "
        "unsent edits, and sends again what it wrote since the backup, of the last 7 days.",
    )
    parser.add_argument("file", metavar="FILE", type=Path)
    file = parser.parse_args(arguments).file.absolute()
    settings = Settings.from_environment()
    set_up_logging(settings)
    with running_services(settings, alone=True) as services:
        report = asyncio.run(_restore(services, file))
    print(f"Restored {file}. Every device syncs anew when it connects.")
    for name in report.migrations:
        print(f"Applied {name}")
    return 0


async def _programs(services: Services) -> list[Path]:
    """The folders of programs that fit the database, which must answer."""
    async with connection_as_owner(services.database_url) as connection:
        if services.postgres:
            return [services.postgres.bin_path]
        return await asyncio.to_thread(find_programs, connection.get_server_version().major)


async def _restore(services: Services, file: Path) -> Report:
    bin_path = choose_reader(file, await _programs(services))
    check_backup(file, bin_path)
    async with (
        connection_as_owner(services.database_url) as connection,
        # A server that is started meanwhile waits here before it looks at anything.
        only_runner(connection),
    ):
        await _wait_until_alone(connection)
        major = connection.get_server_version().major
        url = services.database_url
        await asyncio.to_thread(restore_backup, url, bin_path, file, major)
        return await migrate(connection)


async def _wait_until_alone(connection: asyncpg.Connection) -> None:
    """Raises `CommandError` when a server uses the database, and goes on using it.

    Of connections that were cut, Postgres learns a moment after their server has ended.
    """
    deadline = time.monotonic() + SECONDS_TO_LEAVE
    while await connection.fetchval(queries.restore.count_servers):
        if time.monotonic() > deadline:
            raise CommandError("A Fieldbook uses this database: stop it, then restore again.")
        await asyncio.sleep(0.1)
