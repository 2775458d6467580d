"""The first values of each column: what a person looks at to say which field it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from server.files.model import FileRow

VALUES = 3
LONGEST = 100


def first_values(columns: Sequence[str], rows: Iterable[FileRow]) -> list[dict[str, Any]]:
    """`[{"column", "values"}]`, in the order of the columns: up to three texts, no two alike.

    Cells are as they stand in the file, cut after 100 characters. Rows of JSON and of vCards have
    no cells, and give none.
    """
    samples: list[dict[str, Any]] = [{"column": column, "values": []} for column in columns]
    for row in rows:
        if isinstance(row.source, str):
            continue
        for sample, cell in zip(samples, row.source, strict=False):
            # A list holds what lies beyond the header.
            text = cell.strip()[:LONGEST] if isinstance(cell, str) else ""
            values = sample["values"]
            if text and len(values) < VALUES and text not in values:
                values.append(text)
    return samples
