"""Which contact a row means: by its id, its external id, an e-mail or a phone, in that order.

The first kind of key that finds a contact decides. Several contacts are a fault of the row, never
a guess. And a key does not find a contact that a stronger one speaks against: not one with another
external id, and not one with other e-mails and another name. A phone finds nobody whose first and
last names are others: couples share one, and the number of a switchboard is no person.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.errors import Invalid
from server.jobs.bulk.drafts import Draft, distinct
from server.jobs.bulk.known import Known
from server.jobs.bulk.namesakes import Key, keys_of
from server.services.entities import Fields
from server.services.merging import RowState

KINDS = ("id", "external_id", "email", "phone")
WORDS = {"id": "id", "external_id": "external id", "email": "e-mail", "phone": "phone"}
FIELDS = {"id": "id", "external_id": "external_id", "email": "emails", "phone": "phones"}
SHOWN = 3


class Match:
    """Finds the contact of each row, by these kinds of keys."""

    def __init__(self, kinds: Sequence[str]) -> None:
        """`kinds` as the person gave them, in their order; the id always comes first."""
        self.kinds = tuple(distinct(["id", *kinds]))

    def keys(self, draft: Draft) -> list[Key]:
        """All keys by which a row is matched."""
        return [(kind, value) for kind in self.kinds for value in draft.keys.get(kind, ())]

    def find(self, draft: Draft, known: Known) -> RowState | None:
        """The contact that a row means. Raises `Invalid` when it may be several."""
        for place, kind in enumerate(self.kinds):
            values = draft.keys.get(kind)
            if not values or not any(known.find_all(kind, value) for value in values):
                continue
            stronger = self.kinds[1:place]
            states = [
                state
                for state in known.find(kind, values)
                if not self._contradicted(draft, state, kind, stronger)
            ]
            if len(states) > 1:
                raise Invalid(fields={FIELDS[kind]: [_ambiguous(kind, states)]})
            if states:
                return states[0]
        return None

    def _contradicted(
        self, draft: Draft, state: RowState, kind: str, stronger: Iterable[str]
    ) -> bool:
        if kind == "phone" and _other_person(draft.fields, state.fields):
            return True
        for each in stronger:
            mine = set(draft.keys.get(each, ()))
            theirs = {value for found, value in keys_of(state.fields) if found == each}
            if mine and theirs and mine.isdisjoint(theirs):
                names = name_of(draft.fields), name_of(state.fields)
                if each == "external_id" or (all(names) and names[0] != names[1]):
                    return True
        return False

    def found_by(self, draft: Draft, state: RowState) -> str:
        """The kind of key by which a row means a contact."""
        theirs = {("id", state.id), *keys_of(state.fields)}
        return next(kind for kind, value in self.keys(draft) if (kind, value) in theirs)


def _other_person(one: Fields, other: Fields) -> bool:
    """Whether two have first and last names, which differ: couples and colleagues share a phone."""
    names = [(each.get("first_name"), each.get("last_name")) for each in (one, other)]
    return all(all(name) for name in names) and name_of(one) != name_of(other)


def name_of(fields: Fields) -> str:
    """A person's name as it is compared: capitals aside."""
    parts = [fields.get("first_name") or "", fields.get("last_name") or ""]
    return " ".join(part for part in parts if part).casefold()


def shown(state: RowState) -> str:
    """A contact as a message names it."""
    fields = state.fields
    name = " ".join(filter(None, (fields.get("first_name"), fields.get("last_name"))))
    label = name or fields.get("company") or next((value for _, value in keys_of(fields)), "")
    return f"{label} ({state.id})"


def _ambiguous(kind: str, states: list[RowState]) -> str:
    named = ", ".join(shown(state) for state in states[:SHOWN])
    more = f" and {len(states) - SHOWN} more" if len(states) > SHOWN else ""
    return (
        f"This {WORDS[kind]} is that of {len(states)} contacts: {named}{more}. Give the row an id "
        "or external id that only one of them has, or merge them."
    )
