"""What the pool says of trouble: what passes is `unavailable`, and passes."""

from __future__ import annotations

import asyncpg
import pytest

from server.db.pool import Database
from server.errors import Unavailable
from tests.waiting import until


async def ask_after_the_cut(database: Database, owner: asyncpg.Connection) -> None:
    async with database.tenant("default") as connection:
        await owner.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
        await connection.fetchval("SELECT 1")


async def test_a_connection_that_was_cut_is_unavailable_and_the_next_one_works(
    database_url: str,
) -> None:
    database = await Database.connect(database_url, size=2)
    owner = await asyncpg.connect(database_url)
    try:
        with pytest.raises(Unavailable) as told:
            await ask_after_the_cut(database, owner)
        assert told.value.retry_after_ms

        async def works() -> bool:
            try:
                async with database.tenant("default") as connection:
                    tenant = await connection.fetchval("SELECT current_setting('app.tenant')")
            except Unavailable:
                # Of what was cut the pool may not have read the end yet.
                return False
            assert tenant == "default"
            return True

        await until(works)
    finally:
        await owner.close()
        await database.close()


async def test_a_connection_forgets_its_tenant_when_it_serves_another(database_url: str) -> None:
    database = await Database.connect(database_url, size=2)
    owner = await asyncpg.connect(database_url)
    try:
        await owner.execute("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
        for _ in range(3):
            for tenant in ("default", "other", ""):
                async with database.tenant(tenant) as connection:
                    seen = await connection.fetch("SELECT id FROM tenants")
                    assert [record["id"] for record in seen] == ([tenant] if tenant else [])
    finally:
        await owner.close()
        await database.close()
