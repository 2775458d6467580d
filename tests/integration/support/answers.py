"""What an ack may look like: every ack that a test gets is held to this."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields

from server.errors import FieldbookError
from server.schemas.base import FieldbookSchema, flatten
from server.schemas.entities import ENTITIES
from server.schemas.events_out import AuthenticatedSchema
from server.schemas.fields import Items, Text, Version, Whole
from server.schemas.responses import MAX_SENT, OkSchema, RowWriteSchema, checksum
from server.schemas.rows import SentTime, TombstoneSchema

CODES = {each.code for each in FieldbookError.__subclasses__()} | {"internal"}


class SyncAnswerSchema(OkSchema):
    request_id = Text(100, required=True, allow_none=True)
    version = Version(required=True)
    total = Whole(0, required=True)


class PingAnswerSchema(OkSchema):
    server_time = SentTime(required=True)
    version = Version(required=True)
    epoch = Text(100, required=True)
    checksum = checksum()
    skew_ms = fields.Integer(required=True)


class PushAnswerSchema(OkSchema):
    results = Items(fields.Dict(), limit=MAX_SENT, required=True)
    version = Version(required=True)


WRITES = {
    f"{entity.name}_{operation}": (entity, operation)
    for entity in ENTITIES
    for operation in ("create", "update", "delete", "restore")
}
SCHEMAS: dict[str, FieldbookSchema] = {
    "auth": AuthenticatedSchema(),
    "sync_request": SyncAnswerSchema(),
    "sync_push": PushAnswerSchema(),
    "ping": PingAnswerSchema(),
}


def faults_of_answer(event: str, answer: Any) -> list[str]:
    """What is wrong with an ack; empty when it is right."""
    if not isinstance(answer, dict):
        return [f"not an object: {answer!r}"]
    if answer.get("ok") is not True:
        return faults_of_refusal(answer)
    if event in WRITES:
        return faults_of_write(event, answer)
    faults = faults_by(SCHEMAS[event], answer)
    for item in answer.get("results", ()) if event == "sync_push" else ():
        faults += faults_by(RowWriteSchema(), item) if item["ok"] else faults_of_refusal(item)
    return faults


def faults_of_refusal(answer: dict[str, Any]) -> list[str]:
    error = answer.get("error")
    if set(answer) != {"ok", "error"} or answer["ok"] is not False or not isinstance(error, dict):
        return [f"not a refusal: {answer!r}"]
    faults = []
    if error.get("code") not in CODES:
        faults.append(f"unknown code: {error.get('code')!r}")
    if not isinstance(error.get("message"), str) or not error["message"].strip():
        faults.append("no message")
    for path, messages in error.get("fields", {}).items():
        if not messages or not all(isinstance(each, str) for each in messages):
            faults.append(f"a field without words: {path!r}: {messages!r}")
    return faults


def faults_of_write(event: str, answer: dict[str, Any]) -> list[str]:
    entity, operation = WRITES[event]
    row = answer.get(entity.name)
    rest = {key: value for key, value in answer.items() if key != entity.name}
    faults = faults_by(RowWriteSchema(), rest)
    if not isinstance(row, dict):
        return [*faults, f"no {entity.name}"]
    schema = TombstoneSchema() if "deleted_at" in row else entity.row()
    if operation == "delete" and answer["status"] == "applied" and "deleted_at" not in row:
        faults.append("a delete was applied, and the row is still there")
    return faults + faults_by(schema, row)


def faults_by(schema: FieldbookSchema, value: Any) -> list[str]:
    try:
        schema.load(value)
    except ValidationError as error:
        return [f"{path}: {messages}" for path, messages in flatten(error.messages).items()]
    return []
