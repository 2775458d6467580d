"""What is written down a second later, many rows at once, so that nobody waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import orjson
from loguru import logger

from server.db.pool import Database
from server.errors import Unavailable
from server.tasks import end

Record = dict[str, Any]

FLUSH_SECONDS = 1.0
STOP_SECONDS = 1.0
MOST_RECORDS = 10_000
RECORDS_AT_ONCE = 1_000


class Backlog:
    """Records that wait to be written by one statement a second and tenant.

    `put` is synchronous and cheap. While the database is in trouble records are kept, and tried
    again; beyond `MOST_RECORDS` the oldest go, and `dropped` counts them.
    """

    def __init__(self, database: Database, query: str, what: str) -> None:
        """`query` takes a tenant and the records as a JSON list; `what` names them for the log."""
        self._database = database
        self._query = query
        self._what = what
        self._records: dict[tuple[str, str], Record] = {}
        self._writing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._records)

    def put(self, tenant: str, key: str, record: Record) -> None:
        """Adds a record, or brings the one of that key up to date with what `record` has."""
        waiting = self._records.get((tenant, key))
        if waiting is not None:
            waiting.update(record)
            return
        if len(self._records) >= MOST_RECORDS:
            del self._records[next(iter(self._records))]
            self.dropped += 1
        self._records[tenant, key] = record

    def start(self) -> None:
        """Begins to write every second."""
        self._task = asyncio.create_task(self._write_forever())

    async def stop(self) -> None:
        """Writes what waits, unless the database does not answer within a second."""
        if self._task:
            await end(self._task)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self.flush()
        except TimeoutError:
            logger.warning("The database is too slow to write {} {}", len(self), self._what)

    async def _write_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Writes what waits; what can't be written now waits on."""
        # One at a time: a record must not be overtaken by an older state of itself.
        async with self._writing:
            for tenant in {tenant for tenant, _ in self._records}:
                await self._flush_tenant(tenant)

    async def _flush_tenant(self, tenant: str) -> None:
        keys = [key for key in self._records if key[0] == tenant]
        for start in range(0, len(keys), RECORDS_AT_ONCE):
            taken = {
                key: self._records.pop(key)
                for key in keys[start : start + RECORDS_AT_ONCE]
                if key in self._records
            }
            try:
                await self._write(tenant, list(taken.values()))
            except (Unavailable, asyncio.CancelledError) as error:
                self._put_back(taken)
                if isinstance(error, asyncio.CancelledError):
                    raise
                logger.warning("{} {} wait for the database", len(self), self._what)
                return

    async def _write(self, tenant: str, records: list[Record]) -> None:
        try:
            async with self._database.tenant(tenant) as connection:
                await connection.execute(self._query, tenant, orjson.dumps(records).decode())
        except asyncpg.PostgresError as error:
            if len(records) > 1:
                # One that the database will never take must not cost the others.
                for record in records:
                    await self._write(tenant, [record])
                return
            logger.error("One of the {} was refused: {}", self._what, error)
            self.dropped += 1

    def _put_back(self, taken: dict[tuple[str, str], Record]) -> None:
        """What came meanwhile is newer than what comes back."""
        merged = {key: {**record, **self._records.pop(key, {})} for key, record in taken.items()}
        self._records = {**merged, **self._records}
        while len(self._records) > MOST_RECORDS:
            del self._records[next(iter(self._records))]
            self.dropped += 1
