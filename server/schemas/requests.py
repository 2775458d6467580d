"""What REST takes beside bodies and a list's filters: headers, and the queries of other lists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import EXCLUDE, ValidationError, fields

from server.schemas.base import FieldbookSchema, parse
from server.schemas.fields import MAX_VERSION, Choice, Id, Line, Text, Worded
from server.schemas.mutations import MutationId
from server.schemas.queries import DEFAULT_LIMIT, MAX_LIMIT, PageQuerySchema
from server.schemas.query_fields import QueryClock, QueryWhole
from server.schemas.responses import ORIGINS, OUTCOMES

_ETAG = re.compile(r'(?:W/)?"([0-9]{1,16})"|([0-9]{1,16})')


class ETag(Worded, fields.Integer):
    """A version as `ETag` gives it, in quotes or without; `*` for any version is none."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        if value == "*":
            return None
        found = _ETAG.fullmatch(value.strip()) if isinstance(value, str) else None
        version = int(found[1] or found[2]) if found else -1
        if not 0 <= version <= MAX_VERSION:
            raise ValidationError('This must be one version in quotes, as ETag gave it: "4211".')
        return version


class HeadersSchema(FieldbookSchema):
    """What every call may say in its headers."""

    class Meta:
        unknown = EXCLUDE

    device_id = Id(
        data_key="X-Device-Id",
        metadata={"description": "The device that calls; it must be the agent's own."},
    )
    writer_id = Id(
        data_key="X-Writer-Id",
        metadata={"description": "Which of an agent's clients calls, where that is no device."},
    )


class WriteHeadersSchema(HeadersSchema):
    """What a write may say in its headers."""

    mutation_id = MutationId(data_key="Idempotency-Key")


class RowWriteHeadersSchema(WriteHeadersSchema):
    """What a write to a row that is already there may say in its headers."""

    expected_version = ETag(
        data_key="If-Match",
        metadata={
            "type": "string",
            "description": "Write only if this is still the row's version (its ETag).",
        },
    )


class RowListQuerySchema(PageQuerySchema):
    """A list of tags, groups, types or the like, by name."""

    search = Line(200, metadata={"description": "Any part of the name."})


class KeyListQuerySchema(PageQuerySchema):
    """`GET /api/auth/keys`."""

    agent_id = Id(metadata={"description": "An admin sees everybody's; this agent's alone."})


class HistoryQuerySchema(FieldbookSchema):
    """A history, newest first."""

    limit = QueryWhole(1, MAX_LIMIT, load_default=DEFAULT_LIMIT)
    cursor = Text(2_000, metadata={"description": "`next_cursor` of the page before."})


class AuditQuerySchema(HistoryQuerySchema):
    """`GET /api/audit`."""

    entity = Line(50, metadata={"description": "contact, tag, agent, key, tenant, …"})
    entity_id = Text(64)
    agent = Id(metadata={"description": "The id of the agent who did it."})
    device = Id(metadata={"description": "The device on which it was done."})
    op = Line(50, metadata={"description": "create, update, delete, restore, register, …"})
    field = Line(100, metadata={"description": "A field that was changed: company, custom, …"})
    outcome = Choice(*OUTCOMES)
    origin = Choice(*ORIGINS)
    since = QueryClock(metadata={"description": "Not before this time."})
    until = QueryClock(metadata={"description": "Before this time."})


HEADERS = HeadersSchema()
WRITE_HEADERS = WriteHeadersSchema()
ROW_WRITE_HEADERS = RowWriteHeadersSchema()
ROW_LIST = RowListQuerySchema()
KEY_LIST = KeyListQuerySchema()
HISTORY = HistoryQuerySchema()
AUDIT = AuditQuerySchema()


def parse_headers(schema: FieldbookSchema, headers: Mapping[str, str]) -> dict[str, Any]:
    """What `schema` makes of a request's headers; raises Invalid naming the header."""
    names = [field.data_key or name for name, field in schema.load_fields.items()]
    return parse(schema, {name: headers[name] for name in names if headers.get(name)})
