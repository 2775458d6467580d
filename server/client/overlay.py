"""How a device shows its own edits before the server's row holds them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from server.client.replica import Row

# Merged key by key and id by id; every other field is replaced as a whole.
MAPS = frozenset({"custom", "preferences"})
SETS = frozenset({"tag_ids", "group_ids", "type_ids"})


class Edit(Protocol):
    """What of a mutation matters here."""

    entity: str
    action: Any
    payload: dict[str, Any]


def lay_over(row: Row | None, edits: Iterable[Edit]) -> Row | None:
    """`row` with `edits` applied in order; None when nothing is there to show.

    An edit of a row that the server deleted shows nothing: an edit never revives. A restore
    shows the row again only while this device still holds it.
    """
    content, shown = row, row is not None
    for edit in edits:
        if edit.action == "create":
            content, shown = apply_changes(content or {}, edit.payload[edit.entity]), True
        elif edit.action == "delete":
            shown = False
        elif edit.action == "restore":
            shown = content is not None
        elif content is not None:
            content = apply_changes(content, edit.payload["changes"])
    return content if shown else None


def apply_changes(row: Row, changes: Mapping[str, Any]) -> Row:
    """A copy of `row` with `changes`; what they empty is left out, as the server does."""
    changed = dict(row)
    for name, value in changes.items():
        if name in MAPS and isinstance(value, Mapping):
            merged = {**changed.get(name, {}), **value}
            changed[name] = {key: each for key, each in merged.items() if each is not None}
        elif name in SETS and isinstance(value, Mapping):
            changed[name] = _change_set(changed.get(name, []), value)
        else:
            changed[name] = value
        if changed[name] in (None, "", [], {}):
            del changed[name]
    return changed


def _change_set(ids: list[str], change: Mapping[str, list[str]]) -> list[str]:
    removed = set(change.get("remove", ()))
    kept = [each for each in ids if each not in removed]
    return kept + [each for each in change.get("add", ()) if each not in kept]
