"""A merge's run: an edit of all contacts that carry the one label, and then its deletion."""

from __future__ import annotations

from typing import Any

import asyncpg

from server.db.pool import Connection, fetch_one
from server.db.queries import queries
from server.errors import Invalid
from server.jobs.bulk.chunks import Chunk, Ended, Writer
from server.jobs.bulk.context import Context
from server.jobs.bulk.label_rows import set_deleted
from server.jobs.bulk.planning import Plan
from server.jobs.bulk.updating import Edit
from server.services.entities import BY_PLURAL, CONTACTS, Fields
from server.services.merging import DELETED, RowState
from server.services.records import row_state

DELETED_LABELS = '{"labels": 1}'
"""Counted, so that a merge of what no contact carries can be undone, too."""


class Merge(Edit):
    """One run, or a preview, of a merge of two tags, groups or types.

    `options["merge"]` is `{"plural", "from", "from_name", "into", "into_name"}`.
    """

    def __init__(self, context: Context, writer: Writer | None = None) -> None:
        super().__init__(context, writer)
        self._merge: dict[str, str] = context.options["merge"]
        self._entity = BY_PLURAL[self._merge["plural"]]
        self._field = next(
            name for name, plural in CONTACTS.references.items() if plural == self._entity.plural
        )
        self._refused: set[str] = set()

    async def run(self, position: str | None) -> None:
        """Merges what is left of it. Raises `Ended`, `Unavailable`, and `Invalid` if it can't."""
        if await self._is_over():
            return
        while True:
            await super().run(position)
            if self._context.stopping.is_set() or await self._delete_label():
                return
            # Others gave contacts the label meanwhile, anywhere in the order of ids.
            position = None
            await self._count_more()

    async def _is_over(self) -> bool:
        """Whether a run before this one came to its last step, and was cut off behind it."""
        async with self._context.database.tenant(self._context.tenant) as connection:
            row = await self._read(connection, "from")
        return row is not None and was_deleted_by(row_state(self._entity, row), self._context)

    async def _delete_label(self) -> bool:
        """Deletes the one label; False when there are contacts that still carry it.

        They are looked for outside of the lock, and under it only those that changed since.
        """
        context, merge = self._context, self._merge
        tenant = context.tenant
        async with context.database.tenant(tenant) as connection:
            moment = await fetch_one(connection, queries.bulk.find_matches, tenant, [], [], [], [])
            carriers = await connection.fetch(
                queries.bulk.page_contacts, tenant, self._filter, "", len(self._refused) + 1
            )
            if any(record["id"] not in self._refused for record in carriers):
                return False
            if self._refused:
                raise Invalid(self._why_not())
            async with connection.transaction():
                await connection.execute(queries.mutations.lock_versions)
                await require_running(connection, context)
                row = await self._require_labels(connection)
                if await connection.fetchval(
                    queries.bulk.find_late_carrier,
                    *(tenant, moment["head"], self._field, merge["from"]),
                ):
                    return False
                await set_deleted(connection, context, self._entity, row, deleted=True)
                await connection.execute(
                    queries.bulk.add_to_counts, tenant, context.job["id"], DELETED_LABELS
                )
        return True

    async def _count_more(self) -> None:
        more = await self.count()
        async with self._context.database.tenant(self._context.tenant) as connection:
            await connection.execute(
                queries.bulk.note_more,
                *(self._context.tenant, self._context.job["id"], self._context.run, more),
            )

    async def _judge(self, ids: list[str], refusal: str | None = None) -> Chunk:
        chunk = await super()._judge(ids, refusal)
        self._refused.difference_update(ids)
        for step in chunk.steps:
            self._refused |= {
                each["contact_id"] for each in step.findings if each["kind"] == "error"
            }
        return chunk

    def _plan(self, state: RowState | None, changes: Fields, now: int) -> Plan:
        if state is None or state.deleted or self._merge["from"] not in self._carried(state):
            # Since it was found: somebody deleted it, or took the label off.
            return Plan("unchanged", state)
        plan = super()._plan(state, changes, now)
        # Who has just put the one label on loses nothing: the other stands for both.
        plan.conflicts = []
        return plan

    def _carried(self, state: RowState) -> list[str]:
        return state.fields.get(self._field) or []

    async def _changes(self) -> Fields:
        """The changes, while both labels are there: else contacts would end with neither."""
        async with self._context.database.tenant(self._context.tenant) as connection:
            await self._require_labels(connection)
        changes: Fields = self._context.options["changes"]
        return changes

    async def _require_labels(self, connection: Connection) -> asyncpg.Record:
        """The row of the label that goes. Raises `Invalid` when one of the two is gone already."""
        rows = {end: await self._read(connection, end) for end in ("from", "into")}
        for end, row in rows.items():
            if row is None or row["deleted"]:
                noun, name = self._entity.name, self._merge[f"{end}_name"]
                raise Invalid(
                    f"The {noun} “{name}” was deleted meanwhile. What was merged by then is "
                    "merged; undo takes it back."
                )
        assert rows["from"]
        return rows["from"]

    async def _read(self, connection: Connection, end: str) -> asyncpg.Record | None:
        return await connection.fetchrow(
            self._entity.queries.read_rows, self._context.tenant, [self._merge[end]]
        )

    def _why_not(self) -> str:
        count, name = len(self._refused), self._merge["from_name"]
        contacts = "1 contact" if count == 1 else f"{count:,} contacts"
        return (
            f"{contacts} could not be changed, so “{name}” stays there. The errors say what to "
            "mend; then merge again."
        )


async def bring_back(context: Context) -> None:
    """Before an undo: brings back the label that a merge deleted, for its contacts to carry.

    Raises `Invalid` when it can't be, `Ended`, `Unavailable`.
    """
    merge: dict[str, Any] = context.options["merge"]
    entity, tenant = BY_PLURAL[merge["plural"]], context.tenant
    label = f"The {entity.name} “{merge['from_name']}”"
    try:
        async with context.database.tenant(tenant) as connection, connection.transaction():
            await connection.execute(queries.mutations.lock_versions)
            await require_running(connection, context)
            row = await connection.fetchrow(entity.queries.read_rows, tenant, [merge["from"]])
            if row is None:
                raise Invalid(f"{label} was purged, so this can't be taken back any more.")
            if not row["deleted"]:
                return
            if not was_deleted_by(row_state(entity, row), context):
                raise Invalid(f"{label} was deleted by somebody since: restore it, then undo.")
            await set_deleted(connection, context, entity, row, deleted=False)
    except asyncpg.UniqueViolationError:
        raise Invalid(
            f"Another {entity.name} is called “{merge['from_name']}” by now: rename it, then undo."
        ) from None


async def require_running(connection: Connection, context: Context) -> None:
    """Locks the job's row, for what a run does beside its chunks. Raises `Ended`."""
    verdict = await connection.fetchval(
        queries.bulk.lock_job, context.tenant, context.job["id"], context.run
    )
    if verdict is not None:
        raise Ended(verdict)


def was_deleted_by(state: RowState, context: Context) -> bool:
    """Whether it was the job itself that deleted a label."""
    job = context.job
    deleted = state.stamps.get(DELETED, {}).get("mutation")
    return state.deleted and deleted == f"{job['kind']}.{job['id']}"
