"""What a row of a file changes in the contact that it was matched to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from server.schemas.channels import phone_number
from server.schemas.texts import one_line
from server.services.entities import Fields
from server.services.merging import RowState

Item = dict[str, Any]
LISTS = ("emails", "phones", "addresses", "websites")
SETS = {"tags": "tag_ids", "groups": "group_ids", "types": "type_ids"}
MAPS = ("custom", "preferences")


@dataclass(frozen=True, slots=True)
class Mapped:
    """What the columns of a file mean: an empty cell clears only what some column stands for."""

    fields: frozenset[str] = frozenset()
    custom: frozenset[str] = frozenset()
    preferences: frozenset[str] = frozenset()

    @classmethod
    def of(cls, paths: Iterable[str | None]) -> Mapped:
        """From the field paths of a mapping."""
        parts = [path.split(".") for path in paths if path]
        names = {"email": "emails", "phone": "phones", "website": "websites"}
        return cls(
            frozenset(names.get(part[0], part[0]) for part in parts),
            frozenset(one_line(".".join(part[1:])) for part in parts if part[0] == "custom"),
            frozenset(part[1] for part in parts if part[0] == "preferences" and len(part) > 1),
        )


@dataclass(frozen=True, slots=True)
class Changing:
    """How rows change contacts: `clears` is true for `on_empty=clear`.

    Where it is, the file is the whole truth of its columns: lists hold what the row has. Where it
    is not, what a row does not have stays, in lists too.
    """

    region: str
    clears: bool = False
    mapped: Mapped = field(default_factory=Mapped)

    def changes(self, state: RowState, fields: Fields, sets: dict[str, list[str]]) -> Fields:
        """The changes of an update: `fields` are the row's, `sets` its ids by `tag_ids`, ….

        An opt-out that stands is never taken back.
        """
        standing = state.fields
        changes: Fields = {
            name: value for name, value in fields.items() if name not in (*LISTS, *MAPS)
        }
        for name in LISTS:
            if fields.get(name) or (self.clears and name in self.mapped.fields):
                changes[name] = self._items(name, standing.get(name) or [], fields.get(name) or [])
        for name, ids in sets.items():
            changes[name] = ids if self.clears else {"add": ids, "remove": []}
        custom = dict(fields.get("custom") or {})
        preferences = dict(fields.get("preferences") or {})
        if self.clears:
            self._clear(changes, sets, custom, preferences)
        opted_out = [
            channel
            for channel, choice in (standing.get("preferences") or {}).items()
            if choice == "opted_out"
        ]
        preferences = {
            channel: choice for channel, choice in preferences.items() if channel not in opted_out
        }
        for name, members in (("custom", custom), ("preferences", preferences)):
            if members:
                changes[name] = members
        return changes

    def _clear(self, changes: Fields, sets: Fields, custom: Fields, preferences: Fields) -> None:
        """Adds None for what the row's empty cells stand for."""
        for name in self.mapped.fields - {*LISTS, *MAPS, *SETS, "id", "owner", "active", "name"}:
            changes.setdefault(name, None)
        if "owner" in self.mapped.fields:
            changes.setdefault("owner_id", None)
        if "name" in self.mapped.fields:
            changes.setdefault("first_name", None)
            changes.setdefault("last_name", None)
        for plural, name in SETS.items():
            if plural in self.mapped.fields and name not in sets:
                changes[name] = []
        for member in self.mapped.custom:
            custom.setdefault(member, None)
        for channel in self.mapped.preferences:
            preferences.setdefault(channel, None)

    def _items(self, name: str, standing: list[Item], given: list[Item]) -> list[Item]:
        """A list after the row: its own items first, then, unless it clears, the others.

        An item that stands there already stays as it is, but for a label that the row gives; if
        all of them do, the list stays, and its order too.
        """
        same = self._same_phone if name == "phones" else _SAME[name]
        result: list[Item] = []
        used: set[int] = set()
        for item in given:
            place = next(
                (at for at, each in enumerate(standing) if at not in used and same(each, item)),
                None,
            )
            if place is None:
                result.append(item)
            else:
                used.add(place)
                label = {"label": item["label"]} if "label" in item else {}
                result.append({**standing[place], **label})
        others = [each for at, each in enumerate(standing) if at not in used]
        if self.clears:
            return result
        if len(used) == len(given) and all(each in standing for each in result):
            return standing
        return result + others

    def _same_phone(self, one: Item, other: Item) -> bool:
        if one["value"] == other["value"]:
            return True
        if "e164" not in one or one["e164"] != other.get("e164"):
            return False
        # Two extensions of one number are two phones.
        numbers = [phone_number(each["value"], self.region) for each in (one, other)]
        return len({number.extension for number in numbers if number}) == 1


def _same_value(one: Item, other: Item) -> bool:
    return bool(one["value"] == other["value"])


def _same_place(one: Item, other: Item) -> bool:
    places = [
        {name: part for name, part in each.items() if name != "label"} for each in (one, other)
    ]
    return places[0] == places[1]


_SAME: dict[str, Callable[[Item, Item], bool]] = {
    "emails": _same_value,
    "websites": _same_value,
    "addresses": _same_place,
}
