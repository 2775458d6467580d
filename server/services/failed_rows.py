"""The file of a job's failed rows: as they came in, with what is wrong with each.

An edit has no rows; its file lists the contacts that could not be edited, by their ids.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

import asyncpg
import orjson

from server.db.pool import Database
from server.db.queries import queries
from server.files.column_names import ColumnNames
from server.files.error_files import errors_header, errors_row, errors_suffix, guarded_line
from server.files.model import ERROR_COLUMNS, WITHOUT_CELLS, Mapped

ROWS_AT_ONCE = 200


@dataclass
class FailedRows:
    """Makes the file, by what the import's own was found to be; `detected` is None for an edit."""

    detected: dict[str, str | None] | None
    columns: list[str]
    mapping: Mapped
    _names: ColumnNames = field(init=False)

    def __post_init__(self) -> None:
        kind = self.detected["format"] if self.detected else None
        self._names = ColumnNames(kind, self.columns, self.mapping)

    def file_name(self, original: str | None) -> str:
        """What to save it as: `contacts.errors.csv` for `contacts.xlsx`."""
        if self.detected is None:
            return "edit.errors.csv"
        # Some programs send the path it had.
        name = (original or "").replace("\\", "/").rpartition("/")[2] or "import"
        return f"{name.rpartition('.')[0] or name}.errors.{errors_suffix(self.detected)}"

    async def read(self, database: Database, tenant: str, job_id: str) -> AsyncIterator[bytes]:
        """The file, some rows at a time. Raises `Unavailable`."""
        yield self._header().encode()
        findings: list[asyncpg.Record] = []
        after = 0
        while True:
            # Not in one go: whoever reads slowly would keep a connection for as long.
            async with database.tenant(tenant) as connection:
                records = await connection.fetch(
                    queries.bulk.list_findings, tenant, job_id, "error", after, ROWS_AT_ONCE
                )
            text = ""
            for record in records:
                after = record["id"]
                if findings and _place(record) != _place(findings[0]):
                    text += self.row(findings)
                    findings = []
                findings.append(record)
            if len(records) < ROWS_AT_ONCE:
                yield (text + (self.row(findings) if findings else "")).encode()
                return
            yield text.encode()

    def _header(self) -> str:
        if self.detected is None:
            return "\ufeff" + guarded_line(["id", *ERROR_COLUMNS[1:]])
        return errors_header(self.detected, self.columns)

    def row(self, findings: Sequence[asyncpg.Record]) -> str:
        """One failed row, or contact, with all that was found out about it."""
        first = findings[0]
        message = " ".join(dict.fromkeys(each["message"] for each in findings))
        paths = dict.fromkeys(each["field"] or "" for each in findings)
        if self.detected is None:
            return guarded_line([first["contact_id"], ", ".join(filter(None, paths)), message])
        # A row's own text stands with the first of its findings.
        named = dict.fromkeys(self._named(path, first["original"], self.detected) for path in paths)
        fields = ", ".join(filter(None, named))
        return errors_row(self.detected, first["original"], first["row"], fields, message)

    def _named(self, path: str, original: str, detected: dict[str, str | None]) -> str:
        """The column that a field came from, as the file calls it; else the field."""
        cells = None
        if detected["format"] not in WITHOUT_CELLS:
            cells = orjson.loads(original)
        return self._names.of(path, cells) or path


def _place(finding: asyncpg.Record) -> tuple[int | None, str | None]:
    return finding["row"], finding["contact_id"]
