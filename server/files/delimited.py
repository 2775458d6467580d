"""CSV: its delimiter, and its records one by one, with nothing held but the present one."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from io import StringIO
from itertools import islice
from pathlib import Path

from server.files.model import MAX_CELL, MAX_RECORD, FileFault
from server.files.texts import Lines, RecordTooLong, open_text, undecodable
from server.files.usual_names import is_usual_name

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_SAMPLE = 65_536
_SAMPLE_RECORDS = 50
_SEPARATOR_LINE = "sep="
# How DOS ended a text.
_END_OF_FILE = "\x1a"


def known_delimiter(wished: str) -> str:
    """The delimiter that somebody asked for, by itself or by its name; else FileFault."""
    names = {name: delimiter for delimiter, name in DELIMITERS.items()} | {r"\t": "\t"}
    delimiter = names.get(wished.strip().lower(), wished)
    if delimiter not in DELIMITERS:
        raise FileFault(
            f"The delimiter {wished[:20]!r} is not known; it may be comma, semicolon, tab or pipe."
        )
    return delimiter


class DelimitedTable:
    """A CSV file. `delimiter` is what was asked for or found; `encoding` is given."""

    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, encoding: str, delimiter: str | None) -> None:
        self.path = path
        self.encoding = encoding
        sample = self._sample()
        first = re.split(r"[\r\n]", sample, maxsplit=1)[0].strip('"')
        # Excel's own hint: it is a line of its own, which no spreadsheet counts as a row.
        self._has_separator_line = (
            first[:4].lower() == _SEPARATOR_LINE and len(first) == 5 and first[4] in DELIMITERS
        )
        if delimiter is not None:
            self.delimiter = known_delimiter(delimiter)
        elif self._has_separator_line:
            self.delimiter = first[4]
        else:
            self.delimiter = _likeliest_delimiter(sample)
        self._spaced = _stands_after_a_space(sample, self.delimiter)

    def _sample(self) -> str:
        with open_text(self.path, self.encoding) as text:
            try:
                return text.read(_SAMPLE)
            except UnicodeError as error:
                raise undecodable(error, self.encoding, 1) from None

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Each `(row number, cells)`, empty rows too. Raises FileFault at what is no table."""
        csv.field_size_limit(MAX_CELL)
        with open_text(self.path, self.encoding) as text:
            lines = Lines(text)
            if self._has_separator_line:
                next(lines)
            yield from self._parse(lines)

    def _parse(self, lines: Lines) -> Iterator[tuple[int, list[str]]]:
        number = done = 0
        reader = csv.reader(lines, delimiter=self.delimiter, skipinitialspace=self._spaced)
        try:
            for number, cells in enumerate(reader, 1):
                lines.room = MAX_RECORD
                done = reader.line_num
                if lines.nul:
                    _refuse_nul(cells, number)
                if lines.ended:
                    # The reader wanted a line to end this record and there was none.
                    raise FileFault(
                        'A quote (") that opens here is never closed; close it or take it out.',
                        row=number,
                        column=len(cells),
                    )
                if cells != [_END_OF_FILE]:
                    yield number, cells
        except csv.Error:
            raise FileFault(
                f"A cell is longer than {MAX_CELL:,} characters. Shorten it; if the file has no "
                'such cell, a quote (") that opens it is not closed.',
                row=number + 1,
                column=self._column_of_the_long_cell(done),
            ) from None
        except RecordTooLong:
            raise FileFault(
                f"A row is longer than {MAX_RECORD:,} characters. This is no row of contacts; "
                "shorten its cells.",
                row=number + 1,
                column=self._column_of_the_long_cell(done),
            ) from None
        except UnicodeError as error:
            raise undecodable(error, self.encoding, number + 1) from None

    def _column_of_the_long_cell(self, lines_before: int) -> int:
        """The column in which the record after so many lines has what makes it too long."""
        with open_text(self.path, self.encoding) as text:
            for _ in range(lines_before + self._has_separator_line):
                text.readline(MAX_RECORD)
            column, length, quoted = 1, 0, False
            for sign in text.read(MAX_RECORD):
                length += 1
                if sign == '"':
                    quoted = not quoted
                elif sign == self.delimiter and not quoted:
                    column, length = column + 1, 0
                if length > MAX_CELL:
                    break
        return column


def _refuse_nul(cells: list[str], number: int) -> None:
    for column, cell in enumerate(cells, 1):
        if "\0" in cell:
            raise FileFault(
                "There is a NUL character, which no text holds. If the file is UTF-16, choose "
                "that encoding; else save it again from the program that made it.",
                row=number,
                column=column,
            )


def _stands_after_a_space(sample: str, delimiter: str) -> bool:
    """Whether quotes open behind a space, as people write them: `Ann, "Main St 1, Bern"`."""
    lines = StringIO(sample[:_SAMPLE], newline="")
    try:
        records = islice(csv.reader(lines, delimiter=delimiter), _SAMPLE_RECORDS)
        return any(cell[:1] == " " and cell.lstrip()[:1] == '"' for row in records for cell in row)
    except csv.Error:
        return False


def _likeliest_delimiter(sample: str) -> str:
    """The delimiter that parts the first records most evenly, into columns of usual names."""
    best = max(DELIMITERS, key=lambda delimiter: _evenness(sample, delimiter))
    return best if _evenness(sample, best) > (False, 0, 0.0, 0) else ","


def _evenness(sample: str, delimiter: str) -> tuple[bool, int, float, int]:
    """How well `delimiter` fits, as what compares: even?, usual names, share, columns."""
    records: list[list[str]] = []
    try:
        for cells in csv.reader(StringIO(sample, newline=""), delimiter=delimiter):
            if any(cells):
                records.append(cells)
            if len(records) > _SAMPLE_RECORDS:
                break
    except csv.Error:
        # A cell that is too long only for this delimiter; `records` reports it if it stays.
        return (False, 0, 0.0, 0)
    # Titles of one cell may stand above the table.
    begins = next((at for at, cells in enumerate(records) if len(cells) > 1), 0)
    if begins and sum(map(is_usual_name, records[begins])) > 1:
        records = records[begins:]
    if not records or len(records[0]) < 2:
        return (False, 0, 0.0, 0)
    width = len(records[0])
    # The sample may end inside its last record.
    rest = records[1:-1] or records[1:]
    even = sum(len(cells) == width for cells in rest) / len(rest) if rest else 1.0
    return (even >= 0.8, sum(map(is_usual_name, records[0])), even, width)
