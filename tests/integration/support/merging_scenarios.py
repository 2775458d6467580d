"""Contacts that several devices edit, in any order of arrival: what the tests of merging try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.integration.support.devices import Payload

MAPS, SETS = ("custom", "preferences"), ("tag_ids", "group_ids", "type_ids")
ROLES = ("agent", "manager", "manager")
BASE_VERSIONS = st.none() | st.integers(0, 5)

TEXTS = st.sampled_from([None, "A", "B"])
EMAILS = st.sampled_from([None, [{"value": "a@b.ch"}], [{"label": "work", "value": "c@d.ch"}]])
PHONES = st.sampled_from([[], [{"value": "044 668 18 00"}]])
ADDRESSES = st.sampled_from([None, [{"city": "Bern"}]])
WEBSITES = st.sampled_from([[], ["https://a.ch"], ["https://b.ch", "https://a.ch"]])
CUSTOM = st.none() | st.dictionaries(
    st.sampled_from(["size", "colour", "a.b"]), st.sampled_from([None, 0, 1, True, "", "L"])
)
PREFERENCES = st.none() | st.dictionaries(
    st.sampled_from(["email", "sms"]), st.sampled_from([None, "opted_in", "opted_out"])
)
# A place in `Setting.ids`; the last is of no tag. As what to add and what to remove: what a plain
# list means depends on what stands when it arrives, as PROTOCOL.md says.
IDS = st.lists(st.integers(0, 3), max_size=3, unique=True).flatmap(
    lambda ids: st.integers(0, len(ids)).map(
        lambda middle: {"add": ids[:middle], "remove": ids[middle:]}
    )
)
PLAIN_IDS = st.lists(st.integers(0, 3), max_size=3, unique=True)


def fields_with(ids: st.SearchStrategy[Any]) -> dict[str, st.SearchStrategy[Any]]:
    """Every kind of field. No name: an edit that leaves none is refused, and refusals depend on
    what stands when they arrive, as PROTOCOL.md says.
    """
    return {
        **dict.fromkeys(("company", "notes"), TEXTS),
        "birthday": st.sampled_from([None, "1990-01-31"]),
        "emails": EMAILS,
        "phones": PHONES,
        "addresses": ADDRESSES,
        "websites": WEBSITES,
        "custom": CUSTOM,
        "preferences": PREFERENCES,
        **dict.fromkeys(SETS, ids),
        "owner_id": st.sampled_from([None, *ROLES[:2]]),
        "active": st.booleans(),
    }


FIELDS = st.fixed_dictionaries({}, optional=fields_with(IDS))
NEW_FIELDS = st.fixed_dictionaries({}, optional=fields_with(IDS | PLAIN_IDS))


@dataclass(frozen=True)
class Edit:
    """One mutation of a scenario. `at` is in milliseconds after the scenario's time."""

    device: int
    name: str
    operation: str
    at: int
    changes: Payload
    seen: int | None
    """`base_version`: the version after so many groups had arrived, 0 for version 0."""


@dataclass(frozen=True)
class Scenario:
    """Edits, and the groups in which they arrive, by their places; the create is the first."""

    edits: list[Edit]
    groups: list[list[int]]
    writers: bool = False
    """Whether the second and third device, both of one agent, are writers without a device."""


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    """Small steps between stamps and few mutation ids, so that ties are frequent."""
    writers = draw(st.booleans())
    edits = [Edit(0, "m", "create", draw(st.integers(0, 1)), draw(NEW_FIELDS), None)]
    queues: list[list[int]] = []
    for device in range(3 if writers else draw(st.integers(1, 3))):
        queues.append([])
        for number in range(draw(st.integers(0, 4))):
            operation = draw(st.sampled_from(["update"] * 3 + ["delete", "restore"]))
            changes = draw(FIELDS) if operation == "update" else {}
            name = f"{draw(st.sampled_from('an'))}{number}"
            at = draw(st.integers(0, 3))
            if number < len(queues[0]) and device and draw(st.booleans()):
                # Of the same moment and the same mutation id as another device's.
                twin = edits[queues[0][number]]
                name, at = twin.name, twin.at
            queues[-1].append(len(edits))
            edits.append(Edit(device, name, operation, at, changes, draw(BASE_VERSIONS)))
    turns = draw(st.permutations([index for index, queue in enumerate(queues) for _ in queue]))
    remaining = [iter(queue) for queue in queues]
    arrivals = [0, *(next(remaining[turn]) for turn in turns)]
    for _ in range(draw(st.integers(0, 4))):
        # Again, anywhere after its first arrival, which may be the place right behind it.
        first = draw(st.integers(0, len(arrivals) - 1))
        arrivals.insert(draw(st.integers(first + 1, len(arrivals))), arrivals[first])
    groups: list[list[int]] = [[]]
    for arrival in arrivals:
        if groups[-1] and draw(st.booleans()):
            groups.append([])
        groups[-1].append(arrival)
    return Scenario(edits, groups, writers)
