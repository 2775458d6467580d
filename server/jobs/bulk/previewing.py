"""What an import or a bulk edit would do: judged like a run, and written nowhere."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from server.files.model import FileRow
from server.files.reading import ContactFile
from server.jobs.bulk.context import Context
from server.jobs.bulk.drafts import Draft, draft_row
from server.jobs.bulk.importing import SLICE, findings_of, judging_of
from server.jobs.bulk.judging import Judging, label_ids_of
from server.jobs.bulk.known import EarlierInPreview
from server.jobs.bulk.planning import Plan
from server.jobs.bulk.samples import first_values
from server.services.bulk_wire import finding_to_wire
from server.services.entities import Fields

ROWS_AT_ONCE = 500
SHOWN = 20
LISTED = 100


@dataclass(slots=True)
class Preview:
    """The answer of a dry run, as it grows."""

    counts: Counter[str] = field(default_factory=Counter)
    preview: list[Fields] = field(default_factory=list)
    differences: list[Fields] = field(default_factory=list)
    errors: list[Fields] = field(default_factory=list)
    conflicts: list[Fields] = field(default_factory=list)
    first_rows: list[FileRow] = field(default_factory=list)

    def note(self, number: int | None, plan: Plan, findings: list[dict[str, Any]]) -> None:
        """Counts a row and keeps the first of each kind."""
        self.counts["rows"] += 1
        self.counts["errors" if plan.outcome == "error" else plan.outcome] += 1
        self.counts["conflicts"] += bool(plan.conflicts)
        if plan.differences and len(self.differences) < SHOWN:
            assert plan.row is not None
            difference = {"id": plan.row.id, "changes": plan.differences}
            self.differences.append({"row": number, **difference} if number else difference)
        for finding in findings:
            kept = self.errors if finding["kind"] == "error" else self.conflicts
            if len(kept) < LISTED:
                kept.append(finding_to_wire(finding))

    def to_wire(self) -> dict[str, Any]:
        """The part of the answer that the rows decide."""
        return {
            "counts": dict(self.counts),
            "progress": {"done": self.counts["rows"], "total": self.counts["rows"]},
            "preview": self.preview,
            "differences": self.differences,
            "errors": self.errors,
            "conflicts": self.conflicts,
        }


async def preview_import(context: Context, file: ContactFile) -> dict[str, Any]:
    """The dry run of an import: `{"detected", "columns", "mapping", "counts", …}`.

    Ends early when whoever asked is gone. Raises `FileFault` and `Unavailable`.
    """
    total = file.check()
    judging = await judging_of(context, file, writes=False)
    earlier = EarlierInPreview(judging.match.kinds)
    preview = Preview()
    drafts: list[Draft] = []
    for row in file.rows():
        drafts.append(draft_row(row, context.settings))
        if len(drafts) >= ROWS_AT_ONCE:
            await _judge(judging, earlier, drafts, preview)
            drafts = []
            if context.stopping.is_set():
                break
    if drafts:
        await _judge(judging, earlier, drafts, preview)
    assert preview.counts["rows"] == total or context.stopping.is_set()
    return {
        "detected": file.detected,
        "columns": file.columns,
        "mapping": file.mapping,
        "samples": first_values(file.columns, preview.first_rows),
        "new_labels": judging.labels.created,
        **preview.to_wire(),
    }


async def _judge(
    judging: Judging, earlier: EarlierInPreview, drafts: list[Draft], preview: Preview
) -> None:
    known = await judging.known(drafts, earlier)
    for number, draft in enumerate(drafts):
        plan = judging.judge(draft, known)
        preview.counts["photos"] += draft.source.photos
        preview.note(draft.number, plan, findings_of(draft, plan))
        if plan.outcome in ("created", "updated"):
            await judging.labels.make(label_ids_of(plan))
        if len(preview.preview) < SHOWN:
            preview.preview.append(shown_draft(draft))
            preview.first_rows.append(draft.source)
        if number % SLICE == 0:
            await asyncio.sleep(0)


def shown_draft(draft: Draft) -> Fields:
    """A row as a contact: its fields, with names for labels and the owner."""
    contact = {name: value for name, value in draft.fields.items() if value not in (None, [], {})}
    for name, value in (("id", draft.id), ("owner", draft.owner)):
        if value:
            contact[name] = value
    return {**contact, **draft.labels}
