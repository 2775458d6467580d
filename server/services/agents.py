"""Agents: who may sign in, made by registration and changed by admins."""

from __future__ import annotations

from typing import Any, Protocol

import asyncpg
from nanoid import generate

from server.db.pool import Connection, Database
from server.db.queries import queries
from server.errors import Conflict, Forbidden, NotFound
from server.services.actors import Actor
from server.services.audit import log_action
from server.services.auth import Auth
from server.services.keys import insert_key
from server.services.lists import cut_page, read_cursor, write_cursor

FIRST_TENANT = "default"


class Agents:
    """Registers, lists and changes the agents of a tenant."""

    def __init__(self, database: Database, auth: Auth, registration: str) -> None:
        """`registration` is the server's: `open`, `invite` or `closed`."""
        self._database = database
        self._auth = auth
        self.registration = registration

    async def register(self, actor: Actor | None, asked: dict[str, Any]) -> dict[str, Any]:
        """Makes an agent with a key: `{"agent", "api_key", "key_id"}`, the key shown this once.

        `asked` is what `schemas.auth.REGISTER` gave; `actor` is None for a stranger, who becomes
        an `agent`, whatever role was asked. Raises `Forbidden`, `Conflict`, `Unavailable`.
        """
        by_admin = actor is not None and actor.role == "admin"
        if self.registration == "closed":
            raise Forbidden("Nobody can register here: the server runs with REGISTRATION=closed.")
        if self.registration == "invite" and not by_admin:
            raise Forbidden("Only an admin registers new agents here. Ask an admin.")
        role = asked.get("role", "agent") if by_admin else "agent"
        tenant = actor.tenant if actor else FIRST_TENANT
        async with self._database.tenant(tenant) as connection, connection.transaction():
            agent = await connection.fetchrow(
                queries.agents.insert_agent,
                *(tenant, generate(), asked["agent_code"], asked["agent_name"], role),
            )
            if agent is None:
                message = "There is already an agent with this code; choose another."
                raise Conflict(message, fields={"agent_code": [message]})
            made_by = actor.agent_id if actor else agent["id"]
            key, api_key = await insert_key(
                connection, self._auth, tenant, agent["id"], "", made_by
            )
            detail = {"code": agent["code"], "name": agent["name"], "role": role}
            await log_action(connection, "register", "agent", agent["id"], actor, detail)
        return {"agent": dict(agent), "api_key": api_key, "key_id": key["id"]}

    async def list(self, actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
        """A page of the tenant's agents by code; all but admins see id, code and name alone."""
        after = read_cursor(query.get("cursor"), ["agents"])
        limit = query["limit"]
        async with self._database.tenant(actor.tenant) as connection:
            total = await connection.fetchval(queries.agents.count_agents, actor.tenant)
            agents = await connection.fetch(
                queries.agents.list_agents,
                *(actor.tenant, after.sort_key, query.get("offset", 0), limit + 1),
            )
        page, last = cut_page(agents, limit)
        cursor = write_cursor(["agents"], last["code"], last["id"]) if last else None
        items = [_seen_by(actor, agent) for agent in page]
        return {"items": items, "next_cursor": cursor, "total": total}

    async def read(self, actor: Actor, agent_id: str) -> dict[str, Any]:
        """One agent, as the actor may see it. Raises `NotFound`."""
        async with self._database.tenant(actor.tenant) as connection:
            agent = await connection.fetchrow(queries.agents.read_agent, actor.tenant, agent_id)
        if agent is None:
            raise _no_agent(agent_id)
        return _seen_by(actor, agent)

    async def change(self, actor: Actor, agent_id: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Sets name, role or disabled; admins only. The last admin stays one.

        Raises `Forbidden`, `NotFound`, `Conflict`.
        """
        if actor.role != "admin":
            raise Forbidden("Only an admin changes agents. Ask an admin of your company.")
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            admins = await connection.fetch(queries.agents.lock_admins, actor.tenant)
            leaves = changes.get("disabled") or changes.get("role", "admin") != "admin"
            if leaves and [admin["id"] for admin in admins] == [agent_id]:
                raise Conflict("This is the last admin; make another agent an admin first.")
            agent = await connection.fetchrow(
                queries.agents.update_agent,
                *(actor.tenant, agent_id),
                *(changes.get(name) for name in ("name", "role", "disabled")),
            )
            if agent is None:
                raise _no_agent(agent_id)
            await log_action(connection, "update", "agent", agent_id, actor, changes)
        return dict(agent)


class AdminSettings(Protocol):
    """What the environment says of keys: `server.settings.Settings` has it."""

    @property
    def admin_api_key(self) -> str | None:
        """The first admin's key, if it is to be a certain one."""

    @property
    def api_key_salt(self) -> str:
        """With which keys are hashed."""


async def ensure_first_admin(database: Database, settings: AdminSettings) -> str | None:
    """Makes the first tenant's first admin, if it has none.

    Gives the key when it was made here, to be shown once; None when there is an admin already, or
    when the key is `admin_api_key`, which its owner knows. Raises `Unavailable`.
    """
    auth = Auth(database, settings.api_key_salt)
    async with database.tenant(FIRST_TENANT) as connection, connection.transaction():
        # Several processes of one server start at the same time.
        await connection.execute(queries.agents.lock_first_admin, FIRST_TENANT)
        if await connection.fetch(queries.agents.lock_admins, FIRST_TENANT):
            return None
        agent_id = generate()
        code = await _free_code(connection, "admin")
        await connection.fetchrow(
            queries.agents.insert_agent, FIRST_TENANT, agent_id, code, "Admin", "admin"
        )
        _, api_key = await insert_key(
            connection, auth, FIRST_TENANT, agent_id, "First key", None, settings.admin_api_key
        )
        detail = {"code": code, "name": "Admin", "role": "admin"}
        await log_action(connection, "register", "agent", agent_id, None, detail, origin="sql")
    return None if settings.admin_api_key else api_key


async def _free_code(connection: Connection, wanted: str) -> str:
    """The code that is wanted, or one like it where a disabled admin has that."""
    taken = await connection.fetchrow(queries.agents.find_agent, FIRST_TENANT, wanted)
    return f"{wanted}-{generate(size=6)}" if taken else wanted


def _seen_by(actor: Actor, agent: asyncpg.Record) -> dict[str, Any]:
    shown = agent.keys() if actor.role == "admin" else ("id", "code", "name")
    return {name: agent[name] for name in shown}


def _no_agent(agent_id: str) -> NotFound:
    return NotFound(f"There is no agent with the id {agent_id}.")
