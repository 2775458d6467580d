"""The store under every order in which pages, live sets, cuts and restarts can come."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from server.client.store import Store

IDS = ["contact-a", "contact-b", "contact-c", "contact-d"]
State = dict[str, dict[str, Any]]


class History:
    """What the database would answer: every change in version order, one life after another."""

    def __init__(self) -> None:
        self.lives = 1
        self.floor = 0
        self.changes: list[dict[str, Any]] = []

    @property
    def epoch(self) -> str:
        return f"epoch-{self.lives}"

    @property
    def head(self) -> int:
        return self.changes[-1]["version"] if self.changes else 0

    def write(self, row_id: str, step: int, alive: bool) -> None:
        version = self.head + step
        change: dict[str, Any] = {"id": row_id, "version": version}
        change |= {"first_name": f"v{version}"} if alive else {"deleted_at": f"t{version}"}
        self.changes.append(change)

    def state_at(self, version: int) -> State:
        return {each["id"]: each for each in self.changes if each["version"] <= version}

    def live_at(self, version: int) -> State:
        state = self.state_at(version)
        return {row_id: row for row_id, row in state.items() if "deleted_at" not in row}

    def checksum_at(self, version: int) -> dict[str, dict[str, int]]:
        rows = self.live_at(version).values()
        return {"contacts": {"count": len(rows), "sum": sum(each["version"] for each in rows)}}

    def change_set(
        self, since: int, until: int, snapshot: int, tombstones_after: int = 0
    ) -> dict[str, Any]:
        changed = [
            each for each in self.state_at(snapshot).values() if since < each["version"] <= until
        ]
        put = [dict(each) for each in changed if "deleted_at" not in each]
        gone = [dict(each) for each in changed if "deleted_at" in each]
        gone = [each for each in gone if each["version"] > tombstones_after]
        contacts = {"put": put, "del": gone}
        return {"epoch": self.epoch, "since": since, "until": until, "contacts": contacts}

    def restore_backup(self, kept: int) -> None:
        self.lives += 1
        self.changes = self.changes[:kept]
        self.floor = min(self.floor, self.head)


class DeviceOfOneHistory(RuleBasedStateMachine):
    """A device that hears live sets late, merged, lost or while it syncs; cut and restarted."""

    @initialize()
    def begin(self) -> None:
        self.history = History()
        self.store = Store()
        self.fed = 0  # up to where live sets were sent
        self.request: dict[str, Any] | None = None
        self.start = 0
        self.after = 0
        self.complete_up_to_cursor = False
        self.highest_cursor = 0

    # The server's side

    @rule(row_id=st.sampled_from(IDS), step=st.integers(1, 3), alive=st.booleans())
    def write(self, row_id: str, step: int, alive: bool) -> None:
        if alive or row_id in self.history.live_at(self.history.head):
            self.history.write(row_id, step, alive)

    @rule()
    def purge(self) -> None:
        self.history.floor = self.history.head

    @rule(kept=st.integers(0, 5))
    def restore_backup(self, kept: int) -> None:
        self.history.restore_backup(kept)
        self.fed = self.history.head
        # A new life is told by `sync_available`, so the device knows that it must ask.
        self.complete_up_to_cursor = False

    # The wire

    @precondition(lambda self: self.fed < self.history.head)
    @rule(count=st.integers(1, 4), lost=st.booleans(), late=st.booleans())
    def live_set(self, count: int, lost: bool, late: bool) -> None:
        later = [each["version"] for each in self.history.changes if each["version"] > self.fed]
        until = later[: count + 1][-1]
        # Published when it was committed, or read from the table just now.
        snapshot = until if late else self.history.head
        change_set = self.history.change_set(self.fed, until, snapshot)
        self.fed = until
        if lost:
            return
        resting = self.store.syncing is None
        before = self.store.cursor
        needs_sync = self.store.apply_live(change_set)
        if resting and change_set["epoch"] == self.store.epoch:
            assert needs_sync == (change_set["since"] > before)
        if needs_sync:
            self.complete_up_to_cursor = False

    @rule()
    def ask_to_sync(self) -> None:
        first_was = self.store.syncing == "first"
        visible = {row["id"]: row for row in self.store.rows("contacts")}
        self.request = self.store.begin_sync()
        if not first_was:
            assert {row["id"]: row for row in self.store.rows("contacts")} == visible
        self.page_from(self.request)

    def page_from(self, request: dict[str, Any]) -> None:
        since = request["since"]
        if "resume" in request:
            self.start, self.after, epoch = json.loads(request["resume"])
        else:
            self.after, epoch = since, request.get("epoch", self.history.epoch)
            self.start = since or self.history.head
        bound = self.start if since == 0 else self.after
        stale = epoch != self.history.epoch or self.after > self.history.head
        if stale or bound < self.history.floor:
            self.request = self.store.begin_first_sync()
            self.start, self.after = self.history.head, 0

    @precondition(lambda self: self.request is not None)
    @rule(rows=st.integers(1, 3), together=st.booleans())
    def page(self, rows: int, together: bool) -> None:
        history, request = self.history, self.request
        assert request is not None
        if self.store.epoch not in (None, history.epoch):
            self.ask_to_sync()
            return
        ahead = sorted(
            each["version"]
            for each in history.state_at(history.head).values()
            if each["version"] > self.after
        )
        until = ahead[rows - 1] if len(ahead) > rows else history.head
        more = until < history.head
        hidden = self.start if request["since"] == 0 else 0
        page = history.change_set(self.after, until, history.head, hidden)
        self.after = until
        resume = json.dumps([self.start, self.after, history.epoch])
        self.store.apply_page({**page, "has_more": more, "resume": resume})
        if more:
            return
        self.request = None
        version = history.head
        completion = self.store.complete(version, history.epoch, history.checksum_at(version))
        assert completion.mismatch == {}
        assert self.store.cursor >= version
        self.complete_up_to_cursor = not completion.gap
        self.highest_cursor = self.store.cursor

    @rule()
    def cut(self) -> None:
        self.request = None
        self.store.abort_sync()

    @rule()
    def restart(self) -> None:
        self.request = None
        dumped = json.loads(json.dumps(self.store.dump()))
        self.store = Store()
        self.store.load(dumped)

    # What must hold

    @invariant()
    def the_cursor_only_goes_down_to_begin_again(self) -> None:
        store = self.store
        assert store.cursor >= self.highest_cursor or store.syncing == "first"
        self.highest_cursor = store.cursor

    @invariant()
    def a_device_that_knows_of_no_gap_holds_just_what_the_database_had(self) -> None:
        store = self.store
        if store.syncing is None and self.complete_up_to_cursor:
            held = {row["id"]: row for row in store.rows("contacts")}
            assert held == self.history.live_at(store.cursor)
            assert store.compare(store.cursor, self.history.checksum_at(store.cursor)) == {}

    @invariant()
    def a_row_shown_is_never_one_whose_tombstone_is_held(self) -> None:
        held = {row["id"] for row in self.store.rows("contacts")}
        assert not held & set(self.store.current.tombstones.get("contacts", {}))

    def teardown(self) -> None:
        """Whatever happened: one undisturbed sync ends in the rows of the database."""
        if not hasattr(self, "store"):
            return
        for _ in range(4):
            self.ask_to_sync()
            while self.request is not None:
                self.page(3, False)
            if self.complete_up_to_cursor:
                break
        held = {row["id"]: row for row in self.store.rows("contacts")}
        assert held == self.history.live_at(self.history.head)
        assert self.store.cursor == self.history.head
        assert self.store.epoch == self.history.epoch


DeviceOfOneHistory.TestCase.settings = settings(
    max_examples=150, stateful_step_count=40, deadline=None
)
TestAnyInterleavingEndsInTheRowsOfTheDatabase = DeviceOfOneHistory.TestCase
