"""From an assignment to its end: a job's run through any trouble that passes, or a preview."""

from __future__ import annotations

import asyncio
import fcntl
import stat
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from loguru import logger

from server.db.pool import Database, fetch_one
from server.db.queries import queries
from server.errors import FieldbookError, Unavailable
from server.files.model import FileFault, ReadOptions
from server.files.reading import ContactFile, open_contact_file
from server.jobs.bulk.chunks import Ended, Writer
from server.jobs.bulk.context import Context
from server.jobs.bulk.importing import Import, judging_of
from server.jobs.bulk.label_merging import Merge
from server.jobs.bulk.planning import Author
from server.jobs.bulk.previewing import preview_import
from server.jobs.bulk.undoing import Undo
from server.jobs.bulk.updating import Edit
from server.services.tenants import Tenants

EXIT_DONE = 0
EXIT_FAULT = 1
EXIT_STOPPED = 75
CONNECTIONS = 5
UNSEARCHED_ROWS = 5_000
RETRY_SECONDS = 0.5
DISABLED = (
    "The account of who started this was disabled. What was done is done; undo takes it back."
)
COPY_PREFIX = "fieldbook-import-"
ORPHANED_SECONDS = 60


async def run_assignment(assignment: dict[str, Any], stopping: asyncio.Event) -> int:
    """Runs `{"database_url", "default_region", "tenant", "job", "run"}`, or checks or previews.

    A check and a preview have `"check"` or `"preview"`: a job that has no row. Gives the exit code.
    """
    database = await _connect(assignment["database_url"], stopping)
    if database is None:
        return EXIT_STOPPED
    try:
        if "job" not in assignment:
            answer = await _answer(database, assignment, stopping)
            sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
            return EXIT_DONE
        while not stopping.is_set():
            try:
                return await _run(database, assignment, stopping)
            except Unavailable as error:
                # What was written is in the job's row: it goes on from there.
                logger.warning("A bulk job waits for the database: {}", error.details)
                await asyncio.sleep(RETRY_SECONDS)
        return EXIT_STOPPED
    finally:
        await database.close()


async def _connect(url: str, stopping: asyncio.Event) -> Database | None:
    while not stopping.is_set():
        try:
            return await Database.connect(url, size=CONNECTIONS)
        except Unavailable:
            await asyncio.sleep(RETRY_SECONDS)
    return None


async def _run(database: Database, assignment: dict[str, Any], stopping: asyncio.Event) -> int:
    tenant, run = assignment["tenant"], assignment["run"]
    async with database.tenant(tenant) as connection:
        job = _job(await fetch_one(connection, queries.bulk.read_job, tenant, assignment["job"]))
    if job["run"] != run:
        return EXIT_DONE
    state, error = "done", None
    try:
        context = await _context(database, tenant, job, run, assignment, stopping)
        await _work(context)
    except Ended as ended:
        if ended.verdict == "over":
            return EXIT_DONE
        state = "cancelled"
        if ended.verdict == "disabled":
            state, error = "failed", DISABLED
    except (FileFault, FieldbookError) as fault:
        if isinstance(fault, Unavailable):
            raise
        state, error = "failed", fault.message
    else:
        if stopping.is_set():
            return EXIT_STOPPED
    if job["undoing"] and state == "done":
        state = "undone"
    async with database.tenant(tenant) as connection:
        await connection.execute(queries.bulk.end_run, tenant, job["id"], run, state, error)
        await connection.execute(queries.bulk.delete_parts, tenant, job["id"])
    return EXIT_DONE


def _job(record: asyncpg.Record) -> dict[str, Any]:
    job = dict(record)
    for name in ("options", "counts", "mapping", "detected", "columns"):
        job[name] = None if job[name] is None else orjson.loads(job[name])
    return job


async def _context(
    database: Database,
    tenant: str,
    job: dict[str, Any],
    run: str,
    assignment: dict[str, Any],
    stopping: asyncio.Event,
) -> Context:
    settings = await Tenants(database, assignment["default_region"]).settings(tenant)
    # That of the check: the company's may be another by now, and one file is read in one way.
    region = (job.get("detected") or {}).get("region") or job["options"].get("region")
    task = "undo" if job.get("undoing") else job["kind"]
    author = Author(
        job["agent_id"],
        job["device_id"],
        f"{task}.{job['id']}",
        "import" if job["kind"] == "import" else "job",
    )
    settings = replace(settings, region=region) if region else settings
    return Context(database, tenant, job, run, settings, author, stopping)


async def _work(context: Context) -> None:
    """Does the job, from where it is. Raises `Ended`, `Unavailable`, `FileFault`, `Invalid`."""
    job, mutation = context.job, context.author.mutation
    writer = Writer(context.database, context.tenant, job["id"], context.run, mutation)
    if job["done"]:
        await _refresh_last(context)
    if job["undoing"]:
        await _run_over(context, Undo(context, writer))
    elif job["kind"] == "update":
        await _run_over(context, _edit(context, writer))
    else:
        await _import(context, writer)


def _edit(context: Context, writer: Writer | None = None) -> Edit:
    return (Merge if "merge" in context.options else Edit)(context, writer)


async def _run_over(context: Context, task: Edit | Undo) -> None:
    """Runs what goes from contact to contact, whose number is told first."""
    job = context.job
    if job["total"] is None:
        total = await task.count()
        async with context.database.tenant(context.tenant) as connection:
            await connection.execute(
                queries.bulk.note_total, context.tenant, job["id"], context.run, total
            )
    await task.run(job["position"])


async def _import(context: Context, writer: Writer) -> None:
    job = context.job
    async with opened_file(context) as file:
        if job["total"] is None:
            total = file.check()
            async with context.database.tenant(context.tenant) as connection:
                await connection.execute(
                    queries.bulk.note_file,
                    *(context.tenant, job["id"], context.run),
                    *(_json(_detected(context, file)), _json(file.columns), _json(file.mapping)),
                    total,
                )
        else:
            file.know(job["columns"])
        judging = await judging_of(context, file, writes=True)
        await Import(context, file, judging, writer).run(job["done"])


@asynccontextmanager
async def opened_file(context: Context) -> AsyncIterator[ContactFile]:
    """The job's file, copied out of the database. Raises `FileFault`, `Unavailable`."""
    options, job = context.options, context.job
    _remove_orphans()
    with tempfile.NamedTemporaryFile(prefix=COPY_PREFIX) as copy:
        # As long as this process lives, which tells its copy from one that was left behind.
        fcntl.flock(copy, fcntl.LOCK_EX)
        part = 0
        async with context.database.tenant(context.tenant) as connection:
            while content := await connection.fetchval(
                queries.bulk.read_part, context.tenant, job["id"], part
            ):
                copy.write(content)
                part += 1
        copy.flush()
        yield open_contact_file(
            Path(copy.name),
            ReadOptions(
                format=options.get("format"),
                encoding=options.get("encoding"),
                delimiter=options.get("delimiter"),
                mapping=options.get("mapping"),
                file_name=job["file_name"],
                content_type=job["content_type"],
                region=context.settings.region,
            ),
        )


def _detected(context: Context, file: ContactFile) -> dict[str, Any]:
    """What a file was found to be, with the notes on how it was read, and by which region."""
    return {**file.detected, "notes": file.notes, "region": context.settings.region}


def _remove_orphans() -> None:
    """Removes the copies of processes that were killed: nobody holds their lock any more."""
    for path in Path(tempfile.gettempdir()).glob(f"{COPY_PREFIX}*"):
        try:
            found = path.lstat()
            if not stat.S_ISREG(found.st_mode) or time.time() - found.st_mtime < ORPHANED_SECONDS:
                # No copy of ours; or made just now, and maybe not locked yet.
                continue
            with path.open("rb") as copy:
                fcntl.flock(copy, fcntl.LOCK_EX | fcntl.LOCK_NB)
                path.unlink()
        except OSError:
            # In use, gone by now, or somebody else's.
            continue


async def _refresh_last(context: Context) -> None:
    """Search may not have what a run that was cut off wrote last."""
    async with context.database.tenant(context.tenant) as connection:
        last = await connection.fetch(
            queries.bulk.list_last_written,
            *(context.tenant, context.author.mutation, UNSEARCHED_ROWS),
        )
        ids = [record["id"] for record in last]
        await connection.execute(queries.bulk.refresh_search, context.tenant, [], ids)


def _json(value: object) -> str:
    return orjson.dumps(value).decode()


async def _answer(
    database: Database, assignment: dict[str, Any], stopping: asyncio.Event
) -> dict[str, Any]:
    """What a check or a preview finds; or the fault of the file, or an error."""
    job = assignment.get("preview") or assignment["check"]
    try:
        context = await _context(database, assignment["tenant"], job, "", assignment, stopping)
        if job["kind"] == "update":
            return await _edit(context).preview()
        async with opened_file(context) as file:
            if "preview" in assignment:
                return {**await preview_import(context, file), "detected": _detected(context, file)}
            total = file.check()
            found = {
                "detected": _detected(context, file),
                "columns": file.columns,
                "mapping": file.mapping,
            }
            return {**found, "total": total}
    except FileFault as fault:
        return {"fault": {"message": fault.message, "row": fault.row, "column": fault.column}}
    except FieldbookError as error:
        return {"error": error.to_wire()}
