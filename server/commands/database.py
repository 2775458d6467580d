"""`python -m server migrate`, `dump-schema` and `data-model`."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from server.commands.common import connection_as_owner, running_services
from server.db.data_model import DATA_MODEL, describe
from server.db.dump import SCHEMA, dump_schema
from server.db.embedded import EmbeddedPostgres
from server.db.migrate import Report
from server.db.migrate import migrate as apply
from server.logs import set_up_logging
from server.settings import Settings


def migrate(arguments: list[str]) -> int:
    """Brings the database up to date and says what changed."""
    parser = argparse.ArgumentParser(
        prog="python -m server migrate",
        description="Bring the database of DATABASE_URL, or the embedded one, up to date.",
    )
    parser.parse_args(arguments)
    settings = Settings.from_environment()
    set_up_logging(settings)
    with running_services(settings, alone=False) as services:
        report = asyncio.run(migrate_database(services.database_url))
    for name in (*report.migrations, *report.objects):
        print(f"Applied {name}")
    if not report.migrations and not report.objects:
        print("The database is up to date.")
    return 0


async def migrate_database(database_url: str) -> Report:
    """Applies what is new. Raises `CommandError` and `MigrationError`."""
    async with connection_as_owner(database_url) as connection:
        return await apply(connection)


def write_schema(arguments: list[str]) -> int:
    """Writes sql/schema.sql from a database made for it, so that no other can colour it."""
    parser = argparse.ArgumentParser(
        prog="python -m server dump-schema",
        description="Write sql/schema.sql anew, from an empty database and the files of sql/.",
    )
    parser.parse_args(arguments)
    with empty_postgres() as postgres:
        asyncio.run(migrate_database(postgres.database_url))
        SCHEMA.write_text(dump_schema(postgres.database_url, postgres.bin_path))
    print("Wrote sql/schema.sql")
    return 0


def write_data_model(arguments: list[str]) -> int:
    """Writes docs/DATA_MODEL.md from a database made for it."""
    parser = argparse.ArgumentParser(
        prog="python -m server data-model",
        description="Write docs/DATA_MODEL.md anew, from an empty database and the files of sql/.",
    )
    parser.parse_args(arguments)
    with empty_postgres() as postgres:
        DATA_MODEL.write_text(asyncio.run(describe_database(postgres.database_url)))
    print("Wrote docs/DATA_MODEL.md")
    return 0


async def describe_database(database_url: str) -> str:
    """Migrates the database and describes it. Raises `UndescribedError`."""
    async with connection_as_owner(database_url) as connection:
        await apply(connection)
        return await describe(connection)


@contextmanager
def empty_postgres() -> Iterator[EmbeddedPostgres]:
    """A Postgres of its own that leaves nothing behind."""
    with tempfile.TemporaryDirectory(prefix="fieldbook-schema-") as folder:
        # As root, Postgres runs under another account, which must pass.
        Path(folder).chmod(0o711)
        postgres = EmbeddedPostgres(Path(folder), {"fsync": "off"})
        postgres.start()
        try:
            yield postgres
        finally:
            postgres.stop()
