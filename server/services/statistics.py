"""What happened on each day, for managers: changes, contacts, syncs and devices. Days are UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import orjson

from server.db.pool import Database
from server.db.queries import queries
from server.errors import Forbidden, Invalid
from server.services.actors import LEADERS, Actor

DEFAULT_DAYS = 30
KEPT_AT_ONCE = 31
MAX_DAYS = 366


class Statistics:
    """Reads what the history and the log of syncs tell of days and minutes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def days(self, actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
        """`{"from", "to", "days": [{"day", "contacts", "created", …}, …]}`, the oldest first.

        `query` is what `schemas.statistics.STATISTICS` gave: the last 30 days where it names none.
        Days of the future are left out. Raises `Forbidden`, `Invalid` for more than 366 days,
        `Unavailable`.
        """
        _refuse_others(actor)
        last: date = query.get("to") or _today()
        first: date = query.get("from") or last - timedelta(days=DEFAULT_DAYS - 1)
        if first > last:
            raise Invalid(fields={"from": [f"This lies after {last}, the last day."]})
        if last - first >= timedelta(days=MAX_DAYS):
            raise Invalid(fields={"from": [f"At most {MAX_DAYS} days, please: begin later."]})
        await keep_days(self._database, actor.tenant)
        async with self._database.tenant(actor.tenant) as connection:
            days = await connection.fetch(queries.statistics.list_days, actor.tenant, first, last)
        return {
            "from": first.isoformat(),
            "to": last.isoformat(),
            "days": [dict(day) | {"agents": orjson.Fragment(day["agents"])} for day in days],
        }

    async def minutes(self, actor: Actor, day: date | None) -> dict[str, Any]:
        """`{"day", "minutes": [{"at", "devices_online", "greatest_lag"}, …]}` of a day, or today.

        Minutes in which no server ran are left out. Raises `Forbidden`, `Unavailable`.
        """
        _refuse_others(actor)
        day = day or _today()
        async with self._database.tenant(actor.tenant) as connection:
            minutes = await connection.fetch(queries.statistics.list_minutes, actor.tenant, day)
        return {"day": day.isoformat(), "minutes": [dict(minute) for minute in minutes]}


async def keep_days(database: Database, tenant: str) -> None:
    """Keeps the statistics of days that are over, a month at a time; harmless to repeat.

    Mostly there is nothing to do. Must run before the log of syncs is purged. Raises `Unavailable`.
    """
    kept = 1
    while kept:
        async with database.tenant(tenant) as connection:
            kept = await connection.fetchval(queries.statistics.keep_days, tenant, KEPT_AT_ONCE)


def _today() -> date:
    return datetime.now(UTC).date()


def _refuse_others(actor: Actor) -> None:
    if actor.role not in LEADERS:
        raise Forbidden("Only managers and admins see the company's statistics.")
