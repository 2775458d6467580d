"""Where a table begins: titles may stand above the names of its columns, or it has none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import islice

from server.files.families import recognise
from server.files.usual_names import is_usual_name

Record = tuple[int, list[str]]

# Reports put a title, a date and their filters above the table.
LOOKED_AT = 40
_ADDRESS = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^\W\d_]{2,}")
_NUMBER = re.compile(r"\+[0-9][0-9 ()./-]{6,}")


def find_header(records: Iterable[Record]) -> tuple[Record | None, bool]:
    """The record that names the columns, and whether others stand above it; None for no records.

    It is the first that is not empty, unless that one is a title: then a later one that is wider
    and has the usual names of columns, with no contact above it.
    """
    first: Record | None = None
    for record in islice(records, LOOKED_AT):
        filled = _filled(record[1])
        if not filled:
            continue
        if first is None:
            first = record
            if not may_be_title(record[1]):
                return first, False
        elif _is_contact(filled, _filled(first[1])):
            return first, False
        elif len(filled) > len(_filled(first[1])) and _is_header(filled, _filled(first[1])):
            return record, True
    return first, False


def may_be_title(cells: Sequence[str]) -> bool:
    """Whether cells may be a title above a table, and not the names of its columns."""
    filled = _filled(cells)
    return len(filled) <= 2 or not (any(map(is_usual_name, filled)) or recognise(filled))


def _is_header(filled: list[str], title: list[str]) -> bool:
    usual = sum(map(is_usual_name, filled))
    if recognise(filled) is not None:
        return True
    if names_without_header(title) is not None:
        # It is rather a contact, and this the next one, unless nothing in it is a person's.
        return usual == len(filled) > 2
    # Two words of a title, or of a small table, may be usual names themselves.
    doubtful = any(map(is_usual_name, title))
    return usual >= (3 if doubtful else 2)


def _is_contact(filled: list[str], title: list[str]) -> bool:
    """Whether a record holds an address or a number and is none of the lines of a report's head.

    Such a line may be "Exported by" and an address; but not where what stands above would be all
    the names that so many columns need.
    """
    named = len(filled) == len(title) and all(map(is_usual_name, title))
    return (named or len(filled) > 2) and names_without_header(filled) is not None


def widest(records: Iterable[Record]) -> int:
    """How many cells are filled in the fullest of the first records."""
    return max((len(_filled(cells)) for _, cells in islice(records, LOOKED_AT)), default=0)


def _filled(cells: Iterable[str]) -> list[str]:
    return [name for cell in cells if (name := " ".join(cell.split()))]


def names_without_header(cells: Sequence[str]) -> list[str] | None:
    """Names for the columns of a table whose first record is a contact; None if it is no contact.

    No column is called as an address or a number is.
    """
    names = [
        "Email" if _ADDRESS.fullmatch(c) else "Phone" if _NUMBER.fullmatch(c) else "" for c in cells
    ]
    return names if any(names) else None
