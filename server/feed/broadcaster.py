"""Who listens in a tenant, and what each is sent: one encoding for all, nobody waits."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from server.services.changes import ChangeSet
from server.transport.connection import Connection
from server.transport.frames import Frame, event_frame


@dataclass(slots=True, eq=False)
class Listener:
    """A signed-in client in the feed; `paused` while it is too slow for live events."""

    connection: Connection
    batch: bool
    paused: bool = False


class Broadcaster:
    """The clients of one tenant on this process."""

    def __init__(self) -> None:
        self.listeners: dict[str, Listener] = {}

    def send_changes(self, change_set: ChangeSet) -> None:
        """Sends a set to everyone who keeps up; those who do not are paused."""
        as_set: Frame | None = None
        as_events: list[Frame] = []
        for listener in self.listeners.values():
            if listener.paused:
                continue
            if listener.connection.paused:
                listener.paused = True
            elif listener.batch:
                as_set = as_set or event_frame("changes", change_set.to_json())
                listener.connection.send_frame(as_set)
            else:
                as_events = as_events or [event_frame(*event) for event in change_set.events()]
                for frame in as_events:
                    listener.connection.send_frame(frame)

    def send_available(self, version: int) -> None:
        """Tells everyone who keeps up to sync up to `version`."""
        frame = available_frame(version)
        for listener in self.listeners.values():
            if not listener.paused:
                listener.connection.send_frame(frame)

    def resume_drained(self, version: int) -> None:
        """Takes those back who have read what waited for them: live events go on from `version`."""
        for listener in self.listeners.values():
            if listener.paused and listener.connection.drained:
                listener.paused = False
                listener.connection.send_frame(available_frame(version))


def available_frame(version: int) -> Frame:
    """The frame of `sync_available`."""
    return event_frame("sync_available", orjson.dumps({"version": version}).decode())
