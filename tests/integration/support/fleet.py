"""Devices as they stand in the database, and what REST says of them, held against the document."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
from nanoid import generate

from server.rest.devices import device_routes
from server.rest.openapi import documented_answers
from server.schemas.base import FieldbookSchema
from tests.integration.support.rest import Answer, Api
from tests.integration.support.servers import Company


def documented(name: str, status: int = 200) -> FieldbookSchema:
    """The schema that the document has for the answer of a route."""
    handlers = {route.handler.__name__: route.handler for route in device_routes(None)}  # type: ignore[union-attr, attr-defined, arg-type]
    schema = documented_answers(handlers[name])[status]
    assert not isinstance(schema, str)
    return schema()


def checked(answer: Answer, name: str, status: int = 200) -> Any:
    """The answer, which must be as the document has it."""
    assert answer.status == status, answer.text
    documented(name, status).load(answer.json)
    return answer.json


async def insert_device(
    sql: asyncpg.Connection, company: Company, role: str = "agent", **columns: Any
) -> str:
    """A device as it stands in the database; gives its id."""
    values = {"tenant_id": company.tenant, "id": generate(), "agent_id": company.agents[role]}
    values |= columns
    names = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await sql.execute(f"INSERT INTO devices ({names}) VALUES ({places})", *values.values())
    device_id: str = values["id"]
    return device_id


async def note_work(
    sql: asyncpg.Connection, company: Company, kind: str, started: Any, **columns: Any
) -> str:
    """An entry of the log of syncs; gives its id."""
    values = {"tenant_id": company.tenant, "id": generate(), "kind": kind, "started": started}
    values |= columns
    names = ", ".join(values)
    places = ", ".join(f"${number}" for number in range(1, len(values) + 1))
    await sql.execute(f"INSERT INTO sync_log ({names}) VALUES ({places})", *values.values())
    entry_id: str = values["id"]
    return entry_id


async def ago(sql: asyncpg.Connection, **delta: float) -> Any:
    return await sql.fetchval("SELECT now() - $1::interval", timedelta(**delta))


async def set_head(sql: asyncpg.Connection, company: Company, version: int) -> None:
    """Puts the head there. The minutes are the test's own: the server notes none as they turn."""
    # A minute whose id is taken is not noted, and what takes it here is in nobody's way.
    await sql.execute(
        "INSERT INTO sync_log (tenant_id, id, kind, started) SELECT $1, 'minute-' || "
        "to_char(now() AT TIME ZONE 'UTC' + number * interval '1 minute', 'YYYYMMDDHH24MI'), "
        "'push', 'epoch' FROM generate_series(0, 2) AS number ON CONFLICT (tenant_id, id) "
        "DO UPDATE SET kind = excluded.kind, started = excluded.started, until = NULL",
        company.tenant,
    )
    await sql.execute(
        "UPDATE global_version SET version = $2 WHERE tenant_id = $1", company.tenant, version
    )


async def note_minute(
    sql: asyncpg.Connection, company: Company, head: int, **before: float
) -> None:
    """The row of a minute in the past, when the head was this."""
    await sql.execute(
        "INSERT INTO sync_log (tenant_id, id, kind, started, until)"
        " VALUES ($1, $2, 'minute', $3, $4)",
        *(company.tenant, generate(), await ago(sql, **before), head),
    )


async def state_of(api: Api, device_id: str) -> str:
    device = checked(await api.get(f"/api/devices/{device_id}"), "get_device")
    state: str = device["state"]
    return state
