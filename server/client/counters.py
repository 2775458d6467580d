"""What a device counts of its own life, for the simulator's table and for tests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields


@dataclass
class Counters:
    """Counts since the client was made; `latencies_ms` from a mutation's sending to its ack.

    `writes`: made. `acks`: settled, refused ones included. `duplicates`: answered so.
    `conflicts`: fields named in acks' `conflicts`. `gaps`: live sets or pings that showed
    something missed. `mismatches`: checksums that differed. `resyncs`: first syncs asked for by
    `resync_required`.
    """

    writes: int = 0
    acks: int = 0
    refused: int = 0
    duplicates: int = 0
    conflicts: int = 0
    retries: int = 0
    live_sets: int = 0
    first_syncs: int = 0
    catch_ups: int = 0
    resyncs: int = 0
    gaps: int = 0
    mismatches: int = 0
    reconnects: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    def add(self, other: Counters) -> None:
        """Add another's counts and latencies to these."""
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))


def percentile(values: Iterable[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the values lie; 0 when there are none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
