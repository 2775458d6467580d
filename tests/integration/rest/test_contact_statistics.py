"""How many contacts there are, of which kind and of whom: `/api/contacts/stats`."""

from __future__ import annotations

import asyncpg
import pytest

from tests.integration.support.contacts import make_contact
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company

pytestmark = pytest.mark.usefixtures("within_a_day")


async def test_statistics_count_what_is_live(admin: Api, agent: Api, company: Company) -> None:
    tag = (await agent.post("/api/tags", {"name": "VIP"})).json["tag"]
    unused = (await agent.post("/api/tags", {"name": "Unused"})).json["tag"]
    await make_contact(agent, first_name="A", email="a@example.com", tag_ids=[tag["id"]])
    await make_contact(agent, first_name="B", phone="044 668 18 00", active=False)
    await make_contact(agent, first_name="C", owner_id=None)
    dead = await make_contact(agent, first_name="D", tag_ids=[tag["id"], unused["id"]])
    await agent.delete(f"/api/contacts/{dead['id']}")

    counts = (await admin.get("/api/contacts/stats")).json

    assert {name: counts[name] for name in ("total", "active", "with_email", "with_phone")} == {
        "total": 3,
        "active": 2,
        "with_email": 1,
        "with_phone": 1,
    }
    assert counts["by_tag"] == [{"id": tag["id"], "name": "VIP", "count": 1}]
    assert counts["by_group"] == counts["by_type"] == []
    assert counts["by_owner"] == [
        {"id": company.agents["agent"], "name": "Agent", "count": 2},
        {"id": None, "name": None, "count": 1},
    ]
    assert len(counts["created_per_day"]) == 30
    assert counts["created_per_day"][-1]["count"] == 3

    await make_contact(agent, first_name="E")
    assert (await admin.get("/api/contacts/stats")).json["total"] == 4


async def test_statistics_count_each_label_and_each_of_the_last_thirty_days(
    agent: Api, admin: Api, owner: asyncpg.Connection, company: Company
) -> None:
    labels = {}
    for plural in ("tags", "groups", "types"):
        entity = plural.removesuffix("s")
        for name in ("A", "B"):
            answer = await agent.post(f"/api/{plural}", {"name": name})
            labels[entity, name] = answer.json[entity]["id"]
    ages = (0, 1, 1, 28, 29, 30, 400)
    for number, age in enumerate(ages):
        fields = {
            "tag_ids": [labels["tag", name] for name in "AB"[: number % 3]],
            "group_ids": [labels["group", name] for name in "AB"[: number // 3]],
            "type_ids": [labels["type", "A"]] if number == 4 else [],
        }
        contact = await make_contact(agent, first_name=f"N{number}", **fields)
        async with owner.transaction():
            await owner.execute("SET LOCAL session_replication_role = replica")
            await owner.execute(
                "UPDATE contacts SET created_at = ((now() AT TIME ZONE 'UTC')::date - $3::int"
                ")::timestamp AT TIME ZONE 'UTC' WHERE tenant_id = $1 AND id = $2",
                *(company.tenant, contact["id"], age),
            )
    await make_contact(agent, first_name="Now")

    counts = (await admin.get("/api/contacts/stats")).json

    told = {
        name: [(each["name"], each["count"]) for each in counts[name]]
        for name in ("by_tag", "by_group", "by_type")
    }
    assert told == {
        "by_tag": [("A", 4), ("B", 2)],
        "by_group": [("A", 4), ("B", 1)],
        "by_type": [("A", 1)],
    }
    assert counts["total"] == 8
    days = [each["count"] for each in counts["created_per_day"]]
    assert days == [1, 1, *[0] * 26, 2, 2]
    assert [each["day"] for each in counts["created_per_day"]] == sorted(
        each["day"] for each in counts["created_per_day"]
    )
