"""Jobs while the database restarts, and while a worker is taken for dead that is not."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest

from server.db.embedded import EmbeddedPostgres
from server.db.migrate import migrate
from server.db.queries import queries
from server.jobs.run import Job, Run
from server.jobs.worker import Worker
from tests.conftest import random_name
from tests.faults.support.stack import START_SECONDS
from tests.waiting import until

TENANT = "default"
SECONDS = 60.0


@pytest.fixture(scope="module")
def own_postgres() -> Iterator[EmbeddedPostgres]:
    """A durable Postgres of these tests' own, to be stopped and killed; leave it running."""
    folder = Path(tempfile.mkdtemp(prefix="fieldbook-faults-"))
    folder.chmod(0o711)
    postgres = EmbeddedPostgres(folder)
    postgres.start(START_SECONDS)
    yield postgres
    postgres.stop()
    shutil.rmtree(folder)


@pytest.fixture
async def own_database_url(own_postgres: EmbeddedPostgres) -> str:
    name = f"test_{random_name()}"
    await ask(own_postgres.database_url, f"CREATE DATABASE {name}")
    connection = await asyncpg.connect(own_postgres.url_of(name))
    await migrate(connection)
    await connection.close()
    return own_postgres.url_of(name)


@pytest.fixture
async def workers() -> AsyncIterator[list[Worker]]:
    started: list[Worker] = []
    yield started
    for worker in started:
        await worker.stop()


async def ask(url: str, sql: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def enqueue(url: str, name: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(queries.jobs.enqueue_job, name, json.dumps({"tenant": TENANT}))
    await connection.close()


async def until_done(url: str) -> None:
    async def nothing_waits() -> bool:
        return await ask(url, "SELECT count(*) FROM pgqueuer") == 0

    await until(nothing_waits, SECONDS)


class Watch:
    """A job that says how many of it run at once. It sleeps in the database, on its connection,
    again and again until it may end.
    """

    def __init__(self, *, may_end: bool = True) -> None:
        self.may_end = may_end
        self.lock = threading.Lock()
        self.alive = self.most_alive = self.begun = self.ended = 0

    async def job(self, run: Run) -> None:
        with self.lock:
            self.begun += 1
            self.alive += 1
            self.most_alive = max(self.most_alive, self.alive)
        try:
            while True:
                await run.connection.execute("SELECT pg_sleep(0.02)")
                await run.pause(0.03)
                if self.may_end:
                    break
            self.ended += 1
        finally:
            with self.lock:
                self.alive -= 1


@pytest.mark.parametrize("how", ["restarted", "killed"])
async def test_a_job_outlives_a_restart_of_the_database(
    own_postgres: EmbeddedPostgres, own_database_url: str, workers: list[Worker], how: str
) -> None:
    watch = Watch(may_end=False)
    for _ in range(2):
        worker = Worker(own_database_url, {"watch": watch.job}, heartbeat_seconds=2)
        await worker.start()
        workers.append(worker)
    await enqueue(own_database_url, "watch")
    await until(lambda: watch.begun == 1, SECONDS)

    if how == "killed":
        os.kill(own_postgres.process_id, signal.SIGKILL)
    await asyncio.to_thread(own_postgres.stop)
    await asyncio.sleep(0.5)
    assert watch.ended == 0
    await asyncio.to_thread(own_postgres.start, START_SECONDS)
    watch.may_end = True

    await until(lambda: watch.ended == 1, SECONDS)
    await until_done(own_database_url)
    assert watch.most_alive == 1
    assert watch.ended == 1


async def test_the_queue_listens_and_works_again_after_a_restart(
    own_postgres: EmbeddedPostgres, own_database_url: str, workers: list[Worker]
) -> None:
    watch = Watch()
    # It polls too seldom to find a job by it: only a NOTIFY can be why it runs.
    worker = Worker(own_database_url, {"watch": watch.job}, poll_seconds=600)
    await worker.start()
    workers.append(worker)
    await asyncio.to_thread(own_postgres.stop)
    await asyncio.to_thread(own_postgres.start, START_SECONDS)
    # Whatever is announced before it listens is not heard; something later must be.
    async with asyncio.timeout(SECONDS):
        while not watch.ended:
            await enqueue(own_database_url, "watch")
            with suppress(AssertionError):
                await until(lambda: watch.ended > 0, seconds=3)


async def test_a_job_enqueued_while_nobody_listened_is_found_by_polling(
    own_postgres: EmbeddedPostgres, own_database_url: str, workers: list[Worker]
) -> None:
    watch = Watch()
    worker = Worker(own_database_url, {"watch": watch.job}, poll_seconds=0.5)
    await worker.start()
    workers.append(worker)
    await ask(
        own_database_url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'fieldbook jobs' AND datname = current_database()",
    )
    await enqueue(own_database_url, "watch")
    await until(lambda: watch.ended == 1, SECONDS)


def worker_in_a_thread(url: str, jobs: dict[str, Job], ended: threading.Event) -> threading.Thread:
    """A worker with an event loop of its own, as another process has it."""

    async def work() -> None:
        worker = Worker(url, jobs, heartbeat_seconds=0.5, poll_seconds=0.1)
        await worker.start()
        await asyncio.to_thread(ended.wait)
        await worker.stop()

    thread = threading.Thread(target=lambda: asyncio.run(work()))
    thread.start()
    return thread


async def test_a_job_whose_worker_is_only_busy_never_runs_twice(own_database_url: str) -> None:
    begun, given_out = threading.Event(), threading.Event()
    watch = Watch()
    runs: list[str] = []

    async def blocking(run: Run) -> None:
        with watch.lock:
            watch.alive += 1
            watch.most_alive = max(watch.most_alive, watch.alive)
            runs.append("begun")
        begun.set()
        # A fault of somebody's: it blocks the event loop, and with it the heartbeat.
        given_out.wait(SECONDS)
        with watch.lock:
            watch.alive -= 1

    ended = threading.Event()
    threads = [
        worker_in_a_thread(own_database_url, {"blocking": blocking}, ended) for _ in range(2)
    ]
    try:
        await enqueue(own_database_url, "blocking")
        assert await asyncio.to_thread(begun.wait, SECONDS)

        # The control: without the lock it would have run twice, for the queue gave it out again.
        async def was_given_out_again() -> bool:
            picked = "SELECT count(*) > 1 FROM pgqueuer_log WHERE status = 'picked'"
            return bool(await ask(own_database_url, picked))

        await until(was_given_out_again, SECONDS)
        # So that whoever has it now tries to run it.
        await asyncio.sleep(1)
        given_out.set()
        await until_done(own_database_url)
        await asyncio.sleep(1)
    finally:
        given_out.set()
        ended.set()
        for thread in threads:
            await asyncio.to_thread(thread.join)
    assert runs == ["begun"]
    assert watch.most_alive == 1


async def test_a_job_whose_worker_died_is_run_by_another(
    own_database_url: str, workers: list[Worker]
) -> None:
    # As a process leaves it that was killed: picked, by nobody who lives.
    await enqueue(own_database_url, "watch")
    await ask(
        own_database_url,
        "UPDATE pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid()",
    )
    watch = Watch()
    worker = Worker(own_database_url, {"watch": watch.job}, heartbeat_seconds=1, poll_seconds=0.2)
    await worker.start()
    workers.append(worker)
    await until(lambda: watch.ended == 1, SECONDS)
    await until_done(own_database_url)


async def test_a_worker_stops_in_time_while_the_database_hangs(own_database_url: str) -> None:
    watch = Watch(may_end=False)
    worker = Worker(own_database_url, {"watch": watch.job}, heartbeat_seconds=1)
    await worker.start()
    await enqueue(own_database_url, "watch")
    await until(lambda: watch.begun == 1, SECONDS)
    backends = await ask(
        own_database_url,
        "SELECT array_agg(pid) FROM pg_stat_activity WHERE application_name LIKE 'fieldbook%'"
        " AND datname = current_database()",
    )
    assert isinstance(backends, list)
    for pid in backends:
        send(pid, signal.SIGSTOP)
    try:
        started = time.monotonic()
        await worker.stop()
        # Three on a quiet machine. What it asks of the database would have half a minute.
        assert time.monotonic() - started < 12
    finally:
        for pid in backends:
            send(pid, signal.SIGCONT)
    # It is there for the next one.
    watch.may_end = True
    second = Worker(own_database_url, {"watch": watch.job}, heartbeat_seconds=1, poll_seconds=0.2)
    await second.start()
    await until(lambda: watch.ended == 1, SECONDS)
    await second.stop()


def send(pid: int, number: signal.Signals) -> None:
    """Sends a signal to a backend that may have ended meanwhile."""
    with suppress(ProcessLookupError):
        os.kill(pid, number)
