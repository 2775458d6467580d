"""Brings a database to the schema of sql/: migrations once each, the rest whenever it changes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from server.db.pool import Connection
from server.db.queries import queries

DIRECTORY = Path(__file__).resolve().parents[2] / "sql"
MIGRATION_NAME = re.compile(r"\d{4}_[a-z0-9_]+\.sql")
# In this order: a view may call a function, a trigger needs one.
OBJECT_FOLDERS = ("functions", "views", "triggers")


class MigrationError(Exception):
    """The database can't be brought to this server's schema; one line that says what to do."""


@dataclass(frozen=True, slots=True)
class Report:
    """What `migrate` applied, by names like `migrations/0001_create_contacts.sql`."""

    migrations: tuple[str, ...]
    objects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """One file of sql/: `name` is its path there, `checksum` that of its text."""

    name: str
    text: str
    checksum: str


async def migrate(connection: asyncpg.Connection, directory: Path = DIRECTORY) -> Report:
    """Applies what `directory` has and the database lacks, as the owner of the database.

    Each migration is one transaction; functions, views and triggers together are one more.
    A second runner waits for the first. Raises `MigrationError` when a file fails (nothing of
    it is applied then), when a migration was edited after it was applied, or when the
    database is newer than `directory`.
    """
    migrations, objects = read_sources(directory)
    async with only_runner(connection):
        await connection.execute(queries.migrations.create_migrations_table)
        await connection.execute(queries.migrations.create_objects_table)
        await connection.execute(queries.migrations.grant_tables)
        applied = await checksums(connection, queries.migrations.list_migrations)
        new_migrations = find_new_migrations(migrations, applied)
        for source in new_migrations:
            async with connection.transaction():
                await apply(connection, source)
                await connection.execute(
                    queries.migrations.insert_migration, source.name, source.checksum
                )
        changed = await replace_objects(connection, objects, everything=bool(new_migrations))
    return Report(names(new_migrations), names(changed))


async def pending(
    connection: Connection | asyncpg.Connection, directory: Path = DIRECTORY
) -> list[str]:
    """The names in `directory` that the database does not have; any role may ask.

    An older server beside a newer one, as in a rolling restart, has nothing pending.
    """
    migrations, objects = read_sources(directory)
    applied: set[str] = set()
    if await connection.fetchval(queries.migrations.find_tables):
        applied |= (await checksums(connection, queries.migrations.list_migrations)).keys()
        applied |= (await checksums(connection, queries.migrations.list_objects)).keys()
    return [source.name for source in (*migrations, *objects) if source.name not in applied]


async def checksums(connection: Connection | asyncpg.Connection, query: str) -> dict[str, str]:
    """The checksum of each applied file, by its name."""
    return {row["name"]: row["checksum"] for row in await connection.fetch(query)}


def read_sources(directory: Path) -> tuple[list[Source], list[Source]]:
    """The migrations and the replaceable objects, each in the order to apply them."""
    migrations = read_folder(directory, "migrations")
    numbers: dict[str, str] = {}
    for source in migrations:
        file = Path(source.name).name
        if not MIGRATION_NAME.fullmatch(file):
            raise MigrationError(f"sql/{source.name} must be named like 0001_create_contacts.sql.")
        if file[:4] in numbers:
            raise MigrationError(
                f"sql/{source.name} has the number of sql/{numbers[file[:4]]}: renumber one."
            )
        numbers[file[:4]] = source.name
    objects = [source for folder in OBJECT_FOLDERS for source in read_folder(directory, folder)]
    return migrations, objects


def read_folder(directory: Path, folder: str) -> list[Source]:
    """The files of one folder, by name; the checksum does not mind a Windows checkout."""
    sources = []
    for path in sorted((directory / folder).glob("*.sql")):
        text = path.read_text(encoding="utf-8")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        sources.append(Source(f"{folder}/{path.name}", text, checksum))
    return sources


def find_new_migrations(migrations: list[Source], applied: dict[str, str]) -> list[Source]:
    """Those not applied yet. Raises `MigrationError` when what was applied is not what is here."""
    known = {source.name for source in migrations}
    for name in sorted(applied.keys() - known):
        raise MigrationError(
            f"The database has {name}, which this server does not: start the newer server that "
            "made it, or restore a backup."
        )
    last = max(applied, default="")
    for source in migrations:
        if source.name not in applied and source.name < last:
            raise MigrationError(
                f"sql/{source.name} comes before {last}, which is applied already: give it a "
                "higher number."
            )
        if applied.get(source.name, source.checksum) != source.checksum:
            raise MigrationError(
                f"sql/{source.name} was edited after it was applied: restore it as it was, and "
                "put the change into a new migration."
            )
    return [source for source in migrations if source.name not in applied]


async def replace_objects(
    connection: asyncpg.Connection, objects: list[Source], *, everything: bool
) -> list[Source]:
    """Applies the objects that changed, all or none; `everything` after a migration.

    A file that is gone is forgotten; its object stays until a migration drops it.
    """
    async with connection.transaction():
        applied = await checksums(connection, queries.migrations.list_objects)
        changed = [
            source
            for source in objects
            if everything or applied.get(source.name) != source.checksum
        ]
        views = [source for source in objects if source.name.startswith("views/")]
        # CREATE OR REPLACE can't take a column out of a view, nor may a view that another one
        # reads be dropped alone: when one changes, all are made anew.
        if any(source in views for source in changed):
            changed = [source for source in objects if source in changed or source in views]
            for source in reversed(views):
                await connection.execute(f'DROP VIEW IF EXISTS "{Path(source.name).stem}"')
        # Functions may call each other in any order of their files.
        await connection.execute("SET LOCAL check_function_bodies = off")
        for source in changed:
            await apply(connection, source)
            await connection.execute(queries.migrations.upsert_object, source.name, source.checksum)
        gone = list(applied.keys() - {source.name for source in objects})
        await connection.execute(queries.migrations.delete_objects, gone)
    return changed


async def apply(connection: asyncpg.Connection, source: Source) -> None:
    """Runs a file. Raises `MigrationError` with the file, the line and what Postgres says."""
    try:
        await connection.execute(source.text)
    except asyncpg.PostgresError as error:
        position = int(getattr(error, "position", None) or 0)
        line = source.text.count("\n", 0, position) + 1 if position else None
        place = f"sql/{source.name}, line {line}," if line else f"sql/{source.name}"
        raise MigrationError(f"{place} fails, and nothing of it was applied: {error}") from error


@asynccontextmanager
async def only_runner(connection: asyncpg.Connection) -> AsyncIterator[None]:
    """Waits until no other runner is at work in this database."""
    await connection.execute(queries.migrations.take_lock)
    try:
        yield
    finally:
        # A lost connection frees the lock by itself.
        if not connection.is_closed():
            await connection.execute(queries.migrations.release_lock)


def names(sources: list[Source]) -> tuple[str, ...]:
    """Their names, in order."""
    return tuple(source.name for source in sources)
