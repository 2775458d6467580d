"""Agents and their API keys: who may sign in."""

from __future__ import annotations

from aiohttp import web

from server.rest.middleware import RateLimit
from server.rest.openapi import operation
from server.rest.requests import (
    ACTOR,
    actor_of,
    json_answer,
    path_id,
    query_of,
    read_object,
)
from server.schemas.answers import AgentListSchema, KeyListSchema, NewKeySchema, VerifySchema
from server.schemas.auth import AGENT_PATCH, KEY_CREATE, REGISTER
from server.schemas.queries import PAGE
from server.schemas.requests import KEY_LIST
from server.schemas.responses import AgentSchema, KeySchema, RegisteredSchema
from server.services.agents import Agents
from server.services.keys import Keys
from server.services.sync import Pages

REGISTRATIONS_AN_HOUR = 20


def agent_routes(agents: Agents, rate_limit: RateLimit, pages: Pages) -> list[web.RouteDef]:
    """Registering, and the agents of the company."""

    @operation(
        "register",
        "auth",
        "Register an agent",
        description=(
            "By an admin, who may give a role. Where the server is open for registration, by "
            "anybody, who becomes an agent. The API key is shown this once."
        ),
        access="optional",
        body=REGISTER,
        answers={201: RegisteredSchema},
        errors=(401, 403, 409, 429),
    )
    async def register(request: web.Request) -> web.Response:
        asked = await read_object(request, REGISTER)
        actor = request.get(ACTOR)
        if actor is None and agents.registration == "open":
            await rate_limit.check(f"register:{request.remote}", REGISTRATIONS_AN_HOUR, 3_600)
        return json_answer(await agents.register(actor, asked), status=201)

    @operation(
        "verify",
        "auth",
        "Say who is signed in",
        description=(
            "And where the company's data stand: whoever reads after this and then listens by "
            "socket has missed nothing if `authenticated` names the same `version` and `epoch`."
        ),
        answers={200: VerifySchema},
    )
    async def verify(request: web.Request) -> web.Response:
        actor = actor_of(request)
        head = await pages.head(actor.tenant)
        return json_answer(
            {
                "ok": True,
                "agent": actor.to_wire(),
                "tenant": actor.tenant,
                "key_id": actor.key_id,
                "device_id": actor.device_id,
                "version": head.version,
                "epoch": head.epoch,
            }
        )

    @operation(
        "list_agents",
        "auth",
        "List agents",
        description="By code. All but admins see id, code and name alone.",
        query=PAGE,
        answers={200: AgentListSchema},
    )
    async def list_agents(request: web.Request) -> web.Response:
        return json_answer(await agents.list(actor_of(request), query_of(request, PAGE)))

    @operation(
        "get_agent",
        "auth",
        "Get an agent",
        answers={200: AgentSchema},
        errors=(404,),
    )
    async def get_agent(request: web.Request) -> web.Response:
        return json_answer(await agents.read(actor_of(request), path_id(request)))

    @operation(
        "update_agent",
        "auth",
        "Change an agent's name or role, or disable it",
        description="For admins. A disabled agent is cut off at once. The last admin stays one.",
        body=AGENT_PATCH,
        answers={200: AgentSchema},
        errors=(404, 409),
    )
    async def update_agent(request: web.Request) -> web.Response:
        changes = await read_object(request, AGENT_PATCH)
        return json_answer(await agents.change(actor_of(request), path_id(request), changes))

    return [
        web.post("/api/auth/register", register),
        web.get("/api/auth/verify", verify, allow_head=False),
        web.get("/api/auth/agents", list_agents, allow_head=False),
        web.get("/api/auth/agents/{id}", get_agent, allow_head=False),
        web.patch("/api/auth/agents/{id}", update_agent),
    ]


def key_routes(keys: Keys) -> list[web.RouteDef]:
    """API keys."""

    @operation(
        "list_keys",
        "auth",
        "List API keys",
        description="Newest first. One's own; an admin sees everybody's.",
        query=KEY_LIST,
        answers={200: KeyListSchema},
    )
    async def list_keys(request: web.Request) -> web.Response:
        return json_answer(await keys.list(actor_of(request), query_of(request, KEY_LIST)))

    @operation(
        "create_key",
        "auth",
        "Make an API key",
        description="For oneself, or by an admin for `agent_id`. It is shown this once.",
        body=KEY_CREATE,
        answers={201: NewKeySchema},
    )
    async def create_key(request: web.Request) -> web.Response:
        asked = await read_object(request, KEY_CREATE)
        return json_answer(await keys.create(actor_of(request), asked), status=201)

    @operation(
        "revoke_key",
        "auth",
        "Revoke an API key",
        description="Whoever is signed in by it is cut off within seconds.",
        answers={200: KeySchema},
        errors=(404, 409),
    )
    async def revoke_key(request: web.Request) -> web.Response:
        return json_answer(await keys.revoke(actor_of(request), path_id(request)))

    return [
        web.get("/api/auth/keys", list_keys, allow_head=False),
        web.post("/api/auth/keys", create_key),
        web.delete("/api/auth/keys/{id}", revoke_key),
    ]
