"""What the database itself holds to, whoever writes: tombstones, history, stamps, checksums."""

from __future__ import annotations

import random

import asyncpg
import orjson
import pytest

from tests.integration.support.tenants import PLURALS, insert_tenants


@pytest.fixture
async def tenants(owner: asyncpg.Connection) -> tuple[str, str]:
    return await insert_tenants(owner)


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
