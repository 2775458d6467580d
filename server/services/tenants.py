"""A tenant's settings, at hand in every process and read anew when they change."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from server.db.pool import Database, fetch_one
from server.db.queries import queries
from server.errors import Forbidden
from server.services.actors import Actor
from server.services.audit import log_action


@dataclass(frozen=True, slots=True)
class TenantSettings:
    """What a tenant decides for itself; `region` is where phones without a country code are."""

    region: str
    max_tags: int
    clean_phones: bool
    duplicates: Literal["allow", "warn", "refuse"]
    agents_edit: Literal["all", "own"]
    min_app_version: str | None
    conflict_days: int


class Tenants:
    """The settings of all tenants, cached until `forget`, which the listener calls."""

    def __init__(self, database: Database, default_region: str) -> None:
        self._database = database
        self._default_region = default_region
        self._cache: dict[str, TenantSettings] = {}
        self._generation = 0

    async def settings(self, tenant: str) -> TenantSettings:
        """The tenant's settings, with the environment's defaults. Raises `Unavailable`."""
        known = self._cache.get(tenant)
        if known:
            return known
        generation = self._generation
        async with self._database.tenant(tenant) as connection:
            row = dict(await fetch_one(connection, queries.tenants.read_settings, tenant))
        settings = TenantSettings(**row | {"region": row["region"] or self._default_region})
        # What was read before a change that was announced meanwhile is used once, not kept.
        if generation == self._generation:
            self._cache[tenant] = settings
        return settings

    async def describe(self, tenant: str) -> dict[str, Any]:
        """`{"id", "name", …settings}`, as `GET /api/tenant` answers. Raises `Unavailable`."""
        settings = await self.settings(tenant)
        async with self._database.tenant(tenant) as connection:
            name = await connection.fetchval(queries.tenants.read_name, tenant)
        return {"id": tenant, "name": name, **asdict(settings)}

    async def change(self, actor: Actor, changes: dict[str, Any]) -> TenantSettings:
        """Sets the given settings; admins only. Raises `Forbidden`."""
        if actor.role != "admin":
            raise Forbidden("Only an admin changes the company's settings.")
        async with self._database.tenant(actor.tenant) as connection, connection.transaction():
            before = dict(await fetch_one(connection, queries.tenants.read_settings, actor.tenant))
            values = before | changes
            await connection.execute(
                queries.tenants.update_settings, actor.tenant, *(values[key] for key in before)
            )
            await log_action(connection, "settings", "tenant", actor.tenant, actor, changes)
        self.forget(actor.tenant)
        return await self.settings(actor.tenant)

    def forget(self, tenant: str) -> None:
        """Has the tenant's settings read anew at their next use."""
        self._generation += 1
        self._cache.pop(tenant, None)
