"""vCard 2.1, 3.0 and 4.0 as a contact file: which property is which field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from server.files.card_extras import TECHNICAL
from server.files.card_fields import CardReader, default_path
from server.files.cells import CellFault
from server.files.contact_file import ContactFile
from server.files.dates import MONTH_FIRST_REGIONS
from server.files.mapping import apply_mapping
from server.files.model import MAX_COLUMNS, FileFault, FileRow, ReadOptions
from server.files.plan import Plan
from server.files.vcard_lines import Card, read_cards
from server.files.vcard_properties import MAX_HEAD, Property, read_head, take_apart, unescaped

_SAMPLE = 1_000
_OURS = "X-FIELDBOOK-"


class CardFile(ContactFile):
    """Cards; `columns` are the names of their properties."""

    def __init__(self, path: Path, encoding: str, options: ReadOptions) -> None:
        self._path = path
        self._encoding = encoding
        self._wished = options.mapping or {}
        self._month_first = options.region.upper() in MONTH_FIRST_REGIONS
        self.detected = {"format": "vcard", "encoding": encoding, "delimiter": None}
        self.columns = []
        names: dict[str, None] = {}
        for card in islice(read_cards(path, encoding), _SAMPLE):
            names |= dict.fromkeys(_names(card.lines))
        self._learn(names, 1)

    def know(self, columns: Sequence[str]) -> None:
        """See `ContactFile`."""
        self._learn(columns, 1)

    def _learn(self, names: Iterable[str], number: int) -> None:
        """Take up properties that were not seen before."""
        self.columns = list(dict.fromkeys((*self.columns, *names)))
        if len(self.columns) > MAX_COLUMNS:
            raise FileFault(
                f"There are more than {MAX_COLUMNS} different properties.",
                row=number,
                unit="contact",
            )
        self._known = frozenset(self.columns)
        self._proposed = {name: default_path(name) for name in self.columns}
        wished = {name: path for name, path in self._wished.items() if name in self._proposed}
        self.mapping = apply_mapping(self._proposed, wished)
        # What the admin sends elsewhere is read as a cell of a table is.
        self._elsewhere = [
            name
            for name, path in wished.items()
            if path != self._proposed[name] and path is not None
        ]
        self._left_out = {name for name, path in self.mapping.items() if path is None}
        self._left_out.update(self._elsewhere)
        self._plan = Plan(self._elsewhere, self.mapping, "csv", self._month_first, guards=False)

    def _count(self) -> int:
        number = 0
        for card in read_cards(self._path, self._encoding):
            number = card.number
            self._learn_from(card)
        # Only now is it known what the mapping names and the file has not.
        apply_mapping(self._proposed, self._wished)
        return number

    def _learn_from(self, card: Card) -> None:
        names = _names(card.lines)
        if not self._known.issuperset(names):
            self._learn(names, card.number)

    def _read(self) -> Iterator[FileRow]:
        for card in read_cards(self._path, self._encoding):
            self._learn_from(card)
            yield self._row(card)

    def _row(self, card: Card) -> FileRow:
        row = FileRow(card.number, {}, [], card.original, card.pictures)
        properties: list[Property] = []
        for line in card.lines:
            try:
                properties.append(take_apart(line))
            except CellFault as fault:
                row.faults.append(("", str(fault)))
        CardReader(row, properties, self._month_first).read(self._left_out)
        if self._elsewhere:
            self._add_elsewhere(row, properties)
        return row

    def _add_elsewhere(self, row: FileRow, properties: list[Property]) -> None:
        cells = [
            ", ".join(unescaped(p.value).strip() for p in properties if p.name == name and p.value)
            for name in self._elsewhere
        ]
        read = self._plan.read(row.number, cells)
        if read is not None:
            row.faults += read.faults
            for field, value in read.fields.items():
                row.fields[field] = _merged(row.fields.get(field), value)


def _merged(there: Any, more: Any) -> Any:
    if isinstance(there, list):
        return [*there, *more]
    return {**there, **more} if isinstance(there, dict) else more


def _names(lines: Iterable[str]) -> list[str]:
    """The properties of a card that may hold something of a contact, in order."""
    names = (_name_of(line.partition(":")[0][:MAX_HEAD]) for line in lines)
    return [name for name in names if name]


@lru_cache(maxsize=4_096)
def _name_of(head: str) -> str:
    """The name in a line's head; "" for what is none, or is about the card itself."""
    said = read_head(head)
    if said is None or said[1] in TECHNICAL or said[1].startswith(_OURS) or len(said[1]) > 60:
        return ""
    return said[1]
