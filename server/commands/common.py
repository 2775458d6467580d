"""What several commands need: a database that runs, and a connection as its owner."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass

import asyncpg

from server.db.embedded import DataLock, EmbeddedPostgres, EmbeddedRedis
from server.db.pool import Database
from server.db.queries import queries
from server.settings import Settings


class CommandError(Exception):
    """A command can't do its work; one line that says why and what to do."""


@dataclass(slots=True)
class Services:
    """Where the databases are; `postgres` is ours when `DATABASE_URL` names no other.

    Set `end_by` (of time.monotonic) when they must have ended by then.
    """

    database_url: str
    redis_url: str | None
    postgres: EmbeddedPostgres | None
    end_by: float | None = None

    def seconds_to_end(self, usual: float) -> float:
        """How long a database may take to end."""
        return usual if self.end_by is None else max(0.2, self.end_by - time.monotonic())


@contextmanager
def running_services(settings: Settings, *, alone: bool) -> Iterator[Services]:
    """Starts what the environment names no URL for, and ends it afterwards.

    Only one process starts them. When a server has, a command uses them beside it, unless it
    must be `alone`. Raises `EmbeddedError`, and `CommandError` when another server is there.
    """
    own_postgres = settings.database_url is None
    own_redis = settings.redis_url is None and EmbeddedRedis.available()
    postgres = EmbeddedPostgres(settings.data_dir) if own_postgres else None
    redis = EmbeddedRedis(settings.data_dir) if own_redis else None
    services = Services(
        database_url=postgres.database_url if postgres else str(settings.database_url),
        redis_url=redis.redis_url if redis else settings.redis_url,
        postgres=postgres,
    )
    lock = DataLock(settings.data_dir)
    if (postgres or redis) and not lock.take():
        if alone:
            raise CommandError(
                f"Another Fieldbook uses {settings.data_dir}: stop it, or set DATA_DIR."
            )
        if postgres and not postgres.running:
            raise CommandError(
                f"The Fieldbook that uses {settings.data_dir} is just starting or stopping: "
                "try again in a moment."
            )
        yield services
        return
    with ExitStack() as stack:
        stack.callback(lock.release)
        if redis:
            stack.callback(lambda: redis.stop(services.seconds_to_end(5)))
            redis.start()
        if postgres:
            stack.callback(lambda: postgres.stop(services.seconds_to_end(30)))
            postgres.start()
        yield services


@asynccontextmanager
async def connection_as_owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """One connection with the rights of the URL's user. Raises `CommandError`."""
    try:
        connection = await asyncpg.connect(database_url, timeout=10)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CommandError(
            f"The database can't be reached: {str(error) or type(error).__name__}."
        ) from error
    try:
        yield connection
    finally:
        await connection.close()


async def find_tenants(database: Database, named: str | None) -> list[str]:
    """The ids of all tenants, or of the named one. Raises `CommandError` when it is not there."""
    async with database.any_tenant() as connection:
        records = await connection.fetch(queries.tenants.list_tenant_ids)
    tenants = [record["id"] for record in records]
    if named is None:
        return tenants
    if named not in tenants:
        raise CommandError(f"There is no tenant {named!r}; there are: {', '.join(tenants)}.")
    return [named]
