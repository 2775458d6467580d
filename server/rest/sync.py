"""Catching up without a socket."""

from __future__ import annotations

from aiohttp import web

from server.rest.openapi import operation
from server.rest.requests import actor_of, json_text, query_of
from server.schemas.queries import DELTA
from server.schemas.responses import SyncPageSchema
from server.services.sync import Pages


def sync_routes(pages: Pages) -> list[web.RouteDef]:
    """What changed after a cursor, page by page."""

    @operation(
        "get_delta",
        "sync",
        "Get what changed after a cursor",
        description=(
            "What `sync_response` holds. While `has_more`, ask again with the same version and "
            "the answer's `resume`; then go on from its `until`."
        ),
        query=DELTA,
        answers={200: SyncPageSchema},
        errors=(409,),
    )
    async def delta(request: web.Request) -> web.Response:
        query = query_of(request, DELTA)
        return json_text(
            await pages.delta(
                actor_of(request).tenant,
                since=query["version"],
                limit=query["limit"],
                epoch=query.get("epoch"),
                resume=query.get("resume"),
            )
        )

    return [web.get("/api/sync/delta", delta, allow_head=False)]
