"""Imports while everything around them breaks: nothing half-done, nothing twice, nobody waits."""

from __future__ import annotations

import asyncio
import random
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import psutil
import pytest

from server.client.agreement import compare_all, healed
from server.client.rest import Rest
from tests.bench.imports import make_file
from tests.faults.conftest import StartServer
from tests.faults.support.gate import held_up
from tests.faults.support.people import PATIENCE, People
from tests.faults.support.stack import ADMIN_KEY, START_SECONDS, Databases, ServerProcess

DEVICES = 50
MIB = 2**20


@dataclass
class Admin:
    """Who imports, by REST, whichever server is there."""

    server: ServerProcess
    http: aiohttp.ClientSession = field(init=False)

    async def post(self, path: str, **options: Any) -> dict[str, Any]:
        async with self.http.post(f"{self.server.url}{path}", **options) as response:
            answer: dict[str, Any] = await response.json(content_type=None)
            assert response.status in (200, 201), answer
        return answer

    async def start(self, content: bytes, query: str = "") -> str:
        """Starts an import and gives its id."""
        headers = {"Content-Type": "text/csv"}
        job = await self.post(f"/api/bulk/import{query}", data=content, headers=headers)
        return str(job["id"])

    async def job(self, job: str) -> dict[str, Any]:
        async with self.http.get(f"{self.server.url}/api/bulk/jobs/{job}") as response:
            answer: dict[str, Any] = await response.json()
        return answer

    async def over(self, job: str, seconds: float = 200) -> dict[str, Any]:
        """Waits until a job is neither waiting nor running."""
        async with asyncio.timeout(seconds):
            while True:
                now = await self.job(job)
                if now["state"] not in ("queued", "running"):
                    return now
                await asyncio.sleep(0.1)

    async def begun(self, job: str) -> dict[str, Any]:
        """Waits until some rows are done."""
        async with asyncio.timeout(120):
            while True:
                now = await self.job(job)
                if now["progress"]["done"]:
                    break
                await asyncio.sleep(0.02)
        assert now["state"] == "running", now
        return now


@pytest.fixture
async def admin(make_server: StartServer) -> AsyncIterator[Admin]:
    server = make_server()
    await server.start()
    admin = Admin(server)
    async with aiohttp.ClientSession(headers={"X-API-Key": ADMIN_KEY}) as admin.http:
        yield admin


@pytest.fixture
async def sql(fault_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(fault_database_url)
    yield connection
    if not connection.is_closed():
        await connection.close()


def processes_of_jobs(server: ServerProcess) -> list[psutil.Process]:
    assert server.process is not None
    children = psutil.Process(server.process.pid).children(recursive=True)
    return [each for each in children if "server.jobs.bulk" in command_of(each)]


def command_of(process: psutil.Process) -> list[str]:
    """Nothing of one that has ended, and may do so at any moment."""
    with suppress(psutil.NoSuchProcess):
        return process.cmdline()
    return []


def age_of(process: psutil.Process) -> float:
    """Seconds since it was started."""
    return time.time() - process.create_time()


def kill(processes: list[psutil.Process]) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


async def gone(processes: list[psutil.Process], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        for process in processes:
            await asyncio.to_thread(process.wait, seconds)


async def imported(sql: asyncpg.Connection) -> tuple[int, int]:
    """How many live contacts came from a file, and how many external ids they have."""
    record = await sql.fetchrow(
        "SELECT count(*) AS contacts, count(DISTINCT external_id) AS ids FROM contacts "
        "WHERE external_id IS NOT NULL AND deleted_at IS NULL"
    )
    return record["contacts"], record["ids"]


async def test_an_import_goes_on_after_its_server_was_killed(
    admin: Admin, sql: asyncpg.Connection, fault_database_url: str
) -> None:
    rows = 15_000
    async with held_up(fault_database_url, rows // 2):
        job = await admin.start(make_file(rows, "killed"))
        await admin.begun(job)
        processes = processes_of_jobs(admin.server)
        assert processes
        await admin.server.end(signal.SIGKILL)
    # The job's process notices that its server is gone, and ends after its chunk.
    await gone(processes)
    cut = await sql.fetchrow("SELECT state, done, counts ->> 'created' AS n FROM bulk_jobs")
    assert cut["state"] == "running"
    assert 0 < cut["done"] < rows
    # Nothing is half-done: what the job says is what there is.
    assert await imported(sql) == (cut["done"], cut["done"])
    assert int(cut["n"]) == cut["done"]
    await admin.server.start()
    done = await admin.over(job)
    print(f"\nkilled after {cut['done']:,} of {rows:,} rows, and went on to the end")
    assert (done["state"], done["counts"]["created"]) == ("done", rows)
    assert await imported(sql) == (rows, rows)
    assert await sql.fetchval("SELECT count(*) FROM contact_search") == rows


async def test_an_import_goes_on_after_its_process_was_killed_and_fails_if_it_always_is(
    admin: Admin, sql: asyncpg.Connection, fault_database_url: str
) -> None:
    async with held_up(fault_database_url, 4_000):
        job = await admin.start(make_file(8_000, "child"))
        await admin.begun(job)
        (process,) = processes_of_jobs(admin.server)
        process.kill()
    assert (await admin.over(job))["state"] == "done"
    assert await imported(sql) == (8_000, 8_000)

    # It comes forward in none of its runs: those that did would not count.
    async with held_up(fault_database_url, 0), asyncio.timeout(120):
        doomed = await admin.start(make_file(8_000, "doomed"))
        while (now := await admin.job(doomed))["state"] in ("queued", "running"):
            kill([each for each in processes_of_jobs(admin.server) if age_of(each) > 0.3])
            await asyncio.sleep(0.05)
    assert now["state"] == "failed"
    assert "start it again" in now["error"]
    assert await imported(sql) == (8_000 + now["progress"]["done"],) * 2


async def test_an_undo_goes_on_after_its_process_was_killed_at_any_moment(
    admin: Admin, sql: asyncpg.Connection, fault_database_url: str
) -> None:
    seed = random.randrange(10**6)
    print(f"\nseed {seed}")
    chance = random.Random(seed)
    rows = 6_000
    job = await admin.start(make_file(rows, "undone"))
    assert (await admin.over(job))["state"] == "done"
    await gone(processes_of_jobs(admin.server))
    async with held_up(fault_database_url, rows * 3 // 4):
        await admin.post(f"/api/bulk/jobs/{job}/undo")
        for _ in range(2):
            while not (processes := processes_of_jobs(admin.server)):
                assert (await admin.job(job))["state"] in ("queued", "running")
                await asyncio.sleep(0.05)
            await asyncio.sleep(chance.random())
            kill(processes)
            await gone(processes)
    undone = await admin.over(job)
    assert (undone["state"], undone["undo"]) == ("undone", {"undone": rows, "left": 0})
    assert await imported(sql) == (0, 0)
    # Each was taken back by one change.
    assert await sql.fetchval("SELECT count(*) FROM audit_log WHERE op = 'delete'") == rows
    assert await sql.fetchval("SELECT count(*) FROM bulk_findings") == 0


async def test_an_import_waits_for_a_database_that_was_killed(
    admin: Admin, databases: Databases, fault_database_url: str
) -> None:
    async with held_up(fault_database_url, 5_000):
        job = await admin.start(make_file(10_000, "database"))
        await admin.begun(job)
        databases.send(databases.postgres, signal.SIGKILL)
        await asyncio.sleep(1)
    await asyncio.to_thread(databases.postgres.start, START_SECONDS)
    async with asyncio.timeout(200):
        while True:
            try:
                now = await admin.job(job)
            except (aiohttp.ClientError, AssertionError):
                now = {}
            if now.get("state") not in (None, "queued", "running"):
                break
            await asyncio.sleep(0.2)
    assert (now["state"], now["counts"]["created"]) == ("done", 10_000), now
    connection = await asyncpg.connect(fault_database_url)
    assert await imported(connection) == (10_000, 10_000)
    await connection.close()


async def test_two_imports_at_once_beside_fifty_devices_leave_all_alike(
    admin: Admin, sql: asyncpg.Connection
) -> None:
    people = await People.at([admin.server.url] * DEVICES)
    try:
        await asyncio.sleep(1)
        # Both files are about the same people, half of them.
        first = make_file(4_000, "both")
        header, *lines = first.splitlines(keepends=True)
        second = header + b"".join(lines[2_000:]).replace(b"Head of", b"Chief of")
        second += b"".join(make_file(2_000, "second").splitlines(keepends=True)[1:])
        jobs = [await admin.start(first), await admin.start(second)]
        ended = [await admin.over(job) for job in jobs]
        await asyncio.sleep(1)
        await people.stop_writing()
        assert [job["state"] for job in ended] == ["done", "done"]
        counts = [job["counts"] for job in ended]
        assert counts[0]["rows"] == counts[1]["rows"] == 4_000
        assert [job["errors"] for job in ended] == [[], []]
        assert counts[0]["created"] + counts[1]["created"] == 6_000
        assert await imported(sql) == (6_000, 6_000)
        answers = await asyncio.gather(*(asyncio.wait_for(e, PATIENCE) for e in people.writes))
        assert all(answer["ok"] for answer in answers)
        await asyncio.gather(*(device.settle(PATIENCE) for device in people.devices))
        async with Rest(admin.server.url, ADMIN_KEY) as rest:
            differences = await compare_all(
                people.devices, rest, lambda _plural, row: row, PATIENCE
            )
        assert differences == []
        assert healed(people.devices) == []
    finally:
        await people.leave()


async def test_an_imports_memory_does_not_grow_with_its_file(admin: Admin) -> None:
    """A dry run reads, checks and matches as a run does, and only writes less."""
    assert admin.server.process is not None
    server = psutil.Process(admin.server.process.pid)
    peaks = {}
    # The smaller one, too, takes seconds: nobody who looks now and then misses what it took.
    for rows in (20_000, 60_000):
        content = make_file(rows, f"memory-{rows}")
        seen: list[int] = []
        watching = asyncio.create_task(watch(admin.server, seen))
        answer = await admin.post("/api/bulk/import?dry_run=true", data=content)
        watching.cancel()
        assert answer["counts"]["created"] == rows
        peaks[rows] = max(seen)
    print(f"\nmemory of a dry run: {peaks}, the server {server.memory_info().rss // MIB} MiB")
    assert peaks[60_000] < 200
    assert peaks[60_000] - peaks[20_000] < 25


async def watch(server: ServerProcess, seen: list[int]) -> None:
    """Notes the most that each of the server's processes for jobs has taken so far, in MiB, until
    it is cancelled.
    """
    while True:
        for process in processes_of_jobs(server):
            with suppress(OSError):
                status = Path(f"/proc/{process.pid}/status").read_text()
                # Nothing of one that has ended.
                seen += [int(most) // 1024 for most in re.findall(r"VmHWM:\s+(\d+) kB", status)]
        await asyncio.sleep(0.05)
