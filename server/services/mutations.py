"""Mutations: what a client asks to write, in one form for every event, push and REST call."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson
from nanoid import generate

from server.errors import FieldbookError, Invalid
from server.schemas.base import FieldbookSchema, parse
from server.schemas.fields import MAX_INTEGER
from server.schemas.mutations import split_echoes
from server.schemas.sync import read_pushed
from server.services.actors import Actor, Origin
from server.services.entities import ENTITIES, Entity, Fields
from server.services.tenants import TenantSettings

Operation = Literal["create", "update", "delete", "restore"]
OPERATIONS: tuple[Operation, ...] = ("create", "update", "delete", "restore")
BULK_MUTATIONS = ("import.", "update.", "undo.")
"""How the mutations of bulk jobs begin; a client's own never hold a dot there."""


@dataclass(slots=True)
class Mutation:
    """One write by a client. `edited_at` is in microseconds, already corrected by its skew."""

    actor: Actor
    origin: Origin
    entity: Entity
    operation: Operation
    id: str
    mutation_id: str
    body_hash: str
    changes: Fields = field(default_factory=dict)
    echoes: Fields = field(default_factory=dict)
    edited_at: int | None = None
    base_version: int | None = None
    expected_version: int | None = None
    replace: bool = False
    prefix: str = ""

    @property
    def event(self) -> str:
        """The event that it is, as in `contact_update`."""
        return f"{self.entity.name}_{self.operation}"


@dataclass(slots=True)
class Outcome:
    """What became of a mutation; `error` is set when it was refused, gone included."""

    status: str = ""
    version: int = 0
    row: str | None = None
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    error: FieldbookError | None = None

    def to_wire(self, entity: str | None = None) -> dict[str, Any]:
        """The ack; with `entity` it holds the row under that name."""
        if self.error:
            return {"ok": False, "error": self.error.to_wire()}
        wire: dict[str, Any] = {"ok": True, "status": self.status, "version": self.version}
        if entity and self.row:
            wire[entity] = orjson.Fragment(self.row)
        wire["conflicts"] = self.conflicts
        if self.duplicates:
            wire["duplicates"] = self.duplicates
        return wire


def entity_and_operation(name: str) -> tuple[Entity, Operation]:
    """Takes `contact_update` apart. Raises `Invalid` when there is no such write."""
    entity_name, _, operation = name.rpartition("_")
    for known in OPERATIONS:
        if known == operation and entity_name in ENTITIES:
            return ENTITIES[entity_name], known
    choices = ", ".join(f"{entity}_{known}" for entity in ENTITIES for known in OPERATIONS)
    raise Invalid(fields={"op": [f"Unknown write. Use one of: {choices}."]})


def schema_of(entity: Entity, operation: Operation) -> FieldbookSchema:
    """The schema of the event `{entity}_{operation}`."""
    schema: FieldbookSchema = getattr(entity.schemas, operation)
    return schema


def read_mutation(
    actor: Actor,
    entity: Entity,
    operation: Operation,
    payload: object,
    settings: TenantSettings,
    *,
    origin: Origin = "socket",
    skew: int = 0,
) -> Mutation:
    """Makes a mutation of an event's payload, or of an item of `sync_push` without its `op`.

    `skew` is the server's clock minus the device's, in microseconds. Raises `Invalid` or
    `TooLarge`, naming each field that is wrong.
    """
    loaded = parse(schema_of(entity, operation), payload)
    assert isinstance(payload, dict)
    part = {"create": entity.name, "update": "changes"}.get(operation, "")
    fields, echoes = split_echoes(loaded.get(part) or {})
    row_id = fields.pop("id", None) if operation == "create" else loaded["id"]
    edited_at = loaded.get("edited_at")
    return Mutation(
        actor=actor,
        origin=origin,
        entity=entity,
        operation=operation,
        id=row_id or generate(),
        mutation_id=loaded.get("mutation_id") or generate(),
        body_hash=hash_body(
            entity,
            operation,
            payload.get("id"),
            payload.get(part),
            payload.get("edited_at"),
            payload.get("base_version"),
        ),
        changes=entity.normalise(fields, settings, part),
        echoes=echoes,
        edited_at=None if edited_at is None else edited_at + skew,
        base_version=loaded.get("base_version"),
        prefix=part,
    )


def hash_body(
    entity: Entity,
    operation: str,
    row_id: str | None,
    fields: object,
    edited_at: object = None,
    base_version: object = None,
) -> str:
    """Tells two bodies of one `mutation_id` apart: SHA-256 of their JSON with sorted keys.

    Of what a write says, not of how it came: an event, a push and a REST call are one mutation,
    and 1.0 is 1, as JSON's numbers have no kinds. `row_id` is None for a create, whose id is one
    of its fields if it has one.
    """
    said = [entity.name, operation, row_id, fields, edited_at, base_version]
    text = orjson.dumps(_plain_numbers(said), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()


def _plain_numbers(value: Any) -> Any:
    """The same JSON with whole numbers written as such: a client may store 1 and resend 1.0."""
    if isinstance(value, dict):
        return {key: _plain_numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(each) for each in value]
    # Not above 2^53: what is refused later, like a server's field of 1e300, must pass here.
    if isinstance(value, float) and value.is_integer() and abs(value) <= MAX_INTEGER:
        return int(value)
    return value


def read_push_item(
    actor: Actor, item: object, settings: TenantSettings, *, skew: int = 0
) -> Mutation:
    """Makes a mutation of one item of `sync_push`. Raises `Invalid` or `TooLarge`."""
    name, payload = read_pushed(item)
    entity, operation = entity_and_operation(name)
    return read_mutation(actor, entity, operation, payload, settings, skew=skew)
