"""Tags, groups and types by the names that a file has for them; new names become new rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

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


@dataclass(slots=True)
class Labels:
    """The ids of labels by name; which names are the same the database says, as its index does.

    A preview (`writes` is false) gives new names ids that nobody else will see. `created` are the
    names that there were not; up to the version `head` no label that is known here was deleted.
    """

    database: Database
    tenant: str
    author: Author
    writes: bool
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    made: dict[tuple[str, str], str] = field(default_factory=dict)
    created: dict[str, list[str]] = field(default_factory=dict)
    head: int = 0

    def forget(self) -> None:
        """Has all names looked up anew: some label was deleted meanwhile."""
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

    async def add(self, plural: str, names: Sequence[str]) -> dict[str, str]:
        """The ids of names; makes those that there are not yet. Raises `Unavailable`."""
        # All may be forgotten at any moment.
        cached = self.ids
        ids = {name: cached[plural, name] for name in names if (plural, name) in cached}
        unknown = [name for name in names if name not in ids]
        if unknown:
            async with self.database.tenant(self.tenant) as connection:
                records = await connection.fetch(
                    queries.bulk.find_labels, self.tenant, plural, unknown
                )
            missing = self._known(plural, records, ids)
            if missing and self.writes:
                await self._create(plural, missing, ids)
            elif missing:
                made = {folded: new_id() for folded in missing.values()}
                self._note(plural, missing, made, ids)
            cached.update({(plural, name): ids[name] for name in unknown})
        return ids

    def _known(
        self, plural: str, records: list[asyncpg.Record], ids: dict[str, str]
    ) -> dict[str, str]:
        """Adds the ids of the names that there are, and gives `{name: folded}` of the others."""
        missing: dict[str, str] = {}
        for record in records:
            # A preview may have given it an id, by its folded form.
            made = None if self.writes else self.made.get((plural, record["folded"]))
            known = record["id"] or made
            if known:
                ids[record["name"]] = known
            else:
                missing[record["name"]] = record["folded"]
        return missing

    async def _create(self, plural: str, missing: dict[str, str], found: dict[str, str]) -> None:
        """Makes labels in a transaction of their own, under the lock."""
        entity = BY_PLURAL[plural]
        async with self.database.tenant(self.tenant) as connection, connection.transaction():
            await connection.execute(queries.mutations.lock_versions)
            records = await connection.fetch(
                queries.bulk.find_labels, self.tenant, plural, list(missing)
            )
            missing = self._known(plural, records, found)
            now = await connection.fetchval(queries.bulk.read_clock)
            ids = {folded: new_id() for folded in missing.values()}
            names = {folded: name for name, folded in reversed(missing.items())}
            rows = [
                {
                    "id": ids[folded],
                    "name": name,
                    "stamps": {"*": self.author.stamp(now)},
                    "written_by": self.author.agent_id,
                    "written_device": self.author.device_id,
                    "written_mutation": self.author.mutation,
                    "written_origin": self.author.origin,
                }
                for folded, name in names.items()
            ]
            if rows:
                await connection.fetch(
                    entity.queries.insert_rows, self.tenant, orjson.dumps(rows).decode()
                )
        self._note(plural, missing, ids, found)

    def _note(
        self, plural: str, missing: dict[str, str], ids: dict[str, str], found: dict[str, str]
    ) -> None:
        for name, folded in missing.items():
            found[name] = ids[folded]
            if (plural, folded) not in self.made:
                self.made[plural, folded] = ids[folded]
                self.created.setdefault(plural, []).append(name)


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
