"""What must be true when all is over. Each check gives one line for everything that is not.

Pure: they judge what was seen of the devices (`Report`) by what the database holds (`Evidence`),
so that a test can show them a broken world and see that they notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.client.queue import Mutation
from tests.faults.simulation.evidence import Evidence
from tests.faults.simulation.model import actual_contact, differences, expected_contact
from tests.faults.simulation.observer import Observations
from tests.faults.simulation.world import Purged

Rows = Mapping[str, Mapping[str, Mapping[str, Any]]]
REMEMBERED = frozenset({"applied", "merged", "superseded", "gone"})


@dataclass(frozen=True)
class Report:
    """One device at the end: what it holds, what became of its mutations, what was seen of it."""

    name: str
    device_id: str
    cursor: int
    epoch: str | None
    rows: Rows
    mutations: Sequence[Mutation]
    resyncs: int
    mismatches: int
    seen: Observations


def check_all(reports: Sequence[Report], evidence: Evidence, purged: Sequence[Purged]) -> list[str]:
    """Every check; an empty list when nothing is amiss."""
    checks: Iterable[Iterator[str]] = (
        each_mutation_ended(reports),
        acknowledged_are_applied_once(reports, evidence),
        refused_changed_nothing(reports, evidence),
        contacts_follow_from_the_ledger(evidence),
        devices_hold_what_the_database_has(reports, evidence),
        checksums_are_true(evidence),
        nothing_was_seen_to_be_wrong(reports),
        own_writes_were_read(reports, evidence),
        no_stale_cursor_was_accepted(reports, purged),
    )
    return [line for check in checks for line in check]


def each_mutation_ended(reports: Sequence[Report]) -> Iterator[str]:
    """Every queue is empty: each mutation was acknowledged or refused."""
    for report in reports:
        for mutation in report.mutations:
            if mutation.state == "waiting":
                yield f"unanswered: {report.name} still waits with {describe(mutation)}"


def acknowledged_are_applied_once(reports: Sequence[Report], evidence: Evidence) -> Iterator[str]:
    """What a device was told is applied stands in the ledger, and took effect once."""
    applied = Counter(
        (entry.device, entry.mutation_id)
        for entry in evidence.history
        if entry.outcome == "applied"
    )
    for report in reports:
        for mutation in report.mutations:
            key = (report.device_id, mutation.mutation_id)
            if applied[key] > 1:
                yield f"applied {applied[key]} times: {report.name}'s {describe(mutation)}"
            if mutation.state != "acknowledged":
                continue
            entered = evidence.ledger.get(key)
            if entered is None or entered.outcome not in REMEMBERED:
                yield f"acknowledged and not in the ledger: {report.name}'s {describe(mutation)}"
            if mutation.action == "create" and not applied[key]:
                yield f"acknowledged and never made: {report.name}'s {describe(mutation)}"


def refused_changed_nothing(reports: Sequence[Report], evidence: Evidence) -> Iterator[str]:
    """What a device was told is refused took no effect."""
    effects = {
        (entry.device, entry.mutation_id)
        for entry in evidence.history
        if entry.outcome == "applied"
    }
    for report in reports:
        for mutation in report.mutations:
            key = (report.device_id, mutation.mutation_id)
            if mutation.state == "refused" and key in effects:
                yield f"refused and yet applied: {report.name}'s {describe(mutation)}"


def contacts_follow_from_the_ledger(evidence: Evidence) -> Iterator[str]:
    """Each contact is what its mutations make it by their stamps: nothing lost, nothing twice."""
    mutations: dict[str, list[Any]] = {}
    for row in evidence.ledger.values():
        if row.entity == "contact" and row.outcome in REMEMBERED:
            mutations.setdefault(row.entity_id, []).append(row)
    live = evidence.rows.get("contacts", {})
    for row_id, ledger_rows in mutations.items():
        expected = expected_contact(ledger_rows)
        if expected is None:
            yield f"contacts/{row_id} has mutations and no creation in the ledger"
        elif row_id in live or row_id in evidence.hidden:
            actual = actual_contact(
                live.get(row_id) or evidence.hidden[row_id], deleted=row_id not in live
            )
            for line in differences(expected, actual):
                yield f"not what its mutations make it: contacts/{row_id}: {line}"
        elif not expected.get("deleted"):
            yield f"lost: contacts/{row_id} is not in the database, and nobody deleted it"


def devices_hold_what_the_database_has(
    reports: Sequence[Report], evidence: Evidence
) -> Iterator[str]:
    """Every device ends with the database's rows, at its head, in its epoch."""
    for report in reports:
        if (report.cursor, report.epoch) != (evidence.head, evidence.epoch):
            yield (
                f"behind: {report.name} stands at {report.cursor} of {report.epoch}, "
                f"the database at {evidence.head} of {evidence.epoch}"
            )
        for plural in sorted({*report.rows, *evidence.rows}):
            held, true = report.rows.get(plural, {}), evidence.rows.get(plural, {})
            for row_id in sorted({*held, *true}):
                if held.get(row_id) != true.get(row_id):
                    yield (
                        f"differs: {report.name} holds {plural}/{row_id} as "
                        f"{version_of(held.get(row_id))}, the database as "
                        f"{version_of(true.get(row_id))}"
                    )


def checksums_are_true(evidence: Evidence) -> Iterator[str]:
    """The checksum that the triggers keep is that of the rows."""
    for plural in sorted({*evidence.checksum, *evidence.rows}):
        rows = evidence.rows.get(plural, {})
        true = {"count": len(rows), "sum": sum(row["version"] for row in rows.values()) % 2**52}
        kept = evidence.checksum.get(plural, {"count": 0, "sum": 0})
        if kept != true:
            yield f"the checksum of {plural} is {kept} and should be {true}"


def nothing_was_seen_to_be_wrong(reports: Sequence[Report]) -> Iterator[str]:
    """No cursor went back, nothing deleted came back, no checksum differed on the way."""
    for report in reports:
        for fault in report.seen.faults:
            yield f"seen on {report.name}: {fault}"
        if report.mismatches:
            yield f"seen on {report.name}: {report.mismatches} checksums differed"
        if report.seen.resets > report.resyncs + report.mismatches:
            yield f"seen on {report.name}: it began anew {report.seen.resets} times unasked"


def own_writes_were_read(reports: Sequence[Report], evidence: Evidence) -> Iterator[str]:
    """A row that a device had written and did not hold at `sync_complete` had been deleted."""
    deletions: dict[tuple[str, str], list[int]] = {}
    for entry in evidence.history:
        if entry.op == "delete" and entry.outcome == "applied" and entry.version:
            key = (f"{entry.entity}s", entry.entity_id)
            deletions.setdefault(key, []).append(entry.version)
    for report in reports:
        for absent in report.seen.absent:
            versions = deletions.get(absent.key, [])
            if not any(absent.acked <= each <= absent.heard for each in versions):
                yield (
                    f"own write not read: {report.name} had {absent.key} acknowledged as "
                    f"{absent.acked} and did not hold it at {absent.heard}; its history: "
                    f"{history_of(absent.key, evidence)}"
                )


def no_stale_cursor_was_accepted(
    reports: Sequence[Report], purged: Sequence[Purged]
) -> Iterator[str]:
    """Once a purge was over, no page was given to a cursor below its floor."""
    for report in reports:
        for asked in report.seen.syncs:
            floor = max((each.floor for each in purged if each.at < asked.at), default=0)
            if asked.accepted and asked.since < floor:
                yield (
                    f"a stale cursor was accepted: {report.name} went on from {asked.since} "
                    f"though the floor was {floor}"
                )


def history_of(key: tuple[str, str], evidence: Evidence) -> str:
    """What became of a row, in order."""
    entries = [each for each in evidence.history if (f"{each.entity}s", each.entity_id) == key]
    return ", ".join(f"{each.op} {each.version} {each.outcome}" for each in entries)


def describe(mutation: Mutation) -> str:
    """A mutation in a few words."""
    became = mutation.status or (mutation.error or {}).get("code") or mutation.state
    return f"{mutation.op} of {mutation.row_id} ({mutation.mutation_id}, {became})"


def version_of(row: Mapping[str, Any] | None) -> str:
    """A row's version, to tell two apart; nothing for none."""
    return "nothing" if row is None else f"version {row['version']}"
