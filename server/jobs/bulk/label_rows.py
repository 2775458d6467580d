"""Tags, groups and types as jobs write them: deleted, and brought back."""

from __future__ import annotations

import asyncpg
import orjson

from server.db.pool import Connection
from server.db.queries import queries
from server.jobs.bulk.context import Context
from server.services.entities import Entity
from server.services.merging import DELETED
from server.services.records import row_state


async def set_deleted(
    connection: Connection, context: Context, entity: Entity, row: asyncpg.Record, *, deleted: bool
) -> None:
    """Deletes a label, or brings it back; `row` is what `read_rows` gave under the tenant's lock.

    Raises asyncpg's UniqueViolationError when a label that comes back finds its name taken.
    """
    state, author = row_state(entity, row), context.author
    now = await connection.fetchval(queries.bulk.read_clock)
    latest = max(stamp["at"] for stamp in state.stamps.values())
    record = {
        **state.fields,
        "id": state.id,
        "deleted_at": "now" if deleted else None,
        "stamps": {**state.stamps, DELETED: author.stamp(max(now, latest + 1))},
        "written_by": author.agent_id,
        "written_device": author.device_id,
        "written_mutation": author.mutation,
        "written_origin": author.origin,
    }
    await connection.fetch(
        entity.queries.update_rows, context.tenant, orjson.dumps([record]).decode()
    )
