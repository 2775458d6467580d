"""How the cell of one field is read into a row: dates, flags, names of tags, whole names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from server.files.cells import (
    CellFault,
    read_consent,
    read_flag,
    split_categories,
    split_labels,
    split_names,
    words,
)
from server.files.dates import read_birthday
from server.files.paths import NAMES, FieldPath
from server.files.usual_names import folded

# Puts what a cell holds into the row's fields; raises CellFault.
FieldReader = Callable[[str, dict[str, Any]], None]

_OPT_OUT = ("optout", "optedout", "unsub", "donot", "abgemeldet")
_JSON_SCALAR = re.compile(
    r'-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null|".*"', re.S
)
_PARTICLES = words(
    "van von de der den del della di da dos du la le ter ten zu zur zum af av bin al el"
)

_SUFFIXES = words(
    "jr sr ii iii iv phd md dds dvm jd esq mba msc bsc cpa fcca facs frcs obe mbe ksc junior senior"
)


def field_reader(path: FieldPath, family: str, month_first: bool, column: str) -> FieldReader:
    """What reads the cells of a column that goes to `path`; `family` knows its own ways."""
    field = path.field
    if field == "birthday":
        return _birthday(month_first)
    if field == "active":
        return _active
    if field == "name":
        return _whole_name
    if field == "preferences":
        opt_out = any(word in folded(column) for word in _OPT_OUT)
        return _preference(path.slot, "opted_out" if opt_out else "opted_in")
    if field in NAMES:
        return _names(field, family)
    if field == "custom":
        return _own_custom(path.slot)
    return _text(field)


def _birthday(month_first: bool) -> FieldReader:
    def read(cell: str, fields: dict[str, Any]) -> None:
        birthday = read_birthday(cell, month_first)
        if birthday:
            fields["birthday"] = birthday

    return read


def _active(cell: str, fields: dict[str, Any]) -> None:
    fields["active"] = read_flag(cell)


def _preference(channel: str, yes_means: str) -> FieldReader:
    def read(cell: str, fields: dict[str, Any]) -> None:
        consent = read_consent(cell, yes_means)
        preferences = fields.setdefault("preferences", {}) if consent else {}
        # Of two columns that ask, an opt-out stands.
        if preferences.get(channel) != "opted_out":
            preferences[channel] = consent

    return read


def _names(field: str, family: str) -> FieldReader:
    split = {"google": split_labels, "google_old": split_labels}.get(family, split_names)
    if family in ("outlook", "outlook_com"):
        split = split_categories
    if family == "own":
        split = _split_own

    def read(cell: str, fields: dict[str, Any]) -> None:
        names = split(cell)
        if names:
            fields[field] = list(dict.fromkeys([*fields.get(field, ()), *names]))

    return read


def _split_own(cell: str) -> list[str]:
    # Our own names may hold commas and semicolons.
    return list(dict.fromkeys(name.strip() for name in cell.split(":::") if name.strip()))


def _own_custom(name: str) -> FieldReader:
    """A value of our own export: JSON where it is a number, true, false or in quotes."""

    def read(cell: str, fields: dict[str, Any]) -> None:
        value: Any = cell
        if _JSON_SCALAR.fullmatch(cell):
            try:
                value = json.loads(cell)
            except ValueError:
                raise CellFault(
                    f"{cell[:50]!r} begins with a quote, but is no JSON text. Write the text "
                    "without quotes around it."
                ) from None
        if value is not None:
            fields.setdefault("custom", {})[name] = value

    return read


def _text(field: str) -> FieldReader:
    def read(cell: str, fields: dict[str, Any]) -> None:
        fields[field] = cell

    return read


def _whole_name(cell: str, fields: dict[str, Any]) -> None:
    # A whole name beside both of its parts says nothing new, beside one of them the other.
    given, family = (fields.get(name, "").split() for name in ("first_name", "last_name"))
    if given and family:
        return
    parts = cell.split()
    if given:
        first, last = "", " ".join(_behind(given, parts))
    elif family:
        first, last = " ".join(_behind(family[::-1], parts[::-1])[::-1]), ""
    else:
        first, last = split_name(cell)
    fields |= {"first_name": first} if first else {}
    fields |= {"last_name": last} if last else {}


def _behind(beginning: list[str], parts: list[str]) -> list[str]:
    """What of a name follows its beginning, capitals aside; nothing if it begins otherwise."""
    begins = [part.casefold() for part in parts[: len(beginning)]]
    alike = begins == [part.casefold() for part in beginning]
    return parts[len(beginning) :] if alike else []


def _is_suffix(text: str) -> bool:
    """Whether all of a text are titles behind a name: `PhD, MBA`, `Jr.`; no single letters."""
    parts = text.replace(".", "").replace(",", " ").lower().split()
    return bool(parts) and all(part in _SUFFIXES for part in parts)


def split_name(name: str) -> tuple[str, str]:
    """First and last name: `Lee, Ann`, `Ann Lee`, `Ludwig van Beethoven`; one word is the first.

    What stands behind a name goes with the last one: `Ann Lee, PhD`, `Bob Lee Jr.`, `Lee (Acme)`.
    """
    last, comma, first = name.partition(",")
    # Behind one name alone a title may as well be the first: Rahman, Md.
    titled = _is_suffix(first) and len(last.split()) > 1
    if comma and last.strip() and first.strip() and not titled:
        return first.strip(), last.strip()
    words = name.split() if _is_suffix(first) else name.replace(",", " ").split()
    at = len(words) - 1
    while at > 1 and (words[at][0] == "(" or _is_suffix(words[at])):
        at -= 1
    while at > 1 and words[at - 1].lower() in _PARTICLES:
        at -= 1
    return (" ".join(words[:at]), " ".join(words[at:])) if at > 0 else (name.strip(), "")
