"""XLSX: the rows of its first sheet that has any, as texts, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from server.files.model import MAX_CELL, FileFault
from server.files.workbooks import Attributes, Workbook

_MAX_COLUMN = 16_384
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a date on paper has no zone
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
# Beyond, a double has no place for all digits, and Excel keeps only fifteen.
_EXACT = 1e15


class SpreadsheetTable:
    """An XLSX as a table; `records` gives `(row number, cells)` of rows that have a cell."""

    encoding: str | None = None
    delimiter: str | None = None

    def __init__(self, path: Path) -> None:
        self._book = Workbook(path)
        self._sheet: str | None = None
        self._sheet = self._first_with_rows()

    def _first_with_rows(self) -> str:
        for sheet in self._book.sheets:
            self._sheet = sheet
            if any(any(cells) for _, cells in self.records()):
                return sheet
        raise FileFault("The file is empty: none of its sheets has a row.")

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that has cells. Raises FileFault at what is broken or too large."""
        rows = _Rows(self._book)
        for _ in self._book.parse(self._sheet or "", rows.start, rows.end, rows.text):
            yield from rows.done
            rows.done.clear()


class _Rows:
    """Makes rows of what the parser of a sheet calls out; `done` are those that are whole."""

    def __init__(self, book: Workbook) -> None:
        self.done: list[tuple[int, list[str]]] = []
        self._book = book
        self._number = 0
        self._cells: list[str] = []
        self._column = 0
        self._kind = ""
        self._style = ""
        self._held: list[str] = []
        self._length = 0
        self._taking = False
        self._aside = False

    def start(self, name: str, given: Attributes) -> None:
        if name == "c":
            self._kind = given.get("t", "n")
            self._style = given.get("s", "0")
            place = given.get("r")
            self._column = _column_of(place) if place else self._column + 1
            self._held.clear()
            self._length = 0
        elif name == "v" or name == "t":
            self._taking = not self._aside
        elif name == "row":
            number = given.get("r")
            self._number = int(number) if number else self._number + 1
            self._cells = []
            self._column = 0
        elif name == "rPh":
            self._aside = True

    def text(self, text: str) -> None:
        if self._taking:
            self._length += len(text)
            if self._length > MAX_CELL:
                raise FileFault(
                    f"A cell is longer than {MAX_CELL:,} characters. Shorten it.",
                    row=self._number,
                    column=self._column,
                )
            self._held.append(text)

    def end(self, name: str) -> None:
        if name == "v" or name == "t":
            self._taking = False
        elif name == "c":
            value = self._value("".join(self._held)) if self._held else ""
            if value:
                missing = self._column - 1 - len(self._cells)
                if missing > 0:
                    self._cells.extend([""] * missing)
                if missing >= 0:
                    self._cells.append(value)
                else:
                    self._cells[self._column - 1] = value
        elif name == "rPh":
            self._aside = False
        elif name == "row" and self._cells:
            self.done.append((self._number, self._cells))

    def _value(self, text: str) -> str:
        """The cell as a text; FileFault if it holds what such a cell can't."""
        kind = self._kind
        try:
            if kind == "s":
                return self._book.shared[int(text)]
            if kind == "n":
                return self._number_text(text)
        except (ValueError, IndexError, OverflowError):
            raise FileFault(
                f"The cell holds {text[:40]!r}, which is not what it says it is. Save the file "
                "again from your spreadsheet program.",
                row=self._number,
                column=self._column,
            ) from None
        if kind == "b":
            return "true" if text == "1" else "false"
        # An error such as #N/A is what stands where there is no value.
        return "" if kind == "e" else text

    def _number_text(self, text: str) -> str:
        number = float(text)
        if self._style in self._book.date_styles and 0 <= number < 2_958_466:
            return self._date_text(number)
        if number.is_integer() and abs(number) < _EXACT:
            return str(int(number))
        return f"{number:.15g}".replace("e", "E")

    def _date_text(self, number: float) -> str:
        epoch = _EPOCH_1904 if self._book.dates_from_1904 else _EPOCH
        moment = epoch + timedelta(days=number)
        # 86,400 seconds a day leave their crumbs in a fraction.
        moment = (moment + timedelta(microseconds=500_000)).replace(microsecond=0)
        if number < 1 and not self._book.dates_from_1904:
            return moment.time().isoformat() if number else ""
        return moment.date().isoformat() if number == int(number) else moment.isoformat(" ")


def _column_of(place: str) -> int:
    """The number of a cell's column: `AB12` gives 28."""
    column = 0
    for sign in place:
        if "A" <= sign <= "Z":
            column = column * 26 + ord(sign) - 64
        else:
            break
    if not 0 < column <= _MAX_COLUMN:
        raise ValueError(f"there is no cell {place[:20]!r}")
    return column
