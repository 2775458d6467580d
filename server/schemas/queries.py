"""The query parameters of REST."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from marshmallow import ValidationError, validates_schema

from server.errors import Invalid
from server.schemas.base import FieldbookSchema, parse
from server.schemas.fields import MAX_VERSION, Choice, Items, Line, Text
from server.schemas.query_fields import (
    Names,
    OptedOut,
    OwnerId,
    QueryClock,
    QueryFlag,
    QueryWhole,
    Sort,
    SortBy,
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
