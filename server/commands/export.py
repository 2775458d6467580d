"""`python -m server export`: contacts as a file, beside a running server or without one."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from server.commands.common import CommandError, find_tenants, running_services
from server.commands.database import migrate_database
from server.db.pool import Database
from server.errors import FieldbookError, Unavailable
from server.logs import set_up_logging
from server.schemas.queries import EXPORT, EXPORT_FORMATS, parse_query
from server.services.exports import Export, Exports
from server.settings import Settings

FILTERS = {
    "search": "any part of name, company, e-mail or phone",
    "tag": "id or name of a tag; again for any of several",
    "group": "the same for groups",
    "type": "the same for types",
    "company": "the whole name",
    "owner-id": "the id of an agent, or none for contacts of nobody",
    "active": "true or false",
    "has-email": "true or false",
    "has-phone": "true or false",
    "opted-out": "true, false, email, phone or sms",
    "updated-since": "a day or a time: 2026-11-25",
    "deleted": "true for the deleted ones, instead of the others",
}
SEVERAL = ("tag", "group", "type")
STDOUT = 1


def export_contacts(arguments: list[str]) -> int:
    """Writes contacts to a file or to stdout."""
    chosen = _read_arguments(arguments)
    settings = Settings.from_environment()
    set_up_logging(settings)
    with running_services(settings, alone=False) as services:
        try:
            asyncio.run(_run(services.database_url, chosen))
        except Unavailable:
            raise
        except FieldbookError as error:
            faults = [f"{name}: {' '.join(said)}" for name, said in (error.fields or {}).items()]
            raise CommandError(" ".join([error.message, *faults])) from error
    return 0


def _read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m server export",
        description="Write contacts to a file: all of them, or those that all given filters find.",
    )
    parser.add_argument("--format", choices=EXPORT_FORMATS, default="csv", help="default: csv")
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="there only once it is whole (default: stdout)"
    )
    parser.add_argument("--tenant", default="default", help="whose (default: default)")
    for name, text in FILTERS.items():
        action = "append" if name in SEVERAL else "store"
        parser.add_argument(f"--{name}", action=action, metavar=name.upper(), help=text)
    return parser.parse_args(arguments)


async def _run(database_url: str, chosen: argparse.Namespace) -> None:
    pairs = [("format", chosen.format)]
    for name in (filter_name.replace("-", "_") for filter_name in FILTERS):
        given = getattr(chosen, name)
        pairs += [(name, each) for each in (given if isinstance(given, list) else [given]) if each]
    query = parse_query(EXPORT, pairs)
    await migrate_database(database_url)
    database = await Database.connect(database_url, size=2)
    target = FileTarget(chosen.output) if chosen.output else StdoutTarget()
    try:
        await find_tenants(database, chosen.tenant)
        await Exports(database).write(chosen.tenant, query, target, actor=None, origin="sql")
        target.keep()
    finally:
        target.close()
        await database.close()


class StdoutTarget:
    """Writes to stdout, and says how far it is where stderr is a terminal."""

    name = "stdout"

    def __init__(self) -> None:
        self._descriptor = STDOUT
        self._total = 0
        self._written = 0
        self._shows = sys.stderr.isatty()

    async def begin(self, export: Export) -> None:
        """Notes how many contacts there are."""
        self._total = export.total

    async def write(self, piece: bytes) -> None:
        """Writes all of a piece. Raises `CommandError`."""
        rest = memoryview(piece)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError as error:
            # As an OSError it would look like the database's.
            raise CommandError(f"{self.name} can't be written: {error.strerror}.") from error
        self._written += len(piece)
        if self._shows:
            print(f"\r{self}", end="", file=sys.stderr, flush=True)

    def keep(self) -> None:
        """Called once all is written."""

    def close(self) -> None:
        """Called in the end, however it came."""
        if self._shows and self._written:
            print(file=sys.stderr)

    def __str__(self) -> str:
        noun = "contact" if self._total == 1 else "contacts"
        return f"{self._total:,} {noun}, {self._written / 1_000_000:,.1f} MB"


class FileTarget(StdoutTarget):
    """Writes to a file that has its name only once it is whole."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.name = str(path)
        self._path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            self._descriptor = os.open(self._part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(f"{path} can't be written: {error.strerror}.") from error

    def keep(self) -> None:
        """Gives the file its name, and says what is in it. Raises `CommandError`."""
        try:
            self._part.replace(self._path)
        except OSError as error:
            raise CommandError(f"{self._path} can't be written: {error.strerror}.") from error
        if self._shows:
            print(file=sys.stderr)
            self._shows = False
        print(f"Wrote {self._path}: {self}")

    def close(self) -> None:
        """Leaves no part of a file."""
        super().close()
        os.close(self._descriptor)
        self._part.unlink(missing_ok=True)
