"""The history of rows, the audit log, and putting back what either holds."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson
from nanoid import generate

from server.db.pool import Database
from server.db.queries import queries
from server.errors import Conflict, Forbidden, NotFound
from server.services.actors import LEADERS, Actor
from server.services.entities import ENTITIES, Entity, Fields
from server.services.lists import (
    cut_page,
    number_in_cursor,
    read_cursor,
    whole_number,
    write_cursor,
)
from server.services.merging import DELETED, RowState, put_value, same_value, value_of
from server.services.mutations import Mutation, Operation, Outcome, hash_body
from server.services.records import row_state
from server.services.rows import Rows, Write
from server.services.statistics import keep_days

# The filters of the audit log, and where `page_audit` calls them otherwise.
AUDIT_FILTERS = ("entity", "entity_id", "op", "outcome", "origin", "field", "since", "until")
AUDIT_COLUMNS = {"agent": "agent_id", "device": "device_id"}
TABLES = orjson.dumps({entity.name: entity.plural for entity in ENTITIES.values()}).decode()


class History:
    """Reads the audit log, which triggers alone write, and restores by ordinary writes."""

    def __init__(self, database: Database, rows: Rows) -> None:
        self._database = database
        self._rows = rows

    async def of_row(self, tenant: str, entity: Entity, row_id: str, query: dict[str, Any]) -> str:
        """A page of a row's history, newest first, `{"items", "next_cursor"}` as JSON.

        Raises `NotFound` when there never was such a row, `Invalid`, `Unavailable`.
        """
        order = ["history", entity.name, row_id]
        before = _entry_before(query, order)
        async with self._database.tenant(tenant) as connection:
            records = await connection.fetch(
                queries.history.list_entries,
                *(tenant, entity.name, row_id, before, query["limit"] + 1),
            )
        if not records and before is None:
            raise NotFound(f"There is no {entity.name} with the id {row_id}.")
        return _page(records, query["limit"], order)

    async def of_tenant(self, actor: Actor, query: dict[str, Any]) -> str:
        """A page of all that was done, for admins and managers. Raises `Forbidden`, `Invalid`."""
        if actor.role not in LEADERS:
            raise Forbidden("Only admins and managers read the audit log.")
        before = _entry_before(query, ["audit"])
        wanted = {name: query[name] for name in AUDIT_FILTERS if name in query}
        wanted |= {AUDIT_COLUMNS[name]: query[name] for name in AUDIT_COLUMNS if name in query}
        if "field" in wanted:
            # Then the days on which the field did not change are passed over.
            await keep_days(self._database, actor.tenant)
        async with self._database.tenant(actor.tenant) as connection:
            records = await connection.fetch(
                queries.history.list_audit,
                *(actor.tenant, orjson.dumps(wanted).decode(), before, query["limit"] + 1),
                TABLES,
            )
        return _page(records, query["limit"], ["audit"])

    async def restore(
        self, actor: Actor, entity: Entity, row_id: str, entry: str, write: Write
    ) -> Outcome:
        """Puts back what an entry holds: a value that lost or was refused, or the whole row.

        It is an ordinary write, which syncs; a deleted row comes back with it. Raises `NotFound`,
        `Conflict` for the entry of a deletion, and what refuses a write.
        """
        missing = NotFound(f"This {entity.name} has no entry {entry} in its history.")
        number = whole_number(entry)
        if number is None:
            raise missing
        async with self._database.tenant(actor.tenant) as connection:
            found = await connection.fetchrow(
                queries.history.read_entry, actor.tenant, entity.name, row_id, number
            )
            if found is None:
                raise missing
            # The row before its changes: one that comes between is among them, and taken back.
            current = await connection.fetchrow(entity.queries.read_rows, actor.tenant, [row_id])
            later = await connection.fetch(
                queries.history.list_later_changes, actor.tenant, entity.name, row_id, number
            )
        if current is None:
            raise NotFound(f"There is no {entity.name} with the id {row_id} any more.")
        after: Fields = orjson.loads(found["after"] or "{}")
        whole = found["outcome"] == "applied"
        if whole and after.get(DELETED):
            raise Conflict("This entry is the deletion; restore the one before it.")
        fields = (
            row_before(entity, row_state(entity, current), later)
            if whole
            else values_of(entity, after)
        )
        return await self._write(
            actor,
            entity,
            row_id,
            {name: fields[name] for name in fields if name in entity.fields},
            write._replace(replaces=whole),
            deletion=None if whole else after.get(DELETED),
            deleted=current["deleted"],
            entry=number,
        )

    async def _write(
        self,
        actor: Actor,
        entity: Entity,
        row_id: str,
        fields: Fields,
        write: Write,
        *,
        deletion: bool | None,
        deleted: bool,
        entry: int,
    ) -> Outcome:
        """Writes fields over a row, which is revived first where that is needed.

        `deletion` is true or false when the entry itself was one or took one back.
        """
        mutation_id = write.mutation_id or generate()

        def mutation(operation: Operation, name: str, changes: Fields) -> Mutation:
            return Mutation(
                actor=actor,
                origin="rest",
                entity=entity,
                operation=operation,
                id=row_id,
                mutation_id=name,
                body_hash=hash_body(entity, "restore_entry", row_id, entry),
                changes=changes,
                expected_version=write.expected_version,
                replace=write.replaces and operation == "update",
            )

        if deletion is not None and not fields:
            return await self._rows.submit(
                mutation("delete" if deletion else "restore", mutation_id, {})
            )
        mutations = [mutation("update", mutation_id, fields)]
        if deleted:
            mutations.insert(0, mutation("restore", f"{mutation_id}.revive", {}))
            # What the first does moves the version, which it alone is held against.
            mutations[1].expected_version = None
        return await self._rows.submit(*mutations)


def row_before(entity: Entity, row: RowState, later: list[asyncpg.Record]) -> Fields:
    """A row's fields as they were before later changes, given newest first. Changes `row`.

    An edit of a deleted row changed what is hidden, though it was refused: where its value stands,
    it was merged; where another does, it had lost, or was forbidden.
    """
    for change in later:
        before, after = orjson.loads(change["before"]), orjson.loads(change["after"])
        if change["outcome"] == "applied":
            for name in after:
                row.fields.pop(name, None)
            row.fields.update(before)
        else:
            for name in after:
                if same_value(value_of(entity, row, name), after[name]):
                    put_value(entity, row, name, before[name])
    return row.fields


def values_of(entity: Entity, after: Fields) -> Fields:
    """An update's changes of values named as stamps are: `custom.size`, `tag_ids.x1Y…`."""
    changes: Fields = {}
    for name, value in after.items():
        field, _, member = name.partition(".")
        if field in entity.maps and member:
            changes.setdefault(field, {})[member] = value
        elif field in entity.sets and member:
            ids = changes.setdefault(field, {"add": [], "remove": []})
            ids["add" if value else "remove"].append(member)
        else:
            changes[field] = value
    return changes


def _page(records: list[asyncpg.Record], limit: int, order: list[Any]) -> str:
    page, last = cut_page(records, limit)
    cursor = write_cursor(order, "", str(last["id"])) if last else None
    items = ",".join(record["item"] for record in page)
    return f'{{"items":[{items}],"next_cursor":{orjson.dumps(cursor).decode()}}}'


def _entry_before(query: dict[str, Any], order: list[Any]) -> int | None:
    return number_in_cursor(read_cursor(query.get("cursor"), order).id)
