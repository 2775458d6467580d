"""What the server sends of itself: a schema for each event, which the tests hold it to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from server.schemas.base import FieldbookSchema, flatten
from server.schemas.bulk_answers import JobSchema
from server.schemas.entities import ENTITIES
from server.schemas.fields import Choice, Id, Part, Text, Version, Whole
from server.schemas.mutations import EntitySchemas
from server.schemas.responses import (
    AgentSchema,
    ChangeSetSchema,
    OkSchema,
    SyncPageSchema,
    checksum,
)
from server.schemas.rows import SentTime

REVOKED_REASONS = ("expired", "key_revoked", "account_disabled", "device_revoked")


class LimitsSchema(FieldbookSchema):
    """What the server accepts and expects."""

    page = Whole(1, required=True)
    push = Whole(1, required=True)
    payload_bytes = Whole(1, required=True)
    ping_s = Whole(1, required=True)


class AuthenticatedSchema(OkSchema):
    """`authenticated`, and the ack of `auth`."""

    agent = Part(AgentSchema(), required=True)
    tenant = Text(64, required=True)
    device_id = Id(required=True, allow_none=True)
    version = Version(required=True)
    epoch = Text(100, required=True)
    floor = Version(required=True)
    server_time = SentTime(required=True)
    limits = Part(LimitsSchema(), required=True)


class SyncCompleteSchema(FieldbookSchema):
    """`sync_complete`: the cursor may move to `version`."""

    request_id = Text(100, required=True, allow_none=True)
    version = Version(required=True)
    epoch = Text(100, required=True)
    server_time = SentTime(required=True)
    checksum = checksum()


class ActorSchema(FieldbookSchema):
    """Who wrote, as far as it is known: an edit typed into the database has no author."""

    agent = Text(64)
    device = Text(64)


class LiveChangeSchema(FieldbookSchema):
    """One change, as clients without `batch` get it."""

    version = Version(required=True)
    since = Version(required=True)
    until = Version(required=True)
    mutation_id = Text(100)
    actor = Part(ActorSchema(), required=True)


class LiveDeletionSchema(LiveChangeSchema):
    """One deletion, as clients without `batch` get it."""

    id = Id(required=True)
    deleted_at = SentTime(required=True)


class SyncAvailableSchema(FieldbookSchema):
    """`sync_available`: more changed than is worth pushing."""

    version = Version(required=True)


class RevokedSchema(FieldbookSchema):
    """`revoked`: the socket closes after it."""

    reason = Choice(*REVOKED_REASONS, required=True)


class AgentChangedSchema(FieldbookSchema):
    """`agent_changed`: the signed-in agent, whose role or name is another now."""

    agent = Part(AgentSchema(), required=True)


class DrainingSchema(FieldbookSchema):
    """`draining`: reconnect after that time."""

    retry_after_ms = Whole(0, required=True)


class JobProgressSchema(FieldbookSchema):
    """`job_progress`: an import or a bulk edit, as `GET /api/bulk/jobs/{id}` has it."""

    job = Part(JobSchema(), required=True)


def _live_events(entity: EntitySchemas) -> dict[str, FieldbookSchema]:
    title = entity.name.capitalize()
    changed: type[FieldbookSchema] = type(
        f"{title}Changed", (LiveChangeSchema,), {entity.name: Part(entity.row(), required=True)}
    )
    return {
        f"{entity.name}_created": changed(),
        f"{entity.name}_updated": changed(),
        f"{entity.name}_deleted": LiveDeletionSchema(),
    }


OUTGOING: Mapping[str, FieldbookSchema] = {
    "authenticated": AuthenticatedSchema(),
    "sync_response": SyncPageSchema(),
    "sync_complete": SyncCompleteSchema(),
    "changes": ChangeSetSchema(),
    "sync_available": SyncAvailableSchema(),
    "revoked": RevokedSchema(),
    "agent_changed": AgentChangedSchema(),
    "draining": DrainingSchema(),
    "job_progress": JobProgressSchema(),
    **{name: schema for entity in ENTITIES for name, schema in _live_events(entity).items()},
}


def faults_of_event(event: str, payload: Any) -> dict[str, list[str]]:
    """What is wrong with an event as a client received it, by path; empty when it is right."""
    schema = OUTGOING.get(event)
    if schema is None:
        return {"": [f"There is no event {event}."]}
    try:
        schema.load(payload)
    except ValidationError as error:
        return flatten(error.messages)
    return {}
