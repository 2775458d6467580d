"""What the database holds when all is over, read by its owner past the server."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg
import orjson

from server.client.queue import Mutation
from tests.faults.simulation.model import LedgerRow


@dataclass(frozen=True)
class AuditEntry:
    """An entry of the history that a mutation made."""

    entity: str
    entity_id: str
    version: int | None
    op: str
    device: str | None
    mutation_id: str | None
    outcome: str


@dataclass(frozen=True)
class Evidence:
    """The database: its head, its rows as they go out, its ledger and its history."""

    head: int
    epoch: str
    checksum: Mapping[str, Mapping[str, int]]
    rows: Mapping[str, Mapping[str, Mapping[str, Any]]]
    hidden: Mapping[str, Mapping[str, Any]]
    ledger: Mapping[tuple[str, str], LedgerRow]
    history: tuple[AuditEntry, ...]


async def read_head(database_url: str) -> tuple[int, str]:
    """The head and the epoch."""
    connection = await asyncpg.connect(database_url)
    try:
        record = await connection.fetchrow("SELECT version, epoch FROM global_version")
    finally:
        await connection.close()
    return record["version"], record["epoch"]


async def read_evidence(database_url: str, sent: Mapping[str, Mutation]) -> Evidence:
    """Everything, in one snapshot; `sent` are all mutations of all devices by their id."""
    connection = await asyncpg.connect(database_url)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            return await _read(connection, sent)
    finally:
        await connection.close()


async def _read(connection: asyncpg.Connection, sent: Mapping[str, Mutation]) -> Evidence:
    head = await connection.fetchrow("SELECT * FROM global_version WHERE tenant_id = 'default'")
    rows: dict[str, dict[str, Any]] = {}
    live = await connection.fetch(
        "SELECT plural, id, wire FROM synced_rows WHERE deleted_at IS NULL"
    )
    for record in live:
        rows.setdefault(record["plural"], {})[record["id"]] = orjson.loads(record["wire"])
    hidden = await connection.fetch("SELECT id, wire FROM contacts WHERE deleted_at IS NOT NULL")
    ledger = await connection.fetch("SELECT * FROM mutations")
    history = await connection.fetch(
        "SELECT entity, entity_id, version, op, device_id, mutation_id, outcome FROM audit_log"
        " WHERE mutation_id IS NOT NULL ORDER BY id"
    )
    return Evidence(
        head=head["version"],
        epoch=head["epoch"],
        checksum=orjson.loads(head["checksum"]),
        rows=rows,
        hidden={record["id"]: orjson.loads(record["wire"]) for record in hidden},
        ledger={
            (record["source"], record["mutation_id"]): _ledger_row(record, sent)
            for record in ledger
        },
        history=tuple(AuditEntry(*record.values()) for record in history),
    )


def _ledger_row(record: asyncpg.Record, sent: Mapping[str, Mutation]) -> LedgerRow:
    conflicts = orjson.loads(record["conflicts"])
    return LedgerRow(
        source=record["source"],
        mutation_id=record["mutation_id"],
        stamp=record["stamp"],
        op=record["op"],
        entity=record["entity"],
        entity_id=record["entity_id"],
        outcome=record["outcome"],
        version=record["version"],
        # An id that was not there when the mutation came is listed with nobody against it.
        dropped=frozenset(
            each["field"]
            for each in conflicts
            if each["yours"] is True
            and each["theirs"] is False
            and each["by"] is None
            and each["kept"] == "theirs"
        ),
        payload=sent[record["mutation_id"]].payload,
    )
