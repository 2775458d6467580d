"""The file of failed rows: each as it came in, with `_row`, `_field` and `_error` beside it.

Tables give CSV with a BOM, JSON gives JSON lines, vCard gives vCard. Sent again, mended or
not, such a file is read as the original was.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from io import StringIO

from server.files.cells import guarded
from server.files.model import ERROR_COLUMNS
from server.files.vcard_writing import fold

Detected = Mapping[str, str | None]
_BOM = "\ufeff"


def errors_suffix(detected: Detected) -> str:
    """How the name of such a file ends: `csv`, `jsonl` or `vcf`."""
    return {"json": "jsonl", "jsonl": "jsonl", "vcard": "vcf"}.get(detected["format"] or "", "csv")


def errors_header(detected: Detected, columns: Sequence[str]) -> str:
    """The first line of a table's file of failed rows, with its BOM; "" for JSON and vCard."""
    if errors_suffix(detected) != "csv":
        return ""
    return _BOM + guarded_line([*columns, *ERROR_COLUMNS], detected["delimiter"])


def errors_row(detected: Detected, original: str, number: int, field: str, error: str) -> str:
    """One failed row; `original` is what FileRow.original gave."""
    suffix = errors_suffix(detected)
    if suffix == "jsonl":
        told = dict(zip(ERROR_COLUMNS, (number, field, error), strict=True))
        # Half characters, which may be why it failed, can only be written escaped.
        escape = "\\u" in original
        return json.dumps({**json.loads(original), **told}, ensure_ascii=escape) + "\n"
    if suffix == "vcf":
        return _card(original, number, field, error)
    cells = json.loads(original)
    surplus = cells.pop() if cells and isinstance(cells[-1], list) else []
    line = [*cells, str(number), field, error, *surplus]
    return guarded_line(line, detected["delimiter"])


def guarded_line(cells: Sequence[str], delimiter: str | None = None) -> str:
    """A line of CSV, its cells harmless for spreadsheets; parted by commas unless said."""
    line = StringIO()
    csv.writer(line, delimiter=delimiter or ",").writerow(map(guarded, cells))
    return line.getvalue()


def _card(original: str, number: int, field: str, error: str) -> str:
    lines = original.splitlines()
    told = [f"ROW:{number}", f"FIELD:{_escaped(field)}", f"ERROR:{_escaped(error)}"]
    lines[-1:-1] = [fold(f"X-FIELDBOOK-{text}".encode(errors="replace")).decode() for text in told]
    return "\r\n".join(lines) + "\r\n"


def _escaped(text: str) -> str:
    for sign, written in (("\\", "\\\\"), ("\n", "\\n"), (",", "\\,"), (";", "\\;")):
        text = text.replace(sign, written)
    return text.replace("\r", "")
