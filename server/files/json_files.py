"""JSON as a contact file: the shape of REST's contacts, or any flat objects by a mapping."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from server.files.cells import CellFault, refuse_ruined
from server.files.contact_file import ContactFile
from server.files.dates import MONTH_FIRST_REGIONS
from server.files.json_objects import json_objects
from server.files.mapping import apply_mapping, custom_path
from server.files.model import ERROR_COLUMNS, MAX_COLUMNS, FileFault, FileRow, ReadOptions
from server.files.paths import INFORMATION, LISTS, NAMES, TEXTS, FieldPath, parse_path
from server.files.plan import Plan
from server.files.texts import open_text
from server.files.usual_names import usual_path

_SAMPLE = 1_000
# Fields that come as they are stored, whatever their shape: the rules of contacts judge it.
_WHOLE = frozenset({*TEXTS, *NAMES, *LISTS, "custom", "preferences"} - {"id", "name", "customs"})
# Ids of another server's rows mean nothing here; names are beside them.
_IDS = frozenset({"tag_ids", "group_ids", "type_ids", "photo", "deleted_at", "deleted"})
# REST gives the first of each list beside the list; it stands where an object has no list. So what
# one object means does not hang on which keys others have, which a run learns as it reads.
_BESIDE = {"email": "emails", "phone": "phones", "owner_id": "owner"}
_OURS = frozenset({"id", "version", "active"})


class JsonFile(ContactFile):
    """An array of objects, or objects one after the other; `columns` are their keys."""

    def __init__(self, path: Path, encoding: str, options: ReadOptions) -> None:
        self._path = path
        self._encoding = encoding
        self._month_first = options.region.upper() in MONTH_FIRST_REGIONS
        self._options = options
        sample = [found for _, found, _ in islice(json_objects(path, encoding), _SAMPLE)]
        keys = dict.fromkeys(key for found in sample for key in found)
        if len(sample) == 1:
            _refuse_a_wrapper(sample[0])
        self._ours = keys.keys() >= _OURS
        self.detected = {
            "format": options.format or _kind(path, encoding),
            "encoding": encoding,
            "delimiter": None,
        }
        self.columns = []
        self._learn(keys, 1)

    def know(self, columns: Sequence[str]) -> None:
        """See `ContactFile`."""
        self._learn(columns, 1)

    def _learn(self, keys: Iterable[str], number: int) -> None:
        """Take up keys that were not seen before."""
        new = [key for key in keys if key not in ERROR_COLUMNS and key not in self.columns]
        self.columns = [*self.columns, *new]
        if len(self.columns) > MAX_COLUMNS:
            raise FileFault(
                f"There are more than {MAX_COLUMNS} different keys in these objects.",
                row=number,
                unit="contact",
            )
        self._proposed = _propose(self.columns, self._ours)
        wished = self._options.mapping or {}
        known = {key: path for key, path in wished.items() if key in self._proposed}
        self.mapping = apply_mapping(self._proposed, known, objects=True)
        self._known = frozenset((*self.columns, *ERROR_COLUMNS))
        self._paths = {
            key: p for key, path in self.mapping.items() if path and (p := parse_path(path))
        }
        self._cells = [key for key, path in self._paths.items() if not _is_map(path)]
        self._plan = Plan(self._cells, self.mapping, "json", self._month_first, guards=False)

    def _count(self) -> int:
        number = 0
        for number, found, _ in json_objects(self._path, self._encoding):
            if not self._known.issuperset(found):
                self._learn(found, number)
        # Only now is it known what the mapping names and the file has not.
        apply_mapping(self._proposed, self._options.mapping or {}, objects=True)
        return number

    def _read(self) -> Iterator[FileRow]:
        for number, found, original in json_objects(self._path, self._encoding):
            if not self._known.issuperset(found):
                self._learn(found, number)
            yield self._row(number, found, original)

    def _row(self, number: int, found: dict[str, Any], original: str) -> FileRow:
        cells = [
            "" if self._stands_beside(key, found) else _cell_text(found.get(key))
            for key in self._cells
        ]
        row = self._plan.read(number, cells) or FileRow(number, {}, [], "")
        row.source = original
        row.photos = 1 if found.get("photo") else 0
        for key, path in self._paths.items():
            value = found.get(key)
            if value in (None, "", [], {}) or self._stands_beside(key, found):
                continue
            if path.field == "custom" and path.slot:
                row.fields.setdefault("custom", {})[path.slot] = _custom_value(value)
            elif isinstance(value, list | dict) or _is_map(path):
                _take_whole(row, key, path, value)
        if "\\u" in original and not _is_unicode(found):
            row.faults.append(("", "A text holds half of a character (a lone surrogate)."))
            # Nothing could show or store such a text.
            row.fields.clear()
        return row

    def _stands_beside(self, key: str, found: dict[str, Any]) -> bool:
        """Whether a value only says again what its object has in the list beside it."""
        beside = _BESIDE.get(key)
        return beside is not None and bool(found.get(beside)) and self.mapping[key] == beside


def _kind(path: Path, encoding: str) -> str:
    with open_text(path, encoding) as text:
        while piece := text.read(4_096):
            if piece.strip():
                return "json" if piece.lstrip()[0] == "[" else "jsonl"
    return "json"


def _refuse_a_wrapper(found: dict[str, Any]) -> None:
    """Raise FileFault for one object that is no contact but holds a list of them."""
    lists = [key for key, value in found.items() if isinstance(value, list) and value]
    lists = [key for key in lists if isinstance(found[key][0], dict) and key not in LISTS]
    if lists and not any(_propose([key], False)[key] in TEXTS for key in found):
        raise FileFault(
            f"This JSON is one object and no list of contacts. Send the list inside it, which "
            f"is called {lists[0][:50]!r}, alone."
        )


def _propose(keys: list[str], ours: bool) -> dict[str, str | None]:
    proposed: dict[str, str | None] = {}
    taken: set[str] = set()
    for key in keys:
        path = _proposed_path(key, ours)
        if path in taken and path not in LISTS and path not in _BESIDE.values():
            path = custom_path(key)
        proposed[key] = path
        taken |= {path} if path else set()
    return proposed


def _proposed_path(key: str, ours: bool) -> str | None:
    if key in _IDS:
        return None
    if key in INFORMATION:
        return None if ours or key == "display_name" else custom_path(key)
    if key in _BESIDE:
        return _BESIDE[key]
    if key == "id":
        return "id" if ours else "external_id"
    if key in _WHOLE:
        return key
    return usual_path(key) or custom_path(key)


def _is_map(path: FieldPath) -> bool:
    """Whether the field is a value, or a map of values, that no cell could hold."""
    return path.field == "custom" or (path.field == "preferences" and not path.slot)


def _cell_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else ""


def _custom_value(value: Any) -> Any:
    """What a custom field can hold: a list or an object becomes its JSON text."""
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ", ".join(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else value


def _take_whole(row: FileRow, key: str, path: FieldPath, value: Any) -> None:
    """A list or an object, for the field that holds such; else a fault of the row."""
    field = path.field
    if field in LISTS and isinstance(value, list):
        items = [_item(field, item) for item in value]
        if field == "phones":
            _refuse_ruined(row, items)
        row.fields[field] = [*row.fields.get(field, ()), *items]
    elif field in LISTS and isinstance(value, dict):
        row.fields[field] = [*row.fields.get(field, ()), _item(field, value)]
    elif field in NAMES and isinstance(value, list):
        given = [part.get("name") if isinstance(part, dict) else part for part in value]
        names = [name.strip() for name in given if isinstance(name, str)]
        if len(names) == len(given):
            row.fields[field] = list(dict.fromkeys(name for name in names if name))
        else:
            row.faults.append((field, f"{key} must be a list of names."))
    elif field in ("custom", "preferences") and isinstance(value, dict):
        row.fields[field] = {**row.fields.get(field, {}), **value}
    elif field == "owner" and isinstance(value, dict):
        owner = value.get("code") or value.get("agent_code") or value.get("id")
        row.fields[field] = owner if isinstance(owner, str) else ""
    else:
        kind = (
            "a list"
            if isinstance(value, list)
            else "an object"
            if isinstance(value, dict)
            else "a value"
        )
        row.faults.append((field, f"{key} is {kind}, which {field} can't hold."))


def _refuse_ruined(row: FileRow, phones: list[Any]) -> None:
    for number, phone in enumerate(phones):
        value = phone.get("value") if isinstance(phone, dict) else None
        if isinstance(value, str):
            try:
                refuse_ruined(value)
            except CellFault as fault:
                row.faults.append((f"phones.{number}.value", str(fault)))


def _item(field: str, item: Any) -> Any:
    """An item as clients write it: a mere text is its value, `e164` is the server's."""
    if isinstance(item, str) and field != "addresses":
        return {"value": item}
    if isinstance(item, dict) and "e164" in item:
        return {name: value for name, value in item.items() if name != "e164"}
    return item


def _is_unicode(found: dict[str, Any]) -> bool:
    try:
        json.dumps(found, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
