"""Which contacts an export holds: filters as the list has them, and ids or a filter in a body."""

from __future__ import annotations

from typing import Any

import asyncpg
import orjson
import pytest

from tests.integration.support.contacts import new_contact, new_label
from tests.integration.support.exports import export, rows_of
from tests.integration.support.rest import Api, RestServer
from tests.integration.support.servers import Company


async def test_the_filters_are_the_list_s(agent: Api, manager: Api, company: Company) -> None:
    vip = await new_label(agent, "tags", "VIP")
    await new_contact(
        agent, first_name="Ann", company="Lee & Sons", email="a@example.com", tag_ids=[vip]
    )
    await new_contact(manager, first_name="Bob", company="LÉE & sons", active=False)
    await new_contact(
        agent, first_name="Cid", phone="044 668 18 00", preferences={"sms": "opted_out"}
    )
    await new_contact(agent, first_name="Eve", owner_id=None)
    dead = await new_contact(agent, first_name="Dan", tag_ids=[vip])
    await agent.delete(f"/api/contacts/{dead}")

    for query in (
        *("", "tag=vip", f"tag={vip}&active=true", "tag=nothing", "search=044%20668", "search=lee"),
        *("company=lee%20%26%20sons", "active=false", "has_email=true", "has_phone=true"),
        *("opted_out=true", "opted_out=sms", f"owner_id={company.agents['manager']}"),
        *("owner_id=none", "owner_id=none&tag=VIP"),
        *("deleted=true", "deleted=true&tag=VIP", "updated_since=2999-01-01"),
    ):
        listed = (await agent.get(f"/api/contacts?{query}&limit=500")).json["items"]
        exported = (await export(agent, f"{query}&format=json")).json
        assert sorted(contact["id"] for contact in exported) == sorted(
            contact["id"] for contact in listed
        ), query
        for name in ("csv", "vcf", "google"):
            text = (await export(agent, f"{query}&format={name}")).text
            assert all(contact["id"] in text for contact in listed), (query, name)


async def test_a_deleted_contact_says_when_that_was(agent: Api) -> None:
    contact = await new_contact(agent, first_name="Ann")
    deleted = (await agent.delete(f"/api/contacts/{contact}")).json["contact"]

    (exported,) = (await export(agent, "deleted=true&format=json")).json

    assert exported["deleted_at"] == deleted["deleted_at"]


async def test_page_contact_ids_answers_for_its_own_tenant_alone(
    owner: asyncpg.Connection, company: Company, other_company: Company
) -> None:
    question = "SELECT ARRAY(SELECT page_contact_ids($1, '{}', '', 5))"
    async with owner.transaction():
        await owner.execute("SELECT set_config('app.tenant', $1, true)", company.tenant)
        assert await owner.fetchval(question, company.tenant) == []
        with pytest.raises(asyncpg.RaiseError, match="another"):
            await owner.fetchval(question, other_company.tenant)


async def test_looking_through_all_finds_what_an_index_finds(
    agent: Api, server: RestServer, company: Company
) -> None:
    """Above 10,000 contacts the first stands in for the second, as the server's own role."""
    tag = await new_label(agent, "tags", "VIP")
    await new_contact(agent, first_name="Ann", company="Lee & Sons", tag_ids=[tag])
    await new_contact(agent, first_name="Anna", phone="044 668 18 00")
    await new_contact(agent, first_name="Bob", company="Lee")
    filters = ({"words": ["ann"]}, {"company": "lee"}, {"tag": ["vip"]}, {"words": ["4466818"]})

    async with server.database.tenant(company.tenant) as connection:
        for given in filters:
            text = orjson.dumps(given).decode()
            found = await connection.fetchval(
                "SELECT ARRAY(SELECT page_contact_ids($1, $2::jsonb, '', 100))",
                company.tenant,
                text,
            )
            conditions = await connection.fetchval(
                "SELECT contact_conditions($1, $2::jsonb)", company.tenant, text
            )
            seen = await connection.fetch(f"SELECT id FROM contacts WHERE {conditions}")
            assert sorted(row["id"] for row in seen) == sorted(found) != [], given


async def test_a_body_says_which_where_a_query_has_no_room(
    agent: Api, admin: Api, company: Company
) -> None:
    ids = [await new_contact(agent, first_name=name) for name in ("Ann", "Bob", "Cid", "Dan")]
    await agent.delete(f"/api/contacts/{ids[3]}")

    async def found(body: Any, query: str = "") -> list[str]:
        answer = await agent.post(f"/api/bulk/export{query}", body)
        assert answer.status == 200, answer.text
        return sorted(row["first_name"] for row in rows_of(answer.text))

    # Deleted ones and such as never were are left out.
    assert await found({"ids": [ids[2], ids[0], ids[3], "never-was", ids[0]]}) == ["Ann", "Cid"]
    assert await found({"ids": ["never-was"]}) == []
    assert await found({"filter": {"search": "b"}}) == ["Bob"]
    assert await found({"filter": {"deleted": True}}) == ["Dan"]
    # A hundred thousand, of the longest ids.
    many = [f"{number:064}" for number in range(99_998)]
    assert await found({"ids": [*many, ids[0], ids[1]]}) == ["Ann", "Bob"]

    whole = orjson.loads((await export(agent, "format=json&search=ann")).text)
    chosen = await agent.post("/api/bulk/export?format=json", {"ids": [ids[0]]})
    assert orjson.loads(chosen.text) == whole
    assert chosen.headers["Content-Disposition"].endswith('.json"')

    entries = (await admin.get("/api/audit?op=export&limit=2")).json["items"]
    said = [{name: value["to"] for name, value in each["changes"].items()} for each in entries]
    assert said[0] == {"format": "json", "filter": {}, "ids": 1, "count": 1}
    assert said[1] == {"format": "json", "filter": {"search": "ann"}, "count": 1}


async def test_a_body_that_says_nothing_or_too_much_is_refused_by_name(agent: Api) -> None:
    for body, faults in (
        ({}, {"ids"}),
        ({"ids": ["contact-1"], "filter": {}}, {"ids"}),
        ({"ids": []}, {"ids"}),
        ({"ids": ["no id!"]}, {"ids.0"}),
        ({"filter": {"tags": ["x"]}}, {"filter.tags"}),
        ({"filter": {}, "format": "json"}, {"format"}),
    ):
        answer = await agent.post("/api/bulk/export", body)
        assert (answer.status, set(answer.json["fields"])) == (422, faults), answer.text
    assert (
        await agent.post("/api/bulk/export?format=xls", {"filter": {}})
    ).code == "invalid format"
