"""Bulk jobs as they go out: in REST's answers and in `job_progress`."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from server.schemas.base import FieldbookSchema
from server.schemas.bulk import KINDS, MAX_MAPPED
from server.schemas.fields import Choice, Flag, Id, Items, Part, Text, Whole
from server.schemas.responses import MAX_SENT, AgentSchema, ListAnswerSchema
from server.schemas.rows import SentTime

STATES = ("queued", "running", "done", "failed", "cancelled", "undone")
MAX_LISTED = 100


class CountsSchema(FieldbookSchema):
    """What became of the rows so far; `conflicts` are among the updated ones."""

    rows = Whole(0, required=True)
    created = Whole(0, required=True)
    updated = Whole(0, required=True)
    unchanged = Whole(0, required=True)
    conflicts = Whole(0, required=True)
    errors = Whole(0, required=True)


class ProgressSchema(FieldbookSchema):
    """Rows that are dealt with, of those there are; null until they are counted."""

    done = Whole(0, required=True)
    total = Whole(0, required=True, allow_none=True)


class DetectedSchema(FieldbookSchema):
    """What a file was taken to be."""

    format = Text(50, required=True, metadata={"example": "google"})
    encoding = Text(50, required=True, allow_none=True, metadata={"example": "utf-8"})
    delimiter = Text(1, required=True, allow_none=True, metadata={"example": ","})


class UndoneSchema(FieldbookSchema):
    """How far an undo is: contacts taken back, and those left as they were edited since."""

    undone = Whole(0, required=True)
    left = Whole(0, required=True)


def _finding(title: str, **parts: Any) -> type[FieldbookSchema]:
    made: type[FieldbookSchema] = type(title, (FieldbookSchema,), parts)
    return made


FindingSchema = _finding(
    "Finding",
    __doc__="What there is to know about a row of the file, or a contact of an edit.",
    row=Whole(1, metadata={"description": "As a spreadsheet counts it: the header is 1."}),
    contact_id=Text(64),
    field=Text(2_000, metadata={"example": "emails.0.value"}),
    column=Text(
        1_000, metadata={"description": "The same as the file calls it.", "example": "Mail"}
    ),
    message=Text(20_000),
    to=fields.Raw(allow_none=True),
    by=Text(64, allow_none=True, metadata={"description": "The agent who had edited it."}),
    at=SentTime(allow_none=True),
    **{"from": fields.Raw(allow_none=True)},
)


def _findings(description: str) -> Items:
    return Items(Part(FindingSchema()), limit=MAX_LISTED, metadata={"description": description})


class SampleSchema(FieldbookSchema):
    """What stands in a column: up to three texts, no two alike, each cut after 100 characters."""

    column = Text(1_000, required=True, metadata={"example": "E-mail"})
    values = Items(Text(100), limit=3, required=True)


class JobBaseSchema(FieldbookSchema):
    """What a job and a dry run have in common."""

    kind = Choice(*KINDS, required=True)
    file_name = Text(255, required=True, allow_none=True, metadata={"example": "contacts.csv"})
    counts = Part(CountsSchema(), required=True)
    progress = Part(ProgressSchema(), required=True)
    detected = Part(DetectedSchema(), required=True, allow_none=True)
    mapping = fields.Dict(
        required=True,
        allow_none=True,
        metadata={"description": "{column: field}", "example": {"E-mail": "emails", "Fax": None}},
    )
    photos = Whole(0, required=True, metadata={"description": "Pictures left behind."})
    notes = Items(Text(1_000), limit=20, required=True)
    errors = _findings("The first rows that failed.")
    conflicts = _findings("The first fields that somebody had just edited.")


class MergeSchema(FieldbookSchema):
    """Which label another one takes the place of."""

    plural = Text(64, required=True, metadata={"example": "tags"})
    from_name = Text(1_000, required=True)
    into_name = Text(1_000, required=True)


class EditSchema(FieldbookSchema):
    """What a bulk edit does."""

    contacts = Whole(
        0,
        required=True,
        allow_none=True,
        metadata={"description": "How many were chosen; null: those of a filter."},
    )
    delete = Flag(required=True)
    merge = Part(MergeSchema(), required=True, allow_none=True)
    changed = Items(
        Text(2_000), limit=20_000, required=True, metadata={"example": ["owner_id", "custom.Size"]}
    )


class JobSchema(JobBaseSchema):
    """An import or a bulk edit."""

    id = Id(required=True)
    edit = Part(
        EditSchema(),
        required=True,
        allow_none=True,
        metadata={"description": "Of a bulk edit; null for an import."},
    )
    state = Choice(*STATES, required=True)
    owner = Part(AgentSchema(), required=True)
    error = Text(20_000, required=True, allow_none=True)
    undo = Part(UndoneSchema(), metadata={"description": "Once it is being undone."})
    created_at = SentTime(required=True)
    started_at = SentTime(required=True, allow_none=True)
    ended_at = SentTime(required=True, allow_none=True)
    url = Text(500, metadata={"description": "Where it is asked for."})
    options = fields.Dict(metadata={"description": "What was asked; many ids by their number."})
    left = _findings("The first contacts that an undo left, as they were edited since.")


class StartedSchema(JobBaseSchema):
    """The dry run; or the job that the same Idempotency-Key had started."""

    dry_run = Flag()
    samples = Items(
        Part(SampleSchema()),
        limit=MAX_MAPPED,
        metadata={"description": "The first values of each column, in the file's order."},
    )
    preview = Items(fields.Dict(), limit=MAX_LISTED, metadata={"description": "The first rows."})
    differences = Items(fields.Dict(), limit=MAX_LISTED)
    new_labels = fields.Dict(metadata={"description": "Names of tags and the like, by plural."})
    id = Id()
    state = Choice(*STATES)
    owner = Part(AgentSchema())
    edit = Part(EditSchema(), allow_none=True)
    error = Text(20_000, allow_none=True)
    undo = Part(UndoneSchema())
    created_at = SentTime()
    started_at = SentTime(allow_none=True)
    ended_at = SentTime(allow_none=True)
    url = Text(500)
    options = fields.Dict()
    left = _findings("As in a job.")


class JobListSchema(ListAnswerSchema):
    """A page of jobs, newest first."""

    items = Items(Part(JobSchema()), limit=MAX_SENT, required=True)


class FindingListSchema(ListAnswerSchema):
    """A page of findings, in the order of the rows."""

    items = Items(Part(FindingSchema()), limit=MAX_SENT, required=True)
