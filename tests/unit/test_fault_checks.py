"""The checks of the fault simulation: each notices what it is there for, and lets the rest be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from server.client.queue import Mutation, OfflineQueue
from tests.faults.simulation.checks import Report, check_all
from tests.faults.simulation.evidence import AuditEntry, Evidence
from tests.faults.simulation.model import LedgerRow, differences, expected_contact
from tests.faults.simulation.observer import Absent, Observations, SyncAsked, WatchedStore
from tests.faults.simulation.world import Purged

DEVICE = "device-1"
ROW = {"id": "contact-1", "version": 7, "company": "Kestrel"}
EPOCH = "one"


def made(action: str = "create", content: Mapping[str, Any] | None = None) -> Mutation:
    content = {"company": "Kestrel"} if content is None else content
    mutation = OfflineQueue("agent").add(
        "contact",
        action,
        content,
        row_id="contact-1",
        now=1_000,  # type: ignore[arg-type]
    )
    mutation.state, mutation.status, mutation.version = "acknowledged", "applied", 7
    return mutation


def ledger_row(mutation: Mutation, stamp: int = 100, **changed: Any) -> LedgerRow:
    row = LedgerRow(
        source=DEVICE, mutation_id=mutation.mutation_id, stamp=stamp, op=mutation.action,
        entity="contact", entity_id=mutation.row_id, outcome="applied", version=7,
        dropped=frozenset(), payload=mutation.payload,
    )  # fmt: skip
    return replace(row, **changed)


def entry(mutation: Mutation, **changed: Any) -> AuditEntry:
    applied = AuditEntry(
        "contact", mutation.row_id, 7, mutation.action, DEVICE, mutation.mutation_id, "applied"
    )
    return replace(applied, **changed)


def sound(mutation: Mutation) -> tuple[Report, Evidence]:
    """A device that made one contact, and the database that has it."""
    evidence = Evidence(
        head=7, epoch=EPOCH, checksum={"contacts": {"count": 1, "sum": 7}},
        rows={"contacts": {"contact-1": ROW}}, hidden={},
        ledger={(DEVICE, mutation.mutation_id): ledger_row(mutation)}, history=(entry(mutation),),
    )  # fmt: skip
    report = Report(
        name="phone", device_id=DEVICE, cursor=7, epoch=EPOCH, rows=evidence.rows,
        mutations=[mutation], resyncs=0, mismatches=0, seen=Observations("phone"),
    )  # fmt: skip
    return report, evidence


def told(report: Report, evidence: Evidence, *purged: Purged) -> list[str]:
    """What the checks say of one device and the database."""
    return check_all([report], evidence, purged)


def test_a_sound_world_has_no_violation() -> None:
    assert told(*sound(made())) == []


def test_a_mutation_that_still_waits_is_noticed() -> None:
    mutation = made()
    report, evidence = sound(mutation)
    mutation.state = "waiting"
    assert [line.split(":")[0] for line in told(report, evidence)] == ["unanswered"]


def test_an_acknowledged_mutation_that_is_not_in_the_ledger_is_noticed() -> None:
    report, evidence = sound(made())
    lines = told(report, replace(evidence, ledger={}))
    assert [line.split(":")[0] for line in lines] == ["acknowledged and not in the ledger"]


def test_a_mutation_that_took_effect_twice_is_noticed() -> None:
    mutation = made()
    report, evidence = sound(mutation)
    lines = told(report, replace(evidence, history=(entry(mutation), entry(mutation, version=9))))
    assert [line.split(":")[0] for line in lines] == ["applied 2 times"]


def test_an_acknowledged_creation_that_was_never_made_is_noticed() -> None:
    report, evidence = sound(made())
    lines = told(report, replace(evidence, history=()))
    assert [line.split(":")[0] for line in lines] == ["acknowledged and never made"]


def test_a_refused_mutation_that_took_effect_is_noticed() -> None:
    mutation = made()
    report, evidence = sound(mutation)
    mutation.state, mutation.error = "refused", {"code": "conflict"}
    assert [line.split(":")[0] for line in told(report, evidence)] == ["refused and yet applied"]


def test_a_contact_that_its_mutations_do_not_explain_is_noticed() -> None:
    report, evidence = sound(made(content={"company": "Osprey"}))
    (line,) = told(report, evidence)
    assert line.endswith("company is 'Kestrel' and should be 'Osprey'")


def test_a_contact_that_is_gone_though_nobody_deleted_it_is_noticed() -> None:
    report, evidence = sound(made())
    nothing = {"contacts": {"count": 0, "sum": 0}}
    gone = replace(evidence, rows={}, checksum=nothing)
    (line,) = told(replace(report, rows={}), gone)
    assert line.startswith("lost: contacts/contact-1")


def test_a_device_that_holds_another_row_or_stands_elsewhere_is_noticed() -> None:
    report, evidence = sound(made())
    older = {"contacts": {"contact-1": {**ROW, "version": 6}}}
    assert [line.split(":")[0] for line in told(replace(report, rows=older), evidence)] == [
        "differs"
    ]
    assert [line.split(":")[0] for line in told(replace(report, rows={}), evidence)] == ["differs"]
    assert [line.split(":")[0] for line in told(replace(report, cursor=6), evidence)] == ["behind"]
    assert [line.split(":")[0] for line in told(replace(report, epoch="two"), evidence)] == [
        "behind"
    ]


def test_a_checksum_that_is_not_that_of_the_rows_is_noticed() -> None:
    report, evidence = sound(made())
    (line,) = told(report, replace(evidence, checksum={"contacts": {"count": 1, "sum": 8}}))
    assert line.startswith("the checksum of contacts")


def test_a_reset_that_nobody_asked_for_and_a_checksum_that_differed_are_noticed() -> None:
    report, evidence = sound(made())
    report.seen.resets = 1
    assert "began anew" in told(report, evidence)[0]
    assert told(replace(report, resyncs=1), evidence) == []
    assert "checksums differed" in told(replace(report, mismatches=1), evidence)[0]


@pytest.mark.parametrize(("deleted_as", "explained"), [(8, True), (6, False), (12, False)])
def test_an_own_write_that_was_not_read_needs_a_deletion_in_between(
    deleted_as: int, explained: bool
) -> None:
    mutation = made()
    report, evidence = sound(mutation)
    report.seen.absent.append(Absent("phone", ("contacts", "contact-1"), acked=7, heard=10))
    deletion = entry(mutation, op="delete", version=deleted_as, mutation_id="another")
    lines = told(report, replace(evidence, history=(*evidence.history, deletion)))
    assert [line.split(":")[0] for line in lines] == ([] if explained else ["own write not read"])


@pytest.mark.parametrize(
    ("since", "accepted", "purged_at", "noticed"),
    [
        (4, True, 50.0, True),
        (5, True, 50.0, False),
        (4, False, 50.0, False),
        (4, True, 150.0, False),
    ],
)
def test_a_cursor_below_a_floor_that_stood_already_is_stale(
    since: int, accepted: bool, purged_at: float, noticed: bool
) -> None:
    report, evidence = sound(made())
    report.seen.syncs.append(SyncAsked("phone", 100.0, since, EPOCH, accepted))
    assert bool(told(report, evidence, Purged(purged_at, floor=5))) is noticed


# What is seen while a device runs.


def synced_store(seen: Observations) -> WatchedStore:
    store = WatchedStore(seen)
    store.begin_sync()
    store.apply_page(page(0, 7, put=[ROW]))
    store.complete(7, EPOCH)
    return store


def page(since: int, until: int, **rows: Any) -> dict[str, Any]:
    return {
        "epoch": EPOCH,
        "since": since,
        "until": until,
        "contacts": {"put": [], "del": [], **rows},
    }


def test_a_sync_that_leaves_out_an_own_write_is_seen() -> None:
    seen = Observations("phone")
    store = synced_store(seen)
    mutation = made("update", {"notes": "Call back"})
    seen.note_ack(EPOCH, mutation, 9)
    store.begin_sync()
    store.apply_page(page(7, 10))
    store.complete(10, EPOCH)
    assert len(seen.faults) == 1
    assert "acknowledged as 9" in seen.faults[0]


def test_a_deletion_that_was_heard_live_before_the_sync_was_complete_explains_an_absence() -> None:
    seen = Observations("phone")
    store = synced_store(seen)
    seen.note_ack(EPOCH, made("update", {"notes": "Call back"}), 7)
    store.begin_sync()
    store.apply_page(page(7, 8))
    tombstone = {"id": "contact-1", "version": 9, "deleted_at": "2026-01-01T00:00:00.000Z"}
    store.apply_live(page(8, 9, **{"del": [tombstone]}))
    store.complete(8, EPOCH)
    assert seen.faults == []
    assert [each.heard for each in seen.absent] == [9]


def test_a_sync_that_ends_below_an_own_write_is_seen() -> None:
    seen = Observations("phone")
    store = synced_store(seen)
    seen.note_ack(EPOCH, made("update", {"notes": "Call back"}), 9)
    store.begin_sync()
    store.apply_page(page(7, 8))
    store.complete(8, EPOCH)
    assert len(seen.faults) == 1
    assert "sync_complete at 8" in seen.faults[0]


def test_an_ack_that_came_after_the_request_is_not_asked_for() -> None:
    seen = Observations("phone")
    store = synced_store(seen)
    store.begin_sync()
    seen.note_ack(EPOCH, made("update", {"notes": "Call back"}), 9)
    store.apply_page(page(7, 8))
    store.complete(8, EPOCH)
    assert seen.faults == []


def test_a_cursor_that_goes_back_is_seen() -> None:
    seen = Observations("phone")
    store = synced_store(seen)
    before = store._before(page(7, 8))
    store.cursor = 3
    store._after(page(7, 8), before)
    assert seen.faults == ["the cursor went back from 7 to 3"]


def test_a_deleted_row_that_comes_back_is_seen() -> None:
    seen = Observations("phone")
    store = synced_store(seen)
    tombstone = {"id": "contact-1", "version": 8, "deleted_at": "2026-01-01T00:00:00.000Z"}
    store.apply_live(page(7, 8, **{"del": [tombstone]}))
    assert seen.faults == []
    before = store._before(page(8, 9, put=[ROW]))
    store.current.rows["contacts"]["contact-1"] = ROW
    store._after(page(8, 9, put=[ROW]), before)
    assert len(seen.faults) == 1
    assert "came back as version 7" in seen.faults[0]


# The model of what a contact must be.


def test_of_each_name_the_latest_stamp_stands_whatever_the_order() -> None:
    created = ledger_row(made(content={"company": "A", "custom": {"size": "1"}}), stamp=100)
    early = ledger_row(made("update", {"company": "B", "custom": {"size": "2"}}), stamp=110)
    late = ledger_row(
        made("update", {"company": "C", "tag_ids": {"add": ["x"], "remove": []}}), 120
    )
    expected = {"company": "C", "custom.size": "2", "tag_ids.x": True}
    assert expected_contact([created, early, late]) == expected
    assert expected_contact([late, early, created]) == expected


def test_what_is_older_than_the_contact_counts_for_nothing() -> None:
    created = ledger_row(made(), stamp=100)
    assert expected_contact([created, ledger_row(made("update", {"company": "B"}), stamp=99)]) == {
        "company": "Kestrel"
    }


def test_a_tag_that_was_not_there_is_not_expected() -> None:
    created = ledger_row(made(), stamp=100)
    tagged = made("update", {"tag_ids": {"add": ["x"], "remove": []}})
    dropped = ledger_row(tagged, stamp=110, dropped=frozenset({"tag_ids.x"}))
    assert expected_contact([created, dropped]) == {"company": "Kestrel"}


def test_the_number_that_the_server_adds_to_a_phone_is_no_difference() -> None:
    typed = {"label": "mobile", "value": "044 668 18 00"}
    stored = {**typed, "e164": "+41446681800"}
    assert differences({"phones": [typed]}, {"phones": [stored], "owner_id": "agent"}) == []
    assert differences({"phones": [typed]}, {"phones": []}) != []
