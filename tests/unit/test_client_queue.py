"""The offline queue: nothing lost, nothing changed, nothing out of order, edits on top."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from server.client.overlay import apply_changes
from server.client.queue import KEPT_MS, Mutation, OfflineQueue, new_id

IDS = ["contact-a", "contact-b"]
FIELDS = ["first_name", "company", "notes"]
FINAL = [
    {"ok": True, "status": "applied"},
    {"ok": True, "status": "superseded"},
    {"ok": True, "status": "duplicate"},
    {"ok": False, "error": {"code": "invalid", "message": "no"}},
    {"ok": False, "error": {"code": "gone", "message": "no"}},
]
TRANSIENT = [
    {"ok": False, "error": {"code": code, "message": "later", "retry_after_ms": 50}}
    for code in ("unavailable", "rate_limited", "internal")
]


class QueueOfOneDevice(RuleBasedStateMachine):
    """Edits, sendings, cuts, restarts, new epochs and changes of agent, in any order."""

    @initialize()
    def begin(self) -> None:
        self.now = 1_000_000
        self.queue = OfflineQueue()
        self.queue.sign_in("ann")
        self.epoch = 1
        self.version = 10
        self.made: dict[str, Mutation] = {}
        self.payloads: dict[str, dict[str, Any]] = {}
        self.settled_in: dict[str, tuple[str, int]] = {}

    @rule(row_id=st.sampled_from(IDS), field=st.sampled_from(FIELDS), value=st.text(max_size=3))
    def edit(self, row_id: str, field: str, value: str) -> None:
        self.now += 1
        mutation = self.queue.add(
            "contact", "update", {field: value}, row_id=row_id, now=self.now, base_version=3
        )
        self.made[mutation.mutation_id] = mutation
        self.payloads[mutation.mutation_id] = copy.deepcopy(mutation.payload)

    @rule(
        count=st.integers(1, 4),
        acks=st.lists(st.sampled_from([*FINAL, *TRANSIENT, None]), min_size=4, max_size=4),
    )
    def send(self, count: int, acks: list[dict[str, Any] | None]) -> None:
        """None stands for an ack that never came."""
        batch = self.queue.next_batch(count, 1_000_000)
        assert len(batch) == min(count, len(self.queue))
        for mutation, ack in zip(batch, acks, strict=False):
            mutation.sent_epoch = f"epoch-{self.epoch}"
            if ack is None:
                continue
            self.version += 1
            ack = {**ack, "version": self.version}
            settled = self.queue.settle(mutation.mutation_id, ack, self.now)
            assert (settled is None) == (ack in [{**each, "version": self.version}
                                                 for each in TRANSIENT])  # fmt: skip
            if settled is not None:
                self.settled_in[mutation.mutation_id] = (mutation.state, self.epoch)

    @rule()
    def restart(self) -> None:
        dumped = json.loads(json.dumps(self.queue.dump()))
        self.queue = OfflineQueue()
        self.queue.load(dumped)
        self.made = {each.mutation_id: each for each in self.all_of_it()}

    @rule(days=st.integers(0, 5))
    def new_epoch(self, days: int) -> None:
        self.now += days * 24 * 3600 * 1000
        self.epoch += 1
        again = self.queue.new_epoch(f"epoch-{self.epoch}", self.now)
        for mutation in again:
            state, _ = self.settled_in.pop(mutation.mutation_id)
            assert state == "acknowledged"
        assert self.queue.new_epoch(f"epoch-{self.epoch}", self.now) == []

    @rule(agent=st.sampled_from(["ann", "bob"]))
    def sign_in(self, agent: str) -> None:
        self.queue.sign_in(agent)

    @rule(back=st.integers(0, 5))
    def rows_arrive(self, back: int) -> None:
        self.queue.seen(self.version - back, f"epoch-{self.epoch}")

    def all_of_it(self) -> list[Mutation]:
        return [*self.queue._waiting.values(), *self.queue.settled()]

    @invariant()
    def nothing_is_lost_and_nothing_changes(self) -> None:
        held = {each.mutation_id: each for each in self.all_of_it()}
        assert set(held) == set(self.payloads)
        for mutation_id, mutation in held.items():
            assert mutation.payload == self.payloads[mutation_id]
            assert (mutation.state != "waiting") == (mutation_id in self.settled_in)

    @invariant()
    def what_waits_is_sent_in_the_order_in_which_it_was_made(self) -> None:
        batch = self.queue.next_batch(10_000, 10_000_000)
        assert [each.sequence for each in batch] == sorted(each.sequence for each in batch)
        assert len(batch) == len(self.queue)
        assert {each.agent for each in batch} <= {self.queue.agent}
        assert self.queue.oldest_at == (batch[0].made_at if batch else None)

    @invariant()
    def unsent_edits_always_lie_on_top(self) -> None:
        for row_id in IDS:
            row = {"id": row_id, "version": 3, "first_name": "server", "company": "server"}
            expected = dict(row)
            shown = self.queue.overlay("contact", row_id, row)
            for mutation in self.queue.next_batch(10_000, 10_000_000):
                if mutation.row_id == row_id:
                    expected = apply_changes(expected, mutation.payload["changes"])
            assert shown is not None
            for mutation in self.queue.next_batch(10_000, 10_000_000):
                if mutation.row_id == row_id:
                    for name in mutation.payload["changes"]:
                        # A later edit that was acknowledged but has not arrived may cover it.
                        later = [each for each in self.queue.settled()
                                 if each.row_id == row_id and each.sequence > mutation.sequence
                                 and name in each.payload["changes"]]  # fmt: skip
                        if not later:
                            assert shown.get(name) == expected.get(name)
            assert row == {"id": row_id, "version": 3, "first_name": "server",
                           "company": "server"}  # fmt: skip


QueueOfOneDevice.TestCase.settings = settings(
    max_examples=100, stateful_step_count=40, deadline=None
)
TestWhateverHappensTheQueueKeepsItsPromises = QueueOfOneDevice.TestCase


def added(queue: OfflineQueue, action: Any, content: dict[str, Any], **more: Any) -> Mutation:
    return queue.add("contact", action, content, **{"row_id": "contact-a", "now": 5, **more})


def test_ids_are_21_characters_of_the_nanoid_alphabet() -> None:
    alphabet = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
    ids = {new_id() for _ in range(200)}
    assert len(ids) == 200
    assert all(len(each) == 21 and set(each) <= alphabet for each in ids)


def test_a_mutation_carries_what_its_event_takes() -> None:
    queue = OfflineQueue("ann")
    create = added(queue, "create", {"first_name": "Ann"})
    assert create.op == "contact_create"
    assert create.payload == {
        "mutation_id": create.mutation_id, "edited_at": 5,
        "contact": {"first_name": "Ann", "id": "contact-a"},
    }  # fmt: skip
    update = added(queue, "update", {"notes": None}, base_version=7)
    assert update.payload == {
        "mutation_id": update.mutation_id, "edited_at": 5, "base_version": 7,
        "id": "contact-a", "changes": {"notes": None},
    }  # fmt: skip
    delete = added(queue, "delete", {})
    assert delete.to_push() == {
        "op": "contact_delete", "mutation_id": delete.mutation_id, "edited_at": 5,
        "id": "contact-a",
    }  # fmt: skip


def test_what_the_caller_changes_later_is_not_sent() -> None:
    queue, emails = OfflineQueue("ann"), [{"label": "work", "value": "ann@example.com"}]
    mutation = added(queue, "create", {"emails": emails})
    emails.append({"label": "home", "value": "x@example.com"})
    assert len(mutation.payload["contact"]["emails"]) == 1


@given(
    notes=st.lists(st.text(max_size=400), min_size=1, max_size=30),
    payload_bytes=st.integers(1_000, 8_000),
    count=st.integers(1, 10),
)
def test_a_batch_fits_into_one_message(notes: list[str], payload_bytes: int, count: int) -> None:
    queue = OfflineQueue("ann")
    for each in notes:
        added(queue, "update", {"notes": each})
    sent = 0
    while batch := queue.next_batch(count, payload_bytes):
        assert len(batch) <= count
        message = ["sync_push", {"mutations": [each.to_push() for each in batch]}]
        if len(batch) > 1:
            assert len(json.dumps(message)) + 10 <= payload_bytes
        for each in batch:
            queue.settle(each.mutation_id, {"ok": True, "status": "applied", "version": 1}, 9)
        sent += len(batch)
    assert sent == len(notes)


def test_a_mutation_too_large_for_any_message_is_refused_without_sending_it() -> None:
    queue = OfflineQueue("ann")
    small, large = (
        added(queue, "update", {"notes": "x"}),
        added(queue, "update", {"notes": "x" * 2000}),
    )
    assert queue.too_large(small, 1_000) is None
    ack = queue.too_large(large, 1_000)
    assert ack is not None
    assert ack["error"]["code"] == "too_large"
    queue.settle(small.mutation_id, {"ok": True, "status": "applied", "version": 1}, 9)
    assert queue.next_batch(500, 1_000) == [large]
    queue.settle(large.mutation_id, ack, 9)
    assert len(queue) == 0
    assert large.state == "refused"


def test_a_queue_belongs_to_the_agent_who_made_it() -> None:
    queue = OfflineQueue()
    before = added(queue, "update", {"notes": "before any sign-in"})
    queue.sign_in("ann")
    added(queue, "update", {"notes": "by ann"})
    queue.sign_in("bob")
    assert before.agent == "ann"
    assert len(queue) == 0
    assert queue.next_batch(10, 100_000) == []
    row = {"id": "contact-a", "version": 1, "notes": "server"}
    assert queue.overlay("contact", "contact-a", row) == row
    queue.sign_in("ann")
    assert len(queue) == 2
    assert queue.overlay("contact", "contact-a", row) == {**row, "notes": "by ann"}


def test_an_acknowledged_edit_stays_on_top_until_its_row_arrives() -> None:
    queue, row = OfflineQueue("ann"), {"id": "contact-a", "version": 3, "notes": "old"}
    mutation = added(queue, "update", {"notes": "new"})
    mutation.sent_epoch = "one"
    queue.settle(mutation.mutation_id, {"ok": True, "status": "applied", "version": 8}, 9)
    assert queue.overlay("contact", "contact-a", row) == {**row, "notes": "new"}
    queue.seen(7, "one")
    assert queue.overlay("contact", "contact-a", row) == {**row, "notes": "new"}
    queue.seen(8, "one")
    assert queue.overlay("contact", "contact-a", row) == row
    assert queue.laid_over("contact") == set()


def test_an_acknowledged_edit_stays_on_top_while_the_rows_are_of_an_earlier_life() -> None:
    """After a restore, versions are low again: the old cursor says nothing of the new ack."""
    queue, row = OfflineQueue("ann"), {"id": "contact-a", "version": 900, "notes": "old"}
    mutation = added(queue, "update", {"notes": "new"})
    queue.new_epoch("two", 8)
    mutation.sent_epoch = "two"
    queue.settle(mutation.mutation_id, {"ok": True, "status": "applied", "version": 50}, 9)
    queue.seen(900, "one")
    assert queue.overlay("contact", "contact-a", row) == {**row, "notes": "new"}
    queue.seen(0, None)
    queue.seen(0, "two")
    assert queue.overlay("contact", "contact-a", row) == {**row, "notes": "new"}
    queue.seen(50, "two")
    assert queue.overlay("contact", "contact-a", row) == row


def test_an_edit_too_old_to_be_sent_again_does_not_lie_over_another_life() -> None:
    queue, row = OfflineQueue("ann"), {"id": "contact-a", "version": 3, "notes": "server"}
    mutation = added(queue, "update", {"notes": "mine"})
    mutation.sent_epoch = "one"
    queue.settle(mutation.mutation_id, {"ok": True, "status": "applied", "version": 8}, 9)
    assert queue.new_epoch("two", 10 + KEPT_MS) == []
    assert queue.overlay("contact", "contact-a", row) == row


def test_a_refused_edit_is_taken_off_and_keeps_its_error() -> None:
    queue, row = OfflineQueue("ann"), {"id": "contact-a", "version": 3, "notes": "old"}
    mutation = added(queue, "update", {"notes": "new"})
    error = {"code": "forbidden", "message": "Ask an admin."}
    queue.settle(mutation.mutation_id, {"ok": False, "error": error}, 9)
    assert queue.overlay("contact", "contact-a", row) == row
    assert queue.settled() == [mutation]
    assert (mutation.state, mutation.error) == ("refused", error)


def test_on_a_new_epoch_what_was_acknowledged_is_sent_again_before_what_waits() -> None:
    queue = OfflineQueue("ann")
    first, second, refused, third = (added(queue, "update", {"notes": str(each)})
                                     for each in range(4))  # fmt: skip
    for each in (first, second, refused):
        each.sent_epoch = "one"
    ok = {"ok": True, "status": "applied", "version": 3}
    queue.settle(second.mutation_id, ok, 10)
    queue.settle(first.mutation_id, {"ok": False, "error": {"code": "gone"}}, 11)
    queue.settle(refused.mutation_id, {"ok": False, "error": {"code": "invalid"}}, 12)
    assert queue.new_epoch("one", 20) == []
    assert queue.new_epoch("two", 20) == [second, first]
    assert queue.next_batch(10, 100_000) == [first, second, third]


def test_acknowledged_mutations_are_kept_for_seven_days() -> None:
    queue = OfflineQueue("ann")
    mutation = added(queue, "update", {"notes": "x"})
    mutation.sent_epoch = "one"
    queue.settle(mutation.mutation_id, {"ok": True, "status": "applied", "version": 3}, 10)
    queue.forget_old(10 + KEPT_MS)
    assert queue.settled() == [mutation]
    assert queue.new_epoch("two", 11 + KEPT_MS) == []
    queue.forget_old(11 + KEPT_MS)
    assert queue.settled() == []


def test_an_acknowledged_edit_lies_on_top_after_a_restart_too() -> None:
    queue, row = OfflineQueue("ann"), {"id": "contact-a", "version": 3, "notes": "old"}
    mutation = added(queue, "update", {"notes": "new"})
    mutation.sent_epoch = "one"
    queue.settle(mutation.mutation_id, {"ok": True, "status": "applied", "version": 8}, 9)
    restarted = OfflineQueue()
    restarted.load(queue.dump())
    assert restarted.overlay("contact", "contact-a", row) == {**row, "notes": "new"}
    restarted.seen(8, "one")
    assert restarted.overlay("contact", "contact-a", row) == row


def test_an_own_creation_shows_at_once_and_a_deletion_hides() -> None:
    queue = OfflineQueue("ann")
    added(queue, "create", {"first_name": "Ann", "notes": ""})
    assert queue.overlay("contact", "contact-a", None) == {"id": "contact-a", "first_name": "Ann"}
    assert queue.laid_over("contact") == {"contact-a"}
    added(queue, "delete", {})
    assert queue.overlay("contact", "contact-a", None) is None
    added(queue, "update", {"company": "Acme"})
    assert queue.overlay("contact", "contact-a", None) is None
    added(queue, "restore", {})
    shown = {"id": "contact-a", "first_name": "Ann", "company": "Acme"}
    assert queue.overlay("contact", "contact-a", None) == shown


def test_an_edit_never_revives_a_row_that_the_server_deleted() -> None:
    queue = OfflineQueue("ann")
    added(queue, "update", {"notes": "late"})
    assert queue.overlay("contact", "contact-a", None) is None


def test_maps_merge_by_key_and_sets_by_id_as_the_server_does() -> None:
    row = {"id": "contact-a", "custom": {"a": 1, "b": 2}, "tag_ids": ["one", "two"], "notes": "x"}
    changes = {"custom": {"b": None, "c": 3}, "tag_ids": {"add": ["three"], "remove": ["one"]},
               "notes": None}  # fmt: skip
    assert apply_changes(row, changes) == {
        "id": "contact-a", "custom": {"a": 1, "c": 3}, "tag_ids": ["two", "three"],
    }  # fmt: skip
    assert apply_changes(row, {"tag_ids": ["four"], "custom": None}) == {
        "id": "contact-a", "tag_ids": ["four"], "notes": "x",
    }  # fmt: skip


def test_a_wiped_queue_is_empty() -> None:
    queue = OfflineQueue("ann")
    added(queue, "update", {"notes": "x"})
    queue.wipe()
    assert (len(queue), queue.settled(), queue.laid_over("contact")) == (0, [], set())
    assert queue.agent == "ann"
