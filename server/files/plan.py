"""A mapping made into what is done with each cell: compiled once, run for every row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from server.files.cells import (
    CellFault,
    refuse_ruined,
    unguarded,
    without_artefacts,
    words,
)
from server.files.fields import FieldReader, field_reader
from server.files.items import OUR_MARK, item_readers
from server.files.mapping import custom_path
from server.files.model import Faults, FileRow, Mapped, Source
from server.files.paths import JOINED, FieldPath, parse_path

# Texts that are taken as they are.
_PLAIN = words("id external_id first_name last_name company department job_title notes owner")
# What may be a number; in a name or a text an E+ means nothing.
_NUMERIC = words("id external_id phones custom customs")
# How Outlook says that a field is empty.
_OUTLOOK_NONE = frozenset(
    ("0/0/00", "0.0.00", "Unspecified", "Keine Angabe", "Non spécifié", "No especificado",
     "Non specificato", "Niet opgegeven", "Nieokreślona", "Não especificado", "指定なし")
)  # fmt: skip


class Plan:
    """Reads the rows of one table. `columns` are the table's, in order; `mapping` is for them.

    `guards`: a `'` before what a spreadsheet would run is taken off.
    """

    def __init__(
        self,
        columns: Sequence[str],
        mapping: Mapped,
        family: str,
        month_first: bool,
        guards: bool = True,
    ) -> None:
        self.columns = columns
        self.width = len(columns)
        parsed = {
            index: (path, part)
            for index, column in enumerate(columns)
            if (path := mapping[column]) and (part := parse_path(path))
        }
        self._guards = guards
        self._foreign = guards and family != "own"
        self._outlook = family in ("outlook", "outlook_com")
        self._plain: list[tuple[int, str]] = []
        # Further columns for fields of one text: they fill what is empty, or stay beside it.
        self._further: list[tuple[int, str, str]] = []
        self._custom: list[tuple[int, str]] = []
        self._single: list[tuple[int, str, FieldReader]] = []
        self._checked = {
            index: path
            for index, (path, part) in parsed.items()
            if guards and _may_be_ruined(part) and not (family == "own" and part.field == "custom")
        }
        joined = _joined_columns({index: part for index, (_, part) in parsed.items()})
        for index, (path, part) in parsed.items():
            if part.field in joined:
                continue
            if any(part.field == name for _, name in self._plain):
                name = custom_path(columns[index]).removeprefix("custom.")
                self._further.append((index, part.field, name))
            elif part.field in _PLAIN:
                self._plain.append((index, part.field))
            elif part.field == "custom" and family != "own":
                self._custom.append((index, part.slot))
            elif not part.part:
                reader = field_reader(part, family, month_first, columns[index])
                self._single.append((index, path, reader))
        self._joined = [(name, indexes, JOINED[name]) for name, indexes in joined.items()]
        listed = [(index, part) for index, (_, part) in parsed.items()]
        self._items = item_readers(listed, month_first, exact=family == "own")
        # Google's table may be of our own writing, which only its rows tell.
        self._maybe_ours = family == "google"
        self._our_items = item_readers(listed, month_first, exact=True)
        self._photos = [
            index
            for index, column in enumerate(columns)
            if column.strip().lower() == "photo" and mapping[column] is None
        ]

    def read(self, number: int, cells: list[str]) -> FileRow | None:
        """The row as a contact; None when it is empty. `cells` are raw, and kept for errors."""
        faults: Faults = []
        fields: dict[str, Any] = {}
        values = [cell.strip() for cell in cells]
        together = "".join(values)
        if not together:
            return None
        source: Source = cells
        if len(values) != self.width:
            source, values = self._fit(cells, values, faults)
        ours = self._maybe_ours and OUR_MARK in together
        # One look at the whole row spares a look at each cell of nearly all rows.
        odd = "#" in together or '="' in together or "\ufeff" in together
        if odd and self._foreign and not ours:
            values = [without_artefacts(value) for value in values]
        if self._guards and "'" in together:
            values = [unguarded(value) for value in values]
        if self._outlook:
            values = ["" if value in _OUTLOOK_NONE else value for value in values]
        if "E+" in together or "e+" in together:
            self._refuse_ruined(values, faults, ours)
        for index, name in self._plain:
            value = values[index]
            if value:
                fields[name] = value
        for index, name, column in self._further:
            value = values[index]
            if value and fields.setdefault(name, value) != value:
                fields.setdefault("custom", {})[column] = value
        for name, indexes, between in self._joined:
            value = between.join([values[index] for index in indexes if values[index]])
            if value:
                fields[name] = value
        for index, path, reader in self._single:
            value = values[index]
            if value:
                try:
                    reader(value, fields)
                except CellFault as fault:
                    faults.append((path, str(fault)))
        for item in self._our_items if ours else self._items:
            item(values, fields, faults)
        if self._custom:
            custom = {name: values[index] for index, name in self._custom if values[index]}
            if custom:
                fields["custom"] = {**custom, **fields.get("custom", {})}
        photos = sum(1 for index in self._photos if values[index]) if self._photos else 0
        return FileRow(number, fields, faults, source, photos)

    def _fit(self, cells: list[str], values: list[str], faults: Faults) -> tuple[Source, list[str]]:
        """As many cells and values as there are columns; too many filled ones are a fault.

        Those are kept as a list after the cells, so that the errors file has them beyond its
        own columns, where they are too many again.
        """
        surplus = [value for value in values[self.width :] if value]
        missing = [""] * (self.width - len(values))
        kept: list[str | list[str]] = [*cells[: self.width], *missing]
        if surplus:
            kept.append(cells[self.width :])
            faults.append(
                (
                    "",
                    f"This row has {len(values)} cells, the header {self.width} "
                    f"(the first too many: {surplus[0][:50]!r}). Is a cell with a comma or a line "
                    "break not in quotes?",
                )
            )
        return kept, values[: self.width] + missing

    def _refuse_ruined(self, values: list[str], faults: Faults, ours: bool) -> None:
        for index, path in self._checked.items():
            if ours and path.startswith("custom"):
                # A text of ours may look so; it was never a number.
                continue
            try:
                refuse_ruined(values[index])
            except CellFault as fault:
                faults.append((path, str(fault)))
                values[index] = ""


def _may_be_ruined(part: FieldPath) -> bool:
    """Whether a spreadsheet may take what goes there for a number, and round it."""
    return part.part == "postal_code" or (part.field in _NUMERIC and part.part in ("", "value"))


def _joined_columns(parsed: Mapping[int, FieldPath]) -> dict[str, list[int]]:
    """The fields of one text that several columns fill, with those columns."""
    columns: dict[str, list[int]] = {}
    for index, part in parsed.items():
        if part.field in JOINED:
            columns.setdefault(part.field, []).append(index)
    return {name: indexes for name, indexes in columns.items() if len(indexes) > 1}
