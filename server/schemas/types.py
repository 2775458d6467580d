"""A type as clients write it."""

from __future__ import annotations

from server.schemas.base import FieldbookSchema
from server.schemas.fields import Line, Lines
from server.schemas.mutations import mutation_schemas
from server.schemas.rows import RowSchema


class TypeFields(FieldbookSchema):
    """What clients may write of a type."""

    name = Line(100, min_length=1, required=True, metadata={"example": "Customer"})
    description = Lines(1_000, allow_none=True)


class TypeSchema(RowSchema, TypeFields):
    """A type as it goes out; what is empty is left out."""


TYPE = mutation_schemas("type", TypeFields, TypeSchema)
