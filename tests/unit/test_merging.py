"""Merging: the later stamp keeps each field, in whatever order the mutations arrive."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.services.entities import CONTACTS, Fields
from server.services.merging import DELETED, Merge, RowState, Stamp, merge, whole_row, writes_of

TAGS = ["tag-one", "tag-two", "tag-three"]
KEYS = ["size", "colour", "a.b"]
NAMES = [
    *("company", "emails", "active", DELETED),
    *(f"custom.{key}" for key in KEYS),
    *(f"tag_ids.{tag}" for tag in TAGS),
]


def stamp_at(at: int, mutation: str = "m", *, by: str = "ann", device: str = "phone") -> Stamp:
    return {"at": at, "mutation": mutation, "by": by, "device": device}


def row(fields: Fields | None = None, *, deleted: bool = False) -> RowState:
    """A row of version 1, made at 100 by ann's phone."""
    created = {**stamp_at(100, "created"), "version": 1}
    return RowState("contact1", 1, deleted, dict(fields or {}), {"*": created})


def write(state: RowState, changes: Fields, stamp: Stamp, base_version: int | None = None) -> Merge:
    """Merges, then does what the database does: a changed row gets a version, and so do stamps."""
    result = merge(CONTACTS, state, changes, stamp, base_version=base_version)
    if result.changed:
        state.version += 1
    for each in state.stamps.values():
        each.setdefault("version", state.version)
    return result


def test_a_later_write_is_applied_and_an_earlier_one_is_superseded() -> None:
    state = row({"company": "A"})
    assert write(state, {"company": "B"}, stamp_at(200)).status == "applied"
    late = write(state, {"company": "C"}, stamp_at(150, "n", device="tablet"))
    assert late.status == "superseded"
    assert state.fields["company"] == "B"
    assert late.lost == {"before": {"company": "B"}, "after": {"company": "C"}}
    assert late.conflicts == [
        {
            "field": "company",
            "yours": "C",
            "theirs": "B",
            "kept": "theirs",
            "by": "ann",
            "at": 200,
        }
    ]


def test_a_mutation_that_wins_one_field_and_loses_another_is_merged() -> None:
    state = row({"company": "A", "notes": "old"})
    write(state, {"company": "B"}, stamp_at(200))
    result = write(state, {"company": "C", "notes": "new"}, stamp_at(150, "n"))
    assert result.status == "merged"
    assert (state.fields["company"], state.fields["notes"]) == ("B", "new")


def test_of_equal_stamps_the_greater_mutation_id_wins() -> None:
    for first, second in (("a", "b"), ("b", "a")):
        state = row()
        write(state, {"company": first}, stamp_at(200, first))
        write(state, {"company": second}, stamp_at(200, second))
        assert state.fields["company"] == "b"


def test_of_equal_stamps_with_one_mutation_id_the_greater_device_wins() -> None:
    """Ids are made by devices, each for itself: two may count 1, 2, 3."""
    stamps = [stamp_at(200, "1", device=device) for device in ("phone", "tablet")]
    stamps += [{"at": 200, "mutation": "1", "by": by} for by in ("ann", "bob")]
    for arrival in itertools.permutations(stamps):
        state = row()
        for stamp in arrival:
            company = f"{stamp['by']} {stamp.get('device')}"
            write(state, {"company": company}, dict(stamp))
        assert state.fields["company"] == "ann tablet"


def test_a_write_older_than_the_row_s_creation_loses() -> None:
    state = row({"company": "A"})
    assert write(state, {"company": "B"}, stamp_at(50)).status == "superseded"
    assert state.fields["company"] == "A"


@pytest.mark.parametrize(
    ("stands", "sent"),
    [
        ({"company": "A"}, {"company": "A"}),
        ({}, {"company": None}),
        ({}, {"company": ""}),
        ({}, {"emails": []}),
        ({"custom": {"size": 1}}, {"custom": {"size": 1, "colour": None}}),
        ({"tag_ids": ["tag-one"]}, {"tag_ids": ["tag-one"]}),
        ({"tag_ids": ["tag-one"]}, {"tag_ids": {"add": ["tag-one"], "remove": ["tag-two"]}}),
    ],
)
def test_an_equal_value_moves_the_stamp_and_not_the_version(stands: Fields, sent: Fields) -> None:
    state = row(stands)
    result = write(state, sent, stamp_at(200))
    assert (result.status, result.changed, state.version) == ("applied", False, 1)
    assert result.conflicts == []
    for name, _ in writes_of(CONTACTS, state, sent):
        assert (state.stamps[name]["at"], state.stamps[name]["version"]) == (200, 1)


def test_an_equal_value_with_an_earlier_stamp_is_no_conflict() -> None:
    state = row()
    write(state, {"company": "A"}, stamp_at(200))
    result = write(state, {"company": "A"}, stamp_at(150, "n", device="tablet"))
    assert (result.status, result.conflicts, result.lost) == ("applied", [], {})
    assert state.stamps["company"]["at"] == 200


@pytest.mark.parametrize(("yours", "theirs"), [(True, 1), (False, 0), (1, True)])
def test_true_is_not_one(yours: Any, theirs: Any) -> None:
    state = row({"custom": {"size": theirs}})
    assert write(state, {"custom": {"size": yours}}, stamp_at(200)).changed
    assert state.fields["custom"]["size"] is yours


def test_keys_of_a_map_merge_one_by_one() -> None:
    state = row({"custom": {"size": "M"}})
    write(state, {"custom": {"size": "L"}}, stamp_at(300))
    result = write(state, {"custom": {"size": "S", "a.b": True}}, stamp_at(200, "n"))
    assert state.fields["custom"] == {"size": "L", "a.b": True}
    assert [conflict["field"] for conflict in result.conflicts] == ["custom.size"]
    write(state, {"custom": {"a.b": None}}, stamp_at(250))
    assert state.fields["custom"] == {"size": "L"}


def test_clearing_a_map_clears_what_was_written_before_it_also_when_that_arrives_later() -> None:
    state = row({"custom": {"size": "M"}})
    write(state, {"custom": {"colour": "red"}}, stamp_at(400))
    write(state, {"custom": None}, stamp_at(300))
    assert state.fields["custom"] == {"colour": "red"}
    late = write(state, {"custom": {"a.b": 1, "size": "S"}}, stamp_at(200, "n"))
    assert late.status == "superseded"
    assert state.fields["custom"] == {"colour": "red"}
    write(state, {"custom": {"a.b": 2}}, stamp_at(350))
    assert state.fields["custom"] == {"colour": "red", "a.b": 2}


def test_clearing_a_map_does_not_hide_that_a_key_was_removed_since() -> None:
    state = row({"custom": {"size": "M", "colour": "red"}})
    write(state, {"custom": {"size": None}}, stamp_at(200, device="tablet"))
    write(state, {"custom": None}, stamp_at(300, "n", device="tablet"))
    late = write(state, {"custom": {"size": "L"}}, stamp_at(400, "o"), base_version=1)
    assert [(each["field"], each["theirs"]) for each in late.conflicts] == [("custom.size", None)]


def test_ids_of_a_set_merge_one_by_one() -> None:
    state = row({"tag_ids": ["tag-one", "tag-two"]})
    write(state, {"tag_ids": {"add": ["tag-three"], "remove": ["tag-one"]}}, stamp_at(300))
    result = write(state, {"tag_ids": {"add": ["tag-one"], "remove": ["tag-two"]}}, stamp_at(200))
    assert state.fields["tag_ids"] == ["tag-three"]
    assert result.conflicts == [
        {
            "field": "tag_ids.tag-one",
            "yours": True,
            "theirs": False,
            "kept": "theirs",
            "by": "ann",
            "at": 300,
        }
    ]


def test_a_plain_list_of_ids_counts_as_its_difference_to_what_is_there() -> None:
    state = row({"tag_ids": ["tag-one", "tag-two"]})
    write(state, {"tag_ids": ["tag-two", "tag-three"]}, stamp_at(200))
    assert state.fields["tag_ids"] == ["tag-three", "tag-two"]
    assert "tag_ids.tag-two" not in state.stamps
    write(state, {"tag_ids": None}, stamp_at(300))
    assert state.fields["tag_ids"] == []


@pytest.mark.parametrize("field", ["emails", "phones", "addresses", "websites"])
def test_a_list_of_items_merges_as_a_whole(field: str) -> None:
    state = row({field: [{"value": "a"}]})
    write(state, {field: [{"value": "b"}]}, stamp_at(300))
    write(state, {field: [{"value": "c"}, {"value": "b"}]}, stamp_at(200, "n"))
    assert state.fields[field] == [{"value": "b"}]


def test_what_another_device_changed_after_base_version_is_a_conflict_whoever_won() -> None:
    state = row({"company": "A"})
    write(state, {"company": "B"}, stamp_at(200, by="bob", device="tablet"))
    result = write(state, {"company": "C", "notes": "n"}, stamp_at(300, "n"), base_version=1)
    assert result.status == "merged"
    assert [(each["field"], each["kept"], each["by"]) for each in result.conflicts] == [
        ("company", "yours", "bob")
    ]
    assert result.lost == {}


def test_what_the_same_device_changed_or_was_seen_is_no_conflict() -> None:
    state = row({"company": "A"})
    write(state, {"company": "B"}, stamp_at(200))
    assert write(state, {"company": "C"}, stamp_at(300, "n"), base_version=1).conflicts == []
    other = stamp_at(400, "o", device="tablet")
    assert write(state, {"company": "D"}, other, base_version=state.version).conflicts == []


def test_two_writers_of_one_agent_without_a_device_learn_of_each_other() -> None:
    state = row({"company": "A"})
    one, other, unnamed = (
        {"at": at, "mutation": mutation, "by": "ann", **writer}
        for at, mutation, writer in (
            (200, "n", {"writer": "browser-one"}),
            (300, "o", {"writer": "browser-two"}),
            (400, "p", {}),
        )
    )
    write(state, {"company": "B"}, dict(one))
    again = write(state, {"company": "C"}, {**one, "at": 250, "mutation": "n2"}, base_version=1)
    assert again.conflicts == []
    for stamp in (other, unnamed):
        theirs = state.fields["company"]
        result = write(state, {"company": stamp["mutation"]}, dict(stamp), base_version=1)
        assert [(each["field"], each["theirs"], each["by"]) for each in result.conflicts] == [
            ("company", theirs, "ann")
        ]
        assert result.status == "merged"


def test_an_equal_value_does_not_hide_that_its_field_was_changed_since() -> None:
    """The version of a stamp is that of the value: who confirms a value did not change it."""
    state = row({"company": "A"})
    write(state, {"notes": "n"}, stamp_at(150))
    write(state, {"company": "A"}, stamp_at(200, device="tablet"))
    assert state.stamps["company"]["version"] == 1
    result = write(state, {"company": "B"}, stamp_at(300, "n"), base_version=1)
    assert result.conflicts == []


def test_deleting_and_restoring_are_a_field_too() -> None:
    state = row({"company": "A"})
    write(state, {DELETED: True}, stamp_at(300))
    assert state.deleted
    assert write(state, {DELETED: False}, stamp_at(200, "n")).status == "superseded"
    assert state.deleted
    assert write(state, {DELETED: False}, stamp_at(400)).changed
    assert not state.deleted


def test_merging_into_a_copy_leaves_the_row_as_it_was() -> None:
    state = row({"custom": {"size": 1}, "tag_ids": ["tag-one"], "emails": [{"value": "a"}]})
    before = copy.deepcopy(state)
    changes = {"custom": {"size": 2}, "tag_ids": ["tag-two"], "emails": [], DELETED: True}
    merge(CONTACTS, state.copy(), changes, stamp_at(200), base_version=None)
    assert state == before


def test_a_whole_row_clears_what_it_does_not_name() -> None:
    state = row(
        {
            "company": "A",
            "notes": "n",
            "custom": {"size": 1, "colour": 2},
            "tag_ids": ["tag-one"],
            "active": False,
        }
    )
    write(state, whole_row(CONTACTS, state, {"company": "B", "custom": {"size": 3}}), stamp_at(200))
    filled = {name: value for name, value in state.fields.items() if value not in (None, [], {})}
    assert filled == {"company": "B", "custom": {"size": 3}, "active": True}


# One mutation's changes; a plain list of ids is left out, which means what it finds.
VALUES = st.sampled_from([None, "", "a", "b", 0, 1, True])
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "company": st.sampled_from([None, "", "A", "B"]),
        "emails": st.sampled_from([[], [{"value": "a@b.ch"}], [{"value": "c@d.ch"}]]),
        "custom": st.none() | st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3),
        "tag_ids": st.permutations(TAGS).flatmap(
            lambda ids: st.integers(0, 3).map(
                lambda middle: {"add": ids[:middle], "remove": ids[middle:2]}
            )
        ),
        "active": st.booleans(),
        DELETED: st.booleans(),
    },
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Fields, list[list[tuple[Fields, Stamp]]]]:
    """A row's first fields, and for each of up to three devices its mutations in its own order."""
    fields = draw(CHANGES)
    fields = {name: value for name, value in fields.items() if name not in (DELETED, "tag_ids")}
    fields["custom"] = {
        key: value for key, value in (fields.get("custom") or {}).items() if value is not None
    }
    fields["tag_ids"] = sorted(draw(st.sets(st.sampled_from(TAGS))))
    devices = []
    for device in draw(st.lists(st.sampled_from("xyz"), min_size=1, max_size=3, unique=True)):
        at, mutations = 97, []
        for number in range(draw(st.integers(0, 4))):
            # Small steps, so that stamps of several devices are often the same.
            at += draw(st.integers(1, 5))
            mutation = draw(st.sampled_from("abc")) + device + str(number)
            mutations.append((draw(CHANGES), stamp_at(at, mutation, device=device)))
        devices.append(mutations)
    return fields, devices


@st.composite
def arrivals(draw: st.DrawFn, devices: list[list[Any]]) -> list[Any]:
    """One order in which the mutations may arrive: each device's own order is kept."""
    turns = [index for index, mutations in enumerate(devices) for _ in mutations]
    queues = [iter(mutations) for mutations in devices]
    return [next(queues[turn]) for turn in draw(st.permutations(turns))]


def by_the_latest_stamp(fields: Fields, mutations: list[tuple[Fields, Stamp]]) -> Fields:
    """What the row must hold, written down without regard to any order of arrival."""
    writes: dict[str, list[tuple[tuple[int, str], Any]]] = {}
    for changes, stamp in mutations:
        if (stamp["at"], stamp["mutation"]) <= (100, "created"):
            continue
        for name, value in changes.items():
            if name == "custom":
                members = dict.fromkeys(KEYS) if value is None else value
                parts = {f"custom.{key}": each for key, each in members.items()}
            elif name == "tag_ids":
                parts = {f"tag_ids.{each}": True for each in value["add"]}
                parts |= {f"tag_ids.{each}": False for each in value["remove"]}
            else:
                parts = {name: value}
            for part, each in parts.items():
                writes.setdefault(part, []).append(((stamp["at"], stamp["mutation"]), each))
    stands = {name: value for name, value in fields.items() if name not in ("custom", "tag_ids")}
    stands |= {f"custom.{key}": value for key, value in fields["custom"].items()}
    stands |= {f"tag_ids.{each}": True for each in fields["tag_ids"]}
    stands |= {name: max(each, key=lambda write: write[0])[1] for name, each in writes.items()}
    return filled(stands)


def filled(parts: Fields) -> Fields:
    """Without what is empty or out; numbers as text with their kind, as True == 1 in Python."""
    return {
        name: repr(value)
        for name, value in parts.items()
        if value not in (None, "", []) and (value is not False or not is_set_or_life(name))
    }


def is_set_or_life(name: str) -> bool:
    return name == DELETED or name.startswith("tag_ids.")


def parts_of(state: RowState) -> Fields:
    plain = {name: state.fields.get(name) for name in ("company", "emails", "active")}
    custom = {f"custom.{key}": each for key, each in (state.fields.get("custom") or {}).items()}
    tags = {f"tag_ids.{each}": True for each in state.fields.get("tag_ids") or []}
    return filled({**plain, **custom, **tags, DELETED: state.deleted})


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_every_order_of_arrival_that_keeps_each_device_s_own_ends_in_the_same_row(
    data: st.DataObject,
) -> None:
    fields, devices = data.draw(histories())
    expected = by_the_latest_stamp(fields, [each for mutations in devices for each in mutations])
    stamps = []
    for _ in range(3):
        state = row(copy.deepcopy(fields))
        for changes, stamp in data.draw(arrivals(devices)):
            base_version = data.draw(st.none() | st.integers(0, state.version))
            write(state, copy.deepcopy(changes), dict(stamp), base_version)
        assert parts_of(state) == expected
        stamps.append([state.stamp_of(name)["mutation"] for name in NAMES])
    # Not only the row: what is to come is judged alike, too.
    assert stamps[0] == stamps[1] == stamps[2]


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_each_value_that_did_not_win_is_told_and_kept(data: st.DataObject) -> None:
    fields, devices = data.draw(histories())
    state = row(copy.deepcopy(fields))
    for changes, stamp in data.draw(arrivals(devices)):
        before = copy.deepcopy(state)
        result = write(state, copy.deepcopy(changes), dict(stamp))
        asked, lost = result.asked.get("after", {}), result.lost.get("after", {})
        told = {each["field"] for each in result.conflicts if each["kept"] == "theirs"}
        assert set(lost) == told
        assert set(lost) <= set(asked)
        assert result.changed == bool(asked.keys() - lost.keys())
        assert (state.version > before.version) == result.changed
        assert result.status == ("superseded" if lost and not result.kept else
                                 "merged" if lost else "applied")  # fmt: skip
        for name, theirs in result.lost.get("before", {}).items():
            # What overruled it still stands.
            assert result.asked["before"][name] == theirs
