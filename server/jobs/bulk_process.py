"""Starts the processes of bulk jobs and sees them end: nothing of a file is read in this one.

Parsing, checking and merging take seconds of CPU, for which a server that answers devices has no
time. A job's process has its own connections; by the end of its input it knows that the server is
gone, even if that was killed.
"""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import orjson
from loguru import logger
from nanoid import generate

from server.db.queries import queries
from server.errors import FieldbookError, Internal, Invalid, Unavailable
from server.jobs.run import Interrupted, Run

COMMAND = (sys.executable, "-m", "server.jobs.bulk")
ROOT = Path(__file__).resolve().parents[2]
EXIT_DONE = 0
EXIT_STOPPED = 75
RUNS = 3
"""So often a job is begun before it has failed: what ends its process may be the job itself."""
PREVIEWS_AT_ONCE = 2
CHECKS_AT_ONCE = 2
STOP_SECONDS = 10.0
FAILED = "The server could not finish this. What was done is done; start it again to go on."


class BulkProcesses:
    """Runs bulk jobs, previews and checks, each in a process of its own."""

    def __init__(self, database_url: str, default_region: str) -> None:
        self._database_url = database_url
        self._default_region = default_region
        self._previewing = asyncio.Semaphore(PREVIEWS_AT_ONCE)
        self._checking = asyncio.Semaphore(CHECKS_AT_ONCE)

    async def run_job(self, run: Run) -> None:
        """The job `bulk_job`: `{"tenant", "job"}`. Goes on where it was, if it was begun before.

        Raises `Interrupted` when the server stops, `Unavailable`, and RuntimeError when the process
        failed in a way that another try may mend.
        """
        tenant, job = run.payload["tenant"], run.payload["job"]
        name = generate()
        record = await run.connection.fetchrow(queries.bulk.begin_run, tenant, job, name)
        if record is None:
            return
        assignment = {"tenant": tenant, "job": job, "run": name}
        async with self._process(assignment) as process:
            code = await _until_over(process, run.stopping)
        if code == EXIT_STOPPED:
            if run.stopping.is_set():
                raise Interrupted
            raise RuntimeError(f"the process of the bulk job {job} stopped by itself")
        if code != EXIT_DONE:
            if record["runs"] >= RUNS:
                await run.connection.execute(
                    queries.bulk.end_run, tenant, job, name, "failed", FAILED
                )
                return
            raise RuntimeError(f"the process of the bulk job {job} ended with {code}")

    async def preview(self, tenant: str, job: dict[str, Any]) -> dict[str, Any]:
        """What a job would do; `job` is like a row of bulk_jobs, its JSON as objects.

        Raises what refuses it: `Invalid` for a file that can't be imported.
        """
        async with self._previewing:
            return await self._answer({"tenant": tenant, "preview": job})

    async def check(self, tenant: str, job: dict[str, Any]) -> dict[str, Any]:
        """What an import's file is: `{"detected", "columns", "mapping", "total"}`.

        Goes through all of it, which takes some seconds for a million rows. Raises what `preview`
        does.
        """
        async with self._checking:
            return await self._answer({"tenant": tenant, "check": job})

    async def _answer(self, assignment: dict[str, Any]) -> dict[str, Any]:
        async with self._process(assignment) as process:
            assert process.stdout
            answer = await process.stdout.read()
            code = await process.wait()
        if code != EXIT_DONE:
            raise Unavailable if code == EXIT_STOPPED else Internal
        found: dict[str, Any] = orjson.loads(answer)
        if "fault" in found:
            raise fault_of(found["fault"])
        if "error" in found:
            raise _error_of(found["error"])
        return found

    @asynccontextmanager
    async def _process(self, assignment: dict[str, Any]) -> AsyncIterator[Process]:
        whole = {
            "database_url": self._database_url,
            "default_region": self._default_region,
            **assignment,
        }
        # The URL may hold a password, so it goes in by the pipe and not by the command line. Its
        # log goes where ours does.
        process = await asyncio.create_subprocess_exec(
            *COMMAND, stdin=PIPE, stdout=PIPE, cwd=ROOT, start_new_session=True
        )
        assert process.stdin
        process.stdin.write(orjson.dumps(whole) + b"\n")
        try:
            yield process
        finally:
            # Whoever waited may be gone: the end of its input tells the process.
            process.stdin.close()
            if process.returncode is None:
                try:
                    await asyncio.wait_for(process.wait(), STOP_SECONDS)
                except TimeoutError:
                    logger.warning("A bulk job's process did not stop in time and is ended")
                    process.kill()
                    await process.wait()


async def _until_over(process: Process, stopping: asyncio.Event) -> int:
    """The exit code; when the server stops, the process is told to stop after its chunk.

    It may wait for a database that hangs: then it is ended.
    """
    over = asyncio.create_task(process.wait())
    stopped = asyncio.create_task(stopping.wait())
    try:
        await asyncio.wait((over, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not over.done():
            assert process.stdin
            process.stdin.close()
            await asyncio.wait((over,), timeout=STOP_SECONDS)
            if not over.done():
                process.kill()
        return await over
    finally:
        stopped.cancel()
        over.cancel()


def fault_of(fault: dict[str, Any]) -> Invalid:
    """A file's fault as the error that says where it is: `row` and `column`, where known."""
    place = {name: fault[name] for name in ("row", "column") if fault[name] is not None}
    return Invalid(fault["message"], fields={"file": [fault["message"]]}, **place)


def _error_of(wire: dict[str, Any]) -> FieldbookError:
    if wire["code"] == "unavailable":
        return Unavailable(wire["message"])
    return Invalid(wire["message"], fields=wire.get("fields"))
