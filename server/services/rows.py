"""Rows of every synced entity as REST reads and writes them, on the one way of a write."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from nanoid import generate

from server.db.pool import Database, fetch_one
from server.db.queries import queries
from server.errors import Gone, Invalid, NotFound
from server.schemas.base import parse
from server.schemas.mutations import split_echoes
from server.services.actors import Actor
from server.services.commits import Commits
from server.services.entities import CONTACTS, Entity, Fields
from server.services.lists import page_to_json, read_cursor
from server.services.mutations import Mutation, Operation, Outcome, hash_body
from server.services.tenants import Tenants

REPLACING = "replace"


class Row(NamedTuple):
    """A row as REST gives it: its version, which is its ETag, and its JSON."""

    version: int
    text: str


class Write(NamedTuple):
    """What a write asks besides its fields.

    `mutation_id` is the `Idempotency-Key`; `expected_version` that of `If-Match`; `replaces` is
    true for PUT, which leaves no field but those it names.
    """

    mutation_id: str | None = None
    expected_version: int | None = None
    replaces: bool = False


class Rows:
    """Reads single rows and lists of the small entities, and submits writes."""

    def __init__(self, database: Database, tenants: Tenants, commits: Commits) -> None:
        self._database = database
        self._tenants = tenants
        self._commits = commits

    async def read(self, tenant: str, entity: Entity, row_id: str) -> Row:
        """One live row. Raises `NotFound`, `Gone` for a deleted one, `Unavailable`."""
        async with self._database.tenant(tenant) as connection:
            record = await connection.fetchrow(entity.queries.read_rows, tenant, [row_id])
        if record is None:
            raise NotFound(f"There is no {entity.name} with the id {row_id}.")
        if record["deleted"]:
            raise Gone(
                f"This {entity.name} was deleted; restore it to see it.", version=record["version"]
            )
        return Row(record["version"], in_rest(entity, record["wire"]))

    async def list(self, tenant: str, entity: Entity, query: dict[str, Any]) -> str:
        """A page of an entity's rows by name, as JSON. Raises `Invalid`, `Unavailable`."""
        after = read_cursor(query.get("cursor"), [entity.plural])
        async with self._database.tenant(tenant) as connection:
            record = await fetch_one(
                connection,
                queries.lists.list_rows,
                tenant,
                entity.plural,
                query.get("search"),
                after.sort_key,
                after.id,
                query.get("offset", 0),
                query["limit"],
            )
        return page_to_json(record, [entity.plural])

    async def create(self, actor: Actor, entity: Entity, body: object, write: Write) -> Outcome:
        """Makes a row of the bare fields. Raises `Invalid`, `Conflict` and what refuses a write."""
        loaded = parse(entity.schemas.create_fields, body)
        row_id = loaded.pop("id", None) or generate()
        mutation = await self._mutation(actor, entity, "create", row_id, body, loaded, write)
        return await self.submit(mutation)

    async def update(
        self, actor: Actor, entity: Entity, row_id: str, body: object, write: Write
    ) -> Outcome:
        """Changes the fields that are given, or with `write.replaces` all of them.

        Raises `Invalid`, `NotFound`, `Gone`, `PreconditionFailed` and what refuses a write.
        """
        loaded = parse(entity.schemas.changes, body)
        if write.replaces:
            _require_fields(entity, loaded)
        mutation = await self._mutation(actor, entity, "update", row_id, body, loaded, write)
        return await self.submit(mutation)

    async def set_deleted(
        self, actor: Actor, entity: Entity, row_id: str, deleted: bool, write: Write
    ) -> Outcome:
        """Deletes a row or restores it. Raises `NotFound`, `PreconditionFailed` and the like."""
        operation: Operation = "delete" if deleted else "restore"
        return await self.submit(
            await self._mutation(actor, entity, operation, row_id, None, {}, write)
        )

    async def submit(self, *mutations: Mutation) -> Outcome:
        """The outcome of the last of one actor's mutations; raises the first that was refused."""
        outcomes = await self._commits.submit(mutations[0].actor.tenant, list(mutations))
        for outcome in outcomes:
            if outcome.error:
                raise outcome.error
        return outcomes[-1]

    async def _mutation(
        self,
        actor: Actor,
        entity: Entity,
        operation: Operation,
        row_id: str,
        body: object,
        loaded: Fields,
        write: Write,
    ) -> Mutation:
        settings = await self._tenants.settings(actor.tenant)
        fields, echoes = split_echoes(loaded)
        return Mutation(
            actor=actor,
            origin="rest",
            entity=entity,
            operation=operation,
            id=row_id,
            mutation_id=write.mutation_id or generate(),
            # The id of a create is left out: one that was made here differs the second time.
            body_hash=hash_body(
                entity,
                REPLACING if write.replaces else operation,
                None if operation == "create" else row_id,
                body,
            ),
            changes=entity.normalise(fields, settings, ""),
            echoes=echoes,
            expected_version=write.expected_version,
            replace=write.replaces,
        )


def in_rest(entity: Entity, wire: str) -> str:
    """A row's JSON as REST gives it: contacts with the first e-mail and phone by themselves."""
    if entity is not CONTACTS:
        return wire
    row = orjson.loads(wire)
    first = {
        name: row[f"{name}s"][0]["value"] for name in ("email", "phone") if row.get(f"{name}s")
    }
    return f"{wire[:-1]},{orjson.dumps(first).decode()[1:]}" if first else wire


def _require_fields(entity: Entity, loaded: Fields) -> None:
    """A whole row needs what a new one needs; what changes one may leave it out."""
    missing = [
        name
        for name, field in entity.schemas.changes.fields.items()
        if field.required and loaded.get(name) is None
    ]
    if missing:
        raise Invalid(fields={name: ["This is missing."] for name in missing})
