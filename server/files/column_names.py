"""What a file calls the column that a field of a contact came from."""

from __future__ import annotations

from collections.abc import Sequence

from server.files.model import WITHOUT_CELLS, Mapped
from server.files.paths import FieldPath, parse_path


class ColumnNames:
    """The columns of one file; `kind` is its format, `mapping` where they go."""

    def __init__(self, kind: str | None, columns: Sequence[str], mapping: Mapped) -> None:
        self._kind = kind
        self._columns = columns
        self._mapping = mapping
        parsed = [parse_path(mapping.get(column) or "") for column in columns]
        self._places = [(index, path) for index, path in enumerate(parsed) if path]

    def of(self, path: str, cells: Sequence[object] | None) -> str | None:
        """The column of a field's path in a row of these cells, None where it has none.

        `emails.1.value` is the second e-mail of the row, so the second column that has one. Of
        JSON and cards, which have no cells, it is the key or the property; None for a path that is
        a key's own.
        """
        exact = next((name for name in self._columns if self._mapping.get(name) == path), None)
        if exact is not None:
            return exact
        field, *rest = path.split(".")
        if field in ("custom", "preferences"):
            return self._labelled(".".join(rest), cells) if field == "custom" and cells else None
        if cells is None and self._mapping.get(field) == field:
            # Beside a key of that name, another is only looked at where it holds nothing.
            return None
        part = rest[-1] if len(rest) > 1 else "value"
        places = [index for index, place in self._places if self._holds(place, field, part)]
        if cells is not None:
            filled = [index for index in places if index < len(cells) and _is_filled(cells[index])]
            places = filled or places
        if not places:
            return None
        number = int(rest[0]) if rest and rest[0].isdecimal() else 0
        # One cell may have held several; then the last column that has any is the nearest.
        column = self._columns[places[min(number, len(places) - 1)]]
        return None if cells is None and column == field else column

    def _holds(self, place: FieldPath, field: str, part: str) -> bool:
        if place.field != field:
            return place.field == "name" and field in ("first_name", "last_name")
        # A whole address in one cell is a street; cards and JSON have whole items.
        return place.part in ("", part, "formatted") or self._kind in WITHOUT_CELLS

    def _labelled(self, name: str, cells: Sequence[object]) -> str | None:
        """The column of a custom field whose name is in a column of its own, as Google's are."""
        labels = {
            place.slot
            for index, place in self._places
            if place.field == "customs" and place.part == "label" and index < len(cells)
            if isinstance(cell := cells[index], str) and cell.strip().lstrip("*").strip() == name
        }
        values = (
            self._columns[index]
            for index, place in self._places
            if place.field == "customs" and place.part == "value" and place.slot in labels
        )
        return next(values, None)


def _is_filled(cell: object) -> bool:
    # A list holds what lies beyond the header.
    return isinstance(cell, str) and bool(cell.strip())
