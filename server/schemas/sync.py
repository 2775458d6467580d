"""What a device asks when it catches up, hands over its offline queue, or says it is alive."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from server.errors import Invalid, TooLarge
from server.schemas.base import FieldbookSchema, OptionalSchema
from server.schemas.fields import Choice, Clock, Flag, Line, Number, Part, Text, Version, Whole
from server.schemas.wellformed import join

MAX_PAGE = 5_000
DEFAULT_PAGE = 1_000
MAX_PUSH = 500
MAX_COUNT = 2**31 - 1  # what the database's integer columns hold


class SyncRequestSchema(OptionalSchema):
    """`sync_request`: everything after a cursor."""

    since = Version(required=True, metadata={"description": "Your cursor; 0 for a first sync."})
    epoch = Text(100, min_length=1, metadata={"description": "Required when since is above 0."})
    limit = Whole(1, MAX_PAGE, load_default=DEFAULT_PAGE, metadata={"description": "Rows a page."})
    stream = Flag(load_default=False, metadata={"description": "All pages, one after another."})
    compress = Choice("gzip")
    resume = Text(2_000, min_length=1, metadata={"description": "From the last page received."})
    request_id = Text(100)

    @validates_schema
    def require_epoch(self, data: dict[str, Any], **kwargs: Any) -> None:
        """A cursor means nothing without the life of the database that it is of."""
        if data.get("since", 0) > 0 and "epoch" not in data:
            raise ValidationError(
                "Send the epoch that your cursor is of; it is required when since is above 0.",
                "epoch",
            )


class Mutations(fields.Raw):
    """A list, of which each item is judged alone, later."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise ValidationError("This must be a list.")
        if len(value) > MAX_PUSH:
            message = f"At most {MAX_PUSH} mutations at once; these are {len(value)}."
            raise TooLarge(message, fields={attr or "mutations": [message]})
        return value


class SyncPushSchema(FieldbookSchema):
    """`sync_push`: an offline queue. Read each of its mutations by `read_pushed`."""

    parsed_later = frozenset({"mutations"})

    mutations = Mutations(required=True)


def read_pushed(item: object, prefix: str = "") -> tuple[str, dict[str, Any]]:
    """The `op` of one pushed mutation and the payload that the event of that name takes.

    Raises Invalid when it is no object or lacks `op` or `mutation_id`; whether there is
    such an op, and its payload, are checked by whoever applies it.
    """
    if not isinstance(item, dict):
        message = "Each mutation must be a JSON object."
        raise Invalid(message, fields={prefix: [message]} if prefix else None)
    missing: dict[str, list[str]] = {}
    if not isinstance(item.get("op"), str):
        missing[join(prefix, "op")] = ["Name the operation, for example contact_update."]
    if item.get("mutation_id") is None:
        missing[join(prefix, "mutation_id")] = [
            "A pushed mutation needs its id, or it could be applied twice."
        ]
    if missing:
        raise Invalid(fields=missing)
    return item["op"], {key: value for key, value in item.items() if key != "op"}


class QueueSchema(OptionalSchema):
    """What still waits on the device."""

    size = Whole(0, MAX_COUNT)
    oldest_at = Clock()


class PingSchema(OptionalSchema):
    """`ping`: how the device is."""

    clock = Clock(metadata={"description": "The device's time now."})
    cursor = Version()
    queue = Part(QueueSchema())
    battery = Number(0, 100, metadata={"description": "Per cent."})
    network = Line(50, metadata={"example": "wifi"})
    app_version = Line(50, metadata={"example": "2.4.1"})


SYNC_REQUEST = SyncRequestSchema()
SYNC_PUSH = SyncPushSchema()
PING = PingSchema()
