"""Devices in REST: how a new one is enrolled, and how all of them are."""

from __future__ import annotations

from marshmallow import fields

from server.schemas.auth import RegisterSchema
from server.schemas.base import FieldbookSchema, OptionalSchema
from server.schemas.fields import Choice, Id, Items, Line, Part, Text, Version, Whole
from server.schemas.queries import DEVICE_STATES
from server.schemas.query_fields import QueryDay, QueryWhole
from server.schemas.requests import HistoryQuerySchema
from server.schemas.responses import (
    MAX_SENT,
    DeviceSchema,
    LagSchema,
    ListAnswerSchema,
    OkSchema,
    SentQueueSchema,
)
from server.schemas.rows import SentTime

MAX_DAYS = 90


class EnrolSchema(OptionalSchema):
    """A new device for an agent."""

    agent_code = RegisterSchema().fields["agent_code"]
    name = Line(200, metadata={"example": "Ann's phone"})


class DeviceStatsQuerySchema(FieldbookSchema):
    """`GET /api/devices/stats`."""

    days = QueryWhole(1, MAX_DAYS, load_default=30)


class DeviceHistoryQuerySchema(HistoryQuerySchema):
    """`GET /api/devices/{id}/history`."""

    day = QueryDay(metadata={"description": "What it did on this day (UTC); else the latest."})


class DeviceListSchema(ListAnswerSchema):
    """A page of devices."""

    items = Items(Part(DeviceSchema()), limit=MAX_SENT, required=True)


class DeviceChangedSchema(OkSchema):
    """A device after what was done to it."""

    device = Part(DeviceSchema(), required=True)


class DeviceEnrolledSchema(DeviceChangedSchema):
    """A new device, and its key, which is shown this once."""

    api_key = Text(200, required=True)
    key_id = Id(required=True)


class DeviceHealthSchema(FieldbookSchema):
    """How the devices are, all together; the lag is the greatest, the queue all of theirs."""

    total = Whole(0, required=True)
    online = Whole(0, required=True)
    app_outdated = Whole(0, required=True)
    queue_stuck = Whole(0, required=True)
    states = fields.Dict(
        keys=Text(50),
        values=Whole(0),
        required=True,
        metadata={"example": dict.fromkeys(DEVICE_STATES, 0) | {"online": 3}},
    )
    lag = Part(LagSchema(), required=True)
    queue = Part(SentQueueSchema(), required=True)
    attention = Items(
        Part(DeviceSchema()),
        limit=MAX_SENT,
        required=True,
        metadata={"description": "Late or missing ones, at most 20, furthest behind first."},
    )


class DeviceEntrySchema(FieldbookSchema):
    """A connection, a sync, a push or a refused event; `ended` is null while it lasts."""

    id = Text(64, required=True)
    kind = Choice("connection", "sync", "push", "refused", required=True)
    started = SentTime(required=True)
    ended = SentTime(required=True, allow_none=True)
    since = Version(required=True, allow_none=True)
    until = Version(required=True, allow_none=True)
    rows = Whole(
        0,
        required=True,
        allow_none=True,
        metadata={"description": "Rows sent, or mutations pushed."},
    )
    bytes = Whole(0, required=True, allow_none=True)
    outcome = Text(
        200,
        required=True,
        allow_none=True,
        metadata={"description": "How it ended; of what was refused, the event."},
    )
    error_code = Text(50, required=True, allow_none=True)


class DeviceHistorySchema(FieldbookSchema):
    """A page of what a device did, newest first."""

    items = Items(Part(DeviceEntrySchema()), limit=MAX_SENT, required=True)
    next_cursor = Text(2_000, required=True, allow_none=True)


class DeviceDaySchema(FieldbookSchema):
    """What devices did on one day (UTC)."""

    day = fields.Date(required=True)
    connections = Whole(0, required=True)
    syncs = Whole(0, required=True)
    pushes = Whole(0, required=True)
    failures = Whole(0, required=True, metadata={"description": "Syncs and pushes that failed."})
    refused = Whole(0, required=True, metadata={"description": "Events that were refused."})
    rows = Whole(0, required=True)
    bytes = Whole(0, required=True)
    median_sync_ms = Whole(0, required=True, allow_none=True)
    most_devices_online = Whole(0, required=True, allow_none=True)
    greatest_lag = Whole(0, required=True, allow_none=True)


class AppInUseSchema(FieldbookSchema):
    """How many devices have a version of the app on an operating system."""

    app_version = Text(50, required=True, allow_none=True)
    os = Text(200, required=True, allow_none=True)
    devices = Whole(0, required=True)


class DeviceStatsSchema(FieldbookSchema):
    """The last days, the latest first, and the apps in use, the most frequent first."""

    days = Items(Part(DeviceDaySchema()), limit=MAX_SENT, required=True)
    apps = Items(Part(AppInUseSchema()), limit=MAX_SENT, required=True)


ENROL = EnrolSchema()
DEVICE_HISTORY = DeviceHistoryQuerySchema()
DEVICE_STATS = DeviceStatsQuerySchema()
