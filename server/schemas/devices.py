"""Device health as REST asks and answers it."""

from __future__ import annotations

from marshmallow import fields

from server.schemas.auth import AGENT_CODE
from server.schemas.base import FieldbookSchema, OptionalSchema
from server.schemas.fields import Id, Line, Part, Pattern, Text, Version, Whole
from server.schemas.responses import DeviceSchema, ListAnswerSchema
from server.schemas.rows import SentTime


class DevicePageSchema(ListAnswerSchema):
    """A part of a list of devices."""

    items = fields.List(Part(DeviceSchema()), required=True)


class DeviceHealthSchema(FieldbookSchema):
    """How many devices there are in each state."""

    total = Whole(0, required=True)
    states = fields.Dict(
        keys=Text(20), values=Whole(0), required=True, metadata={"example": {"online": 3}}
    )
    queue_stuck = Whole(0, required=True)
    errors_today = Whole(0, required=True)
    greatest_lag = Version(required=True)


class DeviceDaySchema(FieldbookSchema):
    """What devices did on one day, UTC."""

    day = Text(10, required=True, metadata={"example": "2026-03-01"})
    connections = Whole(0, required=True)
    syncs = Whole(0, required=True)
    pushes = Whole(0, required=True)
    failures = Whole(0, required=True)
    refused = Whole(0, required=True)
    rows = Whole(0, required=True)
    bytes = Whole(0, required=True)
    median_sync_ms = fields.Float(required=True, allow_none=True)
    most_devices_online = Whole(0, required=True, allow_none=True)
    greatest_lag = Version(required=True, allow_none=True)


class DeviceStatisticsSchema(FieldbookSchema):
    """The last 30 days on which devices did anything, newest first."""

    days = fields.List(Part(DeviceDaySchema()), required=True)


class DeviceActivitySchema(FieldbookSchema):
    """A connection, a sync, a push or a refused event."""

    id = Text(64, required=True)
    kind = Text(20, required=True)
    started = SentTime(required=True)
    ended = SentTime(required=True, allow_none=True)
    since = Version(required=True, allow_none=True)
    until = Version(required=True, allow_none=True)
    rows = Whole(0, required=True, allow_none=True)
    bytes = Whole(0, required=True, allow_none=True)
    outcome = Text(50, required=True, allow_none=True)
    error_code = Text(50, required=True, allow_none=True)
    address = Text(100, required=True, allow_none=True)


class SingleDeviceSchema(DeviceSchema):
    """A device with what it did last, newest first."""

    activity = fields.List(Part(DeviceActivitySchema()), required=True)


class DeviceEnrolSchema(OptionalSchema):
    """A device for an agent, made before its first sign-in."""

    agent_code = Pattern(
        AGENT_CODE, "This must be 1 to 64 of letters, digits and . _ @ -", required=True
    )
    name = Line(200, metadata={"example": "Ann's phone"})


class EnrolledSchema(FieldbookSchema):
    """A new device and its key, which is shown this once."""

    device = Part(DeviceSchema(), required=True)
    api_key = Text(200, required=True)
    key_id = Id(required=True)


DEVICE_ENROL = DeviceEnrolSchema()
