"""The statistics of days and minutes in REST."""

from __future__ import annotations

from marshmallow import fields

from server.schemas.base import FieldbookSchema
from server.schemas.devices import DeviceDaySchema
from server.schemas.fields import Id, Items, Part, Whole
from server.schemas.query_fields import QueryDay
from server.schemas.responses import MAX_SENT
from server.schemas.rows import SentTime

# `from` is a word of Python's own, so these two are made by a call.
StatisticsQuerySchema: type[FieldbookSchema] = type(
    "StatisticsQuerySchema",
    (FieldbookSchema,),
    {
        "__doc__": "`GET /api/statistics`.",
        "from": QueryDay(metadata={"description": "The first day; else the 30th up to `to`."}),
        "to": QueryDay(metadata={"description": "The last day; else today."}),
    },
)


class StatisticsDayQuerySchema(FieldbookSchema):
    """`GET /api/statistics/day`."""

    day = QueryDay(metadata={"description": "Else today."})


class AgentChangesSchema(FieldbookSchema):
    """How many changes of contacts an agent made; null: jobs, and what was typed into SQL."""

    agent = Id(required=True, allow_none=True)
    changes = Whole(1, required=True)


class StatisticsOfDaySchema(DeviceDaySchema):
    """What happened on one day (UTC): to contacts, and what devices did."""

    contacts = Whole(0, required=True, metadata={"description": "Those at the day's end."})
    created = Whole(0, required=True)
    updated = Whole(0, required=True)
    deleted = Whole(0, required=True)
    restored = Whole(0, required=True)
    agents = Items(
        Part(AgentChangesSchema()),
        limit=MAX_SENT,
        required=True,
        metadata={"description": "Who made these changes, the busiest first."},
    )
    most_devices_online = Whole(0, required=True)
    greatest_lag = Whole(0, required=True)


StatisticsOfDaysSchema: type[FieldbookSchema] = type(
    "StatisticsOfDaysSchema",
    (FieldbookSchema,),
    {
        "__doc__": "Each day once, the oldest first; none of the future.",
        "from": fields.Date(required=True),
        "to": fields.Date(required=True),
        "days": Items(Part(StatisticsOfDaySchema()), limit=MAX_SENT, required=True),
    },
)


class MinuteSchema(FieldbookSchema):
    """How many devices were online in a minute, and how many versions the last was behind."""

    at = SentTime(required=True)
    devices_online = Whole(0, required=True)
    greatest_lag = Whole(0, required=True)


class StatisticsOfMinutesSchema(FieldbookSchema):
    """A day (UTC), minute by minute; those in which no server ran are left out."""

    day = fields.Date(required=True)
    minutes = Items(Part(MinuteSchema()), limit=MAX_SENT, required=True)


STATISTICS = StatisticsQuerySchema()
STATISTICS_DAY = StatisticsDayQuerySchema()
