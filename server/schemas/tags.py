"""A tag as clients write it."""

from __future__ import annotations

import re
from typing import Any

from server.schemas.base import FieldbookSchema
from server.schemas.fields import Line, Pattern
from server.schemas.mutations import mutation_schemas
from server.schemas.rows import RowSchema


class Color(Pattern):
    """`#rrggbb`, stored in lower case."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            re.compile("#[0-9A-Fa-f]{6}"), "This must be a colour like #1d4ed8.", **kwargs
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return super()._deserialize(value, attr, data, **kwargs).lower()


class TagFields(FieldbookSchema):
    """What clients may write of a tag."""

    name = Line(100, min_length=1, required=True, metadata={"example": "VIP"})
    color = Color(allow_none=True, metadata={"example": "#1d4ed8"})
    category = Line(100, allow_none=True, metadata={"example": "Priority"})


class TagSchema(RowSchema, TagFields):
    """A tag as it goes out; what is empty is left out."""


TAG = mutation_schemas("tag", TagFields, TagSchema)
