"""The store under every order in which pages, live sets, cuts and restarts can come."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from server.client.replica import CHECKSUM_MODULUS, checksum_difference
from server.client.store import Store
from server.client.wire import change_set_of

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


def contact(row_id: str, version: int) -> dict[str, Any]:
    return {"id": row_id, "version": version, "first_name": row_id}


def changed(
    since: int, until: int, put: list[Any] | None = None, gone: list[Any] | None = None
) -> dict[str, Any]:
    contacts = {"put": put or [], "del": gone or []}
    return {"epoch": "one", "since": since, "until": until, "contacts": contacts}


def synced(rows: list[dict[str, Any]], version: int) -> Store:
    store = Store()
    store.begin_sync()
    store.apply_page(changed(0, version, rows))
    store.complete(version, "one")
    return store


def ids_of(store: Store) -> set[str]:
    return {row["id"] for row in store.rows("contacts")}


def test_live_sets_during_a_first_sync_are_folded_in_at_its_end() -> None:
    store = Store()
    assert store.begin_sync() == {"since": 0}
    assert not store.apply_live(changed(5, 6, [contact("contact-b", 6)]))
    assert not store.apply_live(changed(6, 8, [contact("contact-c", 8)]))
    store.apply_page(changed(0, 5, [contact("contact-a", 5)]))
    assert store.cursor == 0
    assert not store.complete(5, "one").gap
    assert store.cursor == 8
    assert ids_of(store) == {"contact-a", "contact-b", "contact-c"}


def test_a_live_set_lost_during_a_first_sync_is_noticed_at_its_end() -> None:
    store = Store()
    store.begin_sync()
    store.apply_live(changed(7, 8, [contact("contact-c", 8)]))
    store.apply_page(changed(0, 5, [contact("contact-a", 5)]))
    assert store.complete(5, "one").gap
    assert store.cursor == 5


def test_a_tombstone_of_a_row_not_held_outlives_the_late_page_that_brings_the_row() -> None:
    store = Store()
    store.begin_sync()
    gone = {"id": "contact-a", "version": 9, "deleted_at": "t"}
    store.apply_live(changed(8, 9, gone=[gone]))
    store.apply_page(changed(0, 8, [contact("contact-a", 3)]))
    store.complete(8, "one")
    assert ids_of(store) == set()


def test_a_live_set_that_arrives_after_the_sync_that_overtook_it_revives_nothing() -> None:
    store = synced([contact("contact-b", 4)], 10)
    assert not store.apply_live(changed(4, 5, [contact("contact-a", 5)]))
    assert ids_of(store) == {"contact-b"}
    assert store.cursor == 10


def test_a_live_row_deleted_before_the_first_sync_began_is_gone_when_it_completes() -> None:
    # Its tombstone is not sent, being older than the sync; the live set of it is on its way.
    store = Store()
    store.begin_sync()
    store.apply_live(changed(4, 5, [contact("contact-a", 5)]))
    store.apply_page(changed(0, 10, [contact("contact-b", 4)]))
    checksum = {"contacts": {"count": 1, "sum": 4}}
    assert store.complete(10, "one", checksum).mismatch == {}
    assert ids_of(store) == {"contact-b"}


def test_a_missing_page_moves_nothing_and_is_noticed() -> None:
    store = synced([contact("contact-a", 2)], 2)
    assert store.begin_sync() == {"since": 2, "epoch": "one"}
    store.apply_page({**changed(2, 4, [contact("contact-b", 4)]), "has_more": True})
    store.apply_page(changed(6, 8, [contact("contact-c", 8)]))
    assert store.complete(8, "one").gap
    assert store.cursor == 4
    assert store.begin_sync() == {"since": 4, "epoch": "one"}


def test_a_resync_shows_the_old_rows_until_it_is_complete_then_drops_what_it_did_not_bring() -> (
    None
):
    store = synced([contact("contact-a", 2), contact("contact-b", 50)], 60)
    store.begin_first_sync()
    assert store.cursor == 0
    assert ids_of(store) == {"contact-a", "contact-b"}
    page = {**changed(0, 20, [contact("contact-b", 20)]), "epoch": "two", "has_more": True}
    store.apply_page({**page, "resume": "after-20"})
    assert ids_of(store) == {"contact-a", "contact-b"}
    assert store.row("contacts", "contact-b") == contact("contact-b", 20)
    store.abort_sync()
    assert store.begin_sync() == {"since": 0, "resume": "after-20"}
    store.apply_page({**changed(20, 22), "epoch": "two"})
    store.complete(22, "two", {"contacts": {"count": 1, "sum": 20}})
    assert ids_of(store) == {"contact-b"}
    assert (store.cursor, store.epoch) == (22, "two")


def test_a_first_sync_without_a_resume_begins_with_nothing_of_the_one_before() -> None:
    store = Store()
    store.begin_sync()
    store.apply_page({**changed(0, 5, [contact("contact-a", 5)]), "has_more": True, "resume": "x"})
    store.forget_resume()
    assert store.begin_sync() == {"since": 0}
    store.apply_page(changed(0, 9, [contact("contact-b", 9)]))
    store.complete(9, "one")
    assert ids_of(store) == {"contact-b"}


def test_a_live_set_of_another_epoch_is_not_applied_and_asks_for_a_sync() -> None:
    store = synced([contact("contact-a", 2)], 2)
    assert store.apply_live({**changed(2, 3, [contact("contact-b", 3)]), "epoch": "two"})
    assert ids_of(store) == {"contact-a"}
    assert store.cursor == 2


def test_rows_of_plurals_never_heard_of_are_kept() -> None:
    store = Store()
    assert not store.apply_live({"epoch": "one", "since": 0, "until": 3,
                                 "visits": {"put": [contact("visit-aaa", 3)]}})  # fmt: skip
    assert store.row("visits", "visit-aaa") == contact("visit-aaa", 3)
    assert store.plurals() == {"visits"}


def test_a_checksum_is_compared_only_at_the_version_that_it_is_of() -> None:
    store = synced([contact("contact-a", 3), contact("contact-b", 4)], 4)
    wrong = {"contacts": {"count": 2, "sum": 8}}
    assert store.compare(5, wrong) == {}
    assert store.compare(4, {"contacts": {"count": 2, "sum": 7}}) == {}
    held = {"count": 2, "sum": 7}
    assert store.compare(4, wrong) == {"contacts": {"held": held, "server": wrong["contacts"]}}
    assert store.begin_sync()
    assert store.compare(4, wrong) == {}


def test_an_entity_without_rows_may_be_left_out_of_a_checksum() -> None:
    empty = {"contacts": {"count": 0, "sum": 0}}
    assert checksum_difference(empty, {}) == checksum_difference({}, empty) == {}


def test_the_sum_of_a_checksum_wraps_at_two_to_the_52nd() -> None:
    highest = CHECKSUM_MODULUS - 1
    store = synced([contact("contact-a", highest), contact("contact-b", 5)], highest)
    assert store.checksum() == {"contacts": {"count": 2, "sum": 4}}


def test_a_wiped_store_holds_nothing_and_starts_from_zero() -> None:
    store = synced([contact("contact-a", 2)], 2)
    store.wipe()
    assert ids_of(store) == set()
    assert store.begin_sync() == {"since": 0}


def test_equal_rows_can_be_shared_between_stores() -> None:
    shared = contact("contact-a", 2)
    store = Store(keep=lambda plural, row: shared if row == shared else row)
    store.begin_sync()
    store.apply_page(changed(0, 2, [contact("contact-a", 2)]))
    store.begin_first_sync()
    assert store.row("contacts", "contact-a") is shared
    store.apply_live(changed(2, 3, [contact("contact-a", 3)]))
    assert store.row("contacts", "contact-a") == contact("contact-a", 3)


def test_events_of_single_rows_stand_for_change_sets() -> None:
    put = {"contact": contact("contact-a", 4), "version": 4, "since": 3, "until": 4,
           "mutation_id": "m", "actor": {"agent": "a", "device": "d"}}  # fmt: skip
    assert change_set_of("contact_created", put) == {
        "since": 3, "until": 4, "contacts": {"put": [contact("contact-a", 4)], "del": []},
    }  # fmt: skip
    gone = {"id": "tag-one-x", "version": 5, "deleted_at": "t", "since": 4, "until": 5}
    assert change_set_of("tag_deleted", gone) == {
        "since": 4, "until": 5,
        "tags": {"put": [], "del": [{"id": "tag-one-x", "version": 5, "deleted_at": "t"}]},
    }  # fmt: skip
