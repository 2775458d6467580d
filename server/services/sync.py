"""Catching up: pages of changed rows, each one statement and so one snapshot."""

from __future__ import annotations

import asyncio
import base64
import binascii
from dataclasses import dataclass, replace
from typing import Any

import orjson

from server.db.pool import Database, fetch_one
from server.db.queries import queries
from server.errors import FieldbookError, Invalid, ResyncRequired
from server.schemas.fields import MAX_VERSION
from server.services.changes import Page, full_checksum, page_from_records

PAGE_BYTES = 250_000
"""Of rows in a page; with the frame around them it stays below 256 kB."""
PAGE_ROWS = 1_000
USUAL_ROW_BYTES = 400

PageKey = tuple[str, int, int, int, int, bool]


@dataclass(frozen=True, slots=True)
class Head:
    """A tenant's head, from one snapshot."""

    version: int
    epoch: str
    floor: int
    checksum: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Position:
    """How far a sync has come: what `resume` holds.

    `since` is the cursor that it began with, `after` the version up to which pages were read,
    `start` the head when it began, which bounds the tombstones of a first sync.
    """

    epoch: str
    since: int
    after: int
    start: int
    sent: int
    total: int

    def to_text(self) -> str:
        """The opaque string that a client sends back."""
        values = [self.epoch, self.since, self.after, self.start, self.sent, self.total]
        return base64.urlsafe_b64encode(orjson.dumps(values)).decode()

    @classmethod
    def from_text(cls, text: str) -> Position:
        """Raises `Invalid` when this is no `resume` of ours."""
        try:
            values = orjson.loads(base64.urlsafe_b64decode(text))
            epoch, *numbers = values
            if not isinstance(epoch, str) or len(numbers) != 5:
                raise ValueError
            if not all(type(each) is int and 0 <= each <= MAX_VERSION for each in numbers):
                raise ValueError
        except (ValueError, TypeError, binascii.Error):
            message = "This is no `resume` of this server. Leave it out to begin again."
            raise Invalid(fields={"resume": [message]}) from None
        return cls(epoch, *numbers)


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a sync and the position after it."""

    page: Page
    position: Position

    @property
    def to_come(self) -> int:
        """Rows still to come, this page's too, as counted at the start."""
        return max(self.position.total - self.position.sent + self.page.count, self.page.count)

    @property
    def remaining(self) -> int:
        """Rows still to come, as counted at the start; 0 exactly on the last page."""
        left = max(self.position.total - self.position.sent, 1)
        return left if self.page.has_more else 0

    def envelope(self, request_id: str | None) -> dict[str, Any]:
        """`sync_response` without its entities."""
        return {
            "epoch": self.page.epoch,
            "since": self.page.since,
            "until": self.page.until,
            "request_id": request_id,
            "has_more": self.page.has_more,
            "remaining": self.remaining,
            "resume": self.position.to_text(),
        }


class Pages:
    """Reads pages; requests for the same range that wait at the same time share one read."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._row_bytes: dict[str, float] = {}
        self._reading: dict[PageKey, asyncio.Task[Page]] = {}
        self._next: dict[PageKey, asyncio.Task[Page]] = {}

    async def head(self, tenant: str) -> Head:
        """The tenant's head. Raises `Unavailable`."""
        async with self._database.tenant(tenant) as connection:
            row = await fetch_one(connection, queries.sync.read_head, tenant)
        return Head(row["head"], row["epoch"], row["floor"], full_checksum(row["checksum"]))

    async def read(
        self,
        tenant: str,
        since: int,
        *,
        rows: int = PAGE_ROWS,
        size: int = PAGE_BYTES,
        tombstones_after: int = 0,
        detail: bool = False,
    ) -> Page:
        """Rows after `since`, from a snapshot that is not older than this call.

        Whoever comes while the same read runs waits for the next one, which all of them share:
        a read that was under way could have missed what the caller knows to be committed.
        """
        key = (tenant, since, rows, size, tombstones_after, detail)
        running = self._reading.get(key)
        if running is None:
            return await asyncio.shield(self._start(key))
        following = self._next.get(key)
        if following is None:
            following = self._next[key] = asyncio.create_task(self._follow(running, key))
        return await asyncio.shield(following)

    def _start(self, key: PageKey) -> asyncio.Task[Page]:
        task = self._reading[key] = asyncio.create_task(self._read(key))
        task.add_done_callback(lambda done: self._forget(key, done))
        return task

    def _forget(self, key: PageKey, done: asyncio.Task[Page]) -> None:
        if self._reading.get(key) is done:
            del self._reading[key]
        if not done.cancelled():
            # Seen here, so that a failure nobody waited for is not reported as forgotten.
            done.exception()

    async def _follow(self, running: asyncio.Task[Page], key: PageKey) -> Page:
        await asyncio.wait([running])
        self._next.pop(key, None)
        return await self._start(key)

    async def _read(self, key: PageKey) -> Page:
        tenant, since, rows, size, tombstones_after, detail = key
        # Rows beyond what fits would be read for nothing: a page of 640 of them took 8 ms with
        # a limit of 5,000, and 0.9 ms with one of 650.
        fitting = int(size / self._row_bytes.get(tenant, USUAL_ROW_BYTES) * 1.05) + 16
        async with self._database.tenant(tenant) as connection:
            records = await connection.fetch(
                queries.sync.read_page,
                *(tenant, since, min(rows, fitting), tombstones_after, size, detail),
            )
        page = page_from_records(records, since)
        if page.has_more:
            self._row_bytes[tenant] = max(page.size / page.count, 1)
        return page

    async def first(
        self, tenant: str, since: int, epoch: str | None, resume: str | None, rows: int
    ) -> Step:
        """The first page of a `sync_request`, or the one after `resume`.

        Raises `Invalid` (a `resume` of another sync) and `ResyncRequired`.
        """
        if resume:
            position = Position.from_text(resume)
            # A catch-up moves the cursor with each page, a first sync only at its end.
            began_here = position.since == since or 0 < position.since < since <= position.after
            if not began_here or (since and epoch not in (None, position.epoch)):
                message = "This `resume` belongs to a sync that began elsewhere."
                raise Invalid(fields={"resume": [message]})
            return await self.next(tenant, position, rows)
        # A first sync needs no tombstone of before its start, which is the head of this page.
        tombstones_after = since if since else MAX_VERSION
        page = await self.read(tenant, since, rows=rows, tombstones_after=tombstones_after)
        position = Position(
            epoch=epoch if since and epoch is not None else page.epoch,
            since=since,
            after=since,
            start=page.head if since == 0 else since,
            sent=0,
            total=0,
        )
        _refuse_stale(page, position)
        if not page.has_more:
            total = page.count
        elif since == 0:
            total = sum(entity["count"] for entity in page.checksum.values())
        else:
            async with self._database.tenant(tenant) as connection:
                total = await connection.fetchval(queries.sync.count_rows, tenant, since, since)
        return _step(page, replace(position, total=total))

    async def next(self, tenant: str, position: Position, rows: int) -> Step:
        """The page after a position. Raises `ResyncRequired` when it can't be gone on from."""
        tombstones_after = position.start if position.since == 0 else position.after
        page = await self.read(tenant, position.after, rows=rows, tombstones_after=tombstones_after)
        _refuse_stale(page, position)
        return _step(page, position)

    async def delta(
        self,
        tenant: str,
        *,
        since: int,
        limit: int = PAGE_ROWS,
        epoch: str | None = None,
        resume: str | None = None,
    ) -> str:
        """One page as `GET /api/sync/delta` answers it: what `sync_response` holds, as JSON."""
        step = await self.first(tenant, since, epoch, resume, limit)
        return orjson.dumps({**step.envelope(None), **step.page.members}).decode()


def _step(page: Page, position: Position) -> Step:
    return Step(page, replace(position, after=page.until, sent=position.sent + page.count))


def _refuse_stale(page: Page, position: Position) -> None:
    """Holds a position against the head of a page's own snapshot."""
    if position.epoch != page.epoch:
        raise _resync("epoch", page)
    if position.after > page.head:
        raise _resync("ahead", page)
    # A first sync was sent no tombstones of before its start, so it misses none of them.
    oldest = position.start if position.since == 0 else position.after
    if oldest < page.floor:
        raise _resync("expired", page)


def _resync(reason: str, page: Page) -> FieldbookError:
    details: dict[str, Any] = {"reason": reason, "floor": page.floor, "epoch": page.epoch}
    return ResyncRequired(**details)
