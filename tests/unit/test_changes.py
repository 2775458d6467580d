"""Change sets as they go out, and the `resume` of a sync: texts that other processes read."""

from __future__ import annotations

import base64
from itertools import pairwise

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import Invalid
from server.schemas.events_out import faults_of_event
from server.schemas.fields import MAX_VERSION
from server.services.changes import SHARED_BYTES, ChangedRow, ChangeSet, full_checksum
from server.services.sync import Position

TIME = "2026-03-01T09:30:00.000Z"
SINGULAR = {"contacts": "contact", "tags": "tag", "groups": "group", "types": "type"}


def changed_row(
    plural: str, version: int, *, live_version: int | None, name: str = "Ann"
) -> ChangedRow:
    """A row as the database gives it: its JSON, and its author's."""
    id = f"row-{plural}-{version:05}"
    if live_version is None:
        wire = {"id": id, "version": version, "deleted_at": TIME}
    else:
        field = {"first_name": name, "active": True} if plural == "contacts" else {"name": name}
        wire = {"id": id, "version": version, "created_at": TIME, "updated_at": TIME, **field}
    author = {"mutation_id": f"m{version}", "actor": {"agent": "agent-01"}}
    return ChangedRow(
        plural,
        id,
        version,
        live_version,
        orjson.dumps(wire).decode(),
        orjson.dumps(author).decode(),
    )


@st.composite
def change_sets(draw: st.DrawFn) -> ChangeSet:
    """Sets as commits and reads give them: rows in version order, each after `since`."""
    since = draw(st.integers(0, 50))
    steps = draw(st.lists(st.integers(1, 9), min_size=1, max_size=12))
    rows, version = [], since
    for step in steps:
        version += step
        lives = st.none() | st.integers(1, version)
        rows.append(
            changed_row(
                draw(st.sampled_from(sorted(SINGULAR))), version, live_version=draw(lives),
                name=draw(st.sampled_from(["Ann", 'quo"te', "back\\slash", "é\u2028😀", "]},{"])),
            )
        )  # fmt: skip
    # A read ends at the head, which may be of a row that no longer counts.
    return ChangeSet("epoch", since, version + draw(st.integers(0, 2)), rows)


@given(change_sets())
def test_a_set_goes_out_with_each_row_under_its_entity(change_set: ChangeSet) -> None:
    sent = orjson.loads(change_set.to_json())
    assert faults_of_event("changes", sent) == {}
    assert (sent["epoch"], sent["since"], sent["until"]) == (
        change_set.epoch,
        change_set.since,
        change_set.until,
    )
    for plural in SINGULAR:
        part = sent.get(plural, {"put": [], "del": []})
        rows = [row for row in change_set.rows if row.plural == plural]
        assert part["put"] == [orjson.loads(row.wire) for row in rows if row.live_version]
        assert part["del"] == [orjson.loads(row.wire) for row in rows if not row.live_version]
        assert (plural in sent) == bool(rows)


@given(change_sets())
def test_a_set_s_single_events_are_chained_from_its_since_to_its_until(
    change_set: ChangeSet,
) -> None:
    events = [(name, orjson.loads(payload)) for name, payload in change_set.events()]
    assert events[0][1]["since"] == change_set.since
    assert events[-1][1]["until"] == change_set.until
    for (_, before), (_, after) in pairwise(events):
        assert before["until"] == after["since"]
    for (name, payload), row in zip(events, change_set.rows, strict=True):
        assert faults_of_event(name, payload) == {}
        assert payload["version"] == row.version
        assert payload["since"] < row.version <= payload["until"]
        assert payload["mutation_id"] == f"m{row.version}"
        entity, _, what = name.rpartition("_")
        assert entity == SINGULAR[row.plural]
        if row.live_version is None:
            assert what == "deleted"
        else:
            assert what == ("created" if row.live_version > change_set.since else "updated")
            assert payload[entity] == orjson.loads(row.wire)


@given(change_sets())
def test_another_process_reads_the_set_that_was_meant(change_set: ChangeSet) -> None:
    assert ChangeSet.from_bytes(change_set.to_bytes("default")) == ("default", change_set)


def test_a_large_set_is_only_announced_to_other_processes() -> None:
    rows = [changed_row("contacts", n, live_version=n, name="x" * 1_000) for n in range(1, 301)]
    change_set = ChangeSet("epoch", 0, 300, rows)
    assert change_set.size > SHARED_BYTES
    message = change_set.to_bytes("default")
    assert len(message) < 100
    assert ChangeSet.from_bytes(message) == ("default", None)


def test_a_change_typed_into_psql_has_an_actor_without_names() -> None:
    row = changed_row("tags", 5, live_version=5)._replace(author='{"actor" : {}}')
    ((name, payload),) = ChangeSet("epoch", 4, 5, [row]).events()
    sent = orjson.loads(payload)
    assert (name, sent["actor"]) == ("tag_created", {})
    assert "mutation_id" not in sent


def test_a_checksum_names_every_entity_also_one_without_rows() -> None:
    checksum = full_checksum('{"tags": {"count": 2, "sum": 7}}')
    assert checksum == {
        plural: {"count": 2, "sum": 7} if plural == "tags" else {"count": 0, "sum": 0}
        for plural in SINGULAR
    }


VERSIONS = st.integers(0, MAX_VERSION)


@given(st.builds(Position, st.text(max_size=40), VERSIONS, VERSIONS, VERSIONS, VERSIONS, VERSIONS))
def test_a_resume_is_read_as_it_was_meant(position: Position) -> None:
    text = position.to_text()
    assert Position.from_text(text) == position
    assert len(text) <= 2_000
    assert text.isascii()


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda data: data.decode("latin-1")))
def test_a_text_that_is_no_resume_is_refused_by_name(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        Position.from_text(text)
    assert refused.value.fields is not None
    assert list(refused.value.fields) == ["resume"]


@pytest.mark.parametrize(
    "values",
    [
        [],
        {},
        {"epoch": 1},
        7,
        None,
        "abcdef",
        ["e", 0, 0, 0, 0],
        ["e", 0, 0, 0, 0, 0, 0],
        ["e", 0, 0, 0, 0, -1],
        ["e", 0, 0, 0, 0, True],
        ["e", 0, 0, 0, 0, 1.0],
        ["e", 0, 0, 0, 0, 2**52],
        [1, 0, 0, 0, 0, 0],
        [["e"], 0, 0, 0, 0, 0],
    ],
)
def test_a_forged_resume_is_refused(values: object) -> None:

    with pytest.raises(Invalid):
        Position.from_text(base64.urlsafe_b64encode(orjson.dumps(values)).decode())
