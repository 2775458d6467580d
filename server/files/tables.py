"""A table, of text or of a spreadsheet, as a contact file: its header, its rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Protocol

from server.files.contact_file import ContactFile
from server.files.dates import MONTH_FIRST_REGIONS, date_order
from server.files.families import recognise, writes_month_first
from server.files.footers import without_footer
from server.files.headers import find_header, names_without_header
from server.files.mapping import apply_mapping, propose_mapping
from server.files.model import ERROR_COLUMNS, MAX_COLUMNS, FileFault, FileRow, ReadOptions
from server.files.plan import Plan

Record = tuple[int, list[str]]

MAX_COLUMN_NAME = 1_000
# So many rows are looked at for one that shows the order of days and months; most show it.
DATES_LOOKED_AT = 10_000


class Table(Protocol):
    """What gives the records of a table, each with the number that a spreadsheet shows."""

    @property
    def encoding(self) -> str | None:
        """The encoding of its text; None where there is none to choose."""

    @property
    def delimiter(self) -> str | None:
        """What parts its cells; None where nothing does."""

    @property
    def notes(self) -> Sequence[str]:
        """What a person should know of how it is read."""

    def records(self) -> Iterator[Record]:
        """`(number, cells)` from the beginning; rows without cells may be left out."""


class TableFile(ContactFile):
    """A table of contacts; `kind` (csv or xlsx) is its format when no program is recognised."""

    def __init__(self, table: Table, kind: str, options: ReadOptions) -> None:
        self._table = table
        self._told: list[str] = []
        self._footer: list[Record] = []
        header = self._find_header()
        # What the file of failed rows has added is left out, whatever else is in the table.
        self._left_out = {i for i, name in enumerate(header) if name in ERROR_COLUMNS}
        self.columns = unique([n for i, n in enumerate(header) if i not in self._left_out])
        family = options.format or recognise(self.columns) or kind
        self.detected = {
            "format": family,
            "encoding": table.encoding,
            "delimiter": table.delimiter,
        }
        self.mapping = apply_mapping(propose_mapping(family, self.columns), options.mapping or {})
        month_first = self._months_come_first(options.region)
        self._plan = Plan(self.columns, self.mapping, family, month_first)

    def _find_header(self) -> list[str]:
        found, below = find_header(self._table.records())
        if found is None:
            raise FileFault("The file is empty.")
        number, cells = found
        names = [" ".join(cell.lstrip("\ufeff").split()) for cell in cells]
        while names and not names[-1]:
            names.pop()
        self._header_number = number
        if below:
            self._told.append(
                f"The columns are named in row {number:,}; what stands above it was left out."
            )
        elif (made_up := names_without_header(names)) is not None:
            self._header_number = number - 1
            self._told.append(
                f"No row names the columns: row {number:,} is a contact already. Say which column "
                "is what, or put such a row above."
            )
            names = made_up
        return _named(number, names)

    def _months_come_first(self, region: str) -> bool:
        """Whether 4/12/1990 is in April: as the file shows, else as its program, or the region."""
        family = self.detected["format"] or ""
        usual = writes_month_first(family, self.columns) or region.upper() in MONTH_FIRST_REGIONS
        columns = [at for at, name in enumerate(self.columns) if self.mapping[name] == "birthday"]
        if not columns or family == "own":
            return usual
        records = islice(self._beneath_the_header(), DATES_LOOKED_AT)
        order = date_order(
            (cells[at].strip() for _, cells in records for at in columns if at < len(cells)), usual
        )
        first = "the month" if order.month_first else "the day"
        if order.month_first != usual:
            self._told.append(f"Birthdays were read with {first} first, as {order.shown_by} shows.")
        elif order.doubtful:
            self._told.append(
                f"Birthdays like {order.doubtful} were read with {first} first: too few of the "
                "file show which it is. If that is wrong, choose another region."
            )
        return order.month_first

    @property
    def notes(self) -> list[str]:
        """What a person should know of how the table was read."""
        told = [*self._table.notes, *self._told, *super().notes]
        if self._footer:
            first, last = self._footer[0][0], self._footer[-1][0]
            rows = f"Row {first:,} was" if first == last else f"Rows {first:,} to {last:,} were"
            told.append(f"{rows} taken for the footer of a report and left out.")
        return told

    def _count(self) -> int:
        return sum(1 for _, cells in self._records() if "".join(cells).strip())

    def _read(self) -> Iterator[FileRow]:
        read = self._plan.read
        for number, cells in self._records():
            row = read(number, cells)
            if row is not None:
                yield row

    def _records(self) -> Iterator[Record]:
        records = self._beneath_the_header()
        if self.detected["format"] == "salesforce":
            return without_footer(records, self._footer)
        return records

    def _beneath_the_header(self) -> Iterator[Record]:
        left_out = self._left_out
        for number, cells in self._table.records():
            if number > self._header_number:
                if left_out:
                    cells = [cell for i, cell in enumerate(cells) if i not in left_out]
                yield number, cells


def _named(number: int, names: list[str]) -> list[str]:
    """The names of a header. Raises FileFault for too many, and for what is none."""
    if len(names) > MAX_COLUMNS:
        raise FileFault(
            f"The header has {len(names):,} columns; at most {MAX_COLUMNS} can be read. "
            "Take out those that are not needed.",
            row=number,
            column=MAX_COLUMNS + 1,
        )
    longest = max(map(len, names), default=0)
    if longest > MAX_COLUMN_NAME:
        raise FileFault(
            f"The name of a column is longer than {MAX_COLUMN_NAME:,} characters. The first "
            "row must be the names of the columns.",
            row=number,
            column=[len(name) for name in names].index(longest) + 1,
        )
    return names


def unique(names: list[str]) -> list[str]:
    """Names for all columns, no two alike: `Phone`, `Phone (2)`, `Column 3`."""
    found: dict[str, None] = {}
    for number, given in enumerate(names, 1):
        name = given or f"Column {number}"
        copy, again = name, 2
        while copy in found:
            copy, again = f"{name} ({again})", again + 1
        found[copy] = None
    return list(found)
