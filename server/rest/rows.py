"""The routes that every synced entity has: get, create, replace, change, delete, restore."""

from __future__ import annotations

from typing import Any

import orjson
from aiohttp import web

from server.rest.openapi import operation
from server.rest.requests import (
    actor_of,
    etag,
    is_known,
    json_answer,
    json_text,
    path_id,
    query_of,
    read_json,
    write_of,
)
from server.schemas.answers import DELETE_ANSWERS
from server.schemas.requests import ROW_LIST, ROW_WRITE_HEADERS, WRITE_HEADERS
from server.schemas.responses import LIST_ANSWERS, WRITE_ANSWERS
from server.services.entities import Entity
from server.services.mutations import Outcome
from server.services.rows import Rows, in_rest


def list_routes(entity: Entity, rows: Rows) -> list[web.RouteDef]:
    """The list of an entity of which a tenant has few; contacts have their own."""
    plural = entity.plural

    @operation(
        f"list_{plural}",
        plural,
        f"List {plural}, by name",
        query=ROW_LIST,
        answers={200: LIST_ANSWERS[entity.name]},
    )
    async def list_rows(request: web.Request) -> web.Response:
        query = query_of(request, ROW_LIST)
        return json_text(await rows.list(actor_of(request).tenant, entity, query))

    return [web.get(f"/api/{plural}", list_rows, allow_head=False)]


def row_routes(entity: Entity, rows: Rows) -> list[web.RouteDef]:
    """All that is done to one row, and how a new one is made."""
    name, plural = entity.name, entity.plural
    written = {200: WRITE_ANSWERS[name]}

    @operation(
        f"create_{name}",
        plural,
        f"Make a {name}",
        description="Sent again with the same Idempotency-Key, it is made only once.",
        headers=WRITE_HEADERS,
        body=entity.schemas.create_fields,
        answers={201: WRITE_ANSWERS[name]},
        errors=(409,),
    )
    async def create(request: web.Request) -> web.Response:
        body = await read_json(request)
        outcome = await rows.create(actor_of(request), entity, body, write_of(request))
        return write_answer(entity, outcome, status=201)

    @operation(
        f"get_{name}",
        plural,
        f"Get a {name}",
        description="With If-None-Match and its ETag: 304 if it is still the same.",
        answers={200: _row_schema(entity), 304: "You have this version."},
        errors=(404, 410),
    )
    async def read(request: web.Request) -> web.Response:
        row = await rows.read(actor_of(request).tenant, entity, path_id(request))
        headers = {"ETag": etag(row.version), "Cache-Control": "private, no-cache"}
        if is_known(request, row.version):
            return web.Response(status=304, headers=headers)
        return json_text(row.text, headers=headers)

    @operation(
        f"replace_{name}",
        plural,
        f"Replace a {name}",
        description="What is left out is cleared. What GET gave may be sent back as it was.",
        headers=ROW_WRITE_HEADERS,
        body=entity.schemas.changes,
        answers=written,
        errors=(404, 409, 410, 412),
    )
    async def replace(request: web.Request) -> web.Response:
        body = await read_json(request)
        outcome = await rows.update(
            actor_of(request), entity, path_id(request), body, write_of(request, replaces=True)
        )
        return write_answer(entity, outcome)

    @operation(
        f"update_{name}",
        plural,
        f"Change fields of a {name}",
        description="What is left out stays; null clears a field.",
        headers=ROW_WRITE_HEADERS,
        body=entity.schemas.changes,
        answers=written,
        errors=(404, 409, 410, 412),
    )
    async def update(request: web.Request) -> web.Response:
        body = await read_json(request)
        outcome = await rows.update(
            actor_of(request), entity, path_id(request), body, write_of(request)
        )
        return write_answer(entity, outcome)

    @operation(
        f"delete_{name}",
        plural,
        f"Delete a {name}",
        description="It can be restored, and its history stays.",
        headers=ROW_WRITE_HEADERS,
        answers={200: DELETE_ANSWERS[name]},
        errors=(404, 409, 412),
    )
    async def delete(request: web.Request) -> web.Response:
        return await set_deleted(request, deleted=True)

    @operation(
        f"restore_{name}",
        plural,
        f"Restore a deleted {name}",
        headers=ROW_WRITE_HEADERS,
        answers=written,
        errors=(404, 409, 412),
    )
    async def restore(request: web.Request) -> web.Response:
        return await set_deleted(request, deleted=False)

    async def set_deleted(request: web.Request, *, deleted: bool) -> web.Response:
        outcome = await rows.set_deleted(
            actor_of(request), entity, path_id(request), deleted, write_of(request)
        )
        return write_answer(entity, outcome)

    return [
        web.post(f"/api/{plural}", create),
        web.get(f"/api/{plural}/{{id}}", read, allow_head=False),
        web.put(f"/api/{plural}/{{id}}", replace),
        web.patch(f"/api/{plural}/{{id}}", update),
        web.delete(f"/api/{plural}/{{id}}", delete),
        web.post(f"/api/{plural}/{{id}}/restore", restore),
    ]


def write_answer(entity: Entity, outcome: Outcome, *, status: int = 200) -> web.Response:
    """What the event's ack would hold, with the row as REST gives it and its ETag."""
    headers: dict[str, str] = {}
    if outcome.row is not None:
        row: dict[str, Any] = orjson.loads(outcome.row)
        # Of the row as it is now: a repeated write answers its first version beside it.
        headers["ETag"] = etag(row["version"])
        if status == 201:
            headers["Location"] = f"/api/{entity.plural}/{row['id']}"
        outcome.row = in_rest(entity, outcome.row)
    return json_answer(outcome.to_wire(entity.name), status=status, headers=headers)


def _row_schema(entity: Entity) -> Any:
    """The schema of a row as GET answers it: that of a list's items."""
    items: Any = LIST_ANSWERS[entity.name]().fields["items"]
    return type(items.inner.schema)
