"""Connections to Postgres: each for one tenant, each as the role that row-level security binds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any

import asyncpg
from asyncpg.pool import PoolConnectionProxy

from server.errors import Unavailable

if TYPE_CHECKING:
    Connection = PoolConnectionProxy[asyncpg.Record]
else:
    # At run time asyncpg's class takes no parameters.
    Connection = PoolConnectionProxy

ROLE = "fieldbook_server"
RETRY_AFTER_MS = 1_000

# What says "not now" rather than "not so": the caller may send the same again.
PASSING = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    # What asyncpg says when a connection is cut at just the moment of a new query.
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,
    asyncpg.exceptions.InsufficientResourcesError,
    asyncpg.exceptions.OperatorInterventionError,
    asyncpg.exceptions.LockNotAvailableError,
    asyncpg.exceptions.PostgresSystemError,
    asyncpg.exceptions.TransactionRollbackError,
    asyncpg.exceptions.ReadOnlySQLTransactionError,
)


@contextmanager
def unavailable_when_passing() -> Iterator[None]:
    """Turns trouble with the database that passes by itself into `Unavailable`."""
    try:
        yield
    except PASSING as error:
        reason = type(error).__name__
        raise Unavailable(retry_after_ms=RETRY_AFTER_MS, reason=reason) from error


async def fetch_one(connection: Connection, query: str, *values: Any) -> asyncpg.Record:
    """The one row that a query must give. Raises LookupError when it gives none."""
    record = await connection.fetchrow(query, *values)
    if record is None:
        raise LookupError(f"no row from: {query[:80]}")
    return record


class Database:
    """A pool whose connections see one tenant at a time.

    `app.tenant` is set on the connection, outside of any transaction, and remembered: with one
    tenant no round trip is spent on it. The pool's own reset between uses is switched off for
    the same reason; nothing here leaves cursors, listeners or session locks behind.
    """

    def __init__(
        self, pool: asyncpg.Pool, tenants: dict[int, str], patience: float | None = None
    ) -> None:
        self.pool = pool
        self._tenants = tenants
        self._patience = patience

    @classmethod
    async def connect(cls, url: str, *, size: int = 16, patience: float | None = None) -> Database:
        """Opens the pool. Raises `Unavailable` when the database can't be reached.

        Whoever holds a connection longer than `patience` seconds loses it: nobody who waits for
        an answer shall wait for a database that hangs.
        """

        tenants: dict[int, str] = {}

        async def forget_tenant(connection: asyncpg.Connection) -> None:
            # A restarted Postgres gives process ids anew: what an earlier one said is not true.
            tenants.pop(connection.get_server_pid(), None)

        async def keep_session(_connection: object) -> None:
            return None

        with unavailable_when_passing():
            pool = await asyncpg.create_pool(
                url,
                min_size=2,
                max_size=size,
                init=forget_tenant,
                reset=keep_session,
                command_timeout=30,
                timeout=10,
                server_settings={
                    "role": ROLE,
                    "application_name": "fieldbook",
                    "lock_timeout": "5000",
                    "statement_timeout": str(round((patience or 30) * 1_000)),
                    "idle_in_transaction_session_timeout": "30000",
                    "jit": "off",
                },
            )
        return cls(pool, tenants, patience)

    @asynccontextmanager
    async def tenant(
        self, tenant: str, *, patience: float | None = None
    ) -> AsyncIterator[Connection]:
        """A connection that sees this tenant's rows and no others, for `patience` seconds.

        Raises `Unavailable` when none is free within 5 s, when the database is in trouble, and
        when the patience is at its end: what was written is then not known.
        """
        with unavailable_when_passing():
            async with self.pool.acquire(timeout=5) as connection:
                # Cutting is the one way to end a wait that needs no answer from the other side.
                with _cutting_after(patience or self._patience, connection):
                    await self._name_tenant(connection, tenant)
                    yield connection

    @asynccontextmanager
    async def any_tenant(self, *, patience: float | None = None) -> AsyncIterator[Connection]:
        """A connection that sees no tenant's rows: for the SECURITY DEFINER functions."""
        async with self.tenant("", patience=patience) as connection:
            yield connection

    async def _name_tenant(self, connection: Connection, tenant: str) -> None:
        backend = connection.get_server_pid()
        if self._tenants.get(backend) != tenant:
            self._tenants.pop(backend, None)
            await connection.execute("SELECT set_config('app.tenant', $1, false)", tenant)
            self._tenants[backend] = tenant

    async def close(self) -> None:
        """Closes the pool; connections that do not end within 2 s are cut."""
        try:
            await asyncio.wait_for(self.pool.close(), timeout=2)
        except TimeoutError:
            self.pool.terminate()


@contextmanager
def _cutting_after(seconds: float | None, connection: Connection) -> Iterator[None]:
    if seconds is None:
        yield
        return
    timer = asyncio.get_running_loop().call_later(seconds, connection.terminate)
    try:
        yield
    finally:
        timer.cancel()
