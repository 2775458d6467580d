"""What search finds, and that it finds it by its index as the server's role."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import asyncpg
import pytest

from server.db.pool import ROLE
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company

MANY = 5_000


async def make(api: Api, contacts: Iterable[dict[str, Any]]) -> None:
    for contact in contacts:
        made = await api.post("/api/contacts", contact)
        assert made.status == 201, made.text


async def search(api: Api, text: str) -> set[str]:
    answer = await api.get(f"/api/contacts?search={quote(text)}")
    assert answer.status == 200, answer.text
    return {item["last_name"] for item in answer.json["items"]}


async def test_search_finds_any_part_of_a_name_company_or_email(agent: Api) -> None:
    await make(
        agent,
        [
            {"first_name": "Ann", "last_name": "Lee", "company": "Müller & Söhne AG"},
            {"first_name": "Zoë", "last_name": "Straße", "email": "z.strasse@example.com"},
            {"first_name": "Łukasz", "last_name": "Ångström", "emails": [{"value": "l@a.ch"}]},
            {
                "last_name": "Second",
                "emails": [{"value": "first@one.test"}, {"value": "other_name@two.test"}],
            },
        ],
    )
    for text, found in {
        "ann": {"Lee"},
        "ANN": {"Lee"},
        "e": {"Lee", "Straße", "Second"},
        "muller": {"Lee"},
        "MÜLLER": {"Lee"},
        "sohne ag": {"Lee"},
        "& söh": {"Lee"},
        "lee müll": {"Lee"},
        "müll lee": {"Lee"},
        "lee zoe": set(),
        "zoe": {"Straße"},
        "strasse": {"Straße"},
        "angstrom": {"Ångström"},
        "ångstr": {"Ångström"},
        "lukasz": {"Ångström"},
        "example.com": {"Straße"},
        "z.str": {"Straße"},
        "two.test": {"Second"},
        "other_name": {"Second"},
        "otherxname": set(),
        "nobody": set(),
    }.items():
        assert await search(agent, text) == found, text


async def test_search_finds_a_phone_however_it_is_written(agent: Api) -> None:
    await make(
        agent,
        [
            {"last_name": "Zürich", "phones": [{"value": "044 668 18 00"}]},
            {"last_name": "London", "phones": [{"value": "+44 (0)20 7946-0018"}]},
            {"last_name": "Note", "phones": [{"value": "ask reception 4711"}]},
            {"last_name": "Pair", "phones": [{"value": "079 123"}, {"value": "456 789"}]},
        ],
    )
    for text, found in {
        "044 668 18 00": {"Zürich"},
        "0446681800": {"Zürich"},
        "044/668.18-00": {"Zürich"},
        "+41446681800": {"Zürich"},
        "+41 (0)44 668 18 00": {"Zürich"},
        "0041 44 668": {"Zürich"},
        "668 18": {"Zürich"},
        "6681800": {"Zürich"},
        "020 7946 0018": {"London"},
        "+442079460018": {"London"},
        "0044 20 7946": {"London"},
        "4711": {"Note"},
        "reception": {"Note"},
        # The end of one number and the beginning of the next are no number.
        "123 456": set(),
        "000": set(),
    }.items():
        assert await search(agent, text) == found, text


async def test_search_follows_a_contact_through_its_changes(agent: Api) -> None:
    made = await agent.post("/api/contacts", {"last_name": "Lee", "company": "Before"})
    path = f"/api/contacts/{made.json['contact']['id']}"

    await agent.patch(path, {"company": "After"})
    assert (await search(agent, "before"), await search(agent, "after")) == (set(), {"Lee"})
    await agent.delete(path)
    assert await search(agent, "after") == set()
    await agent.post(f"{path}/restore")
    assert await search(agent, "after") == {"Lee"}


@pytest.fixture
async def crowd(owner: asyncpg.Connection, company: Company) -> Company:
    """A company of so many contacts that the planner weighs its ways."""
    await owner.execute(
        """
        INSERT INTO contacts (tenant_id, id, first_name, last_name, company, emails, phones,
                              tag_ids)
        SELECT $1, 'contact-' || n, 'First' || n % 100, 'Last' || md5(n::text), 'Company ' || n,
               jsonb_build_array(jsonb_build_object('value', md5(n::text) || '@example.com')),
               jsonb_build_array(jsonb_build_object('value', '0' || 440000000 + n)),
               CASE WHEN n % 500 = 0 THEN ARRAY['tag-rare'] ELSE '{}' END
        FROM generate_series(1, $2) AS n
        """,
        *(company.tenant, MANY),
    )
    await owner.execute(
        "INSERT INTO tags (tenant_id, id, name) VALUES ($1, 'tag-rare', 'Rare')", company.tenant
    )
    await owner.execute("ANALYZE contacts, contact_search")
    # As a server does after its writes.
    await owner.execute("SELECT clean_search_backlog()")
    return company


async def plans_of(
    owner: asyncpg.Connection,
    tenant: str,
    filter: dict[str, Any],
    sort: str = "display_name",
    skip: int = 0,
) -> list[dict[str, Any]]:
    """How Postgres runs one page of a list as the server's role, nested statements too."""
    notices: list[str] = []
    owner.add_log_listener(lambda _connection, message: notices.append(message.message))
    await owner.execute("LOAD 'auto_explain'")
    for name, value in {
        "auto_explain.log_min_duration": "0",
        "auto_explain.log_nested_statements": "on",
        "auto_explain.log_format": "json",
        "auto_explain.log_level": "notice",
        "client_min_messages": "notice",
        "app.tenant": tenant,
        "role": ROLE,
    }.items():
        await owner.execute("SELECT set_config($1, $2, false)", name, value)
    notices.clear()
    await owner.fetch(
        "SELECT * FROM list_contacts($1, $2, $3, false, NULL, NULL, $4, 25)",
        *(tenant, json.dumps(filter), sort, skip),
    )
    await owner.execute("RESET role")
    plans = [json.loads(notice[notice.index("{") :]) for notice in notices if "{" in notice]
    assert plans
    return plans


def index_names(plan: Any) -> set[str]:
    """The indexes that a plan reads, anywhere in it."""
    if isinstance(plan, list):
        return {name for each in plan for name in index_names(each)}
    if not isinstance(plan, dict):
        return set()
    found = {plan["Index Name"]} if "Index Name" in plan else set()
    return found | {name for each in plan.values() for name in index_names(each)}


def scans_whole_contacts(plan: Any) -> bool:
    """Whether a plan reads all of the table."""
    if isinstance(plan, list):
        return any(scans_whole_contacts(each) for each in plan)
    if not isinstance(plan, dict):
        return False
    whole = plan.get("Node Type") == "Seq Scan" and plan.get("Relation Name") == "contacts"
    return whole or any(scans_whole_contacts(each) for each in plan.values())


async def test_lists_use_their_indexes_as_the_servers_role(
    owner: asyncpg.Connection, crowd: Company
) -> None:
    for filter, index in (
        ({"words": ["c4ca4238"]}, "contacts_search"),
        ({"words": ["first7", "440000107"]}, "contacts_search"),
        ({"company": "company 4711"}, "contacts_search"),
        ({"tag": ["rare"]}, "contacts_tag_ids"),
        ({}, "contacts_sort_name"),
    ):
        plans = await plans_of(owner, crowd.tenant, filter)
        assert index in index_names(plans), filter
        assert not scans_whole_contacts(plans), filter

    # To the middle of the list in the index alone.
    for sort in ("display_name", "version"):
        plans = await plans_of(owner, crowd.tenant, {}, sort, skip=MANY // 2)
        assert "Index Only Scan" in json.dumps(plans)
        assert not scans_whole_contacts(plans)


async def test_lists_in_the_order_of_no_index_do_not_read_the_contacts(
    owner: asyncpg.Connection, crowd: Company
) -> None:
    filters: tuple[dict[str, Any], ...] = (
        {},
        {"words": ["a"], "opted_out": "email"},
        {"has_email": True, "active": True},
        {"has_phone": False, "opted_out": "none", "active": False},
    )
    for filter in filters:
        for sort in ("first_name", "last_name", "company", "created_at", "version"):
            plans = await plans_of(owner, crowd.tenant, filter, sort)
            assert not scans_whole_contacts(plans), (filter, sort)


async def test_what_lists_read_beside_the_contacts_follows_them(
    owner: asyncpg.Connection, agent: Api, company: Company
) -> None:
    async def differing() -> int:
        count: int = await owner.fetchval(
            """
            WITH made AS (SELECT m.id, m::text AS row FROM contacts AS c
                          CROSS JOIN LATERAL contact_search_row(c) AS m WHERE c.tenant_id = $1),
                 kept AS (SELECT id, k::text AS row FROM contact_search AS k WHERE tenant_id = $1)
            SELECT count(*) FROM made FULL JOIN kept USING (id)
            WHERE made.row IS DISTINCT FROM kept.row
            """,
            company.tenant,
        )
        return count

    made = await agent.post("/api/contacts", {"first_name": "Ann Lee", "email": "a@b.example"})
    path = f"/api/contacts/{made.json['contact']['id']}"
    # The same text to search, and yet another last name.
    for changes in (
        {"first_name": "Ann", "last_name": "Lee"},
        {"emails": [], "phones": [{"value": "044 668 18 00"}], "company": "Élan"},
        {"active": False},
    ):
        changed = await agent.patch(path, changes)
        assert changed.status == 200, changed.text
        assert await differing() == 0, changes
    await agent.delete(path)
    await agent.post(f"{path}/restore")
    await owner.execute(
        "UPDATE contacts SET last_name = 'Typed', phones = '[]' WHERE tenant_id = $1",
        company.tenant,
    )
    assert await differing() == 0
    row = await owner.fetchrow(
        "SELECT sort_first_name, sort_last_name, sort_company, sort_name, has_email, has_phone "
        "FROM contact_search WHERE tenant_id = $1",
        company.tenant,
    )
    assert tuple(row) == ("ann", "typed", "elan", "ann typed", False, False)
