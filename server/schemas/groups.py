"""A group as clients write it."""

from __future__ import annotations

from server.schemas.base import FieldbookSchema
from server.schemas.fields import Line, Lines
from server.schemas.mutations import mutation_schemas
from server.schemas.rows import RowSchema


class GroupFields(FieldbookSchema):
    """What clients may write of a group."""

    name = Line(100, min_length=1, required=True, metadata={"example": "Zurich"})
    description = Lines(1_000, allow_none=True)


class GroupSchema(RowSchema, GroupFields):
    """A group as it goes out; what is empty is left out."""


GROUP = mutation_schemas("group", GroupFields, GroupSchema)
