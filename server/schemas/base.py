"""What every schema shares, and `parse`, the one way in.

A schema checks the shape of what came in and knows no tenant: types, lengths, unknown
names. What needs the tenant's settings is done afterwards, by `normalise`.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cached_property
from typing import Any, ClassVar

import orjson
from marshmallow import RAISE, Schema, ValidationError

from server.errors import Invalid, TooLarge
from server.schemas.quick import Load, quick_load
from server.schemas.wellformed import MAX_REPORTED, join, refuse_what_is_not_json

_UNKNOWN = "Unknown field."


class FieldbookSchema(Schema):
    """A schema that refuses unknown fields by name and says which one was likely meant.

    `parsed_later` names keys whose content `parse` does not look into; `max_bytes` bounds
    the size of single keys, as JSON in UTF-8; the key "" stands for the whole object. A schema
    whose `load` changes its payload first is not one that `loads_as_it_came`.
    """

    class Meta:
        unknown = RAISE

    error_messages: ClassVar[dict[str, str]] = {  # type: ignore[misc]
        "unknown": _UNKNOWN,
        "type": "This must be a JSON object.",
    }
    parsed_later: ClassVar[frozenset[str]] = frozenset()
    max_bytes: ClassVar[Mapping[str, int]] = {}
    loads_as_it_came: ClassVar[bool] = True

    @cached_property
    def _quick_load(self) -> Load | None:
        return quick_load(self)

    def load(
        self, data: Any, *, many: bool | None = None, partial: Any = None, unknown: Any = None
    ) -> Any:
        """The loaded fields, by the quick way where that is sure. Raises ValidationError."""
        if self._quick_load and not many and unknown is None:
            try:
                # What is absent may be required, never the other way: `partial` only relaxes.
                return self._quick_load(data)
            except ValidationError:
                # Not sure: what follows accepts it, or names every fault.
                pass
        return super().load(data, many=many, partial=partial, unknown=unknown)

    def handle_error(self, error: ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        """Add "Did you mean …?" to the first few unknown fields."""
        if not isinstance(error.messages, dict):
            return
        unknown = [name for name, found in error.messages.items() if found == [_UNKNOWN]]
        for name in unknown[:10]:
            known = [field for field in self.load_fields if field not in data]
            close = difflib.get_close_matches(str(name)[:50].lower(), known, n=1, cutoff=0.7)
            if close:
                error.messages[name] = [f"{_UNKNOWN} Did you mean {close[0]}?"]


class OptionalSchema(FieldbookSchema):
    """A schema to which null means that the field was left out."""

    loads_as_it_came = False

    def load(
        self, data: Any, *, many: bool | None = None, partial: Any = None, unknown: Any = None
    ) -> Any:
        """What is loaded of the payload without its nulls; of unknown fields they are refused."""
        if isinstance(data, dict) and None in data.values():
            known = self.load_fields
            data = {key: data[key] for key in data if data[key] is not None or key not in known}
        return super().load(data, many=many, partial=partial, unknown=unknown)


def parse(schema: FieldbookSchema, payload: object, prefix: str = "") -> dict[str, Any]:
    """What `schema` makes of a payload that came in; the schema is made once, at import.

    `prefix` is put before every path of an error. Raises Invalid, with `fields`, for
    whatever does not fit, and TooLarge; nothing else, whatever the payload is.
    """
    if not isinstance(payload, dict):
        message = f"Send one JSON object; this is {_kind(payload)}."
        raise Invalid(message, fields={prefix: [message]} if prefix else None)
    looked_at = payload
    if schema.parsed_later:
        looked_at = {key: payload[key] for key in payload if key not in schema.parsed_later}
    size = refuse_what_is_not_json(looked_at, prefix)
    for key, limit in schema.max_bytes.items():
        if size > limit and (not key or key in looked_at):
            refuse_oversize(looked_at[key] if key else looked_at, limit, join(prefix, key))
    try:
        loaded: dict[str, Any] = schema.load(payload)
    except ValidationError as error:
        raise Invalid(fields=flatten(error.messages, prefix)) from None
    return loaded


def refuse_oversize(value: object, limit: int, path: str) -> None:
    """Raise TooLarge, naming `path`, when `value` takes more than `limit` bytes as JSON."""
    size = len(orjson.dumps(value))
    if size > limit:
        message = f"This takes {size:,} bytes as JSON; at most {limit:,} are accepted."
        raise TooLarge(message, fields={path: [message]})


def flatten(messages: Any, prefix: str = "") -> dict[str, list[str]]:
    """Marshmallow's nested messages as `{"contact.emails.0.value": ["…"]}`, at most 50."""
    found: dict[str, list[str]] = {}
    pending = [(prefix, messages)]
    while pending and len(found) < MAX_REPORTED:
        path, below = pending.pop()
        if isinstance(below, dict):
            inner = [(path if key == "_schema" else join(path, key), below[key]) for key in below]
            pending.extend(reversed(inner))
        elif isinstance(below, list):
            found.setdefault(path, []).extend(str(message) for message in below)
        else:
            found.setdefault(path, []).append(str(below))
    return found


def _kind(payload: object) -> str:
    if payload is None:
        return "null"
    if isinstance(payload, bytes | bytearray):
        return "binary"
    if isinstance(payload, list | tuple):
        return "a list"
    if isinstance(payload, str):
        return "a text"
    return "true or false" if isinstance(payload, bool) else "a number"
