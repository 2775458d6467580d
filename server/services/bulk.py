"""Bulk jobs, which are imports and edits of many contacts: shown, cancelled and undone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import orjson

from server.db.pool import Connection, Database
from server.db.queries import queries
from server.errors import Conflict, Forbidden, Invalid, NotFound
from server.services.actors import LEADERS, Actor
from server.services.audit import log_action
from server.services.bulk_wire import COUNTS, finding_to_wire, job_to_wire, loaded
from server.services.failed_rows import FailedRows
from server.services.lists import (
    CURSOR_FAULT,
    cut_page,
    number_in_cursor,
    read_cursor,
    write_cursor,
)

STARTERS = (*LEADERS, "api")
"""Who starts jobs, and sees those of others."""
LISTED = 100
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OVER = ("done", "failed", "cancelled")


class BulkJobs:
    """What became of jobs; their owner and those who may start some see and command them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, actor: Actor, job_id: str, kind: str | None = None) -> dict[str, Any]:
        """A job with the first of its errors, conflicts and what an undo left.

        Of this `kind` alone, where one is given. Raises `NotFound`, `Forbidden`.
        """
        async with self._database.tenant(actor.tenant) as connection:
            job = job_to_wire(await _read(connection, actor, job_id, kind))
            options = await connection.fetchval(
                queries.bulk_jobs.read_options, actor.tenant, job_id
            )
            job["options"] = orjson.loads(options)
            for name, found in (("errors", "error"), ("conflicts", "conflict"), ("left", "left")):
                records = await connection.fetch(
                    queries.bulk.list_findings, actor.tenant, job_id, found, 0, LISTED
                )
                job[name] = [finding_to_wire(dict(record)) for record in records]
        return job

    async def progress(self, tenant: str, job_id: str) -> dict[str, Any] | None:
        """A job as `job_progress` tells it; None when there is none. Raises `Unavailable`."""
        async with self._database.tenant(tenant) as connection:
            record = await connection.fetchrow(queries.bulk_jobs.read_shown, tenant, job_id)
        return job_to_wire(record) if record else None

    async def recent(self, tenant: str) -> Sequence[str]:
        """The jobs that are not over, or only just. Raises `Unavailable`."""
        async with self._database.tenant(tenant) as connection:
            records = await connection.fetch(queries.bulk_jobs.list_recent, tenant)
        return [record["id"] for record in records]

    async def list(
        self, actor: Actor, query: Mapping[str, Any], kind: str | None = None
    ) -> dict[str, Any]:
        """A page of jobs, newest first: `{"items", "next_cursor", "total"}`.

        Those who may start none see only what is theirs. `query` is what
        `schemas.bulk.JOB_LIST` gave. Raises `Invalid` for a bad cursor.
        """
        kind = kind or query.get("kind")
        order = ["bulk_jobs", kind]
        after = read_cursor(query.get("cursor"), order)
        whose = None if actor.role in STARTERS else actor.agent_id
        limit = query["limit"]
        async with self._database.tenant(actor.tenant) as connection:
            total = await connection.fetchval(queries.bulk.count_jobs, actor.tenant, whose, kind)
            records = await connection.fetch(
                queries.bulk_jobs.list_shown,
                *(actor.tenant, whose, kind, _moment(after.sort_key), after.id),
                *(query.get("offset", 0), limit + 1),
            )
        page, last = cut_page(records, limit)
        cursor = None
        if last:
            since = (last["created_at"] - EPOCH) // timedelta(microseconds=1)
            cursor = write_cursor(order, str(since), last["id"])
        items = [job_to_wire(record) for record in page]
        return {"items": items, "next_cursor": cursor, "total": total}

    async def findings(
        self, actor: Actor, job_id: str, found: str, query: Mapping[str, Any], kind: str | None
    ) -> dict[str, Any]:
        """A page of a job's findings, which are `conflict` or `left`, in the order of the rows.

        `query` is what `schemas.requests.HISTORY` gave. Raises `NotFound`, `Forbidden`, `Invalid`.
        """
        order = ["bulk_findings", job_id]
        after = number_in_cursor(read_cursor(query.get("cursor"), order).sort_key)
        limit = query["limit"]
        async with self._database.tenant(actor.tenant) as connection:
            await _read(connection, actor, job_id, kind)
            total = await connection.fetchval(
                queries.bulk_jobs.count_findings, actor.tenant, job_id, found
            )
            records = await connection.fetch(
                queries.bulk.list_findings, actor.tenant, job_id, found, after or 0, limit + 1
            )
        page, last = cut_page(records, limit)
        cursor = write_cursor(order, str(last["id"]), "") if last else None
        items = [finding_to_wire(dict(record)) for record in page]
        return {"items": items, "next_cursor": cursor, "total": total}

    async def cancel(self, actor: Actor, job_id: str, kind: str | None = None) -> dict[str, Any]:
        """Ends a job that waits, and one that runs after its chunk; what was written stays.

        Raises `NotFound`, `Forbidden`, and `Conflict` when there is nothing to stop.
        """
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            record = await _read(connection, actor, job_id, kind)
            state = await connection.fetchval(queries.bulk.cancel_job, actor.tenant, job_id)
            if state is None:
                raise Conflict(_not_to_cancel(record))
            if state == "cancelled":
                await connection.execute(queries.bulk.delete_parts, actor.tenant, job_id)
            elif record["cancelling"]:
                # Asked twice: whoever ran it may be gone, like a command that was killed.
                await enqueue(connection, actor.tenant, job_id)
            await log_action(connection, "cancel", "job", job_id, actor, _named(record))
        return await self.get(actor, job_id)

    async def undo(self, actor: Actor, job_id: str, kind: str | None = None) -> dict[str, Any]:
        """Has a job that is over taken back, by a job of its own.

        Raises `NotFound`, `Forbidden`, and `Conflict` when there is nothing to undo.
        """
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            record = await _begin_undo(connection, actor, job_id, kind)
            await enqueue(connection, actor.tenant, job_id)
            await log_action(connection, "undo", "job", job_id, actor, _named(record))
        return await self.get(actor, job_id)

    async def enter_undo(self, actor: Actor, job_id: str) -> None:
        """The same for a caller who runs it: no worker takes it. Raises what `undo` does."""
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            record = await _begin_undo(connection, actor, job_id, None)
            detail = _named(record)
            await log_action(connection, "undo", "job", job_id, actor, detail, origin="sql")

    async def errors(
        self, actor: Actor, job_id: str, kind: str | None = None
    ) -> tuple[str, AsyncIterator[bytes]]:
        """The rows that failed, in the form of the file they came in: its name, and its bytes.

        Raises `NotFound`, `Forbidden`; while it is read, `Unavailable`.
        """
        async with self._database.tenant(actor.tenant) as connection:
            record = await _read(connection, actor, job_id, kind)
        detected = loaded(record["detected"])
        if detected is None and record["kind"] == "import":
            # It failed before it was known what it is: there are no rows to give back.
            detected = {"format": "csv", "delimiter": ","}
        failed = FailedRows(
            detected,
            loaded(record["columns"]) or [],
            loaded(record["mapping"]) or {},
        )
        name = failed.file_name(record["file_name"])
        return name, failed.read(self._database, actor.tenant, job_id)


def refuse_others(actor: Actor) -> None:
    """Raises `Forbidden` for those who may start no job."""
    if actor.role not in STARTERS:
        raise Forbidden("Imports and bulk edits are for managers and admins. Ask one of them.")


async def enqueue(connection: Connection, tenant: str, job_id: str) -> None:
    """Has a job run, in the transaction that made it or brought it forward."""
    payload = orjson.dumps({"tenant": tenant, "job": job_id}).decode()
    place = await connection.fetchval(queries.jobs.enqueue_job, "bulk_job", payload)
    await connection.execute(queries.jobs.stand_behind, place, tenant)


async def _read(
    connection: Connection, actor: Actor, job_id: str, kind: str | None
) -> asyncpg.Record:
    record = await connection.fetchrow(queries.bulk_jobs.read_shown, actor.tenant, job_id)
    if record is None or kind not in (None, record["kind"]):
        raise NotFound(f"There is no {kind or 'job'} with the id {job_id}.")
    if actor.role not in STARTERS and record["agent_id"] != actor.agent_id:
        raise Forbidden("This is a colleague's. Ask a manager or an admin.")
    return record


async def _begin_undo(
    connection: Connection, actor: Actor, job_id: str, kind: str | None
) -> asyncpg.Record:
    refuse_others(actor)
    record = await _read(connection, actor, job_id, kind)
    if record["state"] in OVER and not _wrote(record):
        raise Conflict("It changed no contact, so there is nothing to undo.")
    if await connection.fetchval(queries.bulk.begin_undo, actor.tenant, job_id) is None:
        raise Conflict(_not_to_undo(record))
    return record


def _named(record: asyncpg.Record) -> dict[str, Any]:
    """What the audit log says of a job."""
    return {"kind": record["kind"], "file_name": record["file_name"]}


def _moment(text: str | None) -> datetime | None:
    microseconds = number_in_cursor(text)
    if microseconds is None:
        return None
    try:
        return EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        raise Invalid(fields={"cursor": [CURSOR_FAULT]}) from None


def _wrote(record: asyncpg.Record) -> bool:
    told = {*COUNTS, "photos"} - {"created", "updated"}
    return any(count for name, count in loaded(record["counts"]).items() if name not in told)


def _not_to_cancel(record: asyncpg.Record) -> str:
    if record["undoing"] and record["state"] in ("queued", "running"):
        return "It is being undone, which can't be stopped half-way."
    return f"It is over ({record['state']}), so there is nothing to cancel."


def _not_to_undo(record: asyncpg.Record) -> str:
    if record["state"] == "undone":
        return "It was undone already."
    if record["undoing"]:
        return "It is being undone already."
    return "It is not over yet: cancel it, or wait for its end, then undo it."
