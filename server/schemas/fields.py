"""The kinds of fields that Fieldbook's schemas are made of.

Each refuses what is not of its kind, in words for the person who sent it, and never
guesses: "1" is no number and 1 is not true.
"""

from __future__ import annotations

import re
from math import isnan
from typing import Any, NamedTuple

from marshmallow import ValidationError, fields, missing, validate

from server.schemas.texts import many_lines, one_line
from server.schemas.times import read_clock

MAX_VERSION = 2**52 - 1
# Whole numbers that every client can hold: JavaScript's are exact only up to here.
MAX_INTEGER = 2**53 - 1
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_WORDS = {"required": "This is missing.", "null": "This can't be null."}


class Worded(fields.Field[Any]):
    """The base of every field: marshmallow's general messages in words for its reader."""

    def make_error(self, key: str, **kwargs: Any) -> ValidationError:
        """The error of kind `key`, in our words where there are any."""
        if key in _WORDS:
            return ValidationError(_WORDS[key])
        return super().make_error(key, **kwargs)


class Text(Worded, fields.String):
    """A text of at most `max_length` characters, kept as it came."""

    def __init__(self, max_length: int, *, min_length: int = 0, **kwargs: Any) -> None:
        length = validate.Length(min=min_length or None, max=max_length)
        length.message_max = f"This is longer than {max_length:,} characters."
        length.message_all = f"This needs {min_length} to {max_length:,} characters."
        super().__init__(validate=length, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("This must be a text.")
        return value


class Line(Text):
    """A text on one line, tidied as `texts.one_line` says, then measured.

    Where null is allowed, an empty one is null.
    """

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return one_line(super()._deserialize(value, attr, data, **kwargs))

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> Any:
        """The tidied text, or None for an empty one that may be null."""
        tidied = super().deserialize(value, attr, data, **kwargs)
        return None if tidied == "" and self.allow_none else tidied


class Lines(Line):
    """The same for a text that may have several lines, which `texts.many_lines` tidies."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        return many_lines(Text._deserialize(self, value, attr, data, **kwargs))


class Pattern(Worded, fields.String):
    """A text that wholly matches `pattern`; `message` says so in words."""

    def __init__(self, pattern: re.Pattern[str], message: str, **kwargs: Any) -> None:
        metadata = {"pattern": f"^{pattern.pattern}$", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)
        self.pattern = pattern
        self.message = message

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise ValidationError(self.message)
        return value


class Id(Pattern):
    """The id of a row: 8 to 64 characters of `A-Za-z0-9_-`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(ID, "This must be an id: 8 to 64 of A-Z, a-z, 0-9, _ and -.", **kwargs)


class Choice(Worded, fields.String):
    """One of a few words."""

    def __init__(self, *choices: str, **kwargs: Any) -> None:
        super().__init__(
            validate=validate.OneOf(choices, error=f"This must be one of: {', '.join(choices)}."),
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("This must be a text.")
        return value


class Flag(Worded, fields.Boolean):
    """true or false; no 0, 1 or "yes"."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("This must be true or false.")
        return value


class Whole(Worded, fields.Integer):
    """A whole number from `minimum` to `maximum`; a text or 1.0 is none."""

    def __init__(self, minimum: int, maximum: int = MAX_INTEGER, **kwargs: Any) -> None:
        self.message = f"This must be a whole number from {minimum} to {maximum}."
        limits = validate.Range(min=minimum, max=maximum, error=self.message)
        super().__init__(validate=limits, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValidationError(self.message)
        return value


class Version(Whole):
    """A version or cursor: a whole number from 0 to 2^52 - 1."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(0, MAX_VERSION, **kwargs)


class Number(Worded, fields.Float):
    """A number, whole or not, from `minimum` to `maximum`; never NaN or infinite."""

    def __init__(self, minimum: float, maximum: float, **kwargs: Any) -> None:
        self.message = f"This must be a number from {minimum:g} to {maximum:g}."
        limits = validate.Range(min=minimum, max=maximum, error=self.message)
        super().__init__(validate=limits, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool) or isnan(value):
            raise ValidationError(self.message)
        return value


class Clock(Worded, fields.Field[int]):
    """A time, as RFC 3339 text with its zone or as milliseconds since 1970: gives microseconds."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {"type": "string", "format": "date-time", **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        try:
            return read_clock(value)
        except ValueError as error:
            raise ValidationError(str(error)) from None


class Part(Worded, fields.Nested):
    """An object inside another."""


class Items(Worded, fields.List[Any]):
    """A list of at most `limit` items, counted before any of them is looked at."""

    def __init__(self, item: fields.Field[Any], *, limit: int, **kwargs: Any) -> None:
        metadata = {"maxItems": limit, **kwargs.pop("metadata", {})}
        super().__init__(item, metadata=metadata, **kwargs)
        self.limit = limit

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError("This must be a list.")
        if len(value) > self.limit:
            raise ValidationError(f"At most {self.limit} items; these are {len(value)}.")
        return super()._deserialize(value, attr, data, **kwargs)


class Echoed(NamedTuple):
    """What a client sent back of the server's; `mutations.split_echoes` takes it out."""

    value: object


class Echo(Worded, fields.Raw):
    """A field of the server's that a client sends back; compared later with what stands."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_none=True, **kwargs)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> Any:
        """Any value as `Echoed`, null too, which is why `_deserialize` would not do."""
        return value if value is missing else Echoed(value)
