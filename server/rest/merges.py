"""How one tag, group or type becomes another."""

from __future__ import annotations

from aiohttp import web

from server.rest.bulk import key_of, started
from server.rest.openapi import operation
from server.rest.requests import (
    actor_of,
    json_answer,
    path_id,
    query_of,
    read_json,
    while_connected,
)
from server.schemas.bulk import LABEL_MERGE, UPDATE_QUERY
from server.schemas.bulk_answers import JobSchema, StartedSchema
from server.schemas.requests import WRITE_HEADERS
from server.services.entities import Entity
from server.services.label_merges import LabelMerges


def merge_routes(entity: Entity, merges: LabelMerges) -> list[web.RouteDef]:
    """The one route of a label: contacts refer to it by a list of ids."""
    name, plural = entity.name, entity.plural

    @operation(
        f"merge_{name}",
        plural,
        f"Merge a {name} into another",
        description=(
            f"A job: each contact that carries this {name} gets the other instead, and at the end "
            f"this {name} is deleted. Undo brings both back. For managers, admins and programs. "
            "Sent again with the same Idempotency-Key, it is done only once."
        ),
        headers=WRITE_HEADERS,
        query=UPDATE_QUERY,
        body=LABEL_MERGE,
        answers={200: StartedSchema, 201: JobSchema},
        errors=(404, 409, 410),
    )
    async def merge(request: web.Request) -> web.Response:
        actor, key, label_id = actor_of(request), key_of(request), path_id(request)
        asked = query_of(request, UPDATE_QUERY)
        body = await read_json(request)
        if asked["dry_run"]:
            previewing = merges.preview(actor, entity, label_id, body)
            return json_answer(await while_connected(request, previewing))
        return started(*await merges.start(actor, entity, label_id, body, key))

    return [web.post(f"/api/{plural}/{{id}}/merge", merge)]
