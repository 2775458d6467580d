"""What `/metrics` shows of the sockets: how many there are, and what is kept for the slow ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from prometheus_client import CollectorRegistry, Gauge

from server.feed.broadcaster import Listener
from server.feed.feeds import Feeds
from server.transport.server import SocketServer


def add_gauges(registry: CollectorRegistry, sockets: SocketServer, feeds: Feeds) -> None:
    """Registers them; each is counted when somebody asks."""

    def listeners() -> list[Listener]:
        return [each for feed in feeds.feeds() for each in feed.broadcaster.listeners.values()]

    def add(name: str, what: str, count: Callable[[], float]) -> None:
        Gauge(f"fieldbook_{name}", what, registry=registry).set_function(count)

    add("connections", "Open sockets.", lambda: len(sockets.connections))
    add("engine_sockets", "Sockets of Engine.IO, with those just ended.", sockets.count_engine)
    add("listeners", "Sockets that get live changes.", lambda: len(listeners()))
    add(
        "listeners_paused",
        "Those of them that get none, because they do not read what they got.",
        lambda: sum(each.paused for each in listeners()),
    )
    add(
        "backlog_bytes",
        "Bytes kept for clients that have not read them.",
        lambda: sum(each.backlog for each in sockets.connections),
    )
    add(
        "backlog_bytes_most",
        "The most that is kept for one client.",
        lambda: max((each.backlog for each in sockets.connections), default=0),
    )
    add("tasks", "Tasks of the event loop.", lambda: len(asyncio.all_tasks()))
