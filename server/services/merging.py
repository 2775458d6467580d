"""Field-by-field merging: given the stamps, every order of arrival ends in the same row.

Pure: no clock, no database. A mutation is taken apart into writes, each to one name under which
stamps are kept: `first_name`, `custom.size` (`custom` itself once it was cleared as a whole),
`tag_ids.x1Y…`, `deleted`. The later stamp keeps a name; ties go to the greater mutation id, and
of two devices that gave the same id, to the greater device.
The rule is last-writer-wins per register, as in Shapiro et al., "Conflict-free Replicated Data
Types" (2011), section 3.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from server.services.entities import Entity, Fields

Stamp = dict[str, Any]
"""`{"at": microseconds, "mutation": id, "version"?, "by"?, "device"?, "writer"?}`

`writer` names an installation that is no device: it tells two of one agent apart for the
conflicts, and has no say in the order, as all of an agent's have one row of mutation ids."""

DELETED = "deleted"


@dataclass(slots=True)
class RowState:
    """A row as it stands under the lock, or as it will after the writes before this one.

    `standing` is its JSON with the server's fields; `shown` that JSON as text, or its tombstone.
    """

    id: str
    version: int
    deleted: bool
    fields: Fields
    stamps: dict[str, Stamp]
    standing: Fields = field(default_factory=dict)
    shown: str | None = None

    def copy(self) -> RowState:
        """A state to try a merge on: merging replaces values and never changes them."""
        return replace(self, fields=dict(self.fields), stamps=dict(self.stamps))

    def stamp_of(self, name: str) -> Stamp:
        """The stamp of one name: its own or its field's, the later, else of the row's creation."""
        names = (name, name.partition(".")[0])
        known = [self.stamps[each] for each in names if each in self.stamps]
        return max(known, key=order_of, default=self.stamps["*"])


@dataclass(slots=True)
class Merge:
    """What became of one mutation.

    `lost` and `asked` are `{"before": {name: theirs}, "after": {name: yours}}`: of the values that
    a later stamp overruled, and of all that differed.
    """

    changed: bool = False
    stamped: bool = False
    kept: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list)
    lost: dict[str, Fields] = field(default_factory=dict)
    asked: dict[str, Fields] = field(default_factory=dict)

    @property
    def status(self) -> str:
        """`applied`, `merged` or, when nothing of it was kept, `superseded`."""
        if self.lost and not self.kept:
            return "superseded"
        return "merged" if self.conflicts else "applied"


def order_of(stamp: Stamp) -> tuple[int, str, str, str]:
    """What stamps are compared by: never the same for two mutations, whose ids devices make."""
    return stamp["at"], stamp["mutation"], stamp.get("device") or "", stamp.get("by") or ""


def writes_of(entity: Entity, state: RowState, changes: Fields) -> Iterator[tuple[str, Any]]:
    """Takes changes apart into `(name, value)`; a set's value is whether the id is in it."""
    for name, value in changes.items():
        if name in entity.maps:
            if value is not None:
                yield from ((f"{name}.{member}", each) for member, each in value.items())
            else:
                known = [f"{name}.{member}" for member in state.fields.get(name) or {}]
                # With those that were removed, whose stamps tell at which version.
                known += [each for each in state.stamps if each.startswith(f"{name}.")]
                yield from dict.fromkeys(known).items()
                # For earlier writes to other members, which may arrive later.
                yield name, None
        elif name in entity.sets:
            ids = state.fields.get(name) or []
            if isinstance(value, dict):
                add, remove = value["add"], value["remove"]
            else:
                add = [each for each in value or [] if each not in ids]
                remove = [each for each in ids if each not in (value or [])]
            yield from ((f"{name}.{each}", True) for each in add)
            yield from ((f"{name}.{each}", False) for each in remove)
        else:
            yield name, value


def whole_row(entity: Entity, state: RowState, fields: Fields) -> Fields:
    """Changes that leave just `fields`: what PUT means. `active` returns to true."""
    changes: Fields = dict.fromkeys(entity.fields)
    if "active" in changes:
        changes["active"] = True
    for name in entity.maps:
        changes[name] = dict.fromkeys(state.fields.get(name) or {}) | (fields.get(name) or {})
    return {**changes, **{name: fields[name] for name in fields if name not in entity.maps}}


def merge(
    entity: Entity,
    state: RowState,
    changes: Fields,
    stamp: Stamp,
    *,
    base_version: int | None,
) -> Merge:
    """Merges changes into `state`, in place, and says what became of them.

    `changes` may hold `deleted`. A name that another device or writer changed after `base_version`
    is listed in the conflicts, whoever won; so is every value that lost.
    """
    result = Merge()
    for name, yours in list(writes_of(entity, state, changes)):
        theirs = value_of(entity, state, name)
        known = state.stamp_of(name)
        wins = order_of(stamp) > order_of(known)
        equal = same_value(yours, theirs)
        if wins:
            # The version of a stamp is that of the value, so an equal value keeps it.
            version = {"version": known["version"]} if equal and "version" in known else {}
            state.stamps[name] = {**stamp, **version}
            result.stamped = True
            if not equal:
                put_value(entity, state, name, yours)
                result.changed = True
        if wins or equal:
            result.kept += 1
        if equal:
            continue
        _note(result.asked, name, theirs, yours)
        if not wins:
            _note(result.lost, name, theirs, yours)
        if not wins or _overtaken(known, stamp, base_version):
            result.conflicts.append(
                {
                    "field": name,
                    "yours": yours,
                    "theirs": theirs,
                    "kept": "yours" if wins else "theirs",
                    "by": known.get("by"),
                    "at": known["at"],
                }
            )
    return result


def _note(values: dict[str, Fields], name: str, theirs: Any, yours: Any) -> None:
    values.setdefault("before", {})[name] = theirs
    values.setdefault("after", {})[name] = yours


def _overtaken(known: Stamp, stamp: Stamp, base_version: int | None) -> bool:
    """Whether another device or writer changed the name after the version that the author saw."""
    if base_version is None or known.get("version", 0) <= base_version:
        return False
    return any(known.get(each) != stamp.get(each) for each in ("by", "device", "writer"))


def value_of(entity: Entity, state: RowState, name: str) -> Any:
    """What stands under a stamp's name; of an id in a set, whether it is there."""
    if name == DELETED:
        return state.deleted
    field_name, _, member = name.partition(".")
    value = state.fields.get(field_name)
    if field_name in entity.maps:
        return (value or {}).get(member)
    if field_name in entity.sets:
        return member in (value or [])
    return value


def put_value(entity: Entity, state: RowState, name: str, value: Any) -> None:
    """Writes what `value_of` gives."""
    field_name, _, member = name.partition(".")
    if name == DELETED:
        state.deleted = value
    elif field_name in entity.maps:
        members = {**(state.fields.get(field_name) or {}), member: value}
        state.fields[field_name] = {
            key: content for key, content in members.items() if content is not None
        }
    elif field_name in entity.sets:
        ids = [each for each in state.fields.get(field_name) or [] if each != member]
        state.fields[field_name] = sorted([*ids, member]) if value else ids
    else:
        state.fields[field_name] = value


def same_value(yours: Any, theirs: Any) -> bool:
    """Whether two values are the same; empty ones are, as the wire leaves them out."""
    empty: tuple[object, ...] = (None, "", [], {})
    if yours in empty and theirs in empty:
        return True
    # True == 1 in Python, not in JSON.
    return bool(yours == theirs) and isinstance(yours, bool) == isinstance(theirs, bool)
