"""What a device holds of the server's rows, and the rules by which its cursor moves.

Pure and synchronous: no socket, no clock, no disk. `session.py` feeds it what arrives, in the
order of arrival; the rules are those of "What a client does" in docs/PROTOCOL.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from server.client.replica import Checksum, Replica, Row, checksum_difference, entities_of

Keep = Callable[[str, Row], Row]


@dataclass
class Completion:
    """What the end of a sync showed.

    `gap`: something is still missing, so another sync is needed. `mismatch`: the plurals
    whose checksum differs, each with what is held and what the server named.
    """

    gap: bool = False
    mismatch: dict[str, dict[str, Any]] = field(default_factory=dict)


class Store:
    """The rows of all entities under their plural, the cursor and the epoch of one device.

    During a first sync `previous` holds what was there before; it stays visible until the
    sync completes, and then goes. `keep(plural, row)` may replace an arriving row by an equal
    one, so that many stores of one process share their memory.
    """

    def __init__(self, keep: Keep | None = None) -> None:
        self.keep = keep
        self.wipe()

    def wipe(self) -> None:
        """Forget everything, as a device does that was revoked."""
        self.current = Replica()
        self.previous: dict[str, dict[str, Row]] = {}
        self.cursor = 0
        self.epoch: str | None = None
        self.syncing: Literal["first", "catch_up"] | None = None
        self._resume: str | None = None
        # First sync only: up to where its pages reach without a hole, and the ids they held.
        self._position = 0
        self._paged: dict[str, set[str]] = {}
        # Ranges of live sets applied while a sync ran: [since, until] pairs.
        self._ranges: list[list[int]] = []
        self._broken = False
        self._more = False

    # Reading

    def row(self, plural: str, row_id: str) -> Row | None:
        """The live row as the server last sent it, or None."""
        row = self.current.rows.get(plural, {}).get(row_id)
        if row is not None or self.current.tombstone(plural, row_id):
            return row
        return self.previous.get(plural, {}).get(row_id)

    def rows(self, plural: str) -> Iterator[Row]:
        """All live rows of one plural, those of before an unfinished first sync included.

        Read them without awaiting in between: what arrives changes what is iterated over.
        """
        held = self.current.rows.get(plural, {})
        yield from held.values()
        for row_id, row in self.previous.get(plural, {}).items():
            if row_id not in held and not self.current.tombstone(plural, row_id):
                yield row

    def plurals(self) -> set[str]:
        """The plurals of which at least one row is visible or was."""
        return set(self.current.rows) | set(self.previous)

    def checksum(self) -> Checksum:
        """`{plural: {"count", "sum"}}` of the live rows, as the server computes it."""
        return self.current.checksum()

    def compare(self, version: int, checksum: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """The plurals whose checksum differs from the server's at `version`.

        Empty too when the two can't be compared: the cursor is elsewhere, or a row newer than
        `version` is held already.
        """
        if self.syncing or self.cursor != version or self.current.newest > version:
            return {}
        return checksum_difference(self.checksum(), checksum)

    # Syncing

    def begin_sync(self) -> dict[str, Any]:
        """Start a sync, or go on with one; gives `since` with `epoch` or `resume` to ask with.

        A catch-up needs no `resume`: its cursor moved with each page.
        """
        if self.cursor == 0 and self._resume is None:
            # Without `resume` the server sends no tombstone of before this request, so rows
            # of an earlier attempt could outlive their deletion.
            return self.begin_first_sync()
        self._broken = False
        self._more = False
        if self.syncing == "first":
            return {"since": 0, "resume": self._resume}
        self.syncing = "catch_up"
        return {"since": self.cursor, "epoch": self.epoch}

    def begin_first_sync(self) -> dict[str, Any]:
        """Start again from 0. What is visible stays so until `complete`."""
        visible = {
            plural: {row["id"]: row for row in self.rows(plural)} for plural in self.plurals()
        }
        self.wipe()
        self.previous = visible
        self.syncing = "first"
        return {"since": 0}

    def forget_resume(self) -> None:
        """The server does not take the last `resume`: the next `begin_sync` starts from 0."""
        self._resume = None

    def abort_sync(self) -> None:
        """The connection broke. A catch-up ends where its last page did; a first sync waits."""
        if self.syncing == "catch_up":
            self._end_sync()

    def apply_page(self, page: Mapping[str, Any]) -> None:
        """Apply a `sync_response`, its entities unpacked if they were compressed.

        A page that does not join the one before it, or is of another epoch, moves nothing;
        `complete` then reports the gap.
        """
        if self.syncing is None:
            return
        if self.epoch is not None and page["epoch"] != self.epoch:
            self._broken = True
            return
        self.epoch = page["epoch"]
        self._apply(page, paged=True)
        since, until = page["since"], page["until"]
        if self._broken or since > (self._position if self.syncing == "first" else self.cursor):
            self._broken = True
            return
        if self.syncing == "first":
            self._position = max(self._position, until)
            self._resume = page.get("resume") or self._resume
        else:
            self.cursor = max(self.cursor, until)
        self._more = bool(page.get("has_more"))

    def complete(
        self, version: int, epoch: str, checksum: Mapping[str, Any] | None = None
    ) -> Completion:
        """End the sync at `sync_complete`: move the cursor, fold in what came live meanwhile.

        After a first sync the rows that it did not bring are gone. With a page missing or of
        another epoch nothing moves and `gap` is set.
        """
        if self.syncing is None:
            return Completion()
        if self.epoch is not None and epoch != self.epoch:
            # The database began a new life half-way: nothing received so far counts.
            if self.syncing == "first":
                self.begin_first_sync()
            else:
                self._end_sync()
            return Completion(gap=True)
        if self._broken or self._more:
            if self.syncing == "catch_up":
                self._end_sync()
            return Completion(gap=True)
        self.epoch = epoch
        if self.syncing == "first":
            # A live set may have brought a row that was deleted before this sync began, its
            # tombstone still on its way; the pages name all that was live at `version`.
            self.current.drop_unless(self._paged, version)
            self.previous = {}
        self.cursor = max(self.cursor, version)
        self._resume = None
        gap = self._end_sync()
        return Completion(gap, self.compare(version, checksum or {}) if checksum else {})

    def apply_live(self, change_set: Mapping[str, Any]) -> bool:
        """Apply a live change set; True means that a sync is needed.

        While a sync runs the cursor stays, and the set's range is folded in at its end.
        """
        epoch = change_set.get("epoch")
        if epoch is not None and self.epoch is not None and epoch != self.epoch:
            return True
        self.epoch = self.epoch or epoch
        since, until = change_set["since"], change_set["until"]
        self._apply(change_set, paged=False)
        if self.syncing is not None:
            self._remember(since, until)
            return False
        if since > self.cursor:
            return True
        if until > self.cursor:
            self.cursor = until
            self.current.forget_tombstones(until)
        return False

    def _apply(self, change_set: Mapping[str, Any], *, paged: bool) -> None:
        for plural, entity in entities_of(change_set):
            if paged and self.syncing == "first":
                self._paged.setdefault(plural, set()).update(
                    row["id"] for row in entity.get("put", ())
                )
            for row in entity.get("put", ()):
                self.current.put(plural, self.keep(plural, row) if self.keep else row, self.cursor)
            for tombstone in entity.get("del", ()):
                self.current.delete(plural, tombstone)

    def _remember(self, since: int, until: int) -> None:
        if self._ranges and self._ranges[-1][0] <= since <= self._ranges[-1][1]:
            self._ranges[-1][1] = max(self._ranges[-1][1], until)
        else:
            self._ranges.append([since, until])

    def _end_sync(self) -> bool:
        """Fold the remembered ranges into the cursor; True if one of them does not join."""
        gap = False
        for since, until in sorted(self._ranges):
            if since <= self.cursor:
                self.cursor = max(self.cursor, until)
            elif until > self.cursor:
                gap = True
        self._ranges = []
        self._paged = {}
        self.syncing = None
        self.current.forget_tombstones(self.cursor)
        return gap

    # Keeping it

    def dump(self) -> dict[str, Any]:
        """Everything, as one JSON object, for `load` in a later process."""
        return {
            "cursor": self.cursor,
            "epoch": self.epoch,
            "syncing": self.syncing,
            "resume": self._resume,
            "position": self._position,
            "paged": {plural: sorted(ids) for plural, ids in self._paged.items()},
            "ranges": [list(pair) for pair in self._ranges],
            "previous": {plural: dict(rows) for plural, rows in self.previous.items()},
            **self.current.dump(),
        }

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Take over what `dump` gave; a catch-up that ran then is over."""
        self.wipe()
        self.cursor = dumped["cursor"]
        self.epoch = dumped["epoch"]
        self.syncing = dumped["syncing"]
        self._resume = dumped["resume"]
        self._position = dumped["position"]
        self._paged = {plural: set(ids) for plural, ids in dumped["paged"].items()}
        self._ranges = [list(pair) for pair in dumped["ranges"]]
        self.previous = {plural: dict(rows) for plural, rows in dumped["previous"].items()}
        self.current.load(dumped)
        self.abort_sync()
