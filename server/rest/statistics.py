"""The statistics of a company, day by day and minute by minute."""

from __future__ import annotations

from aiohttp import web

from server.rest.openapi import operation
from server.rest.requests import actor_of, json_answer, query_of
from server.schemas.statistics import (
    STATISTICS,
    STATISTICS_DAY,
    StatisticsOfDaysSchema,
    StatisticsOfMinutesSchema,
)
from server.services.statistics import Statistics


def statistics_routes(statistics: Statistics) -> list[web.RouteDef]:
    """What happened, for managers and admins."""

    @operation(
        "get_statistics",
        "company",
        "Say what happened, day by day",
        description="For managers and admins. At most 366 days, which are UTC.",
        query=STATISTICS,
        answers={200: StatisticsOfDaysSchema},
    )
    async def get_days(request: web.Request) -> web.Response:
        return json_answer(await statistics.days(actor_of(request), query_of(request, STATISTICS)))

    @operation(
        "get_statistics_of_day",
        "company",
        "Say how many devices were online, minute by minute",
        description="For managers and admins. Days are UTC.",
        query=STATISTICS_DAY,
        answers={200: StatisticsOfMinutesSchema},
    )
    async def get_minutes(request: web.Request) -> web.Response:
        day = query_of(request, STATISTICS_DAY).get("day")
        return json_answer(await statistics.minutes(actor_of(request), day))

    return [
        web.get("/api/statistics", get_days, allow_head=False),
        web.get("/api/statistics/day", get_minutes, allow_head=False),
    ]
