"""A bulk edit's run: the same changes, or a deletion, of contacts by ids or by a filter."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from server.db.queries import queries
from server.errors import Invalid
from server.jobs.bulk.chunks import STEPS, Chunk, Judge, Step, Writer
from server.jobs.bulk.context import Context
from server.jobs.bulk.drafts import distinct, faults_of
from server.jobs.bulk.planning import Plan, Planner
from server.jobs.bulk.previewing import SHOWN, Preview
from server.jobs.bulk.standing import read_standing
from server.services.entities import CONTACTS, Fields
from server.services.merging import DELETED, RowState

ROWS_AT_ONCE = 500


class Edit:
    """One run, or a preview, of a bulk edit."""

    def __init__(self, context: Context, writer: Writer | None = None) -> None:
        self._context = context
        self._planner = Planner(context.settings, context.author)
        self._writer = writer
        options = context.options
        self._filter: str | None = None
        self._ids: list[str] = []
        if "filter" in options:
            self._filter = orjson.dumps(options["filter"]).decode()
        else:
            # In one order, so that a run that was cut off knows where it was.
            self._ids = sorted(distinct(options["ids"]))

    async def count(self) -> int:
        """How many contacts it is about. Raises `Unavailable`."""
        if self._filter is None:
            return len(self._ids)
        async with self._context.database.tenant(self._context.tenant) as connection:
            total: int = await connection.fetchval(
                queries.bulk.count_contacts, self._context.tenant, self._filter
            )
        return total

    async def run(self, position: str | None) -> None:
        """Edits the contacts after `position`. Raises `Ended` and `Unavailable`."""
        writer = self._writer
        assert writer
        async with writer.opened():
            async for ids in self._pages(position or ""):
                # The chunk before is about other contacts: it may still be under way.
                await writer.write(await self._judge(ids), self._again(ids))
            await writer.finish()

    async def preview(self) -> dict[str, Any]:
        """What a run would do, as `Preview.to_wire` gives it. Raises `Unavailable`."""
        preview = Preview()
        async for ids in self._pages(""):
            _, plans = await self._plans(ids)
            for contact_id, plan in plans:
                preview.note(None, plan, findings_of(contact_id, plan))
                if plan.row and len(preview.preview) < SHOWN:
                    preview.preview.append({"id": plan.row.id, **_filled(plan.row)})
        return preview.to_wire()

    async def _pages(self, after: str) -> AsyncIterator[list[str]]:
        while not self._context.stopping.is_set():
            size = self._writer.rows_at_once if self._writer else ROWS_AT_ONCE
            ids = await self._next(after, size)
            if not ids:
                return
            after = ids[-1]
            yield ids

    async def _next(self, after: str, size: int) -> list[str]:
        if self._filter is None:
            begin = bisect_right(self._ids, after)
            return self._ids[begin : begin + size]
        async with self._context.database.tenant(self._context.tenant) as connection:
            records = await connection.fetch(
                queries.bulk.page_contacts, self._context.tenant, self._filter, after, size
            )
        return [record["id"] for record in records]

    def _again(self, ids: list[str]) -> Judge:
        async def judge(left: int, count: int, refusal: str | None) -> Chunk:
            return await self._judge(ids[len(ids) - left :][:count], refusal)

        return judge

    async def _judge(self, ids: list[str], refusal: str | None = None) -> Chunk:
        head, plans = await self._plans(ids)
        if refusal:
            plans = [(each, Plan("error", faults=[("", refusal)])) for each in ids]
        chunk = Chunk(head, [], set(ids), label_ids=set(self._label_ids()))
        size = -(-len(plans) // STEPS)
        for begin in range(0, len(plans), size):
            step = Step()
            for contact_id, plan in plans[begin : begin + size]:
                step.rows += 1
                step.position = contact_id
                step.counts["rows"] += 1
                step.counts["errors" if plan.outcome == "error" else plan.outcome] += 1
                step.counts["conflicts"] += bool(plan.conflicts)
                step.findings += findings_of(contact_id, plan)
                if plan.outcome == "updated":
                    step.add(self._planner, plan)
            chunk.steps.append(step)
        return chunk

    async def _plans(self, ids: Sequence[str]) -> tuple[int, list[tuple[str, Plan]]]:
        """The head that the plans rest on, and a plan for each contact.

        Keeps nothing: a stale chunk is judged anew while the next one is being judged.
        """
        known = await read_standing(self._context, ids)
        changes = await self._changes()
        plans = []
        for contact_id in ids:
            plans.append((contact_id, self._plan(known.stored.get(contact_id), changes, known.now)))
            if len(plans) % 16 == 0:
                await asyncio.sleep(0)
        return known.head, plans

    def _plan(self, state: RowState | None, changes: Fields, now: int) -> Plan:
        if state is None:
            return Plan("error", faults=[("id", "There is no contact with this id.")])
        if state.deleted:
            if changes.get(DELETED):
                return Plan("unchanged", state)
            return Plan("error", faults=[("id", "This contact was deleted; restore it first.")])
        try:
            return self._planner.change(state, changes, now)
        except Invalid as error:
            return Plan("error", faults=faults_of(error))

    async def _changes(self) -> Fields:
        """The changes, without labels that were deleted since they were asked for."""
        if self._context.options.get("delete"):
            return {DELETED: True}
        changes: Fields = dict(self._context.options["changes"])
        wanted = self._label_ids()
        if not wanted:
            return changes
        tenant = self._context.tenant
        async with self._context.database.tenant(tenant) as connection:
            records = await connection.fetch(queries.mutations.find_references, tenant, wanted)
        there = {record["id"] for record in records}
        for name in CONTACTS.references:
            value = changes.get(name)
            if isinstance(value, dict):
                changes[name] = {**value, "add": [each for each in value["add"] if each in there]}
            elif value:
                changes[name] = [each for each in value if each in there]
        return changes

    def _label_ids(self) -> list[str]:
        changes = self._context.options.get("changes") or {}
        ids: list[str] = []
        for name in CONTACTS.references:
            value = changes.get(name) or []
            ids += value["add"] if isinstance(value, dict) else value
        return ids


def findings_of(contact_id: str, plan: Plan) -> list[dict[str, Any]]:
    """A contact's findings: why it was not edited, and what the edit overwrote."""
    findings: list[dict[str, Any]] = [
        {"kind": "error", "contact_id": contact_id, "field": path, "message": message}
        for path, message in plan.faults
    ]
    for conflict in plan.conflicts:
        detail = {name: value for name, value in conflict.items() if name != "field"}
        finding = {"kind": "conflict", "contact_id": contact_id, "field": conflict["field"]}
        message = "Somebody had just edited this; the bulk edit's value stands now."
        findings.append({**finding, "message": message, "detail": detail})
    return findings


def _filled(row: RowState) -> Fields:
    return {name: value for name, value in row.fields.items() if value not in (None, "", [], {})}
