"""What every kind of contact file has in common: columns, mapping, a first pass, rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from server.files.column_names import ColumnNames
from server.files.error_files import errors_header, errors_row
from server.files.mapping import require_identity
from server.files.model import FileFault, FileRow, Mapped, Source


class ContactFile(ABC):
    """A file whose header is read.

    `detected` is `{"format", "encoding", "delimiter"}`; `columns` are as the file names
    them, in order, unique (in JSON the keys, in vCard the properties: those that `check` finds
    are added); `mapping` is `{column: field path, or None if left out}`. `doubt` tells of an
    encoding that the file does not say.
    """

    detected: dict[str, str | None]
    columns: list[str]
    mapping: Mapped
    doubt: str | None = None
    _names: ColumnNames | None = None
    _named: list[str] | None = None

    @property
    def notes(self) -> list[str]:
        """What a person should know of how the file was read, each a sentence or two."""
        return [self.doubt] if self.doubt else []

    def check(self) -> int:
        """Go through the whole file once: how many contacts there are.

        Raises FileFault for what is wrong anywhere in its structure, and for a file of no
        contacts or of none that could be told by name, company, e-mail, phone or id.
        """
        count = self._count()
        if not count:
            raise FileFault("There is no contact in the file: nothing stands beneath its header.")
        require_identity(self.mapping, self.doubt)
        return count

    def know(self, columns: Sequence[str]) -> None:
        """Take up the columns that an earlier check has found.

        Where they are learned as they are read, what comes early is mapped by what comes late.
        """
        return

    def rows(self, skip: int = 0) -> Iterator[FileRow]:
        """The contacts, one at a time; `skip` leaves out as many, which were done earlier."""
        column_of = self.column_of
        for row in self._read():
            if skip:
                skip -= 1
            else:
                row.named_by = column_of
                yield row

    def column_of(self, path: str, source: Source) -> str | None:
        """What the file calls the column that a field of a row came from; None if nothing."""
        if self._names is None or self._named is not self.columns:
            # JSON and cards learn their columns as they are read.
            self._named = self.columns
            self._names = ColumnNames(self.detected["format"], self.columns, self.mapping)
        return self._names.of(path, None if isinstance(source, str) else source)

    def errors_header(self) -> str:
        """What the file of failed rows begins with; "" where it has no header."""
        return errors_header(self.detected, self.columns)

    def errors_row(self, original: str, number: int, field: str, error: str) -> str:
        """One failed row in the form it came in, with its number, field and error."""
        return errors_row(self.detected, original, number, field, error)

    @abstractmethod
    def _count(self) -> int:
        """How many rows `_read` gives, having seen the whole structure."""

    @abstractmethod
    def _read(self) -> Iterator[FileRow]:
        """Every contact, in the file's order."""
