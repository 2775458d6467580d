"""The one way in: what a contact file is, its columns, and its rows as contacts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from server.files.cells import MONTH_FIRST_REGIONS
from server.files.delimited import DelimitedTable
from server.files.families import recognise
from server.files.mapping import apply_mapping, propose_mapping, require_identity
from server.files.model import (
    ERROR_COLUMNS,
    MAX_COLUMNS,
    FileFault,
    FileRow,
    ReadOptions,
)
from server.files.plan import Plan
from server.files.texts import detect_encoding, known_encoding


def open_contact_file(path: Path, options: ReadOptions) -> ContactFile:
    """Recognise the file and read its header. Raises FileFault that says what is wrong."""
    encoding = known_encoding(options.encoding) if options.encoding else detect_encoding(path)
    table = DelimitedTable(path, encoding, options.delimiter)
    return ContactFile(table, options)


class ContactFile:
    """A file whose header is read.

    `detected` is `{"format", "encoding", "delimiter"}`; `columns` are as the file names
    them, in order, unique; `mapping` is `{column: field path, or None if left out}`.
    """

    def __init__(self, table: DelimitedTable, options: ReadOptions) -> None:
        self._table = table
        header_number, header = _header(table)
        self._header_number = header_number
        self._kept = [i for i, name in enumerate(header) if name not in ERROR_COLUMNS]
        self._whole = len(self._kept) == len(header)
        self.columns = unique([header[index] for index in self._kept])
        family = options.format or recognise(self.columns) or "csv"
        self.detected: dict[str, str | None] = {
            "format": family, "encoding": table.encoding, "delimiter": table.delimiter,
        }  # fmt: skip
        self.mapping = apply_mapping(propose_mapping(family, self.columns), options.mapping or {})
        month_first = family in ("outlook", "outlook_com") or (
            options.region.upper() in MONTH_FIRST_REGIONS
        )
        self._plan = Plan(self.columns, self.mapping, family, month_first)

    def check(self) -> int:
        """Go through the whole file once: how many contacts there are. Raises FileFault."""
        require_identity(self.mapping)
        count = sum(1 for _, cells in self._records() if any(cells) and "".join(cells).strip())
        if not count:
            raise FileFault("The file has a header, but no row of contacts beneath it.")
        return count

    def rows(self, skip: int = 0) -> Iterator[FileRow]:
        """The contacts, one at a time; `skip` leaves out as many, done earlier."""
        read = self._plan.read
        for number, cells in self._records():
            row = read(number, cells)
            if row is None:
                continue
            if skip:
                skip -= 1
                continue
            yield row

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        for number, cells in self._table.records():
            if number <= self._header_number:
                continue
            if not self._whole:
                cells = [cells[index] for index in self._kept if index < len(cells)]
            yield number, cells


def _header(table: DelimitedTable) -> tuple[int, list[str]]:
    for number, cells in table.records():
        names = [" ".join(cell.split()) for cell in cells]
        while names and not names[-1]:
            names.pop()
        if not names:
            continue
        if len(names) > MAX_COLUMNS:
            raise FileFault(
                f"The header has {len(names):,} columns; at most {MAX_COLUMNS} can be read. "
                "Take out those that are not needed.",
                row=number,
                column=MAX_COLUMNS + 1,
            )
        return number, names
    raise FileFault("The file is empty.")


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
