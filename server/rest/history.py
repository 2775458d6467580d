"""The history of rows, putting back what it holds, and the audit log."""

from __future__ import annotations

from aiohttp import web

from server.rest.openapi import operation
from server.rest.requests import actor_of, json_text, path_id, query_of, write_of
from server.rest.rows import write_answer
from server.schemas.answers import RESTORE_ANSWERS, AuditPageSchema, HistoryPageSchema
from server.schemas.requests import AUDIT, HISTORY, ROW_WRITE_HEADERS
from server.services.entities import Entity
from server.services.history import History


def history_routes(entity: Entity, history: History) -> list[web.RouteDef]:
    """The history of one entity's rows."""
    name, plural = entity.name, entity.plural

    @operation(
        f"get_{name}_history",
        plural,
        f"Read a {name}'s history",
        description="Newest first. A lost or refused entry holds values that were not kept.",
        query=HISTORY,
        answers={200: HistoryPageSchema},
        errors=(404,),
    )
    async def read(request: web.Request) -> web.Response:
        query = query_of(request, HISTORY)
        tenant = actor_of(request).tenant
        return json_text(await history.of_row(tenant, entity, path_id(request), query))

    @operation(
        f"restore_{name}_entry",
        plural,
        "Put back what an entry of the history holds",
        description=(
            "After an applied entry: the whole row as it then was. Of a lost or refused one: its "
            "values. An ordinary write, which reaches every device."
        ),
        headers=ROW_WRITE_HEADERS,
        answers={200: RESTORE_ANSWERS[name]},
        errors=(404, 409, 412),
    )
    async def restore(request: web.Request) -> web.Response:
        outcome = await history.restore(
            actor_of(request),
            entity,
            path_id(request),
            path_id(request, "entry"),
            write_of(request),
        )
        return write_answer(entity, outcome)

    return [
        web.get(f"/api/{plural}/{{id}}/history", read, allow_head=False),
        web.post(f"/api/{plural}/{{id}}/history/{{entry}}/restore", restore),
    ]


def audit_routes(history: History) -> list[web.RouteDef]:
    """Everything that was done, for admins and managers."""

    @operation(
        "list_audit",
        "company",
        "Read the audit log",
        description="Newest first; for admins and managers.",
        query=AUDIT,
        answers={200: AuditPageSchema},
    )
    async def audit(request: web.Request) -> web.Response:
        return json_text(await history.of_tenant(actor_of(request), query_of(request, AUDIT)))

    return [web.get("/api/audit", audit, allow_head=False)]
