"""XLSX: the rows of its first sheet that has any, as texts, one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path

from server.files.headers import find_header, may_be_title, names_without_header, widest
from server.files.mapping import listed
from server.files.model import MAX_CELL, MAX_RECORD, FileFault
from server.files.usual_names import is_usual_name
from server.files.workbooks import Attributes, Workbook

# Not NUL, and no half of a pair.
_ESCAPE = re.compile(r"_x(?!0000|[dD][89a-fA-F])([0-9a-fA-F]{4})_")
_MAX_COLUMN = 16_384
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a date on paper has no zone
_EPOCH_1904 = datetime(1904, 1, 1)  # noqa: DTZ001
# Beyond, a double has no place for all digits, and Excel keeps only fifteen.
_EXACT = 1e15
# 31 December 9999.
_LAST_DAY = 2_958_466

Handlers = tuple[Callable[[str, Attributes], None], Callable[[str], None], Callable[[str], None]]


class SpreadsheetTable:
    """An XLSX as a table; `records` gives `(row number, cells)` of rows that have a cell."""

    encoding: str | None = None
    delimiter: str | None = None

    def __init__(self, path: Path) -> None:
        self._book = Workbook(path)
        self._sheet: str | None = None
        self.notes: list[str] = []
        self._choose()

    def _choose(self) -> None:
        """Take the first sheet that begins like a table of contacts, else the first with rows.

        Of the others, those are told that are tables, by their names or by their shape.
        """
        filled: dict[str, str] = {}
        tables: dict[str, str] = {}
        wide: set[str] = set()
        for sheet, title in self._book.sheets:
            self._sheet = sheet
            first, _ = find_header(self.records())
            if first is not None:
                filled[sheet] = title
                if not may_be_title(first[1]) or _is_named(first[1]):
                    tables[sheet] = title
                elif widest(self.records()) > 2:
                    # Its columns may be called in a language that is not known here.
                    wide.add(sheet)
        if not filled:
            raise FileFault("The file is empty: none of its sheets has a row.")
        self._sheet = next(iter(tables or filled))
        others = [
            title
            for sheet, title in filled.items()
            if sheet != self._sheet and (not tables or sheet in tables or sheet in wide)
        ]
        if others:
            self.notes.append(
                f"Of this workbook only the sheet {filled[self._sheet][:100]} was read; save each "
                f"of the others as a file of its own: {listed(others)}."
            )

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that has cells. Raises FileFault at what is broken or too large."""
        done: list[tuple[int, list[str]]] = []
        for _ in self._book.parse(self._sheet or "", *_row_maker(self._book, done)):
            yield from done
            done.clear()


def _row_maker(book: Workbook, done: list[tuple[int, list[str]]]) -> Handlers:
    """What a parser of a sheet calls at the start and end of elements and at text.

    It adds `(row number, cells)` to `done`. All is kept in one closure, and not in an object,
    since it runs for each cell: a third of the time.
    """
    number = column = length = room = 0
    cells: list[str] = []
    held: list[str] = []
    kind = style = ""
    taking = aside = False
    value_of = _value_reader(book)
    columns: dict[str, int] = {}

    def start(name: str, given: Attributes) -> None:
        nonlocal number, column, length, room, cells, kind, style, taking, aside
        if name == "c":
            kind = given.get("t", "n")
            style = given.get("s", "0")
            place = given.get("r")
            if place is None:
                column += 1
            else:
                letters = place.rstrip("0123456789")
                column = columns.get(letters) or columns.setdefault(letters, _column_of(letters))
            held.clear()
            length = 0
        elif name == "v" or name == "t":
            taking = not aside
        elif name == "row":
            place = given.get("r")
            number = number + 1 if place is None else int(place)
            cells = []
            column = 0
            room = MAX_RECORD
        elif name == "rPh":
            aside = True

    def text(piece: str) -> None:
        nonlocal length
        if taking:
            length += len(piece)
            if length > MAX_CELL:
                raise FileFault(
                    f"A cell is longer than {MAX_CELL:,} characters. Shorten it.",
                    row=number,
                    column=column,
                )
            held.append(piece)

    def end(name: str) -> None:
        nonlocal taking, aside, room
        if name == "c":
            if not held:
                return
            try:
                value = value_of("".join(held), kind, style)
            except (ValueError, IndexError, OverflowError):
                raise FileFault(
                    f"The cell holds {''.join(held)[:40]!r}, which is not what it says it is. Save "
                    "the file again from your spreadsheet program.",
                    row=number,
                    column=column,
                ) from None
            if value:
                # Cells may share a text, so that a small file holds rows without end.
                room -= len(value)
                if room < 0:
                    raise FileFault(
                        f"A row is longer than {MAX_RECORD:,} characters. This is no row of "
                        "contacts; shorten its cells.",
                        row=number,
                        column=column,
                    )
                missing = column - 1 - len(cells)
                if missing < 0:
                    cells[column - 1] = value
                else:
                    if missing:
                        cells.extend([""] * missing)
                    cells.append(value)
        elif name == "v" or name == "t":
            taking = False
        elif name == "rPh":
            aside = False
        elif name == "row" and cells:
            done.append((number, cells))

    return start, end, text


def _is_named(cells: list[str]) -> bool:
    return any(map(is_usual_name, cells)) or names_without_header(cells) is not None


def _value_reader(book: Workbook) -> Callable[[str, str, str], str]:
    """What makes a cell's content, kind and style a text."""
    shared, dates, zeros = book.shared, book.date_styles, book.zero_styles
    epoch = _EPOCH_1904 if book.dates_from_1904 else _EPOCH

    def read(content: str, kind: str, style: str) -> str:
        if kind == "s":
            content = shared[int(content)]
            return _unescaped(content) if "_x" in content else content
        if kind == "n":
            number = float(content)
            if style in dates and 0 <= number < _LAST_DAY:
                return _date_text(number, epoch)
            if style in zeros and number.is_integer() and number >= 0:
                return f"{number:.0f}".zfill(zeros[style])
            return _number_text(number)
        if kind == "b":
            return "true" if content == "1" else "false"
        if kind == "e":
            # An error such as #N/A is what stands where there is no value.
            return ""
        return _unescaped(content) if "_x" in content else content

    return read


def _unescaped(text: str) -> str:
    """Characters that XML can't hold are written as `_x000D_`."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def _number_text(number: float) -> str:
    if number.is_integer() and abs(number) < _EXACT:
        return str(int(number))
    if not isfinite(number):
        raise ValueError("there is no such number")
    return f"{number:.15g}".replace("e", "E")


def _date_text(number: float, epoch: datetime) -> str:
    # Days of 86,400 seconds leave crumbs in a fraction.
    moment = (epoch + timedelta(days=number, microseconds=500_000)).replace(microsecond=0)
    if number < 1 and epoch == _EPOCH:
        return moment.time().isoformat() if number else ""
    return moment.date().isoformat() if number == int(number) else moment.isoformat(" ")


def _column_of(letters: str) -> int:
    """The number of a column: `AB` gives 28."""
    column = 0
    for sign in letters:
        if not "A" <= sign <= "Z":
            raise ValueError(f"there is no column {letters[:20]!r}")
        column = column * 26 + ord(sign) - 64
        if column > _MAX_COLUMN:
            raise ValueError(f"there is no column {letters[:20]!r}")
    if not column:
        raise ValueError("a cell has no column")
    return column
