"""Merges of tags, groups and types: contacts get the one label for the other, which then goes."""

from __future__ import annotations

from typing import Any

import orjson

from server.db.pool import Database
from server.db.queries import queries
from server.errors import Conflict, Gone, Invalid, NotFound
from server.schemas.base import parse
from server.schemas.bulk import LABEL_MERGE
from server.services.actors import Actor
from server.services.bulk import refuse_others
from server.services.bulk_edits import BulkEdits
from server.services.bulk_wire import job_to_wire
from server.services.entities import CONTACTS, Entity, Fields
from server.services.imports import id_by_key


class LabelMerges:
    """Starts merges, which are bulk edits with a last step, and says what they would do."""

    def __init__(self, database: Database, edits: BulkEdits) -> None:
        self._database = database
        self._edits = edits

    async def start(
        self, actor: Actor, entity: Entity, label_id: str, body: object, key: str | None
    ) -> tuple[dict[str, Any], bool]:
        """The job that merges, and whether it is new: a `key` makes it once.

        `body` is as `schemas.bulk.LABEL_MERGE` takes it. Raises `Forbidden`, `NotFound`, `Gone`,
        `Invalid`, and `Conflict` for a key that was used for something else, and while another
        merge of the two is under way.
        """
        refuse_others(actor)
        into = parse(LABEL_MERGE, body)["into"]
        if key and (known := await self._known(actor, entity, label_id, into, key)):
            return known, False
        options = await self._options(actor.tenant, entity, label_id, into)
        async with self._database.tenant(actor.tenant) as connection:
            if await connection.fetchval(queries.bulk.find_merge, actor.tenant, label_id, into):
                raise Conflict(f"A merge of this {entity.name} is under way. Wait for its end.")
        return await self._edits.begin(actor, options, key, "merge")

    async def preview(
        self, actor: Actor, entity: Entity, label_id: str, body: object
    ) -> dict[str, Any]:
        """What a merge would do; nothing is written. Raises what `start` does."""
        refuse_others(actor)
        into = parse(LABEL_MERGE, body)["into"]
        options = await self._options(actor.tenant, entity, label_id, into)
        return await self._edits.foresee(actor, options)

    async def _known(
        self, actor: Actor, entity: Entity, label_id: str, into: str, key: str
    ) -> dict[str, Any] | None:
        """The job that the key made; asked before the labels, of which one may be gone since."""
        job_id = id_by_key("update", actor, key)
        async with self._database.tenant(actor.tenant) as connection:
            record = await connection.fetchrow(queries.bulk_jobs.read_shown, actor.tenant, job_id)
            if record is None:
                return None
            text = await connection.fetchval(queries.bulk_jobs.read_options, actor.tenant, job_id)
        merge = orjson.loads(text).get("merge", {})
        if (merge.get("plural"), merge.get("from"), merge.get("into")) != (
            entity.plural,
            label_id,
            into,
        ):
            raise Conflict("This Idempotency-Key was used for another edit.")
        return job_to_wire(record)

    async def _options(self, tenant: str, entity: Entity, label_id: str, into: str) -> Fields:
        """What the job's process reads. Raises `NotFound`, `Gone`, `Invalid`."""
        async with self._database.tenant(tenant) as connection:
            records = await connection.fetch(entity.queries.read_rows, tenant, [label_id, into])
        rows = {record["id"]: record for record in records}
        if label_id not in rows:
            raise NotFound(f"There is no {entity.name} with the id {label_id}.")
        if rows[label_id]["deleted"]:
            raise Gone(f"This {entity.name} was deleted.", version=rows[label_id]["version"])
        if into == label_id:
            raise Invalid(fields={"into": [f"Name another {entity.name} than this one."]})
        if into not in rows or rows[into]["deleted"]:
            raise Invalid(fields={"into": [f"There is no {entity.name} {into}."]})
        field = next(
            name for name, plural in CONTACTS.references.items() if plural == entity.plural
        )
        names = {each: orjson.loads(rows[each]["wire"]).get("name", "") for each in rows}
        return {
            "filter": {"carries": {"field": field, "id": label_id}},
            "changes": {field: {"add": [into], "remove": [label_id]}},
            "merge": {
                "plural": entity.plural,
                "from": label_id,
                "from_name": names[label_id],
                "into": into,
                "into_name": names[into],
            },
        }
