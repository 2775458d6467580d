"""How the tests of the schemas ask what is wrong with a payload."""

from __future__ import annotations

from server.errors import Invalid
from server.schemas.base import FieldbookSchema, parse


def faults(schema: FieldbookSchema, payload: object, prefix: str = "") -> dict[str, list[str]]:
    """The paths and messages of the `Invalid` that parsing raises; empty when it raises none."""
    try:
        parse(schema, payload, prefix)
    except Invalid as error:
        return dict(error.fields or {"": [error.message]})
    return {}
