"""The server's role sees and touches the rows of the tenant that it names, and no others."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest

from server.db.pool import ROLE, Database
from server.db.queries import queries
from tests.integration.support.tenants import PLURALS, insert_tenants

# What is of no company: how the database came to be, which entities there are, jobs by their ids.
OF_NO_TENANT = {
    "schema_migrations",
    "schema_objects",
    "synced_entities",
    "pgqueuer",
    "pgqueuer_log",
    "pgqueuer_schedules",
    "pgqueuer_statistics",
}


@pytest.fixture
async def tenants(owner: asyncpg.Connection) -> tuple[str, str]:
    return await insert_tenants(owner)


@pytest.fixture
async def server_role(module_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the server's own are, before it names a tenant."""
    connection = await asyncpg.connect(module_database_url, server_settings={"role": ROLE})
    yield connection
    await connection.close()


async def name_tenant(connection: asyncpg.Connection, tenant: str) -> None:
    await connection.execute("SELECT set_config('app.tenant', $1, false)", tenant)


async def tables_of_tenants(connection: asyncpg.Connection) -> list[str]:
    """Every table and view but those of no company."""
    records = await connection.fetch(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "AND relkind IN ('r', 'p', 'v', 'm') ORDER BY relname"
    )
    return [record["relname"] for record in records if record["relname"] not in OF_NO_TENANT]


async def test_the_server_s_role_sees_no_row_while_it_names_no_tenant(
    owner: asyncpg.Connection, server_role: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    names = await tables_of_tenants(owner)
    assert {"contacts", "tenants", "synced_rows", "device_status", "audit_log"} < set(names)
    for name in names:
        assert (name, await owner.fetchval(f"SELECT count(*) > 0 FROM {name}")) == (name, True)
    for tenant in (None, "", "no-such-tenant"):
        if tenant is not None:
            await name_tenant(server_role, tenant)
        for name in names:
            assert (name, await server_role.fetch(f"SELECT * FROM {name}")) == (name, [])


async def test_the_server_s_role_sees_the_rows_of_its_tenant_and_no_other(
    owner: asyncpg.Connection, server_role: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    await name_tenant(server_role, tenants[0])
    for name in await tables_of_tenants(owner):
        column = "id" if name == "tenants" else "tenant_id"
        seen = await server_role.fetch(f"SELECT DISTINCT {column} AS tenant FROM {name}")
        assert (name, [record["tenant"] for record in seen]) == (name, [tenants[0]])


async def test_a_row_of_another_tenant_is_neither_written_nor_touched(
    owner: asyncpg.Connection, server_role: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    await name_tenant(server_role, tenants[0])
    for plural in PLURALS:
        column = "first_name" if plural == "contacts" else "name"
        with pytest.raises(asyncpg.PostgresError, match="tenant|row-level security"):
            await server_role.execute(
                f"INSERT INTO {plural} (tenant_id, id, {column}) VALUES ($1, 'row-2', 'B')",
                tenants[1],
            )
        for statement in (f"UPDATE {plural} SET {column} = 'B'", f"DELETE FROM {plural}"):
            assert await server_role.execute(f"{statement} WHERE tenant_id = $1", tenants[1]) in (
                "UPDATE 0",
                "DELETE 0",
            )
        with pytest.raises(asyncpg.PostgresError, match="tenant|row-level security"):
            await server_role.execute(f"UPDATE {plural} SET tenant_id = $1", tenants[1])
    # The owner, too, once it has said for whom it writes.
    await name_tenant(owner, tenants[0])
    with pytest.raises(asyncpg.RaiseError, match="row of tenant two-"):
        await owner.execute(
            "INSERT INTO contacts (tenant_id, id, first_name) VALUES ($1, 'row-2', 'B')", tenants[1]
        )
    with pytest.raises(asyncpg.RaiseError, match="row of tenant two-"):
        await owner.execute("UPDATE contacts SET first_name = 'B' WHERE tenant_id = $1", tenants[1])
    assert await owner.fetchval("SELECT count(*) FROM contacts WHERE first_name = 'B'") == 0


async def test_the_tenant_and_the_id_of_a_row_never_change(
    owner: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    for plural in PLURALS:
        for column, value in (("tenant_id", tenants[1]), ("id", "row-9")):
            with pytest.raises(asyncpg.PostgresError, match="never change"):
                await owner.execute(
                    f"UPDATE {plural} SET {column} = $2 WHERE tenant_id = $1", tenants[0], value
                )


async def test_the_server_s_role_may_not_write_the_history_nor_the_heads(
    server_role: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    await name_tenant(server_role, tenants[0])
    for statement in (
        "INSERT INTO audit_log (tenant_id, entity, entity_id, op, origin) VALUES "
        "(current_setting('app.tenant'), 'contact', 'row-1', 'update', 'socket')",
        "UPDATE audit_log SET op = 'x'",
        "DELETE FROM audit_log",
        "UPDATE global_version SET version = 0",
        "DELETE FROM global_version",
        "DELETE FROM tenants",
        "DELETE FROM agents",
        "TRUNCATE contacts",
        "ALTER TABLE contacts DISABLE TRIGGER ALL",
        "ALTER TABLE contacts DISABLE ROW LEVEL SECURITY",
        "DROP TABLE contacts",
        "CREATE TABLE mine ()",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await server_role.execute(statement)


async def test_the_server_s_own_connections_are_bound_by_row_level_security(
    module_database_url: str,
) -> None:
    database = await Database.connect(module_database_url)
    async with database.any_tenant() as connection:
        role = await connection.fetchrow(
            "SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user"
        )
    await database.close()
    assert tuple(role) == (ROLE, False, False)


async def test_every_table_of_a_tenant_has_row_level_security_and_leads_its_key_with_it(
    owner: asyncpg.Connection,
) -> None:
    records = await owner.fetch(
        "SELECT c.relname, c.relrowsecurity, a.attname AS first FROM pg_class AS c "
        "JOIN pg_index AS i ON i.indrelid = c.oid AND i.indisprimary "
        "JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = i.indkey[0] "
        "WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'"
    )
    for record in records:
        name = record["relname"]
        if name in OF_NO_TENANT:
            continue
        first = "id" if name == "tenants" else "tenant_id"
        assert (name, record["relrowsecurity"], record["first"]) == (name, True, first)


async def test_functions_that_act_as_the_owner_name_where_they_look(
    owner: asyncpg.Connection,
) -> None:
    """Without a search_path of its own, a caller's table could stand in for ours."""
    records = await owner.fetch(
        "SELECT proname, proconfig FROM pg_proc "
        "WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )
    assert len(records) >= 8
    for record in records:
        assert "search_path=public, pg_temp" in record["proconfig"], record["proname"]


async def test_find_duplicates_answers_for_its_own_tenant_alone(
    owner: asyncpg.Connection, server_role: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    question = "SELECT count(*) FROM find_duplicate_contacts($1, '{}', '{+41446681800}')"
    await name_tenant(server_role, tenants[0])
    assert await server_role.fetchval(question, tenants[0]) == 1
    assert await server_role.fetchval(question, tenants[1]) == 0


@pytest.mark.parametrize("file", sorted(queries.files))
async def test_every_query_prepares_as_the_server_s_role(
    server_role: asyncpg.Connection, file: str
) -> None:
    assert queries.files[file].texts
    for name, text in queries.files[file].texts.items():
        try:
            await server_role.prepare(text)
        except asyncpg.PostgresError as error:
            pytest.fail(f"sql/queries/{file}.sql, {name}: {error}")
