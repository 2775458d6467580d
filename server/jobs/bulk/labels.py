"""Tags, groups and types by the names that a file has for them; new names become new rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import orjson

from server.db.pool import Connection, Database
from server.db.queries import queries
from server.errors import Invalid
from server.jobs.bulk.ids import new_id
from server.jobs.bulk.planning import Author
from server.schemas.base import parse
from server.services.entities import BY_PLURAL, Entity

PLURALS = ("tags", "groups", "types")


@dataclass(slots=True)
class Labels:
    """The ids of labels by name, capitals aside.

    A preview gives new names ids that nobody else will see (`writes` is false).
    """

    database: Database
    tenant: str
    author: Author
    writes: bool
    ids: dict[str, dict[str, str]] = field(default_factory=dict)
    created: dict[str, list[str]] = field(default_factory=dict)

    async def load(self) -> None:
        """Reads what there is, anew when a label was deleted meanwhile."""
        async with self.database.tenant(self.tenant) as connection:
            for plural in PLURALS:
                self.ids[plural] = await _read(connection, self.tenant, BY_PLURAL[plural])

    async def add(self, plural: str, names: Iterable[str]) -> None:
        """Makes the names that there are not yet, in a transaction of their own."""
        missing = {name.lower(): name for name in names if name.lower() not in self.ids[plural]}
        if not missing:
            return
        self.created.setdefault(plural, []).extend(missing.values())
        if not self.writes:
            self.ids[plural].update({folded: new_id() for folded in missing})
            return
        entity = BY_PLURAL[plural]
        async with (
            self.database.tenant(self.tenant) as connection,
            connection.transaction(),
        ):
            await connection.execute(queries.mutations.lock_versions)
            self.ids[plural] = await _read(connection, self.tenant, entity)
            now = await connection.fetchval(queries.bulk.read_clock)
            rows = [
                {
                    "id": new_id(),
                    "name": name,
                    "stamps": {"*": self.author.stamp(now)},
                    "written_by": self.author.agent_id,
                    "written_device": self.author.device_id,
                    "written_mutation": self.author.mutation,
                    "written_origin": self.author.origin,
                }
                for folded, name in missing.items()
                if folded not in self.ids[plural]
            ]
            if rows:
                await connection.fetch(
                    entity.queries.insert_rows, self.tenant, orjson.dumps(rows).decode()
                )
        self.ids[plural].update({str(row["name"]).lower(): str(row["id"]) for row in rows})

    def id_of(self, plural: str, name: str) -> str:
        """The id of a name that there is."""
        return self.ids[plural][name.lower()]


def checked_name(plural: str, name: str) -> str:
    """A label's name as it is stored. Raises `Invalid` when it can't be one."""
    entity = BY_PLURAL[plural]
    try:
        checked: str = parse(entity.schemas.create_fields, {"name": name})["name"]
    except Invalid as error:
        messages = [each for found in (error.fields or {}).values() for each in found]
        raise Invalid(fields={plural: messages or [error.message]}) from None
    return checked


async def _read(connection: Connection, tenant: str, entity: Entity) -> dict[str, str]:
    records = await connection.fetch(entity.queries.read_names, tenant)
    return {record["name"].lower(): record["id"] for record in records}
