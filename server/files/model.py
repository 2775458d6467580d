"""What reading a contact file takes and gives: options, rows, and the fault of a whole file."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Mapped = dict[str, str | None]
Faults = list[tuple[str, str]]
# The text of a row, or its cells; a last one that is a list holds what lies beyond the header.
Source = Sequence[str | list[str]] | str

# The CSV family; each of them may lie in a spreadsheet as well.
TABLE_FORMATS = ("google", "google_old", "outlook", "outlook_com", "hubspot", "salesforce", "own")
WITHOUT_CELLS = ("json", "jsonl", "vcard")
FORMATS = (*TABLE_FORMATS, "csv", "xlsx", "json", "jsonl", "vcard")

# What the file of failed rows adds, and what is left out when such a file is read again.
ERROR_COLUMNS = ("_row", "_field", "_error")

# As many as an export may have; the database joins no more than 1,664 in a row.
MAX_COLUMNS = 1_500
# The longest cell, in characters; notes hold 20,000. It is csv's own default as well.
MAX_CELL = 131_072
# A contact holds 64 kB; one that is longer by far is no contact, and is not kept in memory.
MAX_RECORD = 1_048_576


class FileFault(Exception):
    """The file as a whole can't be imported.

    `message` tells the person what is wrong, where, and what to do; `row` is counted as a
    spreadsheet shows it (the header is 1), `column` is the column's name or its number;
    `unit` is what a row is called in this kind of file.
    """

    def __init__(
        self,
        message: str,
        *,
        row: int | None = None,
        column: str | int | None = None,
        unit: str = "row",
    ) -> None:
        place = [f"{unit} {row:,}"] if row is not None else []
        place += [f"column {column}"] if column is not None else []
        where = ", ".join(place)
        self.message = f"{where[0].upper()}{where[1:]}: {message}" if where else message
        self.row = row
        self.column = column
        super().__init__(self.message)


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What is known or wished of a file; all of it may be left out.

    `format` is one of FORMATS and `delimiter` one character; `mapping` is `{column: field
    path or None}` and overrides what is proposed, column by column; `file_name` and
    `content_type` help where the content says nothing; `region` (ISO 3166, two letters)
    decides whether 4/12/1990 is in April.
    """

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    mapping: Mapping[str, str | None] | None = None
    file_name: str | None = None
    content_type: str | None = None
    region: str = "US"


class FileRow:
    """One contact of a file.

    `number` is the row as a spreadsheet shows it (the first contact is 2), or the place in a
    JSON or vCard file (from 1). `fields` has the shape of `ContactFields` with raw texts,
    and `id`, `tags`, `groups`, `types`, `owner`; what is empty is left out. `faults`, each
    `(field path, message)`, make it an error row. `photos` counts pictures left behind.
    """

    __slots__ = ("faults", "fields", "named_by", "number", "photos", "source")

    def __init__(
        self,
        number: int,
        fields: dict[str, Any],
        faults: Faults,
        source: Source,
        photos: int = 0,
    ) -> None:
        self.number = number
        self.fields = fields
        self.faults = faults
        self.photos = photos
        self.source = source
        self.named_by: Callable[[str, Source], str | None] | None = None

    def column_of(self, path: str) -> str | None:
        """What its file calls the column that a field came from; None if it has none of its own."""
        return self.named_by(path, self.source) if self.named_by else None

    @property
    def original(self) -> str:
        """What the errors file gives back: the cells as a JSON list, the JSON or the vCard.

        Made when asked for, since few rows fail and the text costs as much as the row.
        """
        if isinstance(self.source, str):
            return self.source
        return json.dumps(self.source, ensure_ascii=False)
