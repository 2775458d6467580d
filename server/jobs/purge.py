"""What is removed every night: the log of syncs and of jobs, after 90 days."""

from __future__ import annotations

import asyncio

from server.db.pool import Database
from server.db.queries import queries
from server.jobs.run import pause

ROWS_AT_ONCE = 5_000
PAUSE_SECONDS = 0.05


async def purge_logs(database: Database, stopping: asyncio.Event) -> None:
    """Removes old rows of every tenant, some thousands at a time; harmless to repeat.

    Raises `Unavailable`, and `Interrupted` when the server stops.
    """
    async with database.any_tenant() as connection:
        tenants = await connection.fetch(queries.tenants.list_tenant_ids)
        await connection.execute(queries.jobs.delete_old_jobs)
    for tenant in tenants:
        deleted = ROWS_AT_ONCE
        while deleted == ROWS_AT_ONCE:
            async with database.tenant(tenant["id"]) as connection:
                deleted = await connection.fetchval(
                    queries.sync_log.delete_old_entries, tenant["id"], ROWS_AT_ONCE
                )
            await pause(stopping, PAUSE_SECONDS)
