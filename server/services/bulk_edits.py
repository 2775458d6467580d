"""Bulk edits: the same changes, or a deletion, of many contacts by a job."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import orjson
from nanoid import generate

from server.db.pool import Connection, Database
from server.db.queries import queries
from server.errors import Conflict, Invalid
from server.schemas.base import parse
from server.schemas.bulk import BULK_UPDATE
from server.schemas.mutations import refuse_changed_echoes, split_echoes
from server.services.actors import Actor
from server.services.audit import log_action
from server.services.bulk import enqueue, refuse_others
from server.services.bulk_wire import job_to_wire
from server.services.contacts import contact_filter
from server.services.entities import CONTACTS, Fields
from server.services.imports import Preview, id_by_key, preview_to_wire
from server.services.tenants import Tenants, TenantSettings


class BulkEdits:
    """Starts bulk edits, and says what they would do."""

    def __init__(self, database: Database, tenants: Tenants, preview: Preview) -> None:
        self._database = database
        self._tenants = tenants
        self._preview = preview

    async def start(
        self, actor: Actor, body: object, key: str | None = None
    ) -> tuple[dict[str, Any], bool]:
        """The job that edits, and whether it is new: a `key` makes it once.

        `body` is as `schemas.bulk.BULK_UPDATE` takes it. Raises `Forbidden`, `Invalid`, and
        `Conflict` for a key that was used for something else.
        """
        return await self.begin(actor, await self._options(actor, body), key, "bulk_update")

    async def begin(
        self, actor: Actor, asked: Fields, key: str | None, op: str
    ) -> tuple[dict[str, Any], bool]:
        """The job of these options, called `op` in the audit log. Raises `Conflict` as `start`."""
        options = orjson.dumps(asked).decode()
        job_id = id_by_key("update", actor, key) if key else generate()
        async with self._database.tenant(actor.tenant) as connection:
            try:
                async with connection.transaction():
                    await connection.execute(
                        queries.bulk.insert_job,
                        *(actor.tenant, job_id, "update", actor.agent_id, actor.device_id),
                        *(None, None, options),
                    )
                    await enqueue(connection, actor.tenant, job_id)
                    detail = {**asked, "ids": len(asked["ids"])} if "ids" in asked else asked
                    await log_action(connection, op, "job", job_id, actor, detail)
            except asyncpg.UniqueViolationError:
                fresh = False
                if not await connection.fetchval(
                    queries.bulk_jobs.has_options, actor.tenant, job_id, options
                ):
                    raise Conflict("This Idempotency-Key was used for another edit.") from None
            else:
                fresh = True
            record = await connection.fetchrow(queries.bulk_jobs.read_shown, actor.tenant, job_id)
        assert record is not None
        return job_to_wire(record), fresh

    async def preview(self, actor: Actor, body: object) -> dict[str, Any]:
        """What an edit would do; nothing is written. Raises what `start` does."""
        return await self.foresee(actor, await self._options(actor, body))

    async def foresee(self, actor: Actor, options: Fields) -> dict[str, Any]:
        """What a job of these options would do."""
        job = {
            "id": generate(),
            "kind": "update",
            "undoing": False,
            "agent_id": actor.agent_id,
            "device_id": actor.device_id,
            "file_name": None,
            "content_type": None,
            "options": options,
        }
        return preview_to_wire(job, await self._preview(actor.tenant, job))

    async def _options(self, actor: Actor, body: object) -> Fields:
        """What the job's process reads. Raises `Forbidden`, `Invalid`."""
        refuse_others(actor)
        settings = await self._tenants.settings(actor.tenant)
        # A hundred thousand ids take some milliseconds to look at.
        options = await asyncio.to_thread(options_of, body, settings)
        async with self._database.tenant(actor.tenant) as connection:
            await _refuse_strangers(connection, actor.tenant, options.get("changes", {}))
        return options


def options_of(body: object, settings: TenantSettings) -> Fields:
    """`{"ids" or "filter", "changes" or "delete"}`, checked and in the form that is stored.

    Raises `Invalid` naming what is wrong.
    """
    asked = parse(BULK_UPDATE, body)
    options: Fields = {}
    if "ids" in asked:
        options["ids"] = asked["ids"]
    else:
        options["filter"] = contact_filter(asked["contacts"])
    if asked.get("delete"):
        options["delete"] = True
        return options
    loaded = parse(CONTACTS.schemas.changes, asked["changes"], "changes")
    fields, echoes = split_echoes(loaded)
    changes = CONTACTS.normalise(fields, settings, "changes")
    # What is the server's own differs from contact to contact.
    refuse_changed_echoes(echoes, {}, changes.get("phones", ()), "changes")
    if not changes:
        raise Invalid(fields={"changes": ["Name at least one field to change."]})
    options["changes"] = changes
    return options


async def _refuse_strangers(connection: Connection, tenant: str, changes: Fields) -> None:
    """Raises `Invalid` for an owner, tags, groups or types that are not there.

    An edit of one contact drops such ids and says so; this would say it of every contact.
    """
    named = {"owner_id": ("agents", [changes["owner_id"]] if changes.get("owner_id") else [])}
    for field, plural in CONTACTS.references.items():
        value = changes.get(field, [])
        named[field] = (plural, value["add"] if isinstance(value, dict) else value)
    wanted = [each for _, ids in named.values() for each in ids]
    if not wanted:
        return
    records = await connection.fetch(queries.mutations.find_references, tenant, wanted)
    there = {(record["plural"], record["id"]) for record in records}
    faults = {
        f"changes.{field}": [f"There is no {plural.removesuffix('s')} {each}." for each in missing]
        for field, (plural, ids) in named.items()
        if (missing := [each for each in ids if (plural, each) not in there])
    }
    if faults:
        raise Invalid(fields=faults)
