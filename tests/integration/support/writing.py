"""Mutations as tests make them, and what the database kept of them."""

from __future__ import annotations

import time
from typing import Any

import asyncpg
import orjson
from nanoid import generate

from tests.integration.support.devices import Device, Payload
from tests.integration.support.servers import Company

HOUR_MS = 3_600_000


def now_ms() -> int:
    return round(time.time() * 1_000)


async def stamp_of(sql: asyncpg.Connection, contact: Payload, name: str) -> Payload:
    """One field's stamp as it is kept."""
    stamps = await sql.fetchval("SELECT stamps FROM contacts WHERE id = $1", contact["id"])
    stamp: Payload = orjson.loads(stamps)[name]
    return stamp


async def history_of(sql: asyncpg.Connection, row: Payload) -> list[Payload]:
    """The history of a row: op, outcome, before and after, oldest first."""
    records = await sql.fetch(
        "SELECT op, outcome, before, after FROM audit_log WHERE entity_id = $1 ORDER BY id",
        row["id"],
    )
    return [
        {
            "op": record["op"],
            "outcome": record["outcome"],
            "before": orjson.loads(record["before"] or "null"),
            "after": orjson.loads(record["after"] or "null"),
        }
        for record in records
    ]


def create(**fields: Any) -> Payload:
    """A mutation of a push: a new contact."""
    return {
        "op": "contact_create",
        "mutation_id": generate(),
        "contact": {"id": generate(), "company": "A", **fields},
    }


def update(contact: str, **changes: Any) -> Payload:
    return {"op": "contact_update", "mutation_id": generate(), "id": contact, "changes": changes}


async def push(device: Device, *mutations: Any) -> list[Payload]:
    answer = await device.call("sync_push", {"mutations": list(mutations)})
    assert answer["ok"], answer
    assert len(answer["results"]) == len(mutations)
    results: list[Payload] = answer["results"]
    return results


def outcome(answer: Payload) -> str:
    """The status, or the code of the error."""
    status: str = answer["status"] if answer["ok"] else answer["error"]["code"]
    return status


async def count(sql: asyncpg.Connection, company: Company, table: str = "contacts") -> int:
    query = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"
    return int(await sql.fetchval(query, company.tenant))
