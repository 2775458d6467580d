"""What is removed for good: old logs and ledger rows every night, tombstones on command."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta

import orjson

from server.db.pool import Database, fetch_one
from server.db.queries import queries
from server.jobs.run import pause
from server.services.statistics import keep_days

ROWS_AT_ONCE = 5_000
PAUSE_SECONDS = 0.05
FOUND_AT_ONCE = 5_000
CHUNK = 2_000
LOCK_MS = 6.0
"""Of work under the lock; with the commit, and on a busy machine, mostly below 20 ms."""


@dataclass(slots=True)
class Purged:
    """What became of a tenant's tombstones: `removed` rows by plural, and the floor after it."""

    removed: Counter[str] = field(default_factory=Counter)
    floor: int = 0


async def purge_logs(database: Database, stopping: asyncio.Event) -> None:
    """Removes old rows of every tenant, some thousands at a time, and files of cut off uploads;
    harmless to repeat. The statistics of what is removed are kept.

    Raises `Unavailable`, and `Interrupted` when the server stops.
    """
    async with database.any_tenant() as connection:
        tenants = await connection.fetch(queries.tenants.list_tenant_ids)
        await connection.execute(queries.jobs.delete_old_jobs)
    for tenant in tenants:
        await keep_days(database, tenant["id"])
        await _repeat(database, stopping, queries.sync_log.delete_old_entries, tenant["id"])
        async with database.tenant(tenant["id"]) as connection:
            await connection.execute(queries.bulk.delete_old_parts, tenant["id"])


async def purge_ledger(database: Database, stopping: asyncio.Event) -> None:
    """Forgets the mutations that no device sends again, of every tenant; harmless to repeat.

    Those are the ones older than 90 days whose device has since reported an empty queue or was
    revoked. Raises `Unavailable`, and `Interrupted` when the server stops.
    """
    async with database.any_tenant() as connection:
        tenants = await connection.fetch(queries.tenants.list_tenant_ids)
    for tenant in tenants:
        async with database.tenant(tenant["id"]) as connection:
            sources = await connection.fetch(queries.mutations.list_sources, tenant["id"])
        for source in sources:
            query = queries.mutations.delete_old_mutations
            await _repeat(database, stopping, query, tenant["id"], source["source"])


async def _repeat(
    database: Database, stopping: asyncio.Event, query: str, tenant: str, *values: str
) -> None:
    """Deletes by a query that takes the tenant, `values` and a limit, until nothing is left."""
    deleted = ROWS_AT_ONCE
    while deleted == ROWS_AT_ONCE:
        async with database.tenant(tenant) as connection:
            deleted = await connection.fetchval(query, tenant, *values, ROWS_AT_ONCE)
        await pause(stopping, PAUSE_SECONDS if deleted else 0)


async def purge_tombstones(database: Database, tenant: str, older_than: timedelta) -> Purged:
    """Removes a tenant's tombstones whose versions were given so long ago, beside live writers.

    In version order over all entities, in chunks that move the floor in their own transaction:
    cut off anywhere, the floor is where it must be. Raises `Unavailable`.
    """
    purged, after = Purged(), 0
    async with database.tenant(tenant) as connection:
        before = await connection.fetchval(queries.sync.read_cutoff, older_than)
        # Outside of the lock: each chunk judges its rows anew.
        while found := await connection.fetch(
            queries.sync.find_tombstones, tenant, after, before, FOUND_AT_ONCE
        ):
            versions = [record["version"] for record in found]
            after = versions[-1]
            while versions:
                chunk = await fetch_one(
                    connection,
                    *(queries.sync.purge_tombstones, versions[:CHUNK], before, LOCK_MS),
                )
                versions = versions[chunk["done"] :]
                purged.removed.update(orjson.loads(chunk["removed"]))
                # At least as long for the others as for the purge.
                await asyncio.sleep(chunk["held"] / 1_000)
        head = await fetch_one(connection, queries.sync.read_head, tenant)
    purged.floor = head["floor"]
    return purged
