"""Between a judged mutation and the database: the JSON records that the queries take and give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg
import orjson

from server.services.entities import Entity, Fields
from server.services.judging import Verdict
from server.services.merging import RowState, Stamp
from server.services.mutations import Mutation, Outcome


@dataclass(slots=True)
class Pending:
    """A judged mutation whose row, or only whose ledger entry, is still to be written."""

    mutation: Mutation
    verdict: Verdict
    outcome: Outcome
    stamp: Stamp


def row_state(entity: Entity, record: asyncpg.Record) -> RowState:
    """A row as `read_rows` gives it."""
    standing: Fields = orjson.loads(record["wire"])
    return RowState(
        id=record["id"],
        version=record["version"],
        deleted=record["deleted"],
        fields={name: standing[name] for name in entity.fields if name in standing},
        stamps=orjson.loads(record["stamps"]),
        standing=standing,
        shown=record["shown"],
    )


def named_ids(mutation: Mutation) -> Iterable[str]:
    """The ids of other rows that a mutation wants to refer to."""
    owner = mutation.changes.get("owner_id")
    if owner:
        yield owner
    for name in mutation.entity.references:
        value = mutation.changes.get(name)
        yield from value["add"] if isinstance(value, dict) else value or []


def row_record(pending: Pending) -> Fields:
    """A row as insert_rows and update_rows take it."""
    mutation, row = pending.mutation, pending.verdict.row
    assert row is not None
    return {
        **row.fields,
        "id": row.id,
        "deleted_at": "now" if row.deleted else None,
        "stamps": row.stamps,
        "written_by": mutation.actor.agent_id,
        "written_device": mutation.actor.device_id,
        "written_mutation": mutation.mutation_id,
        "written_origin": mutation.origin,
    }


def ledger_entry(pending: Pending) -> Fields:
    """A mutation's row of the ledger, as `insert_ledger` takes it."""
    mutation, verdict = pending.mutation, pending.verdict
    return {
        "source": mutation.actor.source,
        "mutation_id": mutation.mutation_id,
        "body_hash": mutation.body_hash,
        "stamp": pending.stamp["at"],
        "op": mutation.operation,
        "entity": mutation.entity.name,
        "entity_id": mutation.id,
        "outcome": verdict.status,
        "version": pending.outcome.version,
        "conflicts": verdict.conflicts,
        "lost": verdict.lost,
        "agent_id": mutation.actor.agent_id,
        "device_id": mutation.actor.device_id,
        "origin": mutation.origin,
    }
