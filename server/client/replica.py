"""The rows and tombstones of one life of the database, each taken only if it is newer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

Row = dict[str, Any]
Checksum = dict[str, dict[str, int]]

# Sums of versions wrap here, so that they stay exact as numbers of every JSON reader.
CHECKSUM_MODULUS = 2**52


def entities_of(change_set: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The entities of a change set, whatever their plurals: pairs of plural and put/del."""
    for plural, entity in change_set.items():
        if isinstance(entity, Mapping) and ("put" in entity or "del" in entity):
            yield plural, entity


def checksum_difference(
    held: Mapping[str, Any], named: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """`{plural: {"held", "server"}}` where two checksums differ; a plural left out is empty."""
    nothing = {"count": 0, "sum": 0}
    return {
        plural: {"held": held.get(plural, nothing), "server": named.get(plural, nothing)}
        for plural in sorted({*held, *named})
        if dict(held.get(plural, nothing)) != dict(named.get(plural, nothing))
    }


class Replica:
    """`rows[plural][id]` live rows and `tombstones[plural][id]`, and the newest version."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Row]] = {}
        self.tombstones: dict[str, dict[str, Row]] = {}
        self.newest = 0

    def tombstone(self, plural: str, row_id: str) -> Row | None:
        """The tombstone held for an id, or None."""
        return self.tombstones.get(plural, {}).get(row_id)

    def put(self, plural: str, row: Row, cursor: int) -> None:
        """Take a row if it is newer than what is held for its id.

        At or below the cursor an id that is not held was deleted since, its tombstone
        forgotten: such a row is old news.
        """
        row_id, version = row["id"], row["version"]
        rows = self.rows.setdefault(plural, {})
        tombstones = self.tombstones.get(plural, {})
        held = rows.get(row_id) or tombstones.get(row_id)
        if version <= (held["version"] if held else cursor):
            return
        rows[row_id] = row
        tombstones.pop(row_id, None)
        self.newest = max(self.newest, version)

    def delete(self, plural: str, tombstone: Row) -> None:
        """Take a tombstone if it is newer than what is held, also for an id that is not."""
        row_id, version = tombstone["id"], tombstone["version"]
        rows = self.rows.setdefault(plural, {})
        tombstones = self.tombstones.setdefault(plural, {})
        held = rows.get(row_id) or tombstones.get(row_id)
        if held and version <= held["version"]:
            return
        rows.pop(row_id, None)
        tombstones[row_id] = tombstone
        self.newest = max(self.newest, version)

    def drop_unless(self, paged: Mapping[str, Set[str]], version: int) -> None:
        """Drop the rows at or below `version` whose id is not among `paged`."""
        for plural, rows in self.rows.items():
            ids = paged.get(plural, frozenset())
            for row_id in [
                row_id
                for row_id, row in rows.items()
                if row_id not in ids and row["version"] <= version
            ]:
                del rows[row_id]

    def forget_tombstones(self, cursor: int) -> None:
        """Drop the tombstones that the cursor has passed: `put` needs them no more."""
        for plural, tombstones in self.tombstones.items():
            if tombstones:
                self.tombstones[plural] = {
                    row_id: tombstone
                    for row_id, tombstone in tombstones.items()
                    if tombstone["version"] > cursor
                }

    def checksum(self) -> Checksum:
        """`{plural: {"count", "sum"}}`: live rows, and their versions' sum modulo 2^52."""
        return {
            plural: {
                "count": len(rows),
                "sum": sum(row["version"] for row in rows.values()) % CHECKSUM_MODULUS,
            }
            for plural, rows in self.rows.items()
        }

    def dump(self) -> dict[str, Any]:
        """`rows`, `tombstones` and `newest` as a JSON object."""
        return {
            "rows": {plural: dict(rows) for plural, rows in self.rows.items()},
            "tombstones": {plural: dict(rows) for plural, rows in self.tombstones.items()},
            "newest": self.newest,
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Take over what `dump` gave."""
        self.rows = {plural: dict(rows) for plural, rows in dumped["rows"].items()}
        self.tombstones = {plural: dict(rows) for plural, rows in dumped["tombstones"].items()}
        self.newest = dumped["newest"]
