"""Exports: contacts as a file, streamed out of the database as fast as the receiver takes them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import orjson
from nanoid import generate

from server.db.pool import Connection, Database, fetch_one
from server.db.queries import queries
from server.errors import Invalid, RateLimited
from server.files.model import MAX_COLUMNS
from server.files.writing import FORMATS, RAW_DELIMITER, RAW_QUOTE
from server.services.actors import Actor
from server.services.audit import log_action
from server.services.contacts import contact_filter

AT_ONCE = 2
"""How many run in a process: each holds a connection, for as long as its receiver is slow."""
EXPORT_SECONDS = 600
"""How long one may take, before it is cut; it also holds back the database's vacuum."""
RETRY_AFTER_MS = 5_000


@dataclass(frozen=True, slots=True)
class Export:
    """What is about to be sent: so many contacts, under this name."""

    total: int
    media_type: str
    file_name: str


class Receiver(Protocol):
    """Who takes the file. What these raise ends the export, and comes out of it."""

    async def begin(self, export: Export) -> None:
        """Called once, before the first piece; not at all when the export is refused."""

    async def write(self, piece: bytes) -> None:
        """Takes a piece, and as long over it as the receiver likes."""


class IncompleteExport(Exception):
    """Fewer or more contacts came than were counted in the same snapshot."""


class Exports:
    """Everybody who may read contacts may export them; each export enters the history."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._running: set[asyncio.Task[Any] | None] = set()

    async def write(
        self,
        tenant: str,
        query: dict[str, Any],
        receiver: Receiver,
        *,
        actor: Actor | None,
        origin: Literal["rest", "sql"] = "rest",
    ) -> Export:
        """Sends the contacts of `schemas.queries.EXPORT` to `receiver`, all of one snapshot.

        `query` may have `ids` instead of filters: those of them that are there.

        Raises `RateLimited` when enough run already, `Invalid` for more columns than a table can
        have, `Unavailable`, and what the receiver raises.
        """
        if len(self._running) >= AT_ONCE:
            raise RateLimited(
                f"{AT_ONCE} exports are under way. Try again when one is done.",
                retry_after_ms=RETRY_AFTER_MS,
            )
        task = asyncio.current_task()
        self._running.add(task)
        try:
            async with (
                self._database.tenant(tenant, patience=EXPORT_SECONDS) as connection,
                connection.transaction(isolation="repeatable_read", readonly=True),
            ):
                return await self._send(connection, tenant, query, receiver, actor, origin)
        finally:
            self._running.discard(task)

    def stop(self) -> None:
        """Cuts off what is under way, as the server stops: a slow client would keep it waiting."""
        for task in self._running:
            if task:
                task.cancel()

    async def _send(
        self,
        connection: Connection,
        tenant: str,
        query: dict[str, Any],
        receiver: Receiver,
        actor: Actor | None,
        origin: Literal["rest", "sql"],
    ) -> Export:
        file_format = FORMATS[query["format"]]
        await connection.execute(queries.export.allow_time, str(EXPORT_SECONDS * 1_000))
        plan = await fetch_one(
            connection,
            queries.export.plan_export,
            tenant,
            orjson.dumps(contact_filter(query)).decode(),
            query["format"],
        )
        header, total = plan["header"] or [], plan["total"]
        if len(header) > MAX_COLUMNS:
            raise Invalid(
                f"These contacts need {len(header):,} columns; a table can have {MAX_COLUMNS:,}. "
                "Export them as json or vcf, or fewer of them by a filter.",
                fields={"format": ["A table can't hold so many different fields."]},
            )
        await self._log(tenant, query, total, actor, origin)
        day = datetime.now(UTC).date().isoformat()
        export = Export(total, file_format.media_type, file_format.file_name.format(day=day))
        writer = file_format.writer(header)

        async def pass_on(chunk: bytes) -> None:
            await receiver.write(writer.feed(chunk))

        await receiver.begin(export)
        await receiver.write(writer.begin())
        status = await connection.copy_from_query(
            plan["query"],
            output=pass_on,
            timeout=EXPORT_SECONDS,
            format="csv",
            encoding="utf-8",
            quote=RAW_QUOTE if file_format.raw else None,
            escape=RAW_QUOTE if file_format.raw else None,
            delimiter=RAW_DELIMITER if file_format.raw else None,
        )
        if status != f"COPY {total}":
            raise IncompleteExport(f"{status} of {total} contacts")
        await receiver.write(writer.end())
        return export

    async def _log(
        self,
        tenant: str,
        query: dict[str, Any],
        total: int,
        actor: Actor | None,
        origin: Literal["rest", "sql"],
    ) -> None:
        """Enters the export into the history, before its first piece leaves.

        On a connection of its own: who breaks off the export shall not undo the entry.
        """
        asked = {name: value for name, value in query.items() if name not in ("format", "ids")}
        detail = {"format": query["format"], "filter": asked, "count": total}
        if "ids" in query:
            detail["ids"] = len(query["ids"])
        async with self._database.tenant(tenant) as connection:
            await log_action(
                connection, "export", "export", generate(), actor, detail, origin=origin
            )
