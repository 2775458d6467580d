"""API keys: listed, made and revoked by who owns them, or by an admin for everybody."""

from __future__ import annotations

import time
from typing import Any

import asyncpg
from nanoid import generate

from server.db.pool import Connection, Database, fetch_one
from server.db.queries import queries
from server.errors import Conflict, Forbidden, Invalid, NotFound
from server.services.actors import Actor
from server.services.audit import log_action
from server.services.auth import SHOWN, Auth
from server.services.lists import cut_page, read_cursor, write_cursor

HOUR = 3_600.0


class Keys:
    """The keys of a tenant; only their hashes are kept."""

    def __init__(self, database: Database, auth: Auth) -> None:
        self._database = database
        self._auth = auth
        self._noted: dict[str, float] = {}

    async def list(self, actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
        """A page of keys, newest first: an admin's list holds everybody's, or `agent_id`'s.

        Raises `Forbidden` when another asks for a colleague's, `Invalid`.
        """
        agent_id = query.get("agent_id")
        if actor.role != "admin":
            if agent_id not in (None, actor.agent_id):
                raise Forbidden("You see only your own keys. Ask an admin for the others.")
            agent_id = actor.agent_id
        after = read_cursor(query.get("cursor"), ["keys"])
        limit = query["limit"]
        async with self._database.tenant(actor.tenant) as connection:
            total = await connection.fetchval(queries.keys.count_keys, actor.tenant, agent_id)
            keys = await connection.fetch(
                queries.keys.list_keys,
                *(actor.tenant, agent_id, after.id, query.get("offset", 0), limit + 1),
            )
        page, last = cut_page(keys, limit)
        cursor = write_cursor(["keys"], "", last["id"]) if last else None
        return {"items": [dict(key) for key in page], "next_cursor": cursor, "total": total}

    async def create(self, actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
        """Makes a key, `{"key", "key_id", "api_key"}`, for oneself or, by an admin, for another.

        Raises `Forbidden`, `Invalid` when there is no such agent, or it is disabled.
        """
        agent_id = asked.get("agent_id", actor.agent_id)
        if agent_id != actor.agent_id and actor.role != "admin":
            raise Forbidden("You make keys only for yourself. Ask an admin for the others.")
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            agent = await connection.fetchrow(queries.agents.read_agent, actor.tenant, agent_id)
            if agent is None or agent["disabled"]:
                message = "There is no such agent, or it is disabled."
                raise Invalid(fields={"agent_id": [message]})
            key, api_key = await insert_key(
                connection,
                self._auth,
                actor.tenant,
                agent_id,
                asked.get("name", ""),
                actor.agent_id,
            )
            await log_action(connection, "create", "key", key["id"], actor, _described(key))
        return {"key": dict(key), "key_id": key["id"], "api_key": api_key}

    async def revoke(self, actor: Actor, key_id: str) -> dict[str, Any]:
        """Ends a key; whoever is signed in by it is cut off. Gives the key as it is then.

        Raises `NotFound`, `Forbidden` for a colleague's, `Conflict` for the last one by which an
        admin may sign in.
        """
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            # Taken by every change of admins, too, so that two can't remove the last together.
            await connection.fetch(queries.agents.lock_admins, actor.tenant)
            key = await connection.fetchrow(queries.keys.read_key, actor.tenant, key_id)
            if key is None:
                raise NotFound(f"There is no key with the id {key_id}.")
            if key["agent_id"] != actor.agent_id and actor.role != "admin":
                raise Forbidden("This is a colleague's key; only an admin revokes it.")
            if key["revoked_at"] is not None:
                return dict(key)
            if not await connection.fetchval(
                queries.keys.others_let_an_admin_in, actor.tenant, key_id
            ):
                raise Conflict("No admin could sign in without this key; make another one first.")
            key = await fetch_one(connection, queries.keys.revoke_key, actor.tenant, key_id)
            await log_action(connection, "revoke", "key", key_id, actor, _described(key))
        return dict(key)

    async def note_use(self, actor: Actor) -> None:
        """Keeps when the actor's key was last used, to the hour, at little cost for each call."""
        now = time.monotonic()
        if actor.key_id is None or now - self._noted.get(actor.key_id, -HOUR) < HOUR:
            return
        self._noted[actor.key_id] = now
        async with self._database.tenant(actor.tenant) as connection:
            await connection.execute(queries.keys.note_key_use, actor.tenant, actor.key_id)


async def insert_key(
    connection: Connection,
    auth: Auth,
    tenant: str,
    agent_id: str,
    name: str,
    created_by: str | None,
    api_key: str | None = None,
) -> tuple[asyncpg.Record, str]:
    """Stores a key, a new one unless it is given: its row, and the key itself."""
    api_key = api_key or auth.make_key()
    key = await fetch_one(
        connection,
        queries.keys.insert_key,
        *(tenant, generate(), agent_id, name, api_key[:SHOWN], auth.hash(api_key), created_by),
    )
    return key, api_key


def _described(key: asyncpg.Record) -> dict[str, Any]:
    """What the history shows of a key."""
    return {name: key[name] for name in ("agent_id", "name", "prefix")}
