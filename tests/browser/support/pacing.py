"""Jobs that write as fast as a test lets them: what is to be seen of them is over too soon else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from tests.integration.support.servers import Company
from tests.waiting import until

# The lock under which a company's versions are given (sql/functions/lock_versions.sql).
TAKE = "SELECT pg_advisory_lock(7202, hashtext($1))"
# Who waits for it has it before we get it back.
PASS_ON = "SELECT pg_advisory_unlock(7202, hashtext($1)), pg_advisory_lock(7202, hashtext($1))"
GIVE_BACK = "SELECT pg_advisory_unlock(7202, hashtext($1))"
SOMEBODY_WAITS = """
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND NOT granted AND classid = 7202 AND objsubid = 2
        AND objid = (hashtext($1)::bigint & 4294967295)::oid
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
)
"""
DONE = "SELECT done FROM bulk_jobs WHERE tenant_id = $1 AND id = $2"


class Pace:
    """Holds what writes a company's rows, and lets jobs write a chunk at a time.

    A job that waits longer for the lock than it may tries again: it is held all the same.
    """

    def __init__(self, sql: asyncpg.Connection, company: Company) -> None:
        self._sql = sql
        self._tenant = company.tenant

    async def step(self, job: str) -> int:
        """Lets a job write until it has done more rows than before: how many, then."""
        before = done = await self._done(job)
        while done == before:
            # Its process has to start before.
            await until(self._somebody_waits, 40)
            await self._sql.execute(PASS_ON, self._tenant)
            done = await self._done(job)
        return done

    async def _done(self, job: str) -> int:
        done: int = await self._sql.fetchval(DONE, self._tenant, job)
        return done

    async def _somebody_waits(self) -> bool:
        waits: bool = await self._sql.fetchval(SOMEBODY_WAITS, self._tenant)
        return waits


@asynccontextmanager
async def paced(sql: asyncpg.Connection, company: Company) -> AsyncIterator[Pace]:
    """Inside of it a company's jobs write by `step` alone; then they go on by themselves."""
    await sql.execute(TAKE, company.tenant)
    try:
        yield Pace(sql, company)
    finally:
        await sql.execute(GIVE_BACK, company.tenant)
