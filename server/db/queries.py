"""The named queries of sql/queries, read once.

A file `sql/queries/contacts.sql` holds queries under `-- name: verb_object` lines; the code says
`queries.contacts.insert_rows` and gets the SQL text, whose parameters are `$1, $2, …`.
"""

from __future__ import annotations

import re
from pathlib import Path

DIRECTORY = Path(__file__).resolve().parents[2] / "sql" / "queries"
NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


class QueryFile:
    """The queries of one file, as attributes."""

    def __init__(self, path: Path) -> None:
        pieces = NAME.split(path.read_text(encoding="utf-8"))
        self.file = path.name
        self.texts = {
            name: text.strip().rstrip(";")
            for name, text in zip(pieces[1::2], pieces[2::2], strict=True)
        }

    def __getattr__(self, name: str) -> str:
        """The SQL of one query; raises AttributeError that names the file when it is not there."""
        try:
            return self.texts[name]
        except KeyError:
            raise AttributeError(f"no query {name!r} in sql/queries/{self.file}") from None


class Queries:
    """All files of sql/queries, as attributes."""

    def __init__(self, directory: Path = DIRECTORY) -> None:
        self.files = {path.stem: QueryFile(path) for path in sorted(directory.glob("*.sql"))}

    def __getattr__(self, name: str) -> QueryFile:
        """One file's queries; raises AttributeError when there is no such file."""
        try:
            return self.files[name]
        except KeyError:
            raise AttributeError(f"no file sql/queries/{name}.sql") from None


queries = Queries()
