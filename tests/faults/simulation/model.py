"""What each contact must be in the end, worked out from the ledger alone.

Written without a look at the server's merging: every mutation that the ledger holds is taken
apart into values of single names; of each name the value with the latest stamp stands, ties going
to the greater mutation id; and what is older than the contact itself counts for nothing. That is
the rule of docs/PROTOCOL.md, "Merging".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MAPS = ("custom", "preferences")
SETS = ("tag_ids", "group_ids", "type_ids")
# What the server derives, or gives by itself.
DERIVED = frozenset(
    {"id", "version", "display_name", "created_at", "updated_at", "created_by", "updated_by"}
)

Values = dict[str, Any]


@dataclass(frozen=True)
class LedgerRow:
    """A mutation as the ledger has it, and what its device had sent (`payload`)."""

    source: str
    mutation_id: str
    stamp: int
    op: str
    entity: str
    entity_id: str
    outcome: str
    version: int | None
    dropped: frozenset[str]
    payload: Mapping[str, Any]

    @property
    def order(self) -> tuple[int, str]:
        """What decides between two values of one name."""
        return self.stamp, self.mutation_id


def expected_contact(rows: Iterable[LedgerRow]) -> Values | None:
    """The values of one contact by name (`custom.size`, `tag_ids.x1`, `deleted`), empty ones left
    out; None without a creation."""
    mutations = list(rows)
    created = next((each for each in mutations if each.op == "create"), None)
    if created is None:
        return None
    latest: dict[str, tuple[tuple[int, str], Any]] = {}
    for mutation in mutations:
        if mutation is not created and mutation.order <= created.order:
            continue
        for name, value in values_of(mutation):
            if name not in latest or mutation.order >= latest[name][0]:
                latest[name] = (mutation.order, value)
    return without_empty({name: value for name, (_, value) in latest.items()})


def values_of(mutation: LedgerRow) -> Iterable[tuple[str, Any]]:
    """The single values that a mutation writes, but for references that were dropped."""
    if mutation.op == "delete":
        yield "deleted", True
        return
    if mutation.op == "restore":
        yield "deleted", False
        return
    content = mutation.payload["contact" if mutation.op == "create" else "changes"]
    for name, value in content.items():
        if name in MAPS:
            yield from ((f"{name}.{key}", each) for key, each in value.items())
        elif name in SETS:
            yield from _members(mutation, name, value)
        elif name != "id":
            yield name, value


def _members(mutation: LedgerRow, name: str, value: Any) -> Iterable[tuple[str, bool]]:
    asked = value if isinstance(value, Mapping) else {"add": value, "remove": []}
    for each in asked.get("add", ()):
        if f"{name}.{each}" not in mutation.dropped:
            yield f"{name}.{each}", True
    for each in asked.get("remove", ()):
        yield f"{name}.{each}", False


def actual_contact(row: Mapping[str, Any], *, deleted: bool) -> Values:
    """A contact of the database in the same form."""
    values: Values = {"deleted": deleted}
    for name, value in row.items():
        if name in MAPS:
            values |= {f"{name}.{key}": each for key, each in value.items()}
        elif name in SETS:
            values |= {f"{name}.{each}": True for each in value}
        elif name not in DERIVED:
            values[name] = value
    return without_empty(values)


def without_empty(values: Values) -> Values:
    return {name: value for name, value in values.items() if value not in (None, "", [], {}, False)}


def differences(expected: Values, actual: Values) -> list[str]:
    """The names that differ, of those that a mutation ever wrote.

    The server adds to some of them (`owner_id`, `active`, a phone's `e164`), which is not at issue.
    """
    lines = []
    for name in sorted(expected.keys() | actual.keys()):
        if name in ("owner_id", "active") and name not in expected:
            continue
        wanted, stands = expected.get(name), actual.get(name)
        if name == "phones" and isinstance(stands, list):
            stands = [{key: each[key] for key in ("label", "value")} for each in stands]
        if wanted != stands:
            lines.append(f"{name} is {stands!r} and should be {wanted!r}")
    return lines
