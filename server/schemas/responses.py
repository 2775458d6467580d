"""What goes out: in acks, in REST's answers and in the OpenAPI document.

The server writes its answers from what the database gives, not from these; they document
the answers, and the tests hold every answer and event against them.
"""

from __future__ import annotations

from typing import Any

from marshmallow import INCLUDE, ValidationError, fields, validates_schema

from server.schemas.auth import ROLES
from server.schemas.base import FieldbookSchema
from server.schemas.contacts import ContactSchema
from server.schemas.entities import ENTITIES
from server.schemas.fields import Choice, Flag, Id, Items, Number, Part, Text, Version, Whole
from server.schemas.mutations import EntitySchemas
from server.schemas.queries import DEVICE_STATES
from server.schemas.rows import SentTime, TombstoneSchema

MAX_SENT = 100_000
ORIGINS = ("socket", "rest", "import", "job", "sql")
OUTCOMES = ("applied", "lost", "refused")
STATUSES = ("applied", "merged", "superseded", "duplicate")


class ConflictSchema(FieldbookSchema):
    """A field that another device or writer changed after `base_version`, or an id that is gone."""

    field = Text(500, required=True, metadata={"example": "company"})
    yours = fields.Raw(required=True, allow_none=True)
    theirs = fields.Raw(required=True, allow_none=True)
    kept = Choice("yours", "theirs", required=True)
    by = Text(200, required=True, allow_none=True, metadata={"description": "The other agent."})
    at = SentTime(required=True, allow_none=True)


class OkSchema(FieldbookSchema):
    """What every answer to a write or question begins with."""

    ok = Flag(required=True, metadata={"example": True})


class RowWriteSchema(OkSchema):
    """What a write did."""

    status = Choice(*STATUSES, required=True)
    version = Version(required=True)
    conflicts = Items(Part(ConflictSchema()), limit=MAX_SENT, required=True)
    duplicates = Items(
        Id(),
        limit=MAX_SENT,
        metadata={"description": "Contacts with the same e-mail or phone, if they are warned of."},
    )


def _named(title: str, base: type[FieldbookSchema], **parts: Any) -> type[FieldbookSchema]:
    made: type[FieldbookSchema] = type(title, (base,), {"__doc__": base.__doc__, **parts})
    return made


def _put_and_deleted(title: str, row: type[FieldbookSchema]) -> type[FieldbookSchema]:
    return _named(
        f"{title}Rows",
        FieldbookSchema,
        put=Items(Part(row()), limit=MAX_SENT, required=True),
        **{"del": Items(Part(TombstoneSchema()), limit=MAX_SENT, required=True)},
    )


class ContactInRestSchema(ContactSchema):
    """A contact as REST gives it: with the first e-mail and phone by themselves."""

    email = Text(500, metadata={"example": "ann@example.com"})
    phone = Text(200, metadata={"example": "044 668 18 00"})
    deleted_at = SentTime(metadata={"description": "Only in a list of deleted ones."})


def _in_rest(entity: EntitySchemas) -> Part:
    row = ContactInRestSchema if entity.row is ContactSchema else entity.row
    return Part(row(), required=True)


# The answer to a write and to a list, by the entity's name.
WRITE_ANSWERS = {
    entity.name: _named(
        f"{entity.name.capitalize()}Write",
        RowWriteSchema,
        **{entity.name: _in_rest(entity)},
    )
    for entity in ENTITIES
}


class ListAnswerSchema(FieldbookSchema):
    """One page of a list."""

    next_cursor = Text(2_000, required=True, allow_none=True)
    total = Whole(0, required=True)


LIST_ANSWERS = {
    entity.name: _named(
        f"{entity.name.capitalize()}List",
        ListAnswerSchema,
        items=Items(_in_rest(entity), limit=MAX_SENT, required=True),
    )
    for entity in ENTITIES
}


class _SpanSchema(FieldbookSchema):
    """From which version to which, in which life of the database."""

    epoch = Text(100, required=True)
    since = Version(required=True)
    until = Version(required=True)

    @validates_schema
    def refuse_strangers(self, data: dict[str, Any], **kwargs: Any) -> None:
        """A change set holds what changed after `since` up to `until`, each row once."""
        since, until = data["since"], data["until"]
        if since > until:
            raise ValidationError("This lies before since.", "until")
        for entity in ENTITIES:
            part = data.get(entity.plural, {})
            rows = [*part.get("put", ()), *part.get("del", ())]
            if any(not since < row["version"] <= until for row in rows):
                raise ValidationError(
                    "A row's version lies outside since and until.", entity.plural
                )
            if len({row["id"] for row in rows}) < len(rows):
                raise ValidationError("A row is there twice.", entity.plural)


ChangeSetSchema = _named(
    "ChangeSet",
    _SpanSchema,
    **{
        entity.plural: Part(_put_and_deleted(entity.name.capitalize(), entity.row)())
        for entity in ENTITIES
    },
)


class SyncPageSchema(ChangeSetSchema):  # type: ignore[valid-type, misc]
    """One page of a catch-up: `sync_response`, and `GET /api/sync/delta`."""

    request_id = Text(100, allow_none=True)
    has_more = Flag(required=True)
    remaining = Whole(0, required=True)
    resume = Text(2_000, allow_none=True)
    gzip = fields.Raw(metadata={"description": "With compress: the entities, as one attachment."})


class ChecksumPartSchema(FieldbookSchema):
    """The live rows of one entity, and the sum of their versions modulo 2^52."""

    count = Whole(0, required=True)
    sum = Version(required=True)


def checksum() -> fields.Dict:
    """`{"contacts": {"count", "sum"}, …}`."""
    return fields.Dict(
        keys=Choice(*(entity.plural for entity in ENTITIES)),
        values=Part(ChecksumPartSchema()),
        required=True,
    )


class AgentSchema(FieldbookSchema):
    """Someone who signs in. Only admins see more than id, code, name and role."""

    id = Id(required=True)
    code = Text(64, required=True, metadata={"example": "ann.lee"})
    name = Text(200, required=True, metadata={"example": "Ann Lee"})
    role = Choice(*ROLES)
    disabled = Flag()
    created_at = SentTime()


class KeySchema(FieldbookSchema):
    """An API key, of which only the beginning can be shown again."""

    id = Id(required=True)
    agent_id = Id(required=True)
    name = Text(100)
    prefix = Text(50, required=True)
    created_at = SentTime(required=True)
    created_by = Text(64, allow_none=True)
    last_used_at = SentTime(allow_none=True)
    revoked_at = SentTime(allow_none=True)


class RegisteredSchema(FieldbookSchema):
    """A new agent's key; it is shown this once."""

    agent = Part(AgentSchema(), required=True)
    api_key = Text(200, required=True)
    key_id = Id(required=True)


class TenantSchema(FieldbookSchema):
    """The company's settings."""

    id = Text(64, required=True)
    name = Text(200, required=True)
    region = Text(2, required=True, metadata={"example": "CH"})
    max_tags = Whole(1, 500, required=True)
    clean_phones = Flag(required=True)
    duplicates = Choice("allow", "warn", "refuse", required=True)
    agents_edit = Choice("all", "own", required=True)
    min_app_version = Text(50, required=True, allow_none=True)
    conflict_days = Whole(0, 365, required=True)


class LagSchema(FieldbookSchema):
    """How far a device is behind."""

    versions = Whole(0, required=True)
    seconds = Whole(0, required=True)


class SentQueueSchema(FieldbookSchema):
    """What still waits on a device, by its last ping."""

    size = Whole(0, required=True, allow_none=True)
    oldest_at = SentTime(required=True, allow_none=True)


class DeviceQueueSchema(SentQueueSchema):
    """The same of one device, and whether nothing of it came through for an hour."""

    stuck = Flag(required=True)


class DeviceSchema(FieldbookSchema):
    """A device and how it is; see the protocol for what its state means."""

    id = Id(required=True)
    agent = Part(AgentSchema(), required=True)
    name = Text(200, required=True, allow_none=True)
    model = Text(200, required=True, allow_none=True)
    os = Text(200, required=True, allow_none=True)
    app_version = Text(50, required=True, allow_none=True)
    app_outdated = Flag(
        required=True, metadata={"description": "Below the company's min_app_version."}
    )
    state = Choice(*DEVICE_STATES, required=True)
    online = Flag(required=True)
    last_seen = SentTime(required=True, allow_none=True)
    last_sync = SentTime(required=True, allow_none=True)
    version = Version(required=True, allow_none=True)
    lag = Part(LagSchema(), required=True)
    queue = Part(DeviceQueueSchema(), required=True)
    battery = Number(0, 100, required=True, allow_none=True)
    network = Text(50, required=True, allow_none=True)
    clock_skew_ms = fields.Integer(required=True, allow_none=True)
    created_at = SentTime(required=True)
    revoked_at = SentTime(required=True, allow_none=True)


class HistoryEntrySchema(FieldbookSchema):
    """One change of a row, or a value that lost or was refused."""

    id = fields.Raw(required=True)
    version = Version(required=True, allow_none=True)
    at = SentTime(required=True)
    op = Text(50, required=True, metadata={"example": "update"})
    agent = fields.Raw(required=True, allow_none=True)
    device = fields.Raw(required=True, allow_none=True)
    mutation_id = Text(100, required=True, allow_none=True)
    origin = Choice(*ORIGINS, required=True)
    outcome = Choice(*OUTCOMES, required=True)
    changes = fields.Dict(
        keys=Text(500),
        required=True,
        metadata={"example": {"company": {"from": "Lee & Sons", "to": "Lee Ltd"}}},
    )


class ProblemSchema(FieldbookSchema):
    """An error, as RFC 9457 has it; `fields` maps a JSON path to messages."""

    class Meta:
        unknown = INCLUDE

    type = Text(500, required=True, metadata={"example": "about:blank"})
    title = Text(200, required=True, metadata={"example": "Invalid input"})
    status = Whole(400, 599, required=True, metadata={"example": 422})
    detail = Text(10_000, required=True)
    code = Text(50, required=True, metadata={"example": "invalid"})
    # Under its own name it would hide the schema's own fields.
    faults = fields.Dict(
        data_key="fields", metadata={"example": {"emails.0.value": ["This must be a text."]}}
    )
    retry_after_ms = Whole(0)
