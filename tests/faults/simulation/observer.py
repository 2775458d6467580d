"""What is seen of one device while it runs: its acks, its cursor, and what it shows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from server.client.client import DeviceClient, Write
from server.client.queue import Mutation
from server.client.replica import entities_of
from server.client.store import Completion, Keep, Store
from server.client.wire import Ack, plural_of

RowKey = tuple[str, str]


@dataclass(frozen=True)
class SyncAsked:
    """A catch-up that a device asked for: when (of `time.time`), from where, and whether pages
    came."""

    device: str
    at: float
    since: int
    epoch: str | None
    accepted: bool = False


@dataclass(frozen=True)
class Absent:
    """A row that a device had an ack for and did not hold at `sync_complete`: only a later
    deletion explains it, at most at the version `heard`, up to which the device had heard."""

    device: str
    key: RowKey
    acked: int
    heard: int


@dataclass
class Observations:
    """Everything seen of one device; `faults` are what is wrong by itself."""

    device: str
    faults: list[str] = field(default_factory=list)
    syncs: list[SyncAsked] = field(default_factory=list)
    absent: list[Absent] = field(default_factory=list)
    acked: dict[tuple[str, RowKey], int] = field(default_factory=dict)
    deleted: dict[tuple[str, RowKey], int] = field(default_factory=dict)
    mutations: dict[str, Mutation] = field(default_factory=dict)
    resets: int = 0

    def note_ack(self, epoch: str, mutation: Mutation, version: int) -> None:
        """An acknowledged write: it must be there when a later sync is complete."""
        key = (epoch, (plural_of(mutation.entity), mutation.row_id))
        self.acked[key] = max(version, self.acked.get(key, 0))


class WatchedStore(Store):
    """A store whose every step is held against what a device may rely on."""

    def __init__(self, seen: Observations, keep: Keep | None = None) -> None:
        self._seen = seen
        self._acked_before: dict[tuple[str, RowKey], int] = {}
        super().__init__(keep)

    def begin_sync(self) -> dict[str, Any]:
        request = super().begin_sync()
        # What was acknowledged before the request must be in its answer.
        self._acked_before = dict(self._seen.acked)
        if request["since"]:
            asked = SyncAsked(self._seen.device, time.time(), request["since"], self.epoch)
            self._seen.syncs.append(asked)
        return request

    def begin_first_sync(self) -> dict[str, Any]:
        self._seen.resets += self.cursor > 0
        return super().begin_first_sync()

    def apply_page(self, page: Mapping[str, Any]) -> None:
        before = self._before(page)
        syncs = self._seen.syncs
        if page["since"] and syncs and syncs[-1].since == page["since"]:
            last = syncs[-1]
            syncs[-1] = SyncAsked(last.device, last.at, last.since, last.epoch, accepted=True)
        super().apply_page(page)
        self._after(page, before)

    def apply_live(self, change_set: Mapping[str, Any]) -> bool:
        before = self._before(change_set)
        needs_sync = super().apply_live(change_set)
        self._after(change_set, before)
        return needs_sync

    def complete(
        self, version: int, epoch: str, checksum: Mapping[str, Any] | None = None
    ) -> Completion:
        before = self.cursor
        was_syncing = self.syncing
        completion = super().complete(version, epoch, checksum)
        if was_syncing and self.syncing is None and not completion.gap:
            self._check_own_writes(version, epoch)
        self._check_cursor(before)
        return completion

    def _before(self, change_set: Mapping[str, Any]) -> int:
        epoch = str(change_set.get("epoch"))
        for plural, entity in entities_of(change_set):
            for tombstone in entity.get("del", ()):
                key = (epoch, (plural, tombstone["id"]))
                known = self._seen.deleted.get(key, 0)
                self._seen.deleted[key] = max(known, tombstone["version"])
        return self.cursor

    def _after(self, change_set: Mapping[str, Any], cursor: int) -> None:
        self._check_cursor(cursor)
        epoch = str(change_set.get("epoch"))
        for plural, entity in entities_of(change_set):
            for row in (*entity.get("put", ()), *entity.get("del", ())):
                held = self.current.rows.get(plural, {}).get(row["id"])
                deleted = self._seen.deleted.get((epoch, (plural, row["id"])), 0)
                if held and self.epoch == epoch and held["version"] <= deleted:
                    self._seen.faults.append(
                        f"{plural}/{row['id']} came back as version {held['version']} "
                        f"after its deletion as {deleted}"
                    )

    def _check_cursor(self, before: int) -> None:
        if self.cursor < before:
            self._seen.faults.append(f"the cursor went back from {before} to {self.cursor}")

    def _check_own_writes(self, version: int, epoch: str) -> None:
        for (acked_epoch, key), acked in self._acked_before.items():
            if acked_epoch != epoch:
                continue
            held = self.row(*key)
            if acked > version:
                self._seen.faults.append(
                    f"sync_complete at {version} though {key} was acknowledged as {acked}"
                )
            elif held is None:
                # A live set may have told already of a deletion after `version`.
                heard = max(version, self.current.newest)
                self._seen.absent.append(Absent(self._seen.device, key, acked, heard))
            elif held["version"] < acked:
                self._seen.faults.append(
                    f"sync_complete at {version} left {key} at {held['version']}, "
                    f"though it was acknowledged as {acked}"
                )


class WatchedClient(DeviceClient):
    """A device whose store and acks are observed."""

    def __init__(self, seen: Observations, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.seen = seen
        self.store = WatchedStore(seen, options.get("keep"))

    def _write(self, *arguments: Any) -> Write:
        write = super()._write(*arguments)
        self.seen.mutations[write.mutation.mutation_id] = write.mutation
        return write

    def settled(self, mutation: Mutation, ack: Ack, took_ms: float) -> bool:
        is_settled = super().settled(mutation, ack, took_ms)
        # After a crash it is another object than the one that was written.
        self.seen.mutations[mutation.mutation_id] = mutation
        session = self.session
        if is_settled and ack.get("ok") and session and session.epoch and ack.get("version"):
            self.seen.note_ack(session.epoch, mutation, ack["version"])
        return is_settled
