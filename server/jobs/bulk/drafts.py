"""A row of a file on its way to a contact: normalised, with the keys by which it is matched."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from loguru import logger

from server.errors import Invalid
from server.files.model import FileRow
from server.jobs.bulk.namesakes import keys_of
from server.schemas.bulk_rows import load_row
from server.services.entities import Fields
from server.services.tenants import TenantSettings

Faults = list[tuple[str, str]]
LABELS = ("tags", "groups", "types")
ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
SHOWN = 80
FAILED = "The server failed over this row, and its log says why. Tell your admin."


@dataclass(slots=True)
class Draft:
    """One row: what a contact shall hold by it, or why it is refused.

    `fields` are as they are stored; `labels` are names by plural, `owner` a code, an id or a name,
    all of them looked up later. `source` is the file's row; `keys` are by what it is matched, by
    kind: `{"id": [id], "external_id": [id], "email": [address], "phone": [E.164]}`; `sets` are the
    ids of its labels, by field, once they are looked up.
    """

    source: FileRow
    fields: Fields = field(default_factory=dict)
    labels: dict[str, list[str]] = field(default_factory=dict)
    id: str | None = None
    owner: str | None = None
    faults: Faults = field(default_factory=list)
    keys: dict[str, list[str]] = field(default_factory=dict)
    sets: dict[str, list[str]] = field(default_factory=dict)

    @property
    def number(self) -> int:
        """The row as a spreadsheet shows it."""
        return self.source.number


def draft_row(row: FileRow, settings: TenantSettings) -> Draft:
    """Makes a draft of a file's row; what is wrong with it is among its faults."""
    draft = Draft(row, faults=list(row.faults))
    try:
        _fill(draft, settings)
    except Exception:  # the last line of defence: one row must not stop the others
        logger.exception("Row {} could not be read", row.number)
        draft.faults.append(("", FAILED))
    return draft


def _fill(draft: Draft, settings: TenantSettings) -> None:
    fields = dict(draft.source.fields)
    draft.id = fields.pop("id", None)
    if draft.id is not None and not ID.fullmatch(draft.id):
        draft.faults.append(("id", "This is no id of ours; leave it empty for a new contact."))
        draft.id = None
    draft.owner = fields.pop("owner", None)
    for plural in LABELS:
        names = fields.pop(plural, None)
        if names:
            draft.labels[plural] = names
    draft.fields = fields
    try:
        draft.fields = load_row(fields, settings.region, settings.clean_phones)
    except Invalid as error:
        # With what the reader found: who mends the row mends all of it at once.
        named = {path.split(".")[0] for path, _ in draft.faults}
        draft.faults += [
            (path, _with_the_address(path, message, fields))
            for path, message in faults_of(error)
            if path.split(".")[0] not in named
        ]
    if draft.faults:
        return
    draft.keys = keys_by_kind(draft.id, draft.fields)


def _with_the_address(path: str, message: str, fields: Fields) -> str:
    """A message that tells which address it is about: one cell may have held several."""
    name, _, rest = path.partition(".")
    number, _, part = rest.partition(".")
    if name != "emails" or part != "value" or not number.isdecimal():
        return message
    value = fields["emails"][int(number)].get("value")
    return f"{value[:SHOWN]!r}: {message}" if isinstance(value, str) else message


def keys_by_kind(contact_id: str | None, fields: Fields) -> dict[str, list[str]]:
    """By what a contact of these fields is found; kinds of which there is none are left out."""
    keys: dict[str, list[str]] = {"id": [contact_id]} if contact_id else {}
    for kind, value in keys_of(fields):
        values = keys.setdefault(kind, [])
        # Two extensions of one number are two phones.
        if value not in values:
            values.append(value)
    return keys


def faults_of(error: Invalid) -> Faults:
    """An error's messages by field, as findings hold them."""
    if not error.fields:
        return [("", error.message)]
    return [(path, message) for path, messages in error.fields.items() for message in messages]


def distinct(values: Iterable[str]) -> list[str]:
    """Each of them once, in their order."""
    return list(dict.fromkeys(values))
