"""`python -m server import FILE`: an import from the command line, beside a server or without."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from server.commands.common import CommandError, find_tenants, running_services
from server.commands.database import migrate_database
from server.commands.import_report import Bar, describe_end, describe_preview, one_line
from server.commands.telling import say
from server.db.pool import Database
from server.db.queries import queries
from server.errors import FieldbookError, Unavailable
from server.jobs.bulk_process import BulkProcesses
from server.jobs.run import Interrupted, Run
from server.logs import set_up_logging
from server.schemas.bulk import FORMATS, IMPORT_OPTIONS, MODES, ON_EMPTY
from server.schemas.queries import parse_query
from server.services.actors import Actor
from server.services.bulk import STARTERS, BulkJobs
from server.services.imports import Imports
from server.services.uploads import FileInfo
from server.settings import Settings

ROWS_FAILED = 1
NOT_IMPORTED = 2
STOPPED = 130
PIECE_BYTES = 1_000_000
LOOK_SECONDS = 0.2
OPTIONS = ("mode", "match", "on_empty", "region", "format", "encoding", "delimiter", "mapping")
Value = TypeVar("Value")


def import_contacts(arguments: list[str]) -> int:
    """Imports a file, goes on with an import, or takes one back.

    Gives 0, 1 when rows failed, 2 when the file can't be imported, 130 when it was stopped.
    """
    chosen = _read_arguments(arguments)
    if not (chosen.yes or chosen.dry_run or sys.stdin.isatty()):
        say("There is no terminal to ask in: add --yes, or --dry-run.", out=sys.stderr)
        return NOT_IMPORTED
    settings = Settings.from_environment()
    set_up_logging(settings)
    with running_services(settings, alone=False) as services:
        try:
            return asyncio.run(_run(services.database_url, settings, chosen))
        except Unavailable:
            raise
        except FieldbookError as error:
            say(_said(error), out=sys.stderr)
            return NOT_IMPORTED


def _read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m server import",
        description="Import contacts from a CSV, XLSX, JSON or vCard file, beside a running server "
        "or without one: it shows what would happen, asks, and imports. Ends with 1 when rows "
        "failed, with 2 when the file can't be imported.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("file", nargs="?", type=Path, metavar="FILE")
    what.add_argument("--undo", metavar="JOB", help="take an import or a bulk edit back")
    what.add_argument("--resume", metavar="JOB", help="go on with a job that was stopped")
    parser.add_argument("--dry-run", action="store_true", help="show what would happen, and end")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--mode", choices=MODES, help="what becomes of rows (default: upsert)")
    parser.add_argument("--match", help="by what contacts are found: external_id,email,phone")
    parser.add_argument("--on-empty", choices=ON_EMPTY, help="of empty cells (default: keep)")
    parser.add_argument("--mapping", metavar="JSON", help='{"column": "field", "other": null}')
    parser.add_argument("--region", help="where phones without a country code are: CH")
    parser.add_argument("--format", choices=FORMATS, help="unless it is recognised")
    parser.add_argument("--encoding", help="unless it is recognised: cp1250, mac-roman, …")
    parser.add_argument("--delimiter", help="unless it is recognised: comma, semicolon, tab, pipe")
    parser.add_argument("--errors", type=Path, metavar="PATH", help="where rows that failed go")
    parser.add_argument("--agent", metavar="CODE", help="in whose name (default: the only admin)")
    parser.add_argument("--tenant", default="default", help="whose (default: default)")
    return parser.parse_args(list(_with_ids_attached(arguments)))


def _with_ids_attached(arguments: list[str]) -> Iterator[str]:
    """`--undo ID` as `--undo=ID`: one id in 64 begins with a dash, and argparse takes it for an
    option.
    """
    rest = iter(arguments)
    for argument in rest:
        job_id = next(rest, None) if argument in ("--undo", "--resume") else None
        yield argument if job_id is None else f"{argument}={job_id}"


async def _run(database_url: str, settings: Settings, chosen: argparse.Namespace) -> int:
    await migrate_database(database_url)
    database = await Database.connect(database_url, size=4)
    stopping = asyncio.Event()
    # From here on Ctrl-C stops after what is under way, which can be gone on with.
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    try:
        actor = await _actor(database, chosen.tenant, chosen.agent)
        command = Command(
            actor,
            database,
            BulkJobs(database),
            BulkProcesses(database_url, settings.default_region),
            stopping,
            chosen,
        )
        if chosen.undo:
            return await command.undo(chosen.undo)
        if chosen.resume:
            return await command.perform(chosen.resume)
        return await command.import_file(chosen.file, settings.import_max_bytes)
    except Interrupted:
        say("Stopped; nothing was written.", out=sys.stderr)
        return STOPPED
    finally:
        await database.close()


async def _actor(database: Database, tenant: str, code: str | None) -> Actor:
    """Who imports. Raises `CommandError`."""
    await find_tenants(database, tenant)
    async with database.tenant(tenant) as connection:
        agents = await connection.fetch(queries.bulk.list_authors, tenant)
    able = [each for each in agents if each["role"] in STARTERS and not each["disabled"]]
    found = [
        each
        for each in able
        if (each["code"].lower() == code.lower() if code else each["role"] == "admin")
    ]
    if len(found) != 1:
        codes = ", ".join(sorted(each["code"] for each in able)) or "none yet; start the server"
        raise CommandError(f"Say in whose name to import by --agent CODE. There are: {codes}.")
    agent = found[0]
    return Actor(tenant, agent["id"], agent["code"], agent["name"], agent["role"])


@dataclass(slots=True)
class Command:
    """One call of the command."""

    actor: Actor
    database: Database
    jobs: BulkJobs
    processes: BulkProcesses
    stopping: asyncio.Event
    chosen: argparse.Namespace

    async def import_file(self, path: Path, most_bytes: int) -> int:
        """Shows, asks, imports. Raises `Invalid`, `TooLarge`, `Interrupted`."""
        asked = parse_query(
            IMPORT_OPTIONS,
            [(name, value) for name in OPTIONS if (value := getattr(self.chosen, name))],
        )
        imports = Imports(self.database, most_bytes, self.processes.preview, self.processes.check)
        async with imports.uploading(self.actor) as upload:
            try:
                upload.refuse_size(_size_of(path))
                await self._unless_stopped(upload.receive(_pieces(path)))
            except OSError as error:
                raise CommandError(f"{path} can't be read: {error.strerror}.") from None
            file = FileInfo.of(path.name)
            preview = await self._unless_stopped(imports.preview(self.actor, upload, file, asked))
            say(describe_preview(preview))
            if self.chosen.dry_run:
                return ROWS_FAILED if preview["counts"]["errors"] else 0
            if not self.chosen.yes and not await self._confirmed():
                say("Nothing was imported.")
                return NOT_IMPORTED
            job_id = await imports.enter(self.actor, upload, file, asked)
        return await self.perform(job_id)

    async def undo(self, job_id: str) -> int:
        """Takes a job back. Raises `NotFound`, `Conflict`."""
        job = await self.jobs.get(self.actor, job_id)
        counts = job["counts"]
        what = one_line(job["file_name"] or "A bulk edit")
        say(
            f"{what} of {job['created_at']}: "
            f"{counts['created']:,} created, {counts['updated']:,} updated"
        )
        if not self.chosen.yes and not await self._confirmed("Take this back?"):
            return NOT_IMPORTED
        await self.jobs.enter_undo(self.actor, job_id)
        return await self.perform(job_id)

    async def perform(self, job_id: str) -> int:
        """Runs a job to its end, in a process of its own as a server does, and says what came."""
        await self.jobs.get(self.actor, job_id)
        running = asyncio.create_task(self._run_job(job_id))
        bar = Bar(sys.stderr)
        while not running.done():
            await asyncio.wait((running,), timeout=LOOK_SECONDS)
            # While the database is away, its process waits, and so do we.
            with suppress(Unavailable):
                bar.show(await self.jobs.get(self.actor, job_id))
        bar.end()
        try:
            await running
            job = await self.jobs.get(self.actor, job_id)
        except Unavailable as error:
            raise CommandError(f"{error.message} {_how_to_go_on(job_id)}") from None
        if job["state"] in ("queued", "running"):
            progress = job["progress"]
            say(f"Stopped after {progress['done']:,} of {progress['total'] or '?'} rows.")
            say(_how_to_go_on(job_id))
            return STOPPED
        failed = job["state"] != "undone" and job["counts"]["errors"]
        trouble = path = None
        if failed:
            try:
                path = await self._write_errors(job)
            except OSError as error:
                trouble = error
        say(describe_end(job, path))
        if trouble:
            address = f"/api/bulk/jobs/{job_id}/errors"
            say(
                f"{trouble.filename} can't be written: {trouble.strerror}. The server gives the "
                f"rows that failed, too: GET {address}",
                out=sys.stderr,
            )
        if job["state"] in ("failed", "cancelled"):
            return NOT_IMPORTED
        return ROWS_FAILED if failed else 0

    async def _run_job(self, job_id: str) -> None:
        payload = {"tenant": self.actor.tenant, "job": job_id}
        while True:
            try:
                async with self.database.tenant(self.actor.tenant) as connection:
                    await self.processes.run_job(Run(connection, payload, self.stopping))
            except Interrupted:
                return
            except RuntimeError as error:
                # It is counted: after a few of these the job has failed.
                say(f"{error}; it is started again.", out=sys.stderr)
            else:
                return

    async def _write_errors(self, job: dict[str, Any]) -> Path:
        """Where the rows that failed are. Raises OSError."""
        name, pieces = await self.jobs.errors(self.actor, job["id"])
        path: Path | None = self.chosen.errors
        if path is None:
            beside = self.chosen.file.parent if self.chosen.file else Path()
            path = _free(beside / name)
        with path.open("wb") as file:
            async for piece in pieces:
                file.write(piece)
        return path

    async def _confirmed(self, question: str = "Import this?") -> bool:
        """Whether the person says yes. Raises `Interrupted` for Ctrl-C."""
        if not say(f"{question} [y/N] ", end=""):
            return False
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[str] = loop.create_future()

        def read() -> None:
            line = sys.stdin.readline()
            # Somebody may have pasted more than one.
            if not answer.done():
                answer.set_result(line)

        loop.add_reader(sys.stdin, read)
        try:
            said = await self._unless_stopped(answer)
        finally:
            loop.remove_reader(sys.stdin)
        return said.strip().lower() in ("y", "yes")

    async def _unless_stopped(self, work: Awaitable[Value]) -> Value:
        """What `work` gives. Raises `Interrupted`, and ends it, when Ctrl-C comes first."""
        task = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self.stopping.wait())
        try:
            await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                task.cancel()
                await asyncio.wait((task,))
                raise Interrupted
            return task.result()
        finally:
            stopped.cancel()


def _how_to_go_on(job_id: str) -> str:
    return f"Go on by: python -m server import --resume {job_id}"


def _free(path: Path) -> Path:
    """This path, or one like it: somebody may be mending the rows that failed before."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_stem(f"{path.stem}-{number}")
    return free


def _size_of(path: Path) -> int:
    return path.stat().st_size


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE_BYTES):
            yield piece


def _said(error: FieldbookError) -> str:
    """An error by lines: what it names, and what is wrong with it."""
    named = [
        f"--{path.replace('_', '-')}: {message}"
        for path, messages in (error.fields or {}).items()
        for message in messages
        if path != "file"
    ]
    return "\n".join(named) or error.message
