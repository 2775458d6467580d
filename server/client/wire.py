"""Small shapes of the protocol: names, times, limits and how long to wait."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

Payload = dict[str, Any]
Ack = dict[str, Any]

ENVELOPE = ("epoch", "since", "until")
MAX_BACKOFF_S = 15.0


@dataclass
class Limits:
    """What the server bounds: rows a page, mutations a push, bytes a message, ping seconds."""

    page: int = 1000
    push: int = 500
    payload_bytes: int = 1_000_000
    ping_s: float = 25


def change_set_of(event: str, payload: Payload) -> Payload:
    """A live event of one row (`contact_updated`) as the change set that it stands for."""
    entity, _, change = event.rpartition("_")
    if change == "deleted":
        tombstone = {name: payload[name] for name in ("id", "version", "deleted_at")}
        rows: Payload = {"put": [], "del": [tombstone]}
    else:
        rows = {"put": [payload[entity]], "del": []}
    change_set: Payload = {name: payload[name] for name in ENVELOPE if name in payload}
    return {**change_set, plural_of(entity): rows}


def plural_of(entity: str) -> str:
    """The key of an entity in change sets: contact, contacts; company, companies."""
    return f"{entity[:-1]}ies" if entity.endswith("y") else f"{entity}s"


def rfc3339(milliseconds: int) -> str:
    """Epoch milliseconds as the protocol writes times."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def jittered(seconds: float) -> float:
    """Between `seconds` and half more, so that devices do not come back all at once."""
    return seconds * random.uniform(1, 1.5)


def backoff_s(failures: int, acks: Sequence[Ack], longest_s: float = MAX_BACKOFF_S) -> float:
    """How long to wait: growing with failures in a row, and as long as the server asked."""
    asked_ms = max((ack.get("error", {}).get("retry_after_ms") or 0 for ack in acks), default=0)
    return jittered(max(asked_ms / 1000, min(longest_s, 0.1 * 2 ** min(failures, 10))))
