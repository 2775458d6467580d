"""Devices: what they say of themselves, kept once a second, and how they are."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson
from loguru import logger
from nanoid import generate

from server.db.pool import Connection, Database
from server.db.queries import queries
from server.ephemeral.presence import Presence
from server.errors import Forbidden, Invalid, NotFound, Unavailable
from server.services.actors import Actor
from server.services.auth import Auth
from server.services.keys import insert_key
from server.services.lists import read_cursor, write_cursor

FLUSH_SECONDS = 1.0
ACTIVITY_ROWS = 100
STATISTICS_DAYS = 30
SEES_ALL = ("admin", "manager")
# What the database knows of a state gives way to an open socket; these do not.
STRONGER_THAN_ONLINE = ("revoked", "never_synced")
BEHIND = ("late", "missing")

Device = dict[str, Any]
Said = dict[str, Any]


class DeviceNotes:
    """What devices say, gathered in memory and written once a second, never on a write's way."""

    def __init__(self, database: Database, presence: Presence) -> None:
        self._database = database
        self._presence = presence
        self._said: dict[str, dict[str, Said]] = {}
        self._task: asyncio.Task[None] | None = None

    def note_seen(self, actor: Actor, sid: str, said: Said | None = None) -> None:
        """A sign-in or a ping; `said` holds columns of `note_devices` as far as they are known."""
        if actor.device_id:
            self._presence.online(actor.tenant, actor.device_id, sid)
            self._note(actor, said or {})

    def note_synced(self, actor: Actor, version: int) -> None:
        """A sync that was sent to its end, up to `version`."""
        self._note(actor, {"synced": True, "version": version})

    def note_gone(self, actor: Actor, sid: str) -> None:
        """A socket that was closed."""
        if actor.device_id:
            self._presence.offline(actor.tenant, actor.device_id, sid)
            self._note(actor, {})

    def _note(self, actor: Actor, said: Said) -> None:
        if actor.device_id:
            device = self._said.setdefault(actor.tenant, {}).setdefault(actor.device_id, {})
            device |= said
            device["seen"] = datetime.now(UTC).isoformat()

    def start(self) -> None:
        """Begins to write."""
        self._task = asyncio.create_task(self._flush_forever())

    async def stop(self) -> None:
        """Writes what is left, as far as the database answers."""
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.flush()

    async def _flush_forever(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            await self.flush()

    async def flush(self) -> None:
        """Writes what was said since the last time; keeps it while the database is away."""
        for tenant in list(self._said):
            said = self._said.pop(tenant)
            records = [{"id": device_id, **each} for device_id, each in said.items()]
            try:
                async with self._database.tenant(tenant) as connection:
                    await connection.execute(
                        queries.devices.note_devices, tenant, orjson.dumps(records).decode()
                    )
            except Unavailable:
                logger.debug("What {} devices said waits for the database", len(said))
                newer = self._said.get(tenant, {})
                merged = {key: said.get(key, {}) | newer.get(key, {}) for key in said | newer}
                self._said[tenant] = merged


class Devices:
    """Device health, and what managers do with devices."""

    def __init__(self, database: Database, presence: Presence, auth: Auth) -> None:
        self._database = database
        self._presence = presence
        self._auth = auth

    async def find(self, actor: Actor, query: dict[str, Any], **only: str) -> dict[str, Any]:
        """A page `{"items", "next_cursor", "total"}` of devices by agent and name.

        Agents see their own, managers and admins all. `query` may hold `state`; `only` may be
        `agent_code`. Raises `Invalid` for a cursor of another list.
        """
        wanted = query.get("state")
        found = await self._read(actor, **only)
        return _page(query, [each for each in found if wanted in (None, each["state"])])

    async def outdated(self, actor: Actor, query: dict[str, Any]) -> dict[str, Any]:
        """A page of those that are late or missing, or more than `versions` behind."""
        most = query.get("versions")
        found = [
            each
            for each in await self._read(actor)
            if each["state"] in BEHIND
            or (most is not None and each["state"] != "revoked" and each["lag"]["versions"] > most)
        ]
        return _page(query, found)

    async def health(self, actor: Actor) -> dict[str, Any]:
        """`{"total", "states": {state: count}, "queue_stuck", "errors_today", "greatest_lag"}`."""
        records = await self._records(actor)
        devices = await self._as_devices(actor.tenant, records)
        living = [each for each in devices if each["state"] != "revoked"]
        lags = [each["lag"]["versions"] for each in living]
        return {
            "total": len(devices),
            "states": dict(Counter(each["state"] for each in devices)),
            "queue_stuck": sum(1 for record in records if record["queue_stuck"]),
            "errors_today": sum(record["errors_today"] for record in records),
            "greatest_lag": max(lags, default=0),
        }

    async def statistics(self, actor: Actor) -> dict[str, Any]:
        """`{"days": [{"day", "connections", "syncs", …}]}` of the last 30 days, newest first."""
        _require_manager(actor)
        async with self._database.tenant(actor.tenant) as connection:
            records = await connection.fetch(
                queries.devices.read_statistics, actor.tenant, STATISTICS_DAYS
            )
        return {"days": [{**record, "bytes": int(record["bytes"])} for record in records]}

    async def read(self, actor: Actor, device_id: str) -> Device:
        """A device with its last `activity`. Raises `NotFound`, also for a colleague's."""
        device = await self._one(actor, device_id)
        async with self._database.tenant(actor.tenant) as connection:
            records = await connection.fetch(
                queries.devices.read_activity, actor.tenant, device_id, ACTIVITY_ROWS
            )
        return {**device, "activity": [dict(record) for record in records]}

    async def enrol(self, actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
        """Makes a device for an agent and a key for it: `{"device", "api_key", "key_id"}`.

        The key is shown this once. Raises `Forbidden`, `Invalid` when there is no such agent.
        """
        _require_manager(actor)
        device_id = generate()
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            agent = await connection.fetchrow(
                queries.devices.find_agent, actor.tenant, asked["agent_code"]
            )
            if agent is None:
                raise Invalid(fields={"agent_code": ["There is no agent with this code."]})
            name = asked.get("name") or ""
            await connection.execute(
                queries.devices.insert_device, actor.tenant, device_id, agent["id"], name or None
            )
            key, api_key = await insert_key(
                connection, self._auth, actor.tenant, agent["id"], name, actor.agent_id
            )
            await _log(connection, "enrol", actor, device_id, {"agent_code": asked["agent_code"]})
        device = await self._one(actor, device_id)
        return {"device": device, "api_key": api_key, "key_id": key["id"]}

    async def revoke(self, actor: Actor, device_id: str) -> Device:
        """Shuts a device out; it is told to wipe what it holds. Raises `NotFound`."""
        return await self._act(actor, device_id, "revoke", queries.devices.revoke_device)

    async def request_sync(self, actor: Actor, device_id: str) -> Device:
        """Asks a device to sync, now or when it comes back. Raises `NotFound`."""
        return await self._act(actor, device_id, "request_sync", queries.devices.request_sync)

    async def asked_to_sync(self, tenant: str, device_ids: Iterable[str]) -> set[str]:
        """Of connected devices those that were asked to sync in the last seconds."""
        async with self._database.tenant(tenant) as connection:
            records = await connection.fetch(
                queries.devices.find_sync_requests, tenant, list(device_ids)
            )
        return {record["id"] for record in records}

    async def _act(self, actor: Actor, device_id: str, action: str, query: str) -> Device:
        await self._one(actor, device_id)
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            await connection.execute(query, actor.tenant, device_id)
            await _log(connection, action, actor, device_id, {})
        return await self._one(actor, device_id)

    async def _one(self, actor: Actor, device_id: str) -> Device:
        found = await self._read(actor, device_id=device_id)
        if not found:
            raise NotFound(f"There is no device with the id {device_id}.")
        return found[0]

    async def _read(self, actor: Actor, **only: str) -> list[Device]:
        return await self._as_devices(actor.tenant, await self._records(actor, **only))

    async def _records(
        self, actor: Actor, *, agent_code: str | None = None, device_id: str | None = None
    ) -> list[dict[str, Any]]:
        agent_id = None if actor.role in SEES_ALL else actor.agent_id
        async with self._database.tenant(actor.tenant) as connection:
            records = await connection.fetch(
                queries.devices.list_devices, actor.tenant, agent_id, agent_code, device_id
            )
        return [dict(record) for record in records]

    async def _as_devices(self, tenant: str, records: list[dict[str, Any]]) -> list[Device]:
        online = await self._presence.online_devices(tenant, [each["id"] for each in records])
        return [_device(record, record["id"] in online) for record in records]


def _device(record: dict[str, Any], online: bool) -> Device:
    """A device as it goes out; its state is the first that holds (docs/PROTOCOL.md, Devices)."""
    state = record["state"]
    if online and state not in STRONGER_THAN_ONLINE:
        state = "online"
    copied = ("id", "name", "model", "os", "app_version", "last_seen", "last_sync", "version")
    return {
        **{key: record[key] for key in copied},
        "agent": {
            "id": record["agent_id"],
            "code": record["agent_code"],
            "name": record["agent_name"],
        },
        "state": state,
        "online": online,
        "lag": {"versions": record["lag_versions"], "seconds": record["lag_seconds"]},
        "queue": {"size": record["queue_size"], "oldest_at": record["queue_oldest_at"]},
        "battery": record["battery"],
        "network": record["network"],
        "clock_skew_ms": record["clock_skew_ms"],
    }


def _page(query: dict[str, Any], devices: list[Device]) -> dict[str, Any]:
    """A part of a list that is short enough to be read whole: a company's devices."""
    place = read_cursor(query.get("cursor"), ["devices"])
    start = query.get("offset", 0)
    if place.id is not None:
        ids = [each["id"] for each in devices]
        start = ids.index(place.id) + 1 if place.id in ids else len(ids)
    items = devices[start : start + query["limit"]]
    cursor = None
    if start + len(items) < len(devices) and items:
        cursor = write_cursor(["devices"], "", items[-1]["id"])
    return {"items": items, "next_cursor": cursor, "total": len(devices)}


def _require_manager(actor: Actor) -> None:
    if actor.role not in SEES_ALL:
        raise Forbidden("Only managers and admins may do this.")


async def _log(
    connection: Connection, action: str, actor: Actor, device_id: str, detail: dict[str, Any]
) -> None:
    await connection.execute(
        queries.audit.log_action,
        *(action, "device", device_id, actor.agent_id, actor.device_id, "rest"),
        orjson.dumps(detail).decode(),
    )
