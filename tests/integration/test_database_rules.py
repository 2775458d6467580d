"""What the database itself holds to, whoever writes: tenants, tombstones, history, checksums."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import asyncpg
import orjson
import pytest
from nanoid import generate

from server.db.pool import ROLE, Database
from server.db.queries import queries
from server.schemas.entities import ENTITIES

PLURALS = [entity.plural for entity in ENTITIES]
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
    """Two companies with a row of everything each."""
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


@pytest.mark.parametrize("plural", PLURALS)
async def test_truncate_of_what_devices_hold_is_refused(
    owner: asyncpg.Connection, plural: str
) -> None:
    for statement in (f"TRUNCATE {plural}", f"TRUNCATE {plural} CASCADE"):
        with pytest.raises(asyncpg.RaiseError, match="use DELETE, which devices learn of"):
            await owner.execute(statement)


async def test_the_history_is_never_rewritten_not_even_by_its_owner(
    owner: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    assert await owner.fetchval("SELECT count(*) FROM audit_log") > 0
    for statement in (
        "UPDATE audit_log SET op = 'x'",
        "UPDATE audit_log SET op = 'x' WHERE false",
        "DELETE FROM audit_log",
        "TRUNCATE audit_log",
    ):
        with pytest.raises(asyncpg.RaiseError, match="the history only grows"):
            await owner.execute(statement)


async def test_a_delete_leaves_a_tombstone_and_only_the_purge_removes_it(
    owner: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    for plural in PLURALS:
        mine = f"{plural} WHERE tenant_id = '{tenants[0]}'"
        before = await owner.fetchval(f"SELECT version FROM {mine}")
        await owner.execute(f"DELETE FROM {mine}")
        row = await owner.fetchrow(f"SELECT version, deleted_at FROM {mine}")
        assert row["version"] > before
        assert row["deleted_at"]
        await owner.execute(f"DELETE FROM {mine}")
        assert await owner.fetchval(f"SELECT version FROM {mine}") == row["version"]
        # The purge takes tombstones, and leaves a live row a tombstone like anybody.
        theirs = f"{plural} WHERE tenant_id = '{tenants[1]}'"
        async with owner.transaction():
            await owner.execute("SET LOCAL app.purge = 'on'")
            await owner.execute(f"DELETE FROM {mine}")
            await owner.execute(f"DELETE FROM {theirs}")
        assert await owner.fetch(f"SELECT id FROM {mine}") == []
        assert await owner.fetchval(f"SELECT deleted_at IS NOT NULL FROM {theirs}")
    # What search looked through goes with the contact.
    searched = "SELECT count(*) FROM contact_search WHERE tenant_id = $1"
    assert [await owner.fetchval(searched, tenant) for tenant in tenants] == [0, 1]


async def test_what_is_typed_into_psql_has_no_author_and_stamps_each_field_it_changed(
    owner: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    mine = f"tenant_id = '{tenants[0]}' AND id = 'row-1'"
    await owner.execute(
        f"""UPDATE contacts SET company = 'B', custom = '{{"size": 1, "colour": "red"}}',
                tag_ids = '{{tag-1,tag-2}}', emails = '[{{"value": "a@b.ch"}}]',
                written_by = 'agent-1', written_device = 'device-1', written_origin = 'socket'
            WHERE {mine}"""
    )
    await owner.execute(
        f"""UPDATE contacts SET custom = '{{"size": 2, "colour": "red"}}', tag_ids = '{{tag-2}}'
            WHERE {mine}"""
    )
    row = await owner.fetchrow(
        f"SELECT stamps::text, updated_by, version FROM contacts WHERE {mine}"
    )
    stamps = orjson.loads(row["stamps"])
    assert set(stamps) == {
        *("*", "company", "emails", "custom.size", "custom.colour"),
        *("tag_ids.tag-1", "tag_ids.tag-2"),
    }
    assert {stamps[each]["version"] for each in ("custom.size", "tag_ids.tag-1")} == {
        row["version"]
    }
    assert stamps["company"]["version"] < row["version"]
    assert row["updated_by"] is None
    history = await owner.fetch(
        f"SELECT op, origin, agent_id, device_id FROM audit_log "
        f"WHERE tenant_id = '{tenants[0]}' AND entity = 'contact' ORDER BY id"
    )
    assert [tuple(record) for record in history] == [
        ("create", "sql", None, None),
        ("update", "sql", None, None),
        ("update", "sql", None, None),
    ]


async def test_a_statement_that_changes_nothing_visible_moves_no_version(
    owner: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    head = "SELECT version FROM global_version WHERE tenant_id = $1"
    before = await owner.fetchval(head, tenants[0])
    for assignment in ("contacts SET company = company", "contacts SET company = '', emails = '[]'",
                       "tags SET name = name"):  # fmt: skip
        await owner.execute(f"UPDATE {assignment} WHERE tenant_id = $1", tenants[0])
    assert await owner.fetchval(head, tenants[0]) == before


async def test_heads_and_checksums_are_those_of_the_rows_after_whatever_was_done(
    owner: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    chance = random.Random(3)
    for number in range(60):
        tenant, id = chance.choice(tenants), f"row-{chance.randrange(12)}"
        statement = chance.choice(
            [
                "INSERT INTO contacts (tenant_id, id, first_name) VALUES ($1, $2, 'A'), "
                f"($1, 'made-{number}', 'B') "
                "ON CONFLICT (tenant_id, id) DO UPDATE SET notes = clock_timestamp()::text",
                "DELETE FROM contacts WHERE tenant_id = $1 AND id >= $2",
                "UPDATE contacts SET deleted_at = NULL WHERE tenant_id = $1 AND id <= $2",
                "UPDATE contacts SET company = clock_timestamp()::text "
                "WHERE tenant_id <> $1 OR id = $2",
                "UPDATE tags SET color = '#ffffff', deleted_at = CASE WHEN deleted_at IS NULL "
                "THEN now() END WHERE tenant_id = $1 OR id = $2",
            ]
        )
        await owner.execute(statement, tenant, id)
    for tenant in tenants:
        head = await owner.fetchrow(
            "SELECT version, checksum::text FROM global_version WHERE tenant_id = $1", tenant
        )
        checksum, greatest = orjson.loads(head["checksum"]), 0
        for plural in PLURALS:
            counted = await owner.fetchrow(
                "SELECT count(*) FILTER (WHERE deleted_at IS NULL) AS count, "
                "coalesce(sum(version) FILTER (WHERE deleted_at IS NULL), 0)::bigint AS sum, "
                f"max(version) AS head FROM {plural} WHERE tenant_id = $1",
                tenant,
            )
            assert checksum[plural] == {"count": counted["count"], "sum": counted["sum"]}
            greatest = max(greatest, counted["head"])
        assert head["version"] == greatest


async def test_a_checksum_wraps_at_2_to_the_52(
    owner: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    current = await owner.fetchval("SELECT last_value FROM version_sequence")
    try:
        await owner.execute(f"ALTER SEQUENCE version_sequence RESTART {2**52 - 10}")
        for id in ("row-2", "row-3"):
            await owner.execute(
                "INSERT INTO contacts (tenant_id, id, first_name) VALUES ($1, $2, 'A')",
                *(tenants[0], id),
            )
        versions = await owner.fetch(
            "SELECT version FROM contacts WHERE tenant_id = $1", tenants[0]
        )
        kept = await owner.fetchval(
            "SELECT checksum -> 'contacts' ->> 'sum' FROM global_version WHERE tenant_id = $1",
            tenants[0],
        )
        assert int(kept) == sum(record["version"] for record in versions) % 2**52
    finally:
        await owner.execute(f"ALTER SEQUENCE version_sequence RESTART {current + 1}")


async def test_a_contact_of_a_company_that_is_not_there_is_refused(
    owner: asyncpg.Connection, tenants: tuple[str, str]
) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError, match="there is no tenant nobody"):
        await owner.execute(
            "INSERT INTO contacts (tenant_id, id, first_name) VALUES ('nobody', 'row-9', 'A')"
        )
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute("DELETE FROM tenants WHERE id = $1", tenants[0])
