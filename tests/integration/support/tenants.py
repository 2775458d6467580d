"""Two companies as the owner of the database enters them, for what the database holds to itself."""

from __future__ import annotations

import asyncpg
from nanoid import generate

from server.schemas.entities import ENTITIES

PLURALS = [entity.plural for entity in ENTITIES]


async def insert_tenants(owner: asyncpg.Connection) -> tuple[str, str]:
    """Two companies with a row of everything each; gives their ids."""
    names = (f"one-{generate(size=8)}", f"two-{generate(size=8)}")
    for name in names:
        await owner.execute("INSERT INTO tenants (id, name) VALUES ($1, 'A')", name)
        await owner.execute(
            "INSERT INTO agents (tenant_id, id, code, name, role) "
            "VALUES ($1, 'agent-1', 'ann', 'Ann', 'agent')",
            name,
        )
        await owner.execute(
            "INSERT INTO api_keys (tenant_id, id, agent_id, prefix, hash) "
            "VALUES ($1, 'key-1', 'agent-1', 'fb_', $2)",
            *(name, generate().encode()),
        )
        await owner.execute(
            "INSERT INTO bulk_jobs (tenant_id, id, kind, agent_id) "
            "VALUES ($1, 'job-1', 'import', 'agent-1')",
            name,
        )
        await owner.execute(
            "INSERT INTO bulk_files (tenant_id, job_id, part, content) VALUES ($1, 'job-1', 0, '')",
            name,
        )
        await owner.execute(
            "INSERT INTO bulk_findings (tenant_id, job_id, kind) VALUES ($1, 'job-1', 'error')",
            name,
        )
        await owner.execute(
            "INSERT INTO devices (tenant_id, id, agent_id) VALUES ($1, 'device-1', 'agent-1')", name
        )
        await owner.execute(
            "INSERT INTO sync_log (tenant_id, id, kind, started) "
            "VALUES ($1, 'log-1', 'sync', now())",
            name,
        )
        await owner.execute(
            "INSERT INTO mutations (tenant_id, source, mutation_id, body_hash, stamp, op, entity, "
            "entity_id, outcome, origin) "
            "VALUES ($1, 'device-1', 'm', '', 1, 'create', 'contact', 'row-1', 'applied', 'rest')",
            name,
        )
        await owner.execute(
            "INSERT INTO daily_statistics "
            "VALUES ($1, current_date, 0, 0, 0, 0, '[]', 0, 0, 0, 0, 0, 0, 0, NULL, 0, 0)",
            name,
        )
        for plural in PLURALS:
            columns, values = "name", "'A'"
            if plural == "contacts":
                numbers = '[{"value": "044 668 18 00", "e164": "+41446681800"}]'
                columns, values = "first_name, phones", f"'A', '{numbers}'"
            await owner.execute(
                f"INSERT INTO {plural} (tenant_id, id, {columns}) VALUES ($1, 'row-1', {values})",
                name,
            )
    return names
