"""What an import from the command line shows: the preview, the progress, the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TextIO

import orjson

from server.commands.telling import say

SHOWN = 10
WIDTH = 30
CELL = 60
LINE_SECONDS = 5.0
DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
COUNTED = (
    ("created", "to create"),
    ("updated", "to update"),
    ("conflicts", "of them over a fresh edit"),
    ("unchanged", "unchanged"),
    ("errors", "with errors"),
)


def describe_preview(preview: dict[str, Any]) -> str:
    """What would happen, for people to read."""
    detected, counts = preview["detected"], preview["counts"]
    about = [detected["format"], detected["encoding"], DELIMITERS.get(detected["delimiter"])]
    lines = [
        f"{preview['file_name']}: {', '.join(filter(None, about))}; {counts['rows']:,} rows",
        "",
        *table([("Column", "Field"), *_mapped(preview["mapping"] or {})]),
        "",
        *table([(f"{counts[name]:,}", words) for name, words in COUNTED], right=True),
    ]
    for plural, names in preview["new_labels"].items():
        lines += ["", f"New {plural}: {', '.join(map(one_line, names))}"]
    lines += _section("Errors", [_error(each) for each in preview["errors"]], counts["errors"])
    lines += _section("Changes", [row for each in preview["differences"] for row in _changes(each)])
    lines += _section("Fresh edits", [_conflict(each) for each in preview["conflicts"]])
    lines += ["", *preview["notes"]] if preview["notes"] else []
    return "\n".join(lines) + "\n"


def describe_end(job: dict[str, Any], errors: Path | None) -> str:
    """What a job did, where its failed rows are, and how it is taken back."""
    counts, undo = job["counts"], job.get("undo")
    if undo:
        lines = [f"Undone: {undo['undone']:,} contacts; left as edited since: {undo['left']:,}."]
        lines += [f"  {each.get('contact_id')}  {each['message']}" for each in job["left"][:SHOWN]]
        return "\n".join([*lines, *([job["error"]] if job["error"] else [])])
    lines = [
        f"{counts['created']:,} created, {counts['updated']:,} updated, "
        f"{counts['unchanged']:,} unchanged, {counts['errors']:,} failed."
    ]
    if job["error"]:
        lines.insert(0, job["error"])
    elif job["state"] == "cancelled":
        lines.insert(0, "It was cancelled.")
    lines += job["notes"]
    if errors:
        lines.append(f"The rows that failed are in {errors}: mend them and import that file.")
    if counts["created"] or counts["updated"]:
        lines.append(f"Take it back by: python -m server import --undo {job['id']}")
    return "\n".join(lines)


class Bar:
    """A job's progress: a bar in a terminal, else a line now and then."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._moves = out.isatty()
        self._began = self._said = time.monotonic()
        self._from: int | None = None
        self._shown = False

    def show(self, job: dict[str, Any]) -> None:
        """Tells how far a job is."""
        done, total = job["progress"]["done"], job["progress"]["total"]
        if not total:
            return
        if self._from is None:
            self._began, self._from = time.monotonic(), done
        now = time.monotonic()
        if not self._moves and now - self._said < LINE_SECONDS:
            return
        self._said = now
        rate = (done - self._from) / max(now - self._began, 0.001)
        filled = WIDTH * done // total
        told = f"{done:,} of {total:,} rows, {rate:,.0f}/s"
        line = f"\r[{'#' * filled}{' ' * (WIDTH - filled)}] {told}\x1b[K" if self._moves else told
        self._shown = say(line, out=self._out, end="" if self._moves else "\n")
        # Nobody reads it any more.
        self._moves = self._moves and self._shown

    def end(self) -> None:
        """Leaves the bar's line."""
        if self._moves and self._shown:
            say("", out=self._out)


def table(rows: Sequence[Sequence[str]], *, right: bool = False) -> list[str]:
    """Lines with the cells of each column beneath one another."""
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    lines = []
    for row in rows:
        first = row[0].rjust(widths[0]) if right else row[0].ljust(widths[0])
        rest = [cell.ljust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  " + "  ".join([first, *rest]).rstrip())
    return lines


def one_line(value: object, most: int = CELL) -> str:
    """A value on one line, cut where it is long; nothing in it moves the terminal's cursor."""
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    visible = "".join(sign if sign.isprintable() else " " for sign in text)
    return visible if len(visible) <= most else visible[: most - 1] + "…"


def _mapped(mapping: dict[str, str | None]) -> list[tuple[str, str]]:
    return [(one_line(column, 40), path or "(left out)") for column, path in mapping.items()]


def _section(title: str, rows: list[tuple[str, ...]], total: int | None = None) -> list[str]:
    if not rows:
        return []
    more = max(len(rows), total or 0) - SHOWN
    lines = ["", f"{title}:", *table(rows[:SHOWN])]
    return [*lines, f"  and {more:,} more"] if more > 0 else lines


def _error(error: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"row {error['row']:,}",
        one_line(error.get("column") or error.get("field") or "", 30),
        one_line(error["message"], 200),
    )


def _changes(difference: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (f"row {difference['row']:,}", one_line(field, 30), f"{_value(change)}")
        for field, change in difference["changes"].items()
    ]


def _conflict(conflict: dict[str, Any]) -> tuple[str, ...]:
    return (f"row {conflict['row']:,}", one_line(conflict["field"], 30), _value(conflict))


def _value(change: dict[str, Any]) -> str:
    before, after = (
        "(empty)" if change.get(name) is None else one_line(change[name]) for name in ("from", "to")
    )
    return f"{before} → {after}"
