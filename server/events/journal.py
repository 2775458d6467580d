"""What sockets do, noted for device health: presence, each device's state, and the sync log."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

from server.errors import FieldbookError
from server.events.dispatch import Payload
from server.events.sessions import Session
from server.services.device_reports import DeviceReports
from server.services.sync_log import SyncLog, SyncLogEntry


class Presence(Protocol):
    """Which devices have a socket open."""

    def online(self, tenant: str, device_id: str, sid: str) -> None:
        """Notes a sign-in or a ping of a device."""

    def offline(self, tenant: str, device_id: str, sid: str) -> None:
        """Notes that a device's socket is gone."""


@dataclass(slots=True)
class SyncRun:
    """What became of a `sync_request`. `outcome` is `complete` once all of it was sent."""

    started: float
    since: int
    until: int = 0
    rows: int = 0
    size: int = 0
    outcome: str = "interrupted"
    error_code: str | None = None


class Journal:
    """Takes notes and never makes anybody wait: all of it is written a second later."""

    def __init__(self, reports: DeviceReports, sync_log: SyncLog, presence: Presence) -> None:
        self._reports = reports
        self._sync_log = sync_log
        self._presence = presence

    def signed_in(self, session: Session) -> None:
        """A socket was signed in for the first time."""
        actor = session.signed_in
        session.connection = self._sync_log.open_connection(actor, session.address)
        self._alive(session, {})

    def left(self, session: Session) -> None:
        """A socket that was signed in is gone."""
        actor = session.signed_in
        if session.connection:
            self._sync_log.close_connection(session.connection, session.ended_by)
        if actor.device_id:
            self._presence.offline(actor.tenant, actor.device_id, session.sid)

    def pinged(self, session: Session, ping: Payload) -> None:
        """A device said how it is."""
        self._alive(session, ping)

    def _alive(self, session: Session, ping: Payload) -> None:
        actor = session.signed_in
        if actor.device_id:
            self._presence.online(actor.tenant, actor.device_id, session.sid)
            skew_ms = session.skew // 1_000 if session.skews else None
            self._reports.note_ping(actor, ping, skew_ms)

    def synced(self, session: Session, run: SyncRun) -> None:
        """A `sync_request` came to its end, whichever."""
        actor = session.signed_in
        self._sync_log.record(
            SyncLogEntry.of(
                actor,
                "sync",
                session.address,
                started=run.started,
                ended=time.time(),
                since=run.since,
                until=run.until,
                rows=run.rows,
                bytes=run.size,
                outcome=run.outcome,
                error_code=run.error_code,
            )
        )
        if run.outcome == "complete":
            self._reports.note_synced(actor, run.until)

    def pushed(self, session: Session, started: float, mutations: int, refused: int) -> None:
        """A `sync_push` was answered; `started` in seconds since 1970."""
        self._sync_log.record(
            SyncLogEntry.of(
                session.signed_in,
                "push",
                session.address,
                started=started,
                ended=time.time(),
                rows=mutations,
                outcome=f"{refused} refused" if refused else "applied",
            )
        )

    def refused(self, session: Session, event: str, error: FieldbookError) -> None:
        """An event of a signed-in socket was refused; strangers leave no rows."""
        if session.actor:
            now = time.time()
            self._sync_log.record(
                SyncLogEntry.of(
                    session.actor,
                    "refused",
                    session.address,
                    started=now,
                    ended=now,
                    outcome=event.replace("\x00", "")[:50],
                    error_code=error.code,
                )
            )
