"""The worker of durable jobs, embedded in each server process: pgqueuer, made safe to trust.

The queue believes a job dead when its heartbeat is late, which a busy process or a restarted
database is enough for. So a job also runs under a lock of Postgres on the connection that does
its work: whoever else picks it waits, and finds it done. And what passes, like a restart of the
database, is waited out: a job is only ever parked as failed for a fault of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import cast

import asyncpg
import orjson
from loguru import logger
from pgqueuer import AsyncpgDriver, Queries, QueueManager, RetryRequested, SchedulerManager
from pgqueuer import Job as QueuedJob
from pgqueuer.adapters.persistence.qb import (
    QueryBuilderEnvironment,
    QueryQueueBuilder,
    QuerySchedulerBuilder,
)
from pgqueuer.domain.models import Schedule
from pgqueuer.domain.settings import DBSettings
from pgqueuer.domain.types import Channel
from pgqueuer.ports.driver import Driver

from server.db.pool import Connection, Database
from server.db.queries import queries
from server.errors import Unavailable
from server.jobs.driver import PatientDriver
from server.jobs.purge import purge_ledger, purge_logs
from server.jobs.run import Interrupted, Job, Run, pause
from server.jobs.strip_reference import strip_reference
from server.tasks import end

JOBS: Mapping[str, Job] = {"strip_reference": strip_reference}
Purge = Callable[[Database, asyncio.Event], Awaitable[None]]
NIGHTLY: Mapping[str, Purge] = {"purge_logs": purge_logs, "purge_ledger": purge_ledger}

AT_NIGHT = "17 3 * * *"
POLL_SECONDS = 5.0
HEARTBEAT_SECONDS = 15.0
RETRY_SECONDS = 0.5
STOP_SECONDS = 1.0
TRIES = 5
# A connection for each job at once, and two for the queue itself.
JOBS_AT_ONCE = 6
# Imports may take hours: they leave room for what is short.
LIMITS: Mapping[str, int] = {"bulk_job": 4}
CONNECTIONS = JOBS_AT_ONCE + 2

# Named here so that PGQUEUER_… variables of the environment change nothing.
TABLES = DBSettings(
    prefix="",
    db_schema=None,
    channel=Channel("ch_pgqueuer"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
)


class Worker:
    """Runs jobs from `start` to `stop`, beside the workers of the other processes."""

    def __init__(
        self,
        database_url: str,
        jobs: Mapping[str, Job] = JOBS,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """`jobs` by the names under which they are enqueued.

        A job whose worker is gone is picked up by another after `heartbeat_seconds`; the queue is
        looked at every `poll_seconds` even when no NOTIFY comes.
        """
        self._url = database_url
        self._jobs = jobs
        self._heartbeat = timedelta(seconds=heartbeat_seconds)
        self._poll = timedelta(seconds=poll_seconds)
        self._stopping = asyncio.Event()
        self._drivers: list[PatientDriver] = []
        self._running: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Connects, and begins to work. Raises `Unavailable`."""
        self._database = await Database.connect(self._url, size=CONNECTIONS)
        for run in (self._run_queue, self._run_schedules):
            driver = PatientDriver(self._database, self._url)
            self._drivers.append(driver)
            self._running.append(asyncio.create_task(self._keep_running(run, driver)))

    async def stop(self) -> None:
        """Jobs stop after their chunk, and go on at the next start.

        Ends as soon as they did; within 3 s if the database hangs, or 6 if a task then does not end
        when it is cancelled.
        """
        self._stopping.set()
        if not self._running:
            return
        await asyncio.wait(self._running, timeout=STOP_SECONDS)
        # Whoever still waits for the database does so in vain. What could not be written down
        # stays picked in the queue, and is picked up anew when its heartbeat is old.
        for driver in self._drivers:
            await driver.close()
        _, late = await asyncio.wait(self._running, timeout=STOP_SECONDS)
        if late:
            self._database.pool.terminate()
            _, late = await asyncio.wait(late, timeout=STOP_SECONDS)
            await end(*late)
        await self._database.close()

    async def _keep_running(
        self, run: Callable[[PatientDriver], Awaitable[None]], driver: PatientDriver
    ) -> None:
        while not self._stopping.is_set():
            try:
                await run(driver)
            except Exception:
                # A fault of ours or of pgqueuer's: the next run may do better, none does nothing.
                logger.exception("The worker of jobs failed and starts again")
                await self._wait(RETRY_SECONDS)

    async def _run_queue(self, driver: PatientDriver) -> None:
        manager = QueueManager(queries_on(driver), channel=TABLES.channel)
        manager.shutdown = self._stopping
        for name, job in self._jobs.items():
            limit = LIMITS.get(name, JOBS_AT_ONCE)
            manager.entrypoint(name, concurrency_limit=limit, on_failure="hold")(
                partial(self._run_once, job)
            )
        await manager.run(
            dequeue_timeout=self._poll,
            batch_size=JOBS_AT_ONCE // 2,
            max_concurrent_tasks=JOBS_AT_ONCE,
            heartbeat_timeout=self._heartbeat,
        )

    async def _run_schedules(self, driver: PatientDriver) -> None:
        manager = SchedulerManager(queries_on(driver))
        manager.shutdown = self._stopping
        for name, purge in NIGHTLY.items():
            manager.schedule(name, AT_NIGHT)(partial(self._run_nightly, purge))
        await manager.run()

    async def _run_nightly(self, purge: Purge, _schedule: Schedule) -> None:
        while not self._stopping.is_set():
            try:
                await purge(self._database, self._stopping)
            except Unavailable:
                await self._wait(RETRY_SECONDS)
            except Interrupted:
                # The next night does it as well.
                return
            else:
                return

    async def _run_once(self, job: Job, queued: QueuedJob) -> None:
        """Runs a job to its end, through any trouble that passes.

        Raises `RetryRequested`, which puts it back into the queue, when the server stops and for
        the first faults of the job; the last one has it parked as failed.
        """
        try:
            while not await self._try_run(job, queued):
                await pause(self._stopping, RETRY_SECONDS)
        except (Interrupted, asyncio.CancelledError):
            # Cancelled, a job would be forgotten, and somebody counts on it.
            raise RetryRequested(reason="The server stops.") from None
        except Exception as error:
            if queued.attempts + 1 >= TRIES:
                raise
            delay = timedelta(seconds=4**queued.attempts)
            logger.warning(
                "The job {} failed, next try in {}: {!r}", queued.entrypoint, delay, error
            )
            raise RetryRequested(delay=delay, reason=repr(error)) from error

    async def _try_run(self, job: Job, queued: QueuedJob) -> bool:
        """Whether the job is done; False when something stood in its way that passes."""
        payload = orjson.loads(queued.payload or b"{}")
        try:
            async with (
                self._database.tenant(payload["tenant"]) as connection,
                only_run(connection, queued) as alone,
            ):
                if alone and await connection.fetchval(queries.jobs.job_waits, queued.id):
                    await job(Run(connection, payload, self._stopping))
                    # Written under the lock: whoever gets it next finds the job done.
                    driver = AsyncpgDriver(cast(asyncpg.Connection, connection))
                    await queries_on(driver).log_jobs([(queued, "successful", None)])
                return alone
        except Unavailable as error:
            logger.warning(
                "The job {} waits for the database: {}", queued.entrypoint, error.details
            )
            return False

    async def _wait(self, seconds: float) -> None:
        with suppress(Interrupted):
            await pause(self._stopping, seconds)


@asynccontextmanager
async def only_run(connection: Connection, queued: QueuedJob) -> AsyncIterator[bool]:
    """Whether this connection got the lock of the job, which it then holds."""
    alone = await connection.fetchval(queries.jobs.try_job_lock, str(queued.id))
    try:
        yield alone
    finally:
        # A lost connection frees it by itself.
        if alone and not connection.is_closed():
            await connection.execute(queries.jobs.release_job_lock, str(queued.id))


def queries_on(driver: Driver) -> Queries:
    """The queries of pgqueuer, on the tables of our migration."""
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(TABLES),
        qbq=QueryQueueBuilder(TABLES),
        qbs=QuerySchedulerBuilder(TABLES),
    )
