"""What REST answers besides rows and lists of them; like `responses`, it documents and tests."""

from __future__ import annotations

from marshmallow import fields

from server.schemas.base import FieldbookSchema
from server.schemas.entities import ENTITIES
from server.schemas.fields import Flag, Id, Items, Part, Text, Version, Whole
from server.schemas.responses import (
    MAX_SENT,
    AgentSchema,
    HistoryEntrySchema,
    KeySchema,
    ListAnswerSchema,
    RowWriteSchema,
)
from server.schemas.rows import TombstoneSchema

# The answer to DELETE, by the entity's name: what remains of the row.
DELETE_ANSWERS: dict[str, type[FieldbookSchema]] = {
    entity.name: type(
        f"{entity.name.capitalize()}Deleted",
        (RowWriteSchema,),
        {"__doc__": "What a deletion did.", entity.name: Part(TombstoneSchema(), required=True)},
    )
    for entity in ENTITIES
}

# The answer to putting back an entry of the history, by the entity's name.
RESTORE_ANSWERS: dict[str, type[FieldbookSchema]] = {
    entity.name: type(
        f"{entity.name.capitalize()}EntryRestored",
        (RowWriteSchema,),
        {
            "__doc__": "What putting back an entry did.",
            entity.name: fields.Dict(
                required=True,
                metadata={"description": "The row; or its tombstone, if the entry deleted it."},
            ),
        },
    )
    for entity in ENTITIES
}


class AgentListSchema(ListAnswerSchema):
    """A page of agents."""

    items = Items(Part(AgentSchema()), limit=MAX_SENT, required=True)


class KeyListSchema(ListAnswerSchema):
    """A page of API keys, newest first."""

    items = Items(Part(KeySchema()), limit=MAX_SENT, required=True)


class NewKeySchema(FieldbookSchema):
    """A new API key; it is shown this once."""

    key = Part(KeySchema(), required=True)
    key_id = Id(required=True)
    api_key = Text(200, required=True)


class VerifySchema(FieldbookSchema):
    """Who is signed in, and where the company's data stand."""

    ok = Flag(required=True)
    agent = Part(AgentSchema(), required=True)
    tenant = Text(64, required=True)
    key_id = Id(required=True, allow_none=True)
    device_id = Id(required=True, allow_none=True)
    version = Version(required=True)
    epoch = Text(100, required=True)


class HistoryPageSchema(FieldbookSchema):
    """A page of a row's history, newest first."""

    items = Items(Part(HistoryEntrySchema()), limit=MAX_SENT, required=True)
    next_cursor = Text(2_000, required=True, allow_none=True)


class AuditEntrySchema(HistoryEntrySchema):
    """An entry of the audit log."""

    entity = Text(50, required=True, metadata={"example": "contact"})
    entity_id = Text(64, required=True)
    label = Text(
        1_100,
        required=True,
        allow_none=True,
        metadata={"description": "What it is called now, or was called at last."},
    )


class AuditPageSchema(FieldbookSchema):
    """A page of the audit log, newest first."""

    items = Items(Part(AuditEntrySchema()), limit=MAX_SENT, required=True)
    next_cursor = Text(2_000, required=True, allow_none=True)


class CountSchema(FieldbookSchema):
    """How many contacts have a tag, group, type or owner; without id: those that have none."""

    id = Id(required=True, allow_none=True)
    name = Text(200, required=True, allow_none=True)
    count = Whole(0, required=True)


class DayCountSchema(FieldbookSchema):
    """How many contacts that are there now were made on a day (UTC)."""

    day = fields.Date(required=True)
    count = Whole(0, required=True)


def _counts() -> Items:
    return Items(Part(CountSchema()), limit=MAX_SENT, required=True)


class StatisticsSchema(FieldbookSchema):
    """What there is; the ten most frequent of each kind, and the last 30 days."""

    total = Whole(0, required=True)
    active = Whole(0, required=True)
    with_email = Whole(0, required=True)
    with_phone = Whole(0, required=True)
    by_tag = _counts()
    by_group = _counts()
    by_type = _counts()
    by_owner = _counts()
    created_per_day = Items(Part(DayCountSchema()), limit=MAX_SENT, required=True)


class HealthSchema(FieldbookSchema):
    """The process answers."""

    status = Text(20, required=True, metadata={"example": "ok"})


class ReadySchema(FieldbookSchema):
    """Whether the server takes work, and what of it is not ready."""

    ready = Flag(required=True)
    checks = fields.Dict(
        keys=Text(50),
        values=Flag(),
        required=True,
        metadata={"example": {"database": True, "migrations": True, "accepting": True}},
    )
