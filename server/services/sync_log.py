"""What devices did, written down a second later, and each tenant's state once a minute."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from loguru import logger
from nanoid import generate

from server.db.pool import Database
from server.db.queries import queries
from server.ephemeral.presence import Presence
from server.errors import Unavailable
from server.services.actors import Actor
from server.services.backlog import Backlog
from server.tasks import end

Kind = Literal["connection", "sync", "push", "refused"]

MINUTE = 60.0
SPREAD_SECONDS = 2.0


@dataclass(slots=True)
class SyncLogEntry:
    """One row of sync_log. Times are seconds since 1970.

    `rows` are those sent, or the mutations of a push; `outcome` says how it ended, and `error_code`
    why if it failed.
    """

    tenant: str
    kind: Kind
    agent_id: str | None
    device_id: str | None
    address: str | None = None
    started: float = field(default_factory=time.time)
    ended: float | None = None
    since: int | None = None
    until: int | None = None
    rows: int | None = None
    bytes: int | None = None
    outcome: str | None = None
    error_code: str | None = None
    id: str = field(default_factory=generate)

    @classmethod
    def of(cls, actor: Actor, kind: Kind, address: str, **details: Any) -> SyncLogEntry:
        """An entry of what this actor did."""
        return cls(actor.tenant, kind, actor.agent_id, actor.device_id, address, **details)


class SyncLog:
    """Takes entries without ever making anybody wait; `start` begins to write them."""

    def __init__(self, database: Database, presence: Presence) -> None:
        self._database = database
        self._presence = presence
        self._backlog = Backlog(database, queries.sync_log.write_entries, "entries of the sync log")
        self._minutes: asyncio.Task[None] | None = None

    @property
    def dropped(self) -> int:
        """How many entries were lost, because the database was away for too long."""
        return self._backlog.dropped

    def record(self, entry: SyncLogEntry) -> None:
        """Takes an entry, or the new state of one that it took before."""
        record = asdict(entry)
        self._backlog.put(record.pop("tenant"), entry.id, record)

    def open_connection(self, actor: Actor, address: str) -> SyncLogEntry:
        """Notes that an actor connected; hand the entry to `close_connection` at the end."""
        entry = SyncLogEntry.of(actor, "connection", address)
        self.record(entry)
        return entry

    def close_connection(self, entry: SyncLogEntry, outcome: str = "closed") -> None:
        """Notes the end of a connection, and why it ended."""
        entry.ended = time.time()
        entry.outcome = outcome
        self.record(entry)

    def start(self) -> None:
        """Begins to write, and to look at each tenant once a minute."""
        self._backlog.start()
        self._minutes = asyncio.create_task(self._watch_minutes())

    async def stop(self) -> None:
        """Writes what waits, for a second at most."""
        if self._minutes:
            await end(self._minutes)
        await self._backlog.stop()

    async def flush(self) -> None:
        """Writes what waits now."""
        await self._backlog.flush()

    async def _watch_minutes(self) -> None:
        while True:
            # Spread, so that the processes of one server do not all ask at the same moment.
            await asyncio.sleep(MINUTE - time.time() % MINUTE + random.uniform(0, SPREAD_SECONDS))
            try:
                await self.note_minute()
            except Unavailable:
                logger.warning("The state of this minute is not noted: no database")

    async def note_minute(self) -> None:
        """Writes the row of this minute for each tenant that has none yet. Raises `Unavailable`.

        All processes try; the row's id is the minute, so that one of them does it.
        """
        minute = f"minute-{datetime.now(UTC):%Y%m%d%H%M}"
        async with self._database.any_tenant() as connection:
            tenants = await connection.fetch(queries.tenants.list_tenant_ids)
        for record in tenants:
            await self._note_minute_of(record["id"], minute)

    async def _note_minute_of(self, tenant: str, minute: str) -> None:
        async with self._database.tenant(tenant) as connection:
            if not await connection.fetchval(queries.sync_log.claim_minute, tenant, minute):
                return
            seen = await connection.fetch(queries.devices.list_recently_seen, tenant, None)
        online = await self._presence.online_devices(tenant, [record["id"] for record in seen])
        async with self._database.tenant(tenant) as connection:
            await connection.execute(queries.sync_log.complete_minute, tenant, minute, list(online))
