"""An undo's run: takes a job's changes back, the last first, where nobody changed more since."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import asyncpg
import orjson

from server.db.queries import queries
from server.errors import Invalid
from server.jobs.bulk.chunks import STEPS, Chunk, Judge, Step, Writer
from server.jobs.bulk.context import Context
from server.jobs.bulk.known import Known
from server.jobs.bulk.label_merging import bring_back
from server.jobs.bulk.label_rows import set_deleted
from server.jobs.bulk.planning import Planner
from server.jobs.bulk.standing import read_standing
from server.schemas.fields import MAX_VERSION
from server.services.entities import BY_PLURAL, CONTACTS, Fields
from server.services.merging import DELETED, RowState, same_value

LEFT = "left"
"""In place of a mutation: earlier changes of the contact stay, too."""


class Undo:
    """One run of an undo."""

    def __init__(self, context: Context, writer: Writer) -> None:
        self._context = context
        self._planner = Planner(context.settings, context.author)
        self._writer = writer
        self._undone = f"{context.job['kind']}.{context.job['id']}"

    async def count(self) -> int:
        """How many changes there are to take back. Raises `Unavailable`."""
        async with self._context.database.tenant(self._context.tenant) as connection:
            total: int = await connection.fetchval(
                queries.bulk.count_entries, self._context.tenant, self._undone
            )
        return total

    async def run(self, position: str | None) -> None:
        """Takes back the changes before `position`, an entry.

        Raises `Ended`, `Unavailable`, and `Invalid` when a merge's label can't come back.
        """
        if "merge" in self._context.options:
            await bring_back(self._context)
        async with self._writer.opened():
            async for entries in self._pages(int(position) if position else MAX_VERSION):
                # A contact may stand in two chunks, and the first must be written then.
                await self._writer.settle()
                await self._writer.write(await self._judge(entries), self._again(entries))
            await self._writer.finish()
        if not self._context.stopping.is_set():
            await self._delete_labels()

    async def _pages(self, before: int) -> AsyncIterator[list[asyncpg.Record]]:
        while not self._context.stopping.is_set():
            async with self._context.database.tenant(self._context.tenant) as connection:
                entries = await connection.fetch(
                    queries.bulk.list_entries_before,
                    *(self._context.tenant, self._undone, before, self._writer.rows_at_once),
                )
            if not entries:
                return
            before = entries[-1]["id"]
            yield entries

    def _again(self, entries: list[asyncpg.Record]) -> Judge:
        async def judge(left: int, count: int, refusal: str | None) -> Chunk:
            return await self._judge(entries[len(entries) - left :][:count], refusal)

        return judge

    async def _judge(self, entries: Sequence[asyncpg.Record], refusal: str | None = None) -> Chunk:
        ids = list(dict.fromkeys(entry["entity_id"] for entry in entries))
        known = await read_standing(self._context, ids)
        tenant = self._context.tenant
        async with self._context.database.tenant(tenant) as connection:
            records = await connection.fetch(queries.bulk.read_writers, tenant, ids)
            left = await connection.fetch(
                queries.bulk.list_left, tenant, self._context.job["id"], ids
            )
        writers = {record["id"]: (record["version"], record["mutation"]) for record in records}
        listed = {record["id"] for record in left}
        own = self._context.author.mutation
        backs = [changes_back(entry) for entry in entries]
        labels = await self._leave_out_deleted_labels(backs)
        chunk = Chunk(known.head, [], set(ids), label_ids=labels)
        size = -(-len(entries) // STEPS)
        for begin in range(0, len(entries), size):
            step = Step()
            for at, entry in enumerate(entries[begin : begin + size], begin):
                step.rows += 1
                step.position = str(entry["id"])
                contact_id = entry["entity_id"]
                version, writer = writers.get(contact_id, (0, None))
                state = known.earlier.state(contact_id) or known.stored.get(contact_id)
                message = None
                if state is None:
                    message = "It was purged."
                elif refusal:
                    message = refusal
                elif version != entry["version"] and writer != own:
                    message = "It was edited since, and left as it is."
                else:
                    message = self._take_back(step, state, backs[at], known)
                if message is None:
                    writers[contact_id] = (version, own)
                    step.counts["undone"] += entry["first"]
                else:
                    writers[contact_id] = (version, LEFT)
                    if contact_id not in listed:
                        listed.add(contact_id)
                        step.counts["left"] += 1
                        step.findings.append(
                            {"kind": "left", "contact_id": contact_id, "message": message}
                        )
            chunk.steps.append(step)
        return chunk

    async def _leave_out_deleted_labels(self, backs: list[Fields]) -> set[str]:
        """Takes labels that are gone out of what contacts would get back; gives the others.

        Raises `Invalid` when the one that a merge is undone for is among them.
        """
        added = [back[name] for back in backs for name in CONTACTS.sets if name in back]
        wanted = {each for change in added for each in change["add"]}
        if not wanted:
            return wanted
        async with self._context.database.tenant(self._context.tenant) as connection:
            records = await connection.fetch(
                queries.mutations.find_references, self._context.tenant, list(wanted)
            )
        there = {record["id"] for record in records if record["plural"] != "agents"}
        if self._context.options.get("merge", {}).get("from") in wanted - there:
            raise Invalid("The label was deleted again meanwhile: restore it, then undo.")
        for change in added:
            change["add"] = [each for each in change["add"] if each in there]
        return wanted & there

    def _take_back(self, step: Step, state: RowState, changes: Fields, known: Known) -> str | None:
        """Adds the contact as it was; or says why it may not be so again."""
        try:
            plan = self._planner.change(state, changes, known.now)
        except Invalid as error:
            return error.message
        if plan.outcome == "updated":
            assert plan.row is not None
            step.add(self._planner, plan)
            known.earlier.add(plan.row)
        return None

    async def _delete_labels(self) -> None:
        """Deletes the labels that the job made, where nothing carries them."""
        context = self._context
        tenant = context.tenant
        async with context.database.tenant(tenant) as connection, connection.transaction():
            await connection.execute(queries.mutations.lock_versions)
            labels = await connection.fetch(queries.bulk.list_idle_labels, tenant, self._undone)
            for label in labels:
                entity = BY_PLURAL[label["plural"]]
                (row,) = await connection.fetch(entity.queries.read_rows, tenant, [label["id"]])
                await set_deleted(connection, context, entity, row, deleted=True)


def changes_back(entry: asyncpg.Record) -> Fields:
    """The changes that take back an entry of the history."""
    if entry["op"] == "create":
        return {DELETED: True}
    before: Fields = orjson.loads(entry["before"] or "{}")
    after: Fields = orjson.loads(entry["after"] or "{}")
    changes: Fields = {}
    for name in {**before, **after}:
        was, became = before.get(name), after.get(name)
        if name in CONTACTS.maps:
            was, became = was or {}, became or {}
            changes[name] = {
                member: was.get(member)
                for member in {**was, **became}
                if not same_value(was.get(member), became.get(member))
            }
        elif name in CONTACTS.sets:
            was, became = was or [], became or []
            changes[name] = {
                "add": [each for each in was if each not in became],
                "remove": [each for each in became if each not in was],
            }
        else:
            changes[name] = was
    return changes
