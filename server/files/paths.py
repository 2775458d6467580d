"""Field paths: the vocabulary of a mapping, and the header of the server's own CSV.

A scalar field by its name; `custom.<name>`; `preferences.email|phone|sms`; and the lists
`emails`, `phones`, `websites`, `addresses` with `[.slot][.part]`: `emails` (values without
a label), `emails.1.value`, `emails.1.label`, `emails.work` and `emails.work.value` (a slot
that is no number is the label), `addresses.home.city`. `customs.<slot>.label|value` is a
custom field whose name stands in a column of its own. In JSON, whose values may be objects,
`custom` and `preferences` stand for the whole.
"""

from __future__ import annotations

import difflib
from typing import NamedTuple

from server.files.model import FileFault

TEXTS = (
    "id",
    "external_id",
    "first_name",
    "last_name",
    "name",
    "company",
    "department",
    "job_title",
    "birthday",
    "notes",
    "active",
    "owner",
)
NAMES = ("tags", "groups", "types")
CHANNELS = ("email", "phone", "sms")
# `formatted` is a whole address in one cell, taken when its parts are empty.
ADDRESS_PARTS = ("street", "city", "region", "postal_code", "country", "formatted")
LISTS: dict[str, tuple[str, ...]] = {
    "emails": ("value",),
    "phones": ("value",),
    "websites": ("value",),
    "addresses": ADDRESS_PARTS,
    "customs": ("value",),
}
ALIASES = {"email": "emails", "phone": "phones", "website": "websites"}
# What our own export tells besides: the server's, and left out when it is read.
INFORMATION = ("created_at", "updated_at", "version", "display_name", "created_by", "updated_by")

# Several columns may fill these; their texts are joined by this.
JOINED = {"notes": "\n", "first_name": " ", "last_name": " ", "street": "\n"}


class FieldPath(NamedTuple):
    """A path in its parts: `addresses.home.city` is ("addresses", "home", "city").

    `part` is "" where the path names no part; for `custom` and `preferences` the slot is
    the name.
    """

    field: str
    slot: str = ""
    part: str = ""


def parse_path(path: str) -> FieldPath | None:
    """The path in its parts; None when there is no such field."""
    field, dot, rest = path.partition(".")
    field = ALIASES.get(field, field)
    if field == "custom":
        return FieldPath(field, rest.strip()) if rest.strip() or not dot else None
    if field == "preferences":
        return FieldPath(field, rest) if rest in CHANNELS or not dot else None
    if field in LISTS:
        return _item_path(field, rest)
    return FieldPath(field) if field in (*TEXTS, *NAMES) and not rest else None


def _item_path(field: str, rest: str) -> FieldPath | None:
    parts = (*LISTS[field], "label")
    slot, _, part = rest.rpartition(".")
    if part not in parts:
        slot, part = rest, ""
    if "." in slot:
        # Rather a part that is misspelt than a label with a dot.
        return None
    if field == "addresses" and not part:
        # A whole address in one cell; or, in JSON, the list.
        part = "formatted"
    if field == "customs" and not part:
        return None
    # Without a slot there is nothing that a label could belong to.
    if not slot and (part == "label" or field == "customs"):
        return None
    return FieldPath(field, slot.strip(), part or "value")


def require_path(path: str, column: str, objects: bool = True) -> FieldPath:
    """`parse_path`, or FileFault that names the column and the nearest fields.

    `objects` allows `custom` and `preferences` as a whole.
    """
    parsed = parse_path(path)
    if parsed is None or (path in ("custom", "preferences") and not objects):
        known = [*TEXTS, *NAMES, "emails", "phones", "websites", "addresses.1.street"]
        close = difflib.get_close_matches(path[:50], known, n=1, cutoff=0.6)
        hint = f"Did you mean {close[0]}?" if close else "For a field of your own: custom.<name>."
        raise FileFault(
            f"The mapping sends the column {column} to {path}, which is no field. {hint}",
            column=column,
        )
    return parsed
