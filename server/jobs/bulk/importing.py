"""An import's run: reads, judges and writes chunk after chunk, and goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from server.files.reading import ContactFile
from server.jobs.bulk.changing import Changing, Mapped
from server.jobs.bulk.chunks import STEPS, Chunk, Step, Writer
from server.jobs.bulk.context import Context
from server.jobs.bulk.drafts import Draft, draft_row
from server.jobs.bulk.judging import Judging, Owners, asked_by, label_ids_of, touched
from server.jobs.bulk.known import EarlierInChunk, found_by
from server.jobs.bulk.labels import Labels
from server.jobs.bulk.matching import Match
from server.jobs.bulk.planning import Plan, Planner

SLICE = 8
"""Rows between two looks at the connection: what is being written goes on meanwhile."""


async def judging_of(context: Context, file: ContactFile, *, writes: bool) -> Judging:
    """What judges the rows of a file as the job's options ask. Raises `Unavailable`."""
    options = context.options
    labels = Labels(context.database, context.tenant, context.author, writes)
    return Judging(
        context,
        Match(options["match"]),
        options["mode"],
        Changing(
            context.settings.region,
            options["on_empty"] == "clear",
            Mapped.of(file.mapping.values()),
        ),
        Planner(context.settings, context.author),
        labels,
        await Owners.load(context),
    )


class Import:
    """One run over the rows of a file that are not done yet."""

    def __init__(
        self, context: Context, file: ContactFile, judging: Judging, writer: Writer
    ) -> None:
        self._context = context
        self._file = file
        self._judging = judging
        self._writer = writer

    async def run(self, done: int) -> None:
        """Imports the rows after the first `done`.

        Ends early, after a chunk, when the server stops. Raises `Ended`, `Unavailable` and
        `FileFault`.
        """
        async with self._writer.opened():
            async for drafts in self._drafts(done):
                await self._write(drafts)
            await self._writer.finish()

    async def _drafts(self, done: int) -> AsyncIterator[list[Draft]]:
        """The rows in chunks as large as the writer wants them."""
        drafts: list[Draft] = []
        for number, row in enumerate(self._file.rows(skip=done), start=1):
            drafts.append(draft_row(row, self._context.settings))
            if number % SLICE == 0:
                await asyncio.sleep(0)
            if len(drafts) >= self._writer.rows_at_once:
                yield drafts
                drafts = []
                if self._context.stopping.is_set():
                    return
        if drafts:
            yield drafts

    async def _write(self, drafts: list[Draft]) -> None:
        """Hands a chunk to the writer, which may still be at the one before."""
        chunk = await self._judge(drafts)
        under_way = self._writer.under_way
        # Known only now is what the chunk before rests on: parts of it may have been judged anew.
        await self._writer.settle()
        if under_way and under_way.bears_on(chunk):
            chunk = await self._judge(drafts)

        async def judge(left: int, count: int, refusal: str | None) -> Chunk:
            self._judging.labels.forget()
            part = drafts[len(drafts) - left :][:count]
            if refusal:
                for draft in part:
                    draft.faults = [("", refusal)]
            return await self._judge(part)

        await self._writer.write(chunk, judge)

    async def _judge(self, drafts: Sequence[Draft]) -> Chunk:
        chunk = await self._judge_once(drafts)
        while not await self._judging.labels.make(chunk.label_ids):
            chunk = await self._judge_once(drafts)
        return chunk

    async def _judge_once(self, drafts: Sequence[Draft]) -> Chunk:
        match = self._judging.match
        known = await self._judging.known(drafts, EarlierInChunk(match.kinds))
        chunk = Chunk(known.head, [], touched(drafts, known), *asked_by(match, drafts))
        size = -(-len(drafts) // STEPS)
        for begin in range(0, len(drafts), size):
            step = Step()
            for draft in drafts[begin : begin + size]:
                plan = self._judging.judge(draft, known)
                note(step, draft, plan)
                if plan.outcome in ("created", "updated"):
                    step.add(self._judging.planner, plan)
                    assert plan.row is not None
                    chunk.given.update(found_by(plan.row.fields, match.kinds))
                    chunk.label_ids |= label_ids_of(plan)
            chunk.steps.append(step)
            await asyncio.sleep(0)
        return chunk


def note(step: Step, draft: Draft, plan: Plan) -> None:
    """Counts a row, and keeps what its owner must know about it."""
    step.rows += 1
    step.counts["rows"] += 1
    step.counts["errors" if plan.outcome == "error" else plan.outcome] += 1
    step.counts["photos"] += draft.source.photos
    if plan.conflicts:
        step.counts["conflicts"] += 1
    step.findings += findings_of(draft, plan)


def findings_of(draft: Draft, plan: Plan) -> list[dict[str, object]]:
    """A row's findings: each fault, the first with the row as it stood; each conflict."""
    findings: list[dict[str, object]] = []
    for path, message in plan.faults:
        finding: dict[str, object] = {
            "kind": "error",
            "row": draft.number,
            "field": storable(path),
            "message": storable(message),
        }
        if column := draft.source.column_of(path):
            finding["detail"] = {"column": storable(column)}
        findings.append(finding)
    if findings:
        findings[0]["original"] = storable(draft.source.original)
    for conflict in plan.conflicts:
        assert plan.row is not None
        detail = {name: value for name, value in conflict.items() if name != "field"}
        findings.append(
            {
                "kind": "conflict",
                "row": draft.number,
                "contact_id": plan.row.id,
                "field": conflict["field"],
                "message": "Somebody had just edited this, or an earlier row says otherwise.",
                "detail": detail,
            }
        )
    return findings


def storable(text: str) -> str:
    """A text as the database can hold it: a row may have failed over a NUL or half a character."""
    return text.replace("\x00", "\ufffd").encode(errors="replace").decode()
