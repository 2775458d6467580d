"""The query parameters of REST: texts that stand for flags, numbers, times and lists."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from marshmallow import ValidationError, fields, validates_schema

from server.errors import Invalid
from server.schemas.base import FieldbookSchema, parse
from server.schemas.fields import (
    ID,
    MAX_VERSION,
    Choice,
    Clock,
    Flag,
    Items,
    Line,
    Pattern,
    Text,
    Whole,
    Worded,
)
from server.schemas.sync import DEFAULT_PAGE, MAX_PAGE

DEFAULT_LIMIT = 25
MAX_LIMIT = 500
SORTABLE = (
    "display_name",
    "first_name",
    "last_name",
    "company",
    "created_at",
    "updated_at",
    "version",
)
DEVICE_SORTABLE = (
    "agent",
    "name",
    "state",
    "last_seen",
    "last_sync",
    "lag",
    "queue",
    "battery",
    "app_version",
)
EXPORT_FORMATS = ("csv", "google", "json", "vcf")
DEVICE_STATES = ("revoked", "never_synced", "online", "missing", "late", "idle")
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


def _names(what: str) -> Items:
    return Names(
        Text(100, min_length=1),
        limit=100,
        metadata={"description": f"Id or name of a {what}; given again, any of them."},
    )


class ContactFilterSchema(FieldbookSchema):
    """Which contacts: of the list, an export or a bulk edit. All that is given must hold.

    Also takes JSON's own true and lists, as in the `filter` of a bulk edit.
    """

    search = Line(200, metadata={"description": "Any part of name, company, e-mail or phone."})
    owner_id = OwnerId(metadata={"description": "`none`: those that nobody owns."})
    tag = _names("tag")
    group = _names("group")
    type = _names("type")
    company = Line(500)
    active = QueryFlag()
    has_email = QueryFlag()
    has_phone = QueryFlag()
    opted_out = OptedOut()
    updated_since = QueryClock()
    deleted = QueryFlag(metadata={"description": "Only the deleted ones, instead of the others."})


class PageQuerySchema(FieldbookSchema):
    """Which part of a list."""

    limit = QueryWhole(1, MAX_LIMIT, load_default=DEFAULT_LIMIT)
    cursor = Text(2_000, metadata={"description": "`next_cursor` of the page before."})
    offset = QueryWhole(0, 10_000_000, metadata={"description": "Rows to pass over."})

    @validates_schema
    def refuse_two_ways(self, data: dict[str, Any], **kwargs: Any) -> None:
        """A cursor and an offset could contradict each other."""
        if "cursor" in data and "offset" in data:
            raise ValidationError("Send one of cursor and offset, not both.", "offset")


class ContactListQuerySchema(ContactFilterSchema, PageQuerySchema):
    """`GET /api/contacts`."""

    sort = SortBy(SORTABLE)


class ExportQuerySchema(ContactFilterSchema):
    """`GET /api/bulk/export`: the list's filters, and how the file is written."""

    format = Choice(*EXPORT_FORMATS, load_default="csv")


class DeltaQuerySchema(FieldbookSchema):
    """`GET /api/sync/delta`: what `sync_request` asks, by parameters."""

    version = QueryWhole(0, MAX_VERSION, required=True, metadata={"description": "Your cursor."})
    limit = QueryWhole(1, MAX_PAGE, load_default=DEFAULT_PAGE)
    epoch = Text(100)
    resume = Text(2_000)


class DeviceListQuerySchema(PageQuerySchema):
    """`GET /api/devices` and its parts."""

    state = Choice(*DEVICE_STATES)
    app_outdated = QueryFlag(metadata={"description": "Below the company's min_app_version."})
    queue_stuck = QueryFlag(
        metadata={"description": "With edits that have waited for more than an hour."}
    )
    search = Line(
        200,
        metadata={
            "description": "Any part of a name of the device, its system, app or agent; or its id."
        },
    )
    sort = SortBy(DEVICE_SORTABLE, load_default=Sort("agent", descending=False))


class OutdatedQuerySchema(PageQuerySchema):
    """`GET /api/devices/outdated`."""

    versions = QueryWhole(
        0, MAX_VERSION, metadata={"description": "Also those more than so many behind."}
    )


CONTACT_FILTER = ContactFilterSchema()
CONTACT_LIST = ContactListQuerySchema()
EXPORT = ExportQuerySchema()
PAGE = PageQuerySchema()
DELTA = DeltaQuerySchema()
DEVICE_LIST = DeviceListQuerySchema()
OUTDATED = OutdatedQuerySchema()


def parse_query(schema: FieldbookSchema, pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """What `schema` makes of a query string's pairs (`request.query.items()`).

    An empty value means that the parameter was left out, as forms send it. Raises Invalid
    naming the parameter, also when one that takes a single value is given twice.
    """
    given: dict[str, Any] = {}
    twice: dict[str, list[str]] = {}
    for name, value in pairs:
        field = schema.load_fields.get(name)
        if field is not None and value == "":
            continue
        if isinstance(field, Items):
            given.setdefault(name, []).append(value)
        elif name in given:
            twice[name] = ["This can be given only once."]
        else:
            given[name] = value
    if twice:
        raise Invalid(fields=twice)
    return parse(schema, given)
