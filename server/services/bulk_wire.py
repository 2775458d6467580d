"""Bulk jobs as they go out: to REST, to `job_progress` and to the command line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import asyncpg
import orjson

from server.schemas.times import rfc3339

MAPS = ("custom", "preferences")
COUNTS = ("rows", "created", "updated", "unchanged", "conflicts", "errors")


def job_to_wire(record: asyncpg.Record) -> dict[str, Any]:
    """A job as docs/PROTOCOL.md has it, of a row of `queries.bulk_jobs.read_shown`."""
    counts = loaded(record["counts"])
    mapping = loaded(record["mapping"])
    job: dict[str, Any] = {
        "id": record["id"],
        "kind": record["kind"],
        "state": record["state"],
        "owner": {
            "id": record["agent_id"],
            "code": record["agent_code"],
            "name": record["agent_name"],
        },
        "file_name": record["file_name"],
        "edit": _edit_to_wire(record) if record["kind"] == "update" else None,
        **shown_counts(counts, mapping, loaded(record["columns"]), loaded(record["detected"])),
        "progress": {"done": record["done"], "total": record["total"]},
        "error": record["error"],
        **{
            name: rfc3339(record[name]) if record[name] else None
            for name in ("created_at", "started_at", "ended_at")
        },
    }
    if record["undoing"]:
        undone = loaded(record["undo_counts"]) or {}
        job["undo"] = {name: undone.get(name, 0) for name in ("undone", "left")}
    return job


def _edit_to_wire(record: asyncpg.Record) -> dict[str, Any]:
    """What a bulk edit does, without its values: of how many chosen contacts, and what."""
    asked = loaded(record["asked"])
    merge = asked.get("merge")
    names: list[str] = []
    for field, value in asked.get("changes", {}).items():
        keys = value if field in MAPS and value else ()
        names += [f"{field}.{key}" for key in keys] or [field]
    return {
        "contacts": record["chosen"],
        "delete": bool(asked.get("delete")),
        "merge": merge and {name: merge[name] for name in ("plural", "from_name", "into_name")},
        # Those of a merge follow from it.
        "changed": [] if merge else names,
    }


def shown_counts(
    counts: Mapping[str, int],
    mapping: dict[str, Any] | None,
    columns: list[str] | None,
    detected: dict[str, Any] | None,
) -> dict[str, Any]:
    """What a job and a dry run tell alike: counts, pictures, notes, and the mapping in order.

    `detected` is as it is stored: with the notes on how the file was read, and the region.
    """
    photos = counts.get("photos", 0)
    notes = list(detected.pop("notes", ())) if detected else []
    if detected:
        detected.pop("region", None)
    if photos:
        were = "photo was" if photos == 1 else "photos were"
        notes.append(f"{photos:,} {were} not imported: contacts have no pictures yet.")
    if mapping is not None and columns:
        # The database keeps an object's keys in an order of its own.
        mapping = {column: mapping[column] for column in columns if column in mapping}
    return {
        "counts": {name: counts.get(name, 0) for name in COUNTS},
        "detected": detected,
        "mapping": mapping,
        "photos": photos,
        "notes": notes,
    }


def finding_to_wire(finding: Mapping[str, Any]) -> dict[str, Any]:
    """A finding as a job lists it: a conflict's details beside its field."""
    names = ("row", "contact_id", "field", "message")
    shown = {name: finding[name] for name in names if finding.get(name) is not None}
    detail = finding.get("detail")
    return {**shown, **(loaded(detail) if isinstance(detail, str) else detail or {})}


def loaded(text: str | None) -> Any:
    """What the JSON of a column holds; None for NULL."""
    return None if text is None else orjson.loads(text)
