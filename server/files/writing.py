"""Contact files as they are written: what the database's COPY gives, finished chunk by chunk.

The database makes each contact's text and quotes its cells; what is left for here is what it
can't do, or not as fast. Each writer takes the chunks of one COPY in order: `begin()`, `feed()`
for each, `end()`. A chunk holds whole rows, as the database sends each in a message of its own.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from server.files.vcard_writing import CardWriter

BOM = b"\xef\xbb\xbf"
# How the database marks the end of a row, to tell it from a newline inside a cell.
ROW_END = b"\x1e\n"
# COPY's quotes and delimiter, where a row is one text that shall come as it is.
RAW_QUOTE, RAW_DELIMITER = "\x01", "\x02"


class Writer(Protocol):
    """Turns the chunks of a COPY into those of a file."""

    def begin(self) -> bytes:
        """What stands before the first contact."""

    def feed(self, chunk: bytes) -> bytes:
        """The contacts of a chunk of whole rows."""

    def end(self) -> bytes:
        """What stands behind the last contact."""


class TableWriter:
    """CSV for spreadsheets: a BOM, so that they know it is UTF-8, a header, rows ended by CRLF."""

    def __init__(self, header: Sequence[str]) -> None:
        self._header = header

    def begin(self) -> bytes:
        """The BOM and the header."""
        text = io.StringIO()
        csv.writer(text).writerow(self._header)
        return BOM + text.getvalue().encode()

    def feed(self, chunk: bytes) -> bytes:
        """The same rows, ended by CRLF."""
        return chunk.replace(ROW_END, b"\r\n")

    def end(self) -> bytes:
        """Nothing."""
        return b""


class JsonWriter:
    """A JSON array, each contact on a line of its own; COPY gives a JSON object a row."""

    def __init__(self, _header: Sequence[str]) -> None:
        self._before = b"[\n"

    def begin(self) -> bytes:
        """Nothing yet: what stands before a contact depends on whether it is the first."""
        return b""

    def feed(self, chunk: bytes) -> bytes:
        """The objects with commas between; a newline in a text is escaped in JSON."""
        before, self._before = self._before, b",\n"
        return before + chunk[:-1].replace(b"\n", b",\n")

    def end(self) -> bytes:
        """The end of the array, also of an empty one."""
        return b"[]\n" if self._before == b"[\n" else b"\n]\n"


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One of the formats of an export; `raw` when COPY gives one text a row, with no cells."""

    media_type: str
    file_name: str
    writer: Callable[[Sequence[str]], Writer]
    raw: bool = False


FORMATS = {
    "csv": FileFormat("text/csv", "contacts-{day}.csv", TableWriter),
    "google": FileFormat("text/csv", "contacts-google-{day}.csv", TableWriter),
    "json": FileFormat("application/json", "contacts-{day}.json", JsonWriter, raw=True),
    "vcf": FileFormat("text/vcard", "contacts-{day}.vcf", CardWriter, raw=True),
}
