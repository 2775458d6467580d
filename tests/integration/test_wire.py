"""The JSON that a row carries, held against plain definitions that are slower to compute."""

from __future__ import annotations

import random
from typing import Any

import asyncpg
import orjson
import pytest
from nanoid import generate

TEXTS = (
    "",
    "Ann",
    "O'Brien",
    'say "hi" \\ /',
    "a\nb\tc\u2028d\x01\x7f",
    "Zürich ÄÖ",
    "日本 👩\u200d👩",
    "null",
)
TEXT_COLUMNS = (
    "external_id",
    "first_name",
    "last_name",
    "company",
    "department",
    "job_title",
    "notes",
)
JSON_COLUMNS = ("emails", "phones", "addresses", "websites", "custom", "preferences", "photo")
ID_COLUMNS = ("tag_ids", "group_ids", "type_ids")

WIRE = """
SELECT id, wire::json ->> 'display_name' AS display_name, json_strip_nulls(json_build_object(
    'id', id, 'version', version,
    'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'updated_at', to_char(updated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
    'created_by', created_by, 'updated_by', updated_by,
    'external_id', NULLIF(external_id, ''), 'first_name', NULLIF(first_name, ''),
    'last_name', NULLIF(last_name, ''), 'display_name', display_name,
    'company', NULLIF(company, ''), 'department', NULLIF(department, ''),
    'job_title', NULLIF(job_title, ''), 'emails', NULLIF(emails, '[]'),
    'phones', NULLIF(phones, '[]'), 'addresses', NULLIF(addresses, '[]'),
    'websites', NULLIF(websites, '[]'), 'birthday', NULLIF(birthday, ''),
    'notes', NULLIF(notes, ''), 'custom', NULLIF(custom, '{}'),
    'preferences', NULLIF(preferences, '{}'), 'tag_ids', NULLIF(tag_ids, '{}'),
    'group_ids', NULLIF(group_ids, '{}'), 'type_ids', NULLIF(type_ids, '{}'),
    'owner_id', owner_id, 'photo', photo, 'active', active))::text AS plain, wire,
    json_strip_nulls(json_build_object('mutation_id', written_mutation, 'actor',
        json_build_object('agent', written_by, 'device', written_device)))::text AS plain_author,
    wire_author, version, stamps::text AS stamps
FROM contacts WHERE tenant_id = $1
"""
SEARCH = """
SELECT search_text, lower(unaccent(concat_ws(' ', first_name, last_name, company,
        jsonb_path_query_array(emails, '$[*].value')::text, typed,
        regexp_replace(typed, '[^0-9"]', '', 'g'),
        jsonb_path_query_array(phones, '$[*].e164')::text))) AS plain
FROM contacts JOIN contact_search USING (tenant_id, id),
    LATERAL (SELECT jsonb_path_query_array(phones, '$[*].value')::text AS typed) AS phones
WHERE tenant_id = $1
"""
INSERT = """
INSERT INTO contacts (tenant_id, id, active, stamps, written_in, written_by, written_device,
                      written_mutation, written_origin, {columns})
SELECT $1, r.id, r.active, r.stamps, pg_current_xact_id(), r.written_by, r.written_device,
       r.written_mutation, 'socket', {values}
FROM jsonb_populate_recordset(NULL::contacts, $2::jsonb) AS r
"""


def odd_json(chance: random.Random, depth: int = 2) -> Any:
    """A value as psql could store it, with nulls, empty objects and odd texts at any depth."""
    kind = chance.randrange(7 if depth else 4)
    if kind >= 4:
        values = [odd_json(chance, depth - 1) for _ in range(chance.randrange(4))]
        names = chance.sample(TEXTS, len(values))
        return values if kind == 4 else dict(zip(names, values, strict=True))
    return [None, chance.choice(TEXTS), chance.choice([0, -1.5, 1e30, 7]), chance.random() < 0.5][
        kind
    ]


def odd_items(chance: random.Random) -> list[Any]:
    parts = ("label", "value", "e164")
    return [
        {part: chance.choice((None, *TEXTS, "044 668")) for part in parts}
        for _ in range(chance.randrange(3))
    ]


def odd_row(chance: random.Random) -> dict[str, Any]:
    row: dict[str, Any] = {name: chance.choice((None, *TEXTS)) for name in TEXT_COLUMNS}
    row |= {name: odd_items(chance) for name in ("emails", "phones", "addresses", "websites")}
    row |= {
        name: chance.choice([odd_json(chance), {}, {"a": None}])
        for name in ("custom", "photo", "preferences")
    }
    # What a row may hold at all is the table's business.
    row["custom"] = row["custom"] if isinstance(row["custom"], dict) else {}
    row["preferences"] = row["preferences"] if isinstance(row["preferences"], dict) else {}
    row |= {name: [generate() for _ in range(chance.randrange(3))] for name in ID_COLUMNS}
    stamp = {"at": 5, "mutation": "m"}
    stamps = [{"*": stamp}, {"*": {**stamp, "version": 3}}, {}, {"*": stamp, "company": stamp}]
    return {
        **row,
        "id": generate(),
        "birthday": chance.choice([None, "--04-12"]),
        "active": chance.random() < 0.5,
        "stamps": chance.choice(stamps),
        "written_by": chance.choice([None, "agent-1"]),
        "written_device": chance.choice([None, 'dev"ice']),
        "written_mutation": chance.choice([None, "m-1", 'm"\\2']),
    }


@pytest.fixture
async def tenant(owner: asyncpg.Connection) -> str:
    name = f"wire-{generate(size=8)}"
    await owner.execute("INSERT INTO tenants (id, name) VALUES ($1, 'A')", name)
    await owner.execute(
        "INSERT INTO agents (tenant_id, id, code, name, role) "
        "VALUES ($1, 'agent-1', 'a', 'A', 'agent')",
        name,
    )
    return name


@pytest.fixture
async def rows(owner: asyncpg.Connection, tenant: str) -> list[dict[str, Any]]:
    """400 contacts as odd as the table lets them be."""
    chance = random.Random(4)
    rows = [odd_row(chance) for _ in range(400)]
    names = [*TEXT_COLUMNS, *JSON_COLUMNS, *ID_COLUMNS, "birthday"]
    query = INSERT.format(columns=", ".join(names), values=", ".join(f"r.{name}" for name in names))
    await owner.execute(query, tenant, orjson.dumps(rows).decode())
    return rows


async def test_a_contact_carries_its_fields_without_what_is_empty(
    owner: asyncpg.Connection, tenant: str, rows: list[dict[str, Any]]
) -> None:
    # A null of JSON's own, which only psql could leave there, is as empty as one of SQL.
    await owner.execute(
        "UPDATE contacts SET photo = 'null', preferences = 'null', custom = 'null' "
        "WHERE tenant_id = $1 AND active",
        tenant,
    )
    records = await owner.fetch(WIRE, tenant)
    assert len(records) == len(rows)
    assert [record["wire"] for record in records] == [record["plain"] for record in records]


async def test_a_contact_carries_who_made_its_version(
    owner: asyncpg.Connection, tenant: str, rows: list[dict[str, Any]]
) -> None:
    records = await owner.fetch(WIRE, tenant)
    assert len(records) == len(rows)
    assert [record["wire_author"] for record in records] == [
        record["plain_author"] for record in records
    ]


async def test_each_stamp_gets_the_version_that_it_came_with(
    owner: asyncpg.Connection, tenant: str, rows: list[dict[str, Any]]
) -> None:
    given = {row["id"]: row["stamps"] for row in rows}
    for record in await owner.fetch(WIRE, tenant):
        assert orjson.loads(record["stamps"]) == {
            name: {"version": record["version"], **stamp}
            for name, stamp in given[record["id"]].items()
        }


async def test_search_looks_through_the_folded_fields(
    owner: asyncpg.Connection, tenant: str, rows: list[dict[str, Any]]
) -> None:
    records = await owner.fetch(SEARCH, tenant)
    assert len(records) == len(rows)
    assert [record["search_text"] for record in records] == [record["plain"] for record in records]
