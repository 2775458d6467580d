"""The company's settings."""

from __future__ import annotations

from aiohttp import web

from server.rest.openapi import operation
from server.rest.requests import actor_of, json_answer, read_object
from server.schemas.auth import TENANT_PATCH
from server.schemas.responses import TenantSchema
from server.services.tenants import Tenants


def tenant_routes(tenants: Tenants) -> list[web.RouteDef]:
    """Reading the settings, for everybody, and changing them, for admins."""

    @operation(
        "get_tenant",
        "company",
        "Get the company's settings",
        answers={200: TenantSchema},
    )
    async def read(request: web.Request) -> web.Response:
        return json_answer(await tenants.describe(actor_of(request).tenant))

    @operation(
        "update_tenant",
        "company",
        "Change the company's settings",
        description="For admins. null for the region goes back to the server's default.",
        body=TENANT_PATCH,
        answers={200: TenantSchema},
    )
    async def update(request: web.Request) -> web.Response:
        actor = actor_of(request)
        await tenants.change(actor, await read_object(request, TENANT_PATCH))
        return json_answer(await tenants.describe(actor.tenant))

    return [
        web.get("/api/tenant", read, allow_head=False),
        web.patch("/api/tenant", update),
    ]
