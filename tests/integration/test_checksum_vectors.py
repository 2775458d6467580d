"""The published checksums (docs/checksum-vectors.json), as the database's triggers keep them."""

from __future__ import annotations

import asyncpg
import orjson

from tests.vectors import VECTORS


async def test_the_database_has_the_published_checksums(database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    for number, vector in enumerate(VECTORS):
        tenant = f"company-{number}"
        await owner.execute("INSERT INTO tenants (id, name) VALUES ($1, 'A')", tenant)
        for row in vector["rows"]:
            deleted = row.get("deleted", False)
            first = row["version"] - deleted
            await owner.execute("SELECT setval('version_sequence', $1, false)", first)
            await owner.execute(
                "INSERT INTO contacts (tenant_id, id, first_name) VALUES ($1, $2, 'A')",
                *(tenant, row["id"]),
            )
            if deleted:
                await owner.execute("DELETE FROM contacts WHERE version = $1", first)
        kept = await owner.fetch(
            "SELECT id, version, deleted_at IS NOT NULL AS deleted FROM contacts "
            "WHERE tenant_id = $1 ORDER BY version",
            tenant,
        )
        assert [dict(record) for record in kept] == [
            {"deleted": False, **row} for row in vector["rows"]
        ]
        text = await owner.fetchval(
            "SELECT checksum FROM global_version WHERE tenant_id = $1", tenant
        )
        checksum = orjson.loads(text).get("contacts", {"count": 0, "sum": 0})
        assert checksum == vector["checksum"], vector["about"]
    await owner.close()
