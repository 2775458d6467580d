"""Contacts as they stand, by id: what a bulk edit or an undo is about to change."""

from __future__ import annotations

from collections.abc import Sequence

from server.db.pool import fetch_one
from server.db.queries import queries
from server.jobs.bulk.context import Context
from server.jobs.bulk.known import EarlierInChunk, Known
from server.services.entities import CONTACTS
from server.services.records import row_state


async def read_standing(context: Context, ids: Sequence[str]) -> Known:
    """The contacts, deleted ones too, with the head before they were read. Raises `Unavailable`."""
    tenant = context.tenant
    async with context.database.tenant(tenant) as connection:
        moment = await fetch_one(connection, queries.bulk.find_matches, tenant, [], [], [], [])
        rows = await connection.fetch(queries.contacts.read_rows, tenant, list(ids))
    stored = {row["id"]: row_state(CONTACTS, row) for row in rows}
    return Known(moment["head"], moment["now"], stored, {}, EarlierInChunk())
