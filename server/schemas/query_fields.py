"""Fields of query parameters: texts that stand for flags, numbers, times and lists."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple

from marshmallow import ValidationError, fields

from server.schemas.fields import ID, Clock, Flag, Items, Pattern, Whole, Worded

_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_WHOLE = re.compile(r"[0-9]{1,16}")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
# A + that was not escaped arrives as a space, and only a zone has one.
_SPACED_ZONE = re.compile(r"(.*[0-9]) ([0-9]{2}:[0-9]{2})")


class QueryFlag(Flag):
    """`true`, `false`, `1` or `0`."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        flag = _FLAGS.get(value, value) if isinstance(value, str) else value
        return super()._deserialize(flag, attr, data, **kwargs)


class QueryWhole(Whole):
    """A whole number in decimal digits."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        digits = isinstance(value, str) and _WHOLE.fullmatch(value)
        return super()._deserialize(int(value) if digits else value, attr, data, **kwargs)


class QueryClock(Clock):
    """A time, a day (from its beginning, UTC), or milliseconds since 1970."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> int:
        if isinstance(value, str):
            if _DAY.fullmatch(value):
                value = f"{value}T00:00:00Z"
            elif _WHOLE.fullmatch(value):
                value = int(value)
            elif spaced := _SPACED_ZONE.fullmatch(value):
                value = "+".join(spaced.groups()) if "T" in value.upper() else value
        return super()._deserialize(value, attr, data, **kwargs)


class QueryDay(Worded, fields.Date):
    """A day like 2026-03-01."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        message = "This must be a day like 2026-03-01, of 1970 or later."
        if not isinstance(value, str) or not _DAY.fullmatch(value):
            raise ValidationError(message)
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValidationError("There is no such day.") from None
        if day.year < 1970:
            raise ValidationError(message)
        return day


class Sort(NamedTuple):
    """By which field a list is ordered."""

    field: str
    descending: bool


class SortBy(Worded, fields.Field[Sort]):
    """One of these fields, or `-field` for the other way round."""

    def __init__(self, sortable: Sequence[str], **kwargs: Any) -> None:
        super().__init__(
            metadata={
                "type": "string",
                "enum": [sign + field for field in sortable for sign in ("", "-")],
            },
            **kwargs,
        )
        self.sortable = sortable

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Sort:
        if not isinstance(value, str) or value.removeprefix("-") not in self.sortable:
            fields = ", ".join(self.sortable)
            raise ValidationError(f"This must be one of {fields}, or - before it.")
        return Sort(value.removeprefix("-"), value.startswith("-"))

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str:
        """The parameter that means a `Sort`: the OpenAPI document says a default with it."""
        return f"{'-' if value.descending else ''}{value.field}"


class OptedOut(Worded, fields.String):
    """A channel, or `true` for any of them and `false` for none: gives `any` or `none` then."""

    def __init__(self, **kwargs: Any) -> None:
        self.meanings = {
            "true": "any",
            "1": "any",
            "false": "none",
            "0": "none",
            **{channel: channel for channel in ("email", "phone", "sms")},
        }
        super().__init__(metadata={"enum": list(self.meanings)}, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        word = str(value).lower() if isinstance(value, bool) else value
        if not isinstance(word, str) or word not in self.meanings:
            raise ValidationError("This must be true, false, email, phone or sms.")
        return self.meanings[word]


class OwnerId(Pattern):
    """The id of an agent, or `none` for contacts that nobody owns; no id is as short."""

    def __init__(self, **kwargs: Any) -> None:
        message = "This must be the id of an agent, or none for contacts of nobody."
        super().__init__(re.compile(rf"none|{ID.pattern}"), message, **kwargs)


class Names(Items):
    """Names or ids; a single one may stand alone, as in a query."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        names = [value] if isinstance(value, str) else value
        return super()._deserialize(names, attr, data, **kwargs)
