"""The devices of a tenant: how each is, and what is done to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson
from nanoid import generate

from server.db.pool import Connection, Database, fetch_one
from server.db.queries import queries
from server.ephemeral.presence import Presence
from server.errors import Conflict, Forbidden, Invalid, NotFound
from server.schemas.queries import DEVICE_STATES
from server.services.actors import LEADERS, Actor
from server.services.audit import log_action
from server.services.auth import Auth
from server.services.keys import insert_key
from server.services.lists import cut_page, number_in_cursor, read_cursor, write_cursor

MOST_URGENT = 20


class Devices:
    """Answers how devices are, enrols them, shuts them out and asks them to sync.

    Agents see and command their own devices, managers and admins all of them.
    """

    def __init__(self, database: Database, presence: Presence, auth: Auth) -> None:
        self._database = database
        self._presence = presence
        self._auth = auth

    async def list(self, actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
        """A page of devices, as they were asked to be sorted: `{"items", "next_cursor", "total"}`.

        `query` is what `schemas.queries.DEVICE_LIST` gave. Raises `Invalid` for a bad cursor.
        """
        return await self._list(actor, _visible_to(actor), query)

    async def by_agent(
        self, actor: Actor, agent_code: str, query: dict[str, Any]
    ) -> dict[str, Any]:
        """The same for one agent. Raises `Forbidden` for a colleague's, `NotFound`."""
        if actor.role not in LEADERS and agent_code.lower() != actor.code.lower():
            raise Forbidden("You see only your own devices. Ask a manager for the others.")
        async with self._database.tenant(actor.tenant) as connection:
            agent = await connection.fetchrow(queries.agents.find_agent, actor.tenant, agent_code)
        if agent is None:
            raise NotFound(f"There is no agent with the code {agent_code}.")
        return await self._list(actor, agent["id"], query)

    async def _list(
        self, actor: Actor, agent_id: str | None, query: dict[str, Any]
    ) -> dict[str, Any]:
        order = ["devices", *query["sort"]]
        after = read_cursor(query.get("cursor"), order)
        words = query.get("search", "").split() or None
        chosen = (
            *(actor.tenant, await self._online(actor), agent_id),
            *(query.get(name) for name in ("state", "app_outdated", "queue_stuck")),
            words,
        )
        limit = query["limit"]
        async with self._database.tenant(actor.tenant) as connection:
            total = await connection.fetchval(queries.devices.count_devices, *chosen)
            records = await connection.fetch(
                queries.devices.list_devices,
                *(*chosen, *query["sort"], after.sort_key, after.id),
                *(query.get("offset", 0), limit + 1),
            )
        page, last = cut_page(records, limit)
        cursor = write_cursor(order, last["sort_key"], last["id"]) if last else None
        return _page(page, cursor, total)

    async def outdated(self, actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
        """A page of the devices that are late, missing or more than `versions` behind.

        Those furthest behind come first. Raises `Invalid` for a bad cursor.
        """
        order = ["outdated", query.get("versions")]
        after = read_cursor(query.get("cursor"), order)
        chosen = (
            *(actor.tenant, await self._online(actor)),
            *(_visible_to(actor), query.get("versions")),
        )
        limit = query["limit"]
        behind = number_in_cursor(after.sort_key)
        async with self._database.tenant(actor.tenant) as connection:
            total = await connection.fetchval(queries.devices.count_outdated, *chosen)
            records = await connection.fetch(
                queries.devices.list_outdated,
                *(*chosen, behind, after.id, query.get("offset", 0), limit + 1),
            )
        page, last = cut_page(records, limit)
        cursor = write_cursor(order, str(last["lag_versions"]), last["id"]) if last else None
        return _page(page, cursor, total)

    async def health(self, actor: Actor) -> dict[str, Any]:
        """How the devices are, all together, and the 20 that most need somebody to look.

        `{"total", "online", "app_outdated", "queue_stuck", "states": {state: count}, "lag",
        "queue", "attention": [device, …]}`; the lag is the greatest of those in use, the queue all
        of theirs.
        """
        online = await self._online(actor)
        visible = _visible_to(actor)
        async with self._database.tenant(actor.tenant) as connection:
            health = await fetch_one(
                connection, queries.devices.read_health, actor.tenant, online, visible
            )
            urgent = await connection.fetch(
                queries.devices.list_outdated,
                *(actor.tenant, online, visible, None, None, None, 0, MOST_URGENT),
            )
        return {
            **{key: health[key] for key in ("total", "online", "app_outdated", "queue_stuck")},
            "states": dict.fromkeys(DEVICE_STATES, 0) | orjson.loads(health["states"]),
            "lag": {"versions": health["lag_versions"], "seconds": health["lag_seconds"]},
            "queue": {"size": health["queue_size"], "oldest_at": health["queue_oldest_at"]},
            "attention": [_to_wire(record) for record in urgent],
        }

    async def stats(self, actor: Actor, days: int) -> dict[str, Any]:
        """What devices did on each of the last days, and the apps in use, for managers.

        `{"days": [{"day", "connections", …}, …], "apps": [{"app_version", "os", "devices"}, …]}`,
        the latest day first. Raises `Forbidden`.
        """
        if actor.role not in LEADERS:
            raise Forbidden("Only managers and admins see the statistics of all devices.")
        async with self._database.tenant(actor.tenant) as connection:
            done = await connection.fetch(queries.sync_log.list_statistics, actor.tenant, days)
            apps = await connection.fetch(queries.devices.count_by_app_version, actor.tenant)
        return {"days": [dict(day) for day in done], "apps": [dict(app) for app in apps]}

    async def get(self, actor: Actor, device_id: str) -> dict[str, Any]:
        """One device. Raises `NotFound`, `Forbidden` for a colleague's."""
        online = await self._presence.online_devices(actor.tenant, [device_id])
        async with self._database.tenant(actor.tenant) as connection:
            return await _read(connection, actor, device_id, online)

    async def history(self, actor: Actor, device_id: str, query: dict[str, Any]) -> dict[str, Any]:
        """What a device did, newest first: `{"items": [{"id", "kind", …}], "next_cursor"}`.

        `query` is what `schemas.devices.DEVICE_HISTORY` gave. Raises `NotFound`, `Forbidden` for a
        colleague's, `Invalid` for a bad cursor.
        """
        day = query.get("day")
        order = ["device", device_id, str(day)]
        after = read_cursor(query.get("cursor"), order)
        async with self._database.tenant(actor.tenant) as connection:
            await _read(connection, actor, device_id, ())
            entries = await connection.fetch(
                queries.sync_log.list_entries_of_device,
                *(actor.tenant, device_id, day, number_in_cursor(after.sort_key), after.id),
                query["limit"] + 1,
            )
        page, last = cut_page(entries, query["limit"])
        items = [dict(entry) for entry in page]
        for item in items:
            del item["place"]
        cursor = write_cursor(order, str(last["place"]), last["id"]) if last else None
        return {"items": items, "next_cursor": cursor}

    async def enrol(self, actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
        """Makes a device for an agent, with a key of its own: `{"device", "api_key", "key_id"}`.

        The key is shown this once; with the device's id it goes into the phone. `asked` is what
        `schemas.devices.ENROL` gave. Raises `Forbidden`, `Invalid`.
        """
        if actor.role not in LEADERS:
            raise Forbidden("Only managers and admins enrol devices. Ask one of them.")
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            agent = await connection.fetchrow(
                queries.agents.find_agent, actor.tenant, asked["agent_code"]
            )
            if agent is None or agent["disabled"]:
                message = "There is no agent with this code, or it is disabled."
                raise Invalid(fields={"agent_code": [message]})
            # With a key for an admin in hand, a manager would be one.
            if agent["role"] in LEADERS and actor.role != "admin" and agent["id"] != actor.agent_id:
                raise Forbidden("Only an admin enrols a device of another manager or of an admin.")
            device_id, name = generate(), asked.get("name")
            await connection.execute(
                queries.devices.insert_device, actor.tenant, device_id, agent["id"], name
            )
            key, api_key = await insert_key(
                connection, self._auth, actor.tenant, agent["id"], name or "", actor.agent_id
            )
            detail = {"agent_id": agent["id"], "name": name, "key_id": key["id"]}
            await log_action(connection, "enrol", "device", device_id, actor, detail)
            device = await _read(connection, actor, device_id, ())
        return {"device": device, "api_key": api_key, "key_id": key["id"]}

    async def revoke(self, actor: Actor, device_id: str) -> dict[str, Any]:
        """Shuts a device out, for good; its open sockets are closed within seconds.

        Gives the device as it is then, also when it was revoked before. Raises `NotFound`,
        `Forbidden` for a colleague's.
        """
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            device = await _read(connection, actor, device_id, ())
            if await connection.fetchval(queries.devices.revoke_device, actor.tenant, device_id):
                await log_action(connection, "revoke", "device", device_id, actor, _named(device))
            return await _read(connection, actor, device_id, ())

    async def request_sync(self, actor: Actor, device_id: str) -> dict[str, Any]:
        """Asks a device to sync, at once if it is connected. Gives the device.

        Raises `NotFound`, `Forbidden` for a colleague's, `Conflict` when it was revoked.
        """
        online = await self._presence.online_devices(actor.tenant, [device_id])
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            device = await _read(connection, actor, device_id, online)
            if device["state"] == "revoked":
                raise Conflict("This device was revoked; it can't sync any more.")
            await connection.execute(queries.devices.request_sync, actor.tenant, device_id)
            await log_action(connection, "sync", "device", device_id, actor, _named(device))
        return device

    async def _online(self, actor: Actor) -> Sequence[str]:
        """Those of the devices that the actor may see that are online."""
        async with self._database.tenant(actor.tenant) as connection:
            seen = await connection.fetch(
                queries.devices.list_recently_seen, actor.tenant, _visible_to(actor)
            )
        ids = [record["id"] for record in seen]
        return list(await self._presence.online_devices(actor.tenant, ids))


def _visible_to(actor: Actor) -> str | None:
    """Whose devices the actor sees: an agent's id, or None for everybody's."""
    return None if actor.role in LEADERS else actor.agent_id


async def _read(
    connection: Connection, actor: Actor, device_id: str, online: Sequence[str] | set[str]
) -> dict[str, Any]:
    record = await connection.fetchrow(
        queries.devices.read_device, actor.tenant, list(online), device_id
    )
    if record is None:
        raise NotFound(f"There is no device with the id {device_id}.")
    if _visible_to(actor) not in (None, record["agent_id"]):
        raise Forbidden("This is a colleague's device. Ask a manager.")
    return _to_wire(record)


def _page(records: Sequence[asyncpg.Record], cursor: str | None, total: int) -> dict[str, Any]:
    items = [_to_wire(record) for record in records]
    return {"items": items, "next_cursor": cursor, "total": total}


def _to_wire(record: asyncpg.Record) -> dict[str, Any]:
    """A device as docs/PROTOCOL.md has it."""
    return {
        "id": record["id"],
        "agent": {
            "id": record["agent_id"],
            "code": record["agent_code"],
            "name": record["agent_name"],
        },
        **{key: record[key] for key in ("name", "model", "os", "app_version", "app_outdated")},
        "state": record["state"],
        "online": record["is_online"],
        **{key: record[key] for key in ("last_seen", "last_sync", "version")},
        "lag": {"versions": record["lag_versions"], "seconds": record["lag_seconds"]},
        "queue": {
            "size": record["queue_size"],
            "oldest_at": record["queue_oldest_at"],
            "stuck": record["queue_stuck"],
        },
        **{
            key: record[key]
            for key in ("battery", "network", "clock_skew_ms", "created_at", "revoked_at")
        },
    }


def _named(device: dict[str, Any]) -> dict[str, Any]:
    return {"agent_id": device["agent"]["id"], "name": device["name"]}
