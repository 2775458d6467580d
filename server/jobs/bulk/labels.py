"""Tags, groups and types by the names that a file has for them; new names become new rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import asyncpg
import orjson

from server.db.pool import Database
from server.db.queries import queries
from server.errors import Invalid
from server.jobs.bulk.ids import new_id
from server.jobs.bulk.planning import Author
from server.schemas.base import parse
from server.services.entities import BY_PLURAL

PLURALS = ("tags", "groups", "types")


class Planned(NamedTuple):
    """A label that there is not yet: its plural, its name, and the form by which names are told
    apart.
    """

    plural: str
    name: str
    folded: str


@dataclass(slots=True)
class Labels:
    """The ids of labels by name; which names are the same the database says, as its index does.

    New names get ids at once, and are made once some contact is to carry them: not for a row that
    fails. A preview (`writes` is false) makes none. `created` are the names that there were not; up
    to the version `head` no label that is known here was deleted.
    """

    database: Database
    tenant: str
    author: Author
    writes: bool
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    planned: dict[str, Planned] = field(default_factory=dict)
    created: dict[str, list[str]] = field(default_factory=dict)
    head: int = 0
    _planned_ids: dict[tuple[str, str], str] = field(default_factory=dict)

    def forget(self) -> None:
        """Has all names looked up anew: some label was deleted or made meanwhile."""
        # What is being looked up just now goes into the old ones.
        self.ids = {}

    async def deleted(self, since: int, until: int) -> bool:
        """Whether a label was deleted between two versions; then all names are forgotten.

        Raises `Unavailable`.
        """
        async with self.database.tenant(self.tenant) as connection:
            deleted: bool = await connection.fetchval(
                queries.bulk.is_label_deleted, self.tenant, since, until
            )
        if deleted:
            self.forget()
        self.head = max(self.head, until)
        return deleted

    async def find(self, plural: str, names: Sequence[str]) -> dict[str, str]:
        """The ids of names, also of those that are yet to be made. Raises `Unavailable`."""
        # All may be forgotten at any moment.
        cached = self.ids
        ids = {name: cached[plural, name] for name in names if (plural, name) in cached}
        unknown = [name for name in names if name not in ids]
        if unknown:
            async with self.database.tenant(self.tenant) as connection:
                records = await connection.fetch(
                    queries.bulk.find_labels, self.tenant, plural, unknown
                )
            for record in records:
                ids[record["name"]] = record["id"] or self._plan(plural, record)
            cached.update({(plural, name): ids[name] for name in unknown})
        return ids

    def _plan(self, plural: str, record: asyncpg.Record) -> str:
        key = (plural, record["folded"])
        if key not in self._planned_ids:
            label_id = self._planned_ids[key] = new_id()
            self.planned[label_id] = Planned(plural, record["name"], record["folded"])
        return self._planned_ids[key]

    async def make(self, ids: Iterable[str]) -> bool:
        """Makes those of the labels of contacts that there are not yet.

        False when somebody else was quicker with one of them: then the contacts must be judged
        anew, as its id is another. Raises `Unavailable`.
        """
        missing = {each: self.planned[each] for each in ids if each in self.planned}
        if not self.writes:
            for label_id in missing:
                self._note(label_id)
            return True
        taken = await self._insert(missing) if missing else set()
        for label_id, label in missing.items():
            # Unless it was noted for the chunk that is judged beside this one.
            if label_id in self.planned and label_id not in taken:
                self._note(label_id)
            self.planned.pop(label_id, None)
            self._planned_ids.pop((label.plural, label.folded), None)
        if taken:
            self.forget()
        return not taken

    def _note(self, label_id: str) -> None:
        label = self.planned.pop(label_id)
        self.created.setdefault(label.plural, []).append(label.name)

    async def _insert(self, missing: Mapping[str, Planned]) -> set[str]:
        """Inserts labels in a transaction of their own; gives those whose names others have."""
        taken: set[str] = set()
        async with self.database.tenant(self.tenant) as connection, connection.transaction():
            await connection.execute(queries.mutations.lock_versions)
            now = await connection.fetchval(queries.bulk.read_clock)
            for plural in PLURALS:
                ids = {
                    label.name: each for each, label in missing.items() if label.plural == plural
                }
                records = await connection.fetch(
                    queries.bulk.find_labels, self.tenant, plural, list(ids)
                )
                known = {ids[each["name"]]: each["id"] for each in records if each["id"]}
                taken |= {planned for planned, label_id in known.items() if planned != label_id}
                rows = [
                    self._row(label_id, name, now)
                    for name, label_id in ids.items()
                    if label_id not in known
                ]
                if rows:
                    await connection.fetch(
                        BY_PLURAL[plural].queries.insert_rows,
                        *(self.tenant, orjson.dumps(rows).decode()),
                    )
        return taken

    def _row(self, label_id: str, name: str, now: int) -> dict[str, object]:
        return {
            "id": label_id,
            "name": name,
            "stamps": {"*": self.author.stamp(now)},
            "written_by": self.author.agent_id,
            "written_device": self.author.device_id,
            "written_mutation": self.author.mutation,
            "written_origin": self.author.origin,
        }


def checked_names(plural: str, names: Iterable[str], most: int) -> list[str]:
    """The names of one contact's labels as they are stored, each of them once.

    Raises `Invalid` when one can't be a name, and for more than `most`: a row that fails must not
    have made thousands of labels before.
    """
    checked = list(dict.fromkeys(_checked_name(plural, name) for name in names))
    if len(checked) > most:
        message = f"A contact may have {most} {plural}; this row has {len(checked)}."
        raise Invalid(fields={plural: [message]})
    return checked


def _checked_name(plural: str, name: str) -> str:
    entity = BY_PLURAL[plural]
    try:
        checked: str = parse(entity.schemas.create_fields, {"name": name})["name"]
    except Invalid as error:
        messages = [each for found in (error.fields or {}).values() for each in found]
        raise Invalid(fields={plural: messages or [error.message]}) from None
    return checked
