"""What devices say of themselves by their pings and syncs, written down a second later."""

from __future__ import annotations

import time
from typing import Any

from server.db.pool import Database
from server.db.queries import queries
from server.services.actors import Actor
from server.services.backlog import Backlog, Record


class DeviceReports:
    """Takes reports without making anybody wait; `start` begins to write them."""

    def __init__(self, database: Database) -> None:
        self._reports = Backlog(database, queries.devices.write_reports, "reports of devices")

    def start(self) -> None:
        """Begins to write what devices say, every second."""
        self._reports.start()

    async def stop(self) -> None:
        """Writes what waits, for a second at most."""
        await self._reports.stop()

    async def flush(self) -> None:
        """Writes what waits now."""
        await self._reports.flush()

    def note_ping(self, actor: Actor, ping: dict[str, Any], skew_ms: int | None) -> None:
        """Takes what `schemas.sync.PING` gave; of several in a second the last counts.

        `skew_ms` is the server's clock minus the device's, None when it is not known.
        """
        report: Record = {
            "version": ping.get("cursor"),
            "battery": ping.get("battery"),
            "network": ping.get("network"),
            "app_version": ping.get("app_version"),
            "clock_skew_ms": skew_ms,
        }
        queue = ping.get("queue") or {}
        if "size" in queue:
            oldest_at = queue.get("oldest_at")
            report["queue_size"] = queue["size"]
            report["queue_oldest_at"] = None if oldest_at is None else oldest_at / 1_000_000
        self._report(actor, report)

    def note_synced(self, actor: Actor, version: int) -> None:
        """Notes that a device completed a sync up to `version`."""
        self._report(actor, {"version": version, "synced": time.time()})

    def _report(self, actor: Actor, report: Record) -> None:
        if actor.device_id is None:
            return
        known = {name: value for name, value in report.items() if value is not None}
        if "queue_size" in known:
            # An empty queue has no oldest edit, whatever was said a moment before.
            known["queue_oldest_at"] = report["queue_oldest_at"]
        record = {"id": actor.device_id, "seen": time.time(), **known}
        self._reports.put(actor.tenant, actor.device_id, record)
