"""What every synced row has when it goes out, and its tombstone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from server.schemas.base import FieldbookSchema
from server.schemas.fields import Id, Pattern, Text, Version

_SENT_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3,6}Z")
_EMPTY: tuple[object, ...] = (None, "", [], {})


class SentTime(Pattern):
    """A time as it goes out: RFC 3339 in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"format": "date-time", "example": "2026-03-01T09:30:00.000Z"}
        super().__init__(
            _SENT_TIME,
            "This must be a time in UTC with milliseconds.",
            metadata=metadata | kwargs.pop("metadata", {}),
            **kwargs,
        )


class RowSchema(FieldbookSchema):
    """The fields that the database gives every synced row."""

    id = Id(required=True, metadata={"example": "V1StGXR8_Z5jdHi6B-myT"})
    version = Version(required=True, metadata={"example": 4211})
    created_at = SentTime(required=True)
    updated_at = SentTime(required=True)
    created_by = Text(64, metadata={"description": "The agent's id."})
    updated_by = Text(64, metadata={"description": "The agent's id."})

    @validates_schema(pass_original=True)
    def refuse_empty(self, data: Any, original: Mapping[str, Any], **kwargs: Any) -> None:
        """Absent means empty, so nothing empty is ever sent."""
        empty = [name for name, value in original.items() if value in _EMPTY]
        if empty:
            raise ValidationError({name: ["What is empty is left out."] for name in empty})


class TombstoneSchema(FieldbookSchema):
    """What remains of a deleted row."""

    id = Id(required=True)
    version = Version(required=True)
    deleted_at = SentTime(required=True)
