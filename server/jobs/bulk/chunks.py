"""Chunks of a job: planned rows on their way into the database, sized by the time they take."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import orjson
from loguru import logger

from server.db.pool import Connection, Database, fetch_one
from server.db.queries import queries
from server.jobs.bulk.namesakes import Key
from server.jobs.bulk.planning import Plan, Planner
from server.services.entities import Fields

LOCK_MS = 14.0
"""Of work under the lock at most, where it can be helped; with the commit, mostly below 20 ms."""
ALONE_MS, SHARED_MS = 11.0, 5.0
"""Of work under the lock that a chunk is made for: more of it while nobody else writes."""
OTHERS_MS = 1.0
"""Who waited longer for the lock is not alone."""
COLD_ROWS = 10
"""Of the first chunk: at its first call a connection reads functions and plans their queries, under
the lock, which takes as long as some dozens of rows."""
FIRST_ROWS = 100
LEAST_ROWS = 25
MOST_ROWS = 1_000
STEPS = 2
"""A chunk is written in so many steps, so that a slow one can end early."""


class Ended(Exception):
    """The job was cancelled, or another run of it has begun: `verdict` says which."""

    def __init__(self, verdict: str) -> None:
        self.verdict = verdict
        super().__init__(verdict)


@dataclass(slots=True)
class Step:
    """Rows that are written together; the same as `write_bulk_chunk` takes it."""

    rows: int = 0
    position: str | None = None
    counts: Counter[str] = field(default_factory=Counter)
    created: dict[str, Fields] = field(default_factory=dict)
    changed: dict[str, Fields] = field(default_factory=dict)
    findings: list[Fields] = field(default_factory=list)

    def add(self, planner: Planner, plan: Plan) -> None:
        """Adds the contact of a plan; one that is there already is written once, as it is last."""
        assert plan.row is not None
        record = planner.record(plan)
        written = self.created.get(plan.row.id) or self.changed.get(plan.row.id)
        if written:
            record["stamps"] = {**written["stamps"], **plan.stamps}
        place = (
            self.created
            if plan.outcome == "created" or plan.row.id in self.created
            else self.changed
        )
        place[plan.row.id] = record

    def to_json(self) -> str:
        """Its JSON, without what is empty."""
        whole: dict[str, Any] = {"rows": self.rows, "counts": self.counts}
        if self.position is not None:
            whole["position"] = self.position
        for name, records in (("created", self.created), ("changed", self.changed)):
            if records:
                whole[name] = list(records.values())
        if self.findings:
            whole["findings"] = self.findings
        return orjson.dumps(whole).decode()


@dataclass(slots=True)
class Chunk:
    """Steps that were judged by what stood at `head`, and what that judgement rests on.

    `asked` are the keys by which its rows were matched, `names` what is shown of those that have
    none; `given` are the keys of the contacts as it writes them.
    """

    head: int
    steps: list[Step]
    ids: set[str] = field(default_factory=set)
    asked: set[Key] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    given: set[Key] = field(default_factory=set)
    label_ids: set[str] = field(default_factory=set)

    def asked_by(self, *kinds: str) -> list[str]:
        """The values of the keys of these kinds by which rows were matched."""
        return [value for kind, value in self.asked if kind in kinds]

    def bears_on(self, later: Chunk) -> bool:
        """Whether rows of a later chunk may mean what this one writes."""
        return not (self.ids.isdisjoint(later.ids) and self.given.isdisjoint(later.asked))

    @property
    def rows(self) -> int:
        """How many rows are in its steps."""
        return sum(step.rows for step in self.steps)


Judge = Callable[[int, int, str | None], Awaitable[Chunk]]
"""`judge(left, count, refusal)` judges `count` rows anew, which begin `left` before the chunk's
end. With a `refusal` they become errors that say so."""

REFUSED = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
REFUSAL = "The database refuses this row. Leave out what is unusual in it, or tell your admin."


class Writer:
    """Writes one chunk at a time, while the caller prepares the next."""

    def __init__(self, database: Database, tenant: str, job: str, run: str, mutation: str) -> None:
        self._database = database
        self._tenant = tenant
        self._job = job
        self._run = run
        self._mutation = mutation
        self._writing: asyncio.Task[None] | None = None
        self._refreshing: asyncio.Task[None] | None = None
        self._refreshed: set[str] = set()
        self._connection: Connection
        self._searching: Connection
        self.rows_at_once = COLD_ROWS
        self._cold = True
        self.under_way: Chunk | None = None

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Lets it write, on connections of its own; afterwards nothing is under way any more.

        They are not taken anew for each chunk: that takes several turns of the loop, which is busy
        with the next rows meanwhile. Raises `Unavailable`, also for what is done inside.
        """
        async with (
            self._database.tenant(self._tenant) as self._connection,
            self._database.tenant(self._tenant) as self._searching,
        ):
            try:
                yield
            finally:
                await self._abandon()

    async def write(self, chunk: Chunk, judge: Judge) -> None:
        """Begins to write a chunk, when the one before is done; `judge` is for when it is stale.

        Raises `Ended` and `Unavailable`, for the chunk before, too.
        """
        await self.settle()
        self.under_way = chunk
        self._writing = asyncio.create_task(self._write(chunk, judge))
        # So that it is on its way before the caller goes on with its own work.
        await asyncio.sleep(0)

    async def settle(self) -> None:
        """Waits until nothing is under way. Raises what `write` does."""
        if self._writing:
            try:
                await self._writing
            finally:
                self._writing = self.under_way = None

    async def finish(self) -> None:
        """Waits until all is written, and search has all of it. Raises what `write` does."""
        await self.settle()
        if self._refreshing:
            await self._refreshing
        await self._searching.execute(queries.contacts.clean_search_backlog)

    async def _abandon(self) -> None:
        """Ends what is under way, whatever becomes of it; search still gets what was written."""
        if self._writing:
            self._writing.cancel()
            await asyncio.wait([self._writing])
            self._writing = self.under_way = None
        if self._refreshing:
            await asyncio.wait([self._refreshing])

    async def _refresh_search(self, created: list[str], changed: list[str]) -> None:
        await self._searching.execute(queries.bulk.refresh_search, self._tenant, created, changed)

    async def _write(self, chunk: Chunk, judge: Judge) -> None:
        """Writes all rows of a chunk, in parts where it must be.

        What is stale is judged anew. What the database refuses is halved until the one row is found
        that is to blame: it alone becomes an error.
        """
        left = size = chunk.rows
        while left:
            if not chunk.steps:
                chunk = self._keep(await judge(left, min(size, left), None))
            await self._let_search_pass(chunk)
            try:
                record = await self._send(chunk)
            except REFUSED as error:
                logger.warning("The database refused a bulk job's rows: {}", error)
                size = chunk.rows // 2
                chunk.steps.clear()
                if size == 0:
                    chunk = self._keep(await judge(left, 1, REFUSAL))
                continue
            if record["verdict"] == "stale":
                # Somebody else wrote to what it is about.
                chunk.steps.clear()
                continue
            if record["verdict"] != "written":
                raise Ended(record["verdict"])
            written = chunk.steps[: record["done"]]
            chunk.steps = chunk.steps[record["done"] :]
            rows = sum(step.rows for step in written)
            left -= rows
            # Beyond the one to blame, larger parts will do again.
            size = max(1, 2 * size)
            created = [each for step in written for each in step.created]
            changed = [each for step in written for each in step.changed]
            shared = record["waited"] > OTHERS_MS
            self._learn(len(created) + len(changed), rows, record["held"], shared)
            if shared:
                # Devices write, too: as long for them as for the job.
                await asyncio.sleep(record["held"] / 1_000)
            if created or changed:
                # Beside the next chunk, and one at a time: it must not fall behind.
                if self._refreshing:
                    await self._refreshing
                self._refreshing = asyncio.create_task(self._refresh_search(created, changed))
                self._refreshed = {*created, *changed}

    async def _let_search_pass(self, chunk: Chunk) -> None:
        """Waits for search where it is about contacts that the chunk changes.

        Each locks them in an order of its own: they would wait for each other for a second, the
        tenant's lock held.
        """
        if self._refreshing and any(self._refreshed & step.changed.keys() for step in chunk.steps):
            await self._refreshing

    async def _send(self, chunk: Chunk) -> asyncpg.Record:
        return await fetch_one(
            self._connection,
            queries.bulk.write_chunk,
            *(self._job, self._run, self._mutation, chunk.head),
            *(list(chunk.ids), chunk.asked_by("email", "phone"), chunk.asked_by("external_id")),
            *(list(chunk.names), list(chunk.label_ids)),
            [step.to_json() for step in chunk.steps],
            LOCK_MS,
        )

    def _keep(self, chunk: Chunk) -> Chunk:
        """Adds what a part rests on to what the whole chunk under way does."""
        if self.under_way:
            self.under_way.ids |= chunk.ids
            self.under_way.given |= chunk.given
        return chunk

    def _learn(self, contacts: int, rows: int, held: float, shared: bool) -> None:
        """Sizes the next chunk by what this one took, and smaller while others write."""
        if contacts == 0:
            self.rows_at_once = min(MOST_ROWS, self.rows_at_once * 2)
            return
        if self._cold:
            # What it took says nothing about the next.
            self._cold = False
            self.rows_at_once = max(FIRST_ROWS, self.rows_at_once)
            return
        target = SHARED_MS if shared else ALONE_MS
        if rows < LEAST_ROWS and held <= target:
            # Most of that is what any chunk takes.
            return
        fitting = int(rows * target / max(held, 0.1))
        # Part of the way up: one quick moment of the machine says little. At once down.
        wanted = min(fitting, self.rows_at_once + max(self.rows_at_once // 8, 8))
        self.rows_at_once = max(LEAST_ROWS, min(MOST_ROWS, wanted))
