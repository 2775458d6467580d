"""Commit in groups: mutations that wait for one tenant share a transaction and its fsync."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import asyncpg
from loguru import logger

from server.db.pool import Database
from server.db.queries import queries
from server.errors import Conflict, FieldbookError, Internal, Invalid, Unavailable
from server.services.changes import ChangeSet
from server.services.group import Group
from server.services.mutations import Mutation, Outcome
from server.services.tenants import Tenants

GROUP_SIZE = 300
BACKLOG_ROWS = 100
"""After so many rows the search index is given what it put off: not under the lock, by a write that
finds the list full."""
Publish = Callable[[str, ChangeSet], None]


class Submission(NamedTuple):
    """Mutations that were handed in together, in order, and who waits for their outcomes."""

    mutations: list[Mutation]
    answer: asyncio.Future[list[Outcome]]


class Commits:
    """The one way into the synced tables: a queue a tenant, and one transaction at a time."""

    def __init__(self, database: Database, tenants: Tenants, publish: Publish) -> None:
        """`publish(tenant, change_set)` is called after each commit that changed something."""
        self._database = database
        self._tenants = tenants
        self._publish = publish
        self._queues: dict[str, deque[Submission]] = {}
        self._workers: dict[str, asyncio.Task[None]] = {}
        self._put_off = 0
        self._cleaning: asyncio.Task[None] | None = None

    def submit(self, tenant: str, mutations: list[Mutation]) -> asyncio.Future[list[Outcome]]:
        """Enqueues mutations of one tenant and gives the future of their outcomes, in order.

        Must stay synchronous: whoever calls in the order of arrival gets that order. The future
        raises `Unavailable` when nothing could be stored, or when it is not known.
        """
        answer: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()
        self._queues.setdefault(tenant, deque()).append(Submission(mutations, answer))
        if tenant not in self._workers:
            self._workers[tenant] = asyncio.create_task(self._work(tenant))
        return answer

    async def idle(self) -> None:
        """Waits until everything submitted so far is answered."""
        while self._workers:
            await asyncio.wait(self._workers.values())
        if self._cleaning:
            await asyncio.wait([self._cleaning])

    async def _work(self, tenant: str) -> None:
        queue = self._queues[tenant]
        try:
            while queue:
                await self._commit(tenant, _next_group(queue))
        finally:
            del self._workers[tenant]

    async def _commit(self, tenant: str, submissions: list[Submission]) -> None:
        mutations = [each for submission in submissions for each in submission.mutations]
        try:
            outcomes = await self._run_or_separate(tenant, mutations)
        except Unavailable as error:
            # With them those behind, who would wait as long again for the same lock or database;
            # nor may a later edit of a device be stored before an earlier one.
            queue = self._queues[tenant]
            _refuse([*submissions, *queue], error)
            queue.clear()
            return
        position = 0
        for submission in submissions:
            size = len(submission.mutations)
            _settle(submission, outcomes[position : position + size])
            position += size

    async def _run_or_separate(self, tenant: str, mutations: list[Mutation]) -> list[Outcome]:
        """One transaction for all; where that fails, one for each half, down to the culprit.

        Whoever waits must be answered and the queue go on, whatever the fault. Raises
        `Unavailable` when nothing was stored, or it is not known.
        """
        try:
            return await self._run(tenant, mutations)
        except Unavailable:
            raise
        except asyncpg.PostgresError as error:
            if len(mutations) == 1:
                return [Outcome(error=refusal(error))]
        except Exception:  # the last line of defence
            logger.exception("A group of {} writes failed", len(mutations))
            if len(mutations) == 1:
                return [Outcome(error=Internal())]
        middle = len(mutations) // 2
        first = await self._run_half(tenant, mutations[:middle])
        last = first[-1].error
        if isinstance(last, Unavailable):
            # The other half would wait as long again, and overtake this one.
            return first + [Outcome(error=last) for _ in mutations[middle:]]
        return first + await self._run_half(tenant, mutations[middle:])

    async def _run_half(self, tenant: str, mutations: list[Mutation]) -> list[Outcome]:
        """Like that, but raises nothing: the other half may be stored already."""
        try:
            return await self._run_or_separate(tenant, mutations)
        except Unavailable as error:
            return [Outcome(error=error) for _ in mutations]

    async def _run(self, tenant: str, mutations: list[Mutation]) -> list[Outcome]:
        settings = await self._tenants.settings(tenant)
        async with self._database.tenant(tenant) as connection, connection.transaction():
            group = Group(connection, tenant, settings)
            outcomes, change_set = await group.run(mutations)
        if change_set.rows:
            self._publish(tenant, change_set)
            self._clean_search(len(change_set.rows))
        return outcomes

    def _clean_search(self, rows: int) -> None:
        self._put_off += rows
        if self._put_off >= BACKLOG_ROWS and (self._cleaning is None or self._cleaning.done()):
            self._put_off = 0
            self._cleaning = asyncio.create_task(self._clean_search_backlog())

    async def _clean_search_backlog(self) -> None:
        try:
            async with self._database.any_tenant() as connection:
                await connection.execute(queries.contacts.clean_search_backlog)
        except Unavailable as error:
            # The list is bounded, and the next writes try again.
            logger.debug("The search index keeps what it put off: {}", error.details)


def refusal(error: asyncpg.PostgresError) -> FieldbookError:
    """What the database's refusal of one write means to the person who sent it."""
    if isinstance(error, asyncpg.exceptions.UniqueViolationError):
        field = "name" if (error.constraint_name or "").endswith("_name") else "id"
        return Conflict(fields={field: ["This is taken already; choose another."]})
    if isinstance(
        error, asyncpg.exceptions.DataError | asyncpg.exceptions.IntegrityConstraintViolationError
    ):
        logger.warning("A write was refused by the database: {}", error)
        return Invalid("The database refuses this value.")
    logger.opt(exception=error).error("A write failed")
    return Internal()


def _next_group(queue: deque[Submission]) -> list[Submission]:
    """Whole submissions from the front, up to GROUP_SIZE mutations, at least one."""
    group = [queue.popleft()]
    size = len(group[0].mutations)
    while queue and size + len(queue[0].mutations) <= GROUP_SIZE:
        group.append(queue.popleft())
        size += len(group[-1].mutations)
    return group


def _refuse(submissions: list[Submission], error: Unavailable) -> None:
    for submission in submissions:
        if not submission.answer.done():
            submission.answer.set_exception(error)


def _settle(submission: Submission, outcomes: list[Outcome]) -> None:
    # Who asked may have gone; its write is durable all the same.
    if not submission.answer.done():
        submission.answer.set_result(outcomes)
