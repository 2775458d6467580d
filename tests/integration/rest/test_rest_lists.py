"""Lists of contacts: filters, orders and pages. What search finds is in test_search.py."""

from __future__ import annotations

import asyncio
from base64 import urlsafe_b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import asyncpg
import orjson
import pytest

from server.schemas.queries import SORTABLE
from tests.integration.support.contacts import new_contact, new_label
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company


async def names(api: Api, query: str) -> list[str]:
    answer = await api.get(f"/api/contacts?{query}")
    assert answer.status == 200, answer.text
    found = [item["display_name"] for item in answer.json["items"]]
    assert answer.json["total"] == len(found)
    return found


async def test_every_filter_alone_and_all_that_are_given_together(
    agent: Api, manager: Api, company: Company
) -> None:
    vip, warm = await new_label(agent, "tags", "VIP"), await new_label(agent, "tags", "Warm")
    fair = await new_label(agent, "groups", "Fair")
    customer = await new_label(agent, "types", "Customer")
    await new_contact(
        agent,
        first_name="Ann",
        company="Lee & Sons",
        email="ann@example.com",
        phone="044 668 18 00",
        tag_ids=[vip],
        group_ids=[fair],
        type_ids=[customer],
        preferences={"email": "opted_out", "sms": "opted_in"},
    )
    await new_contact(manager, first_name="Bob", company="LÉE & sons", tag_ids=[warm], active=False)
    await new_contact(
        agent, first_name="Cid", company="Lee", owner_id=None, preferences={"phone": "opted_out"}
    )
    dead = await new_contact(agent, first_name="Dan", tag_ids=[vip])
    await agent.delete(f"/api/contacts/{dead}")

    for query, expected in {
        "": ["Ann", "Bob", "Cid"],
        f"tag={vip}": ["Ann"],
        "tag=vip": ["Ann"],
        f"tag=vip&tag={warm}": ["Ann", "Bob"],
        "tag=nothing": [],
        "group=fair": ["Ann"],
        f"group={fair}&tag=warm": [],
        "type=CUSTOMER": ["Ann"],
        f"owner_id={company.agents['manager']}": ["Bob"],
        f"owner_id={company.agents['agent']}": ["Ann"],
        "owner_id=none": ["Cid"],
        "owner_id=none&has_email=true": [],
        "owner_id=none&search=cid": ["Cid"],
        "owner_id=none&sort=-company": ["Cid"],
        "company=lee%20%26%20sons": ["Ann", "Bob"],
        "company=Lee": ["Cid"],
        "active=true": ["Ann", "Cid"],
        "active=0": ["Bob"],
        "has_email=true": ["Ann"],
        "has_email=false": ["Bob", "Cid"],
        "has_phone=1": ["Ann"],
        "has_phone=false": ["Bob", "Cid"],
        "opted_out=true": ["Ann", "Cid"],
        "opted_out=false": ["Bob"],
        "opted_out=email": ["Ann"],
        "opted_out=sms": [],
        "deleted=true": ["Dan"],
        "deleted=false": ["Ann", "Bob", "Cid"],
        "deleted=true&tag=VIP": ["Dan"],
        "search=ann&active=true&has_email=true&tag=VIP": ["Ann"],
        "search=ann&active=false": [],
        "search=": ["Ann", "Bob", "Cid"],
    }.items():
        assert await names(agent, query) == expected, query


async def test_a_deleted_contact_is_listed_with_when_that_was(agent: Api) -> None:
    contact = await new_contact(agent, first_name="Ann", email="ann@example.com")
    deleted = (await agent.delete(f"/api/contacts/{contact}")).json["contact"]

    (item,) = (await agent.get("/api/contacts?deleted=true")).json["items"]

    assert (item["first_name"], item["email"]) == ("Ann", "ann@example.com")
    assert item["deleted_at"] == deleted["deleted_at"]


async def test_updated_since_takes_times_days_and_milliseconds(agent: Api) -> None:
    await new_contact(agent, first_name="Old")
    await asyncio.sleep(0.01)
    new = await new_contact(agent, first_name="New")
    updated = (await agent.get(f"/api/contacts/{new}")).json["updated_at"]

    assert await names(agent, f"updated_since={updated}") == ["New"]
    assert await names(agent, "updated_since=2020-01-01") == ["New", "Old"]
    assert await names(agent, "updated_since=2999-01-01T00:00:00Z") == []
    assert await names(agent, "updated_since=1577836800000") == ["New", "Old"]


async def test_updated_since_finds_each_change_also_after_the_clock_was_set_back(
    agent: Api, owner: asyncpg.Connection, company: Company
) -> None:
    for number in range(10):
        await new_contact(agent, first_name=f"N{number:02}")
    async with owner.transaction():
        # As if the clock had been fast until now.
        await owner.execute("SET LOCAL session_replication_role = replica")
        for table, column in (("contacts", "updated_at"), ("global_version", "moved_at")):
            await owner.execute(
                f"UPDATE {table} SET {column} = {column} + interval '45 minutes' "
                "WHERE tenant_id = $1",
                company.tenant,
            )
    for number in range(10, 30):
        await new_contact(agent, first_name=f"N{number:02}")
    changed = {
        str(record["first_name"]): record["updated_at"]
        for record in await owner.fetch(
            "SELECT first_name, updated_at FROM contacts WHERE tenant_id = $1", company.tenant
        )
    }
    assert changed["N29"] < changed["N00"]

    times = sorted(changed.values())
    for since in (times[0] - timedelta(days=1), *times, times[-1] + timedelta(seconds=1)):
        query = f"updated_since={quote(since.isoformat())}&limit=500"
        expected = sorted(name for name, at in changed.items() if at >= since)
        assert await names(agent, query) == expected, since


async def test_lists_are_ordered_by_any_field_in_both_directions(agent: Api) -> None:
    for first, last, company in (
        ("Zoe", "Adams", "Élan"),
        ("émile", "Baker", None),
        ("Ann", "Zed", "Dune"),
        ("ann", "Zed", "Fox"),
    ):
        await new_contact(agent, first_name=first, last_name=last, company=company)
    orders = {
        "display_name": ["Ann Zed", "ann Zed", "émile Baker", "Zoe Adams"],
        "first_name": ["Ann Zed", "ann Zed", "émile Baker", "Zoe Adams"],
        "last_name": ["Zoe Adams", "émile Baker", "Ann Zed", "ann Zed"],
        "company": ["émile Baker", "Ann Zed", "Zoe Adams", "ann Zed"],
        "created_at": ["Zoe Adams", "émile Baker", "Ann Zed", "ann Zed"],
        "updated_at": ["Zoe Adams", "émile Baker", "Ann Zed", "ann Zed"],
        "version": ["Zoe Adams", "émile Baker", "Ann Zed", "ann Zed"],
    }
    for field, expected in orders.items():
        up = await names(agent, f"sort={field}")
        assert [name.lower() for name in up] == [name.lower() for name in expected], field
        assert await names(agent, f"sort=-{field}") == up[::-1]
    assert await names(agent, "") == await names(agent, "sort=display_name")
    assert (await agent.get("/api/contacts?sort=notes")).code == "invalid sort"


@pytest.mark.parametrize(
    "query",
    [
        "",
        "sort=-display_name",
        "sort=created_at",
        "sort=-updated_at",
        "sort=company",
        "sort=-first_name",
        "search=a",
        "has_email=false&sort=version",
    ],
)
async def test_pages_by_cursor_hold_each_contact_once_and_in_order(agent: Api, query: str) -> None:
    for number in range(7):
        # Names that are the same, so that the order among them counts too.
        await new_contact(
            agent, first_name="Ann", last_name=f"L{number % 2}", company="A" * (number % 3)
        )
    whole = (await agent.get(f"/api/contacts?{query}")).json["items"]

    for limit in (1, 2, 3, 7):
        items: list[dict[str, Any]] = []
        cursor = ""
        while cursor is not None:
            page = (await agent.get(f"/api/contacts?{query}&limit={limit}&cursor={cursor}")).json
            items += page["items"]
            cursor = page["next_cursor"]
            assert page["total"] == 7
        assert items == whole
        by_offset = [
            item
            for offset in range(0, 7, limit)
            for item in (
                await agent.get(f"/api/contacts?{query}&limit={limit}&offset={offset}")
            ).json["items"]
        ]
        assert by_offset == whole


async def test_a_filtered_list_is_in_the_order_of_the_whole_one(agent: Api) -> None:
    tag = await new_label(agent, "tags", "VIP")
    for number in range(8):
        name = {"first_name": f"A{number % 3}", "last_name": f"L{number % 2}"}
        channels = {"email": f"a{number}@b.example"} if number % 2 else {"phone": "044 668 18 00"}
        choices = [{}, {"email": "opted_out"}, {"email": "opted_in", "sms": "opted_out"}]
        made = await new_contact(
            agent,
            **name,
            **channels,
            company="É" * (number % 3),
            tag_ids=[tag] * (number % 2),
            active=number > 1,
            preferences=choices[number % 3],
        )
        if number == 3:
            await agent.delete(f"/api/contacts/{made}")

    for field in SORTABLE:
        for sort in (f"sort={field}", f"sort=-{field}"):
            whole = (await agent.get(f"/api/contacts?{sort}")).json["items"]
            assert len(whole) == 7
            for query, holds in {
                "search=a1": lambda item: item["first_name"] == "A1",
                "has_email=true": lambda item: item.get("emails"),
                "has_phone=true&search=l0": lambda item: item.get("phones"),
                "active=true": lambda item: item["active"],
                "active=false&search=a": lambda item: not item["active"],
                "opted_out=true": lambda item: "opted_out" in str(item.get("preferences")),
                "opted_out=false": lambda item: "opted_out" not in str(item.get("preferences")),
                "opted_out=email&has_email=true&active=1": lambda item: (
                    item.get("emails")
                    and item["active"]
                    and item.get("preferences", {}).get("email") == "opted_out"
                ),
                "tag=vip": lambda item: item.get("tag_ids"),
                "tag=vip&search=a&has_email=1": lambda item: item.get("tag_ids"),
            }.items():
                page = (await agent.get(f"/api/contacts?{sort}&{query}")).json
                expected = [item for item in whole if holds(item)]
                assert (page["items"], page["total"]) == (expected, len(expected)), (sort, query)


async def test_a_page_beyond_the_end_is_empty_and_knows_the_total(agent: Api) -> None:
    await new_contact(agent, first_name="Ann")

    for query in ("offset=100", "offset=1", "offset=100&search=ann"):
        page = (await agent.get(f"/api/contacts?{query}")).json
        assert page == {"items": [], "next_cursor": None, "total": 1}


async def test_a_cursor_goes_on_where_it_was_although_contacts_came_and_went(agent: Api) -> None:
    ids = {name: await new_contact(agent, first_name=name) for name in ("B", "D", "F", "H")}
    page = (await agent.get("/api/contacts?limit=2")).json

    await agent.delete(f"/api/contacts/{ids['D']}")
    await new_contact(agent, first_name="A")
    await new_contact(agent, first_name="E")

    rest = (await agent.get(f"/api/contacts?cursor={page['next_cursor']}")).json
    assert [item["first_name"] for item in rest["items"]] == ["E", "F", "H"]


async def test_a_cursor_of_another_order_or_a_forged_one_is_refused(agent: Api) -> None:
    for number in range(3):
        await new_contact(agent, first_name=str(number))
    cursor = (await agent.get("/api/contacts?limit=1&sort=version")).json["next_cursor"]

    def forged(*values: Any) -> str:
        return quote(urlsafe_b64encode(orjson.dumps(values)))

    for query in (
        f"cursor={cursor}",
        f"sort=-version&cursor={cursor}",
        f"sort=version&cursor={cursor}&offset=1",
        f"sort=version&cursor={forged('contacts', 'version', False, 'x', 'id')}",
        f"sort=version&cursor={forged('contacts', 'version', False, '9' * 30, 'id')}",
        f"sort=version&cursor={forged('contacts', 'version', False, 7, 'id')}",
        f"cursor={forged('contacts', 'display_name', False, 'nul', 'a' + chr(0))}",
        f"cursor={forged('contacts', 'display_name', False)}",
        f"cursor={forged()}",
        "cursor=%F0%9F%98%80",
    ):
        answer = await agent.get(f"/api/contacts?{query}")
        assert answer.status == 422, query
        assert answer.code in ("invalid cursor", "invalid offset")


async def test_a_bad_filter_names_its_parameter(agent: Api) -> None:
    for query, code in [
        ("limit=0", "invalid limit"),
        ("limit=501", "invalid limit"),
        ("limit=99999999999999999999", "invalid limit"),
        ("offset=99999999999", "invalid offset"),
        ("owner_id=x", "invalid owner_id"),
        ("owner_id=None", "invalid owner_id"),
        ("active=yes", "invalid active"),
        ("opted_out=fax", "invalid opted_out"),
        ("updated_since=yesterday", "invalid updated_since"),
        ("updated_since=99999999999999999999", "invalid updated_since"),
        ("tag=" + "x" * 101, "invalid tag.0"),
        ("search=" + "x" * 201, "invalid search"),
        ("search=%00", "invalid search"),
        ("company=a%00b", "invalid company"),
        ("serch=ann", "invalid serch"),
    ]:
        answer = await agent.get(f"/api/contacts?{query}")
        assert (answer.status, answer.code) == (422, code), query


async def test_hostile_texts_are_only_looked_for(agent: Api) -> None:
    await new_contact(agent, first_name="Ann", company="O'Brien %s \\ 100%_")
    for text in ("'; DROP TABLE contacts; --", "%", "_", "\\", "%s", "%1$s", "$1", '"', "\u202e"):
        for field in ("search", "company", "tag"):
            answer = await agent.get(f"/api/contacts?{field}={quote(text)}")
            assert answer.status == 200, (field, text)
    assert await names(agent, "search=%25_") == ["Ann"]
    assert await names(agent, f"search={quote('100%_')}") == ["Ann"]
    assert await names(agent, f"search={quote('1__%')}") == []
    assert await names(agent, f"search={quote(chr(92))}") == ["Ann"]
    assert await names(agent, "search=%FF") == []
