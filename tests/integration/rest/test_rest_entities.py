from __future__ import annotations

import pytest

from tests.integration.support.rest import Api

FIELDS = {
    "tags": {"name": "VIP", "color": "#1D4ED8", "category": "Priority"},
    "groups": {"name": "Spring fair", "description": "Visitors of our stand"},
    "types": {"name": "Customer", "description": "Has bought"},
}
PLURALS = list(FIELDS)


@pytest.mark.parametrize("plural", PLURALS)
async def test_an_entity_is_made_read_changed_deleted_and_restored(agent: Api, plural: str) -> None:
    name = plural.removesuffix("s")

    made = await agent.post(f"/api/{plural}", FIELDS[plural])
    row = made.json[name]
    path = f"/api/{plural}/{row['id']}"

    assert made.status == 201
    assert row["name"] == FIELDS[plural]["name"]
    assert (await agent.get(path)).json == row
    assert (await agent.put(path, row)).json["version"] == row["version"]
    assert (await agent.patch(path, {"name": "Other"})).json[name]["name"] == "Other"
    stale = await agent.patch(path, {"name": "Late"}, If_Match=f'"{row["version"]}"')
    assert (stale.status, stale.code) == (412, "conflict")
    put = (await agent.put(path, {"name": "Bare"})).json[name]
    assert put.keys() == row.keys() - {"color", "category", "description"}
    assert (await agent.delete(path)).json[name]["deleted_at"]
    assert (await agent.get(path)).code == "gone"
    assert (await agent.post(f"{path}/restore")).json[name]["name"] == "Bare"
    ops = [entry["op"] for entry in (await agent.get(f"{path}/history")).json["items"]]
    assert ops == ["restore", "delete", "update", "update", "create"]


@pytest.mark.parametrize("plural", PLURALS)
async def test_a_name_is_unique_needed_and_free_again_when_deleted(
    agent: Api, outsider: Api, plural: str
) -> None:
    name = plural.removesuffix("s")
    row = (await agent.post(f"/api/{plural}", {"name": "VIP"})).json[name]

    taken = await agent.post(f"/api/{plural}", {"name": "vip"})
    assert (taken.status, taken.code) == (409, "conflict name")
    nameless = await agent.post(f"/api/{plural}", {})
    assert (nameless.status, nameless.code) == (422, "invalid name")
    assert (await agent.put(f"/api/{plural}/{row['id']}", {})).code == "invalid name"
    assert (await agent.patch(f"/api/{plural}/{row['id']}", {"name": None})).code == "invalid name"
    assert (await outsider.post(f"/api/{plural}", {"name": "VIP"})).status == 201
    await agent.delete(f"/api/{plural}/{row['id']}")
    assert (await agent.post(f"/api/{plural}", {"name": "VIP"})).status == 201


async def test_a_list_is_by_name_and_page_by_page(agent: Api, outsider: Api) -> None:
    for name in ("zoo", "Émile", "Apple", "apricot", "100 %", "banana"):
        assert (await agent.post("/api/tags", {"name": name})).status == 201
    deleted = (await agent.post("/api/tags", {"name": "deleted"})).json["tag"]
    await agent.delete(f"/api/tags/{deleted['id']}")
    everything = ["100 %", "Apple", "apricot", "banana", "Émile", "zoo"]

    whole = (await agent.get("/api/tags")).json
    assert [tag["name"] for tag in whole["items"]] == everything
    assert (whole["total"], whole["next_cursor"]) == (6, None)

    names: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await agent.get(f"/api/tags?limit=4&cursor={cursor}")).json
        names += [tag["name"] for tag in page["items"]]
        cursor = page["next_cursor"]
        assert page["total"] == 6
    assert names == everything
    exactly = (await agent.get("/api/tags?limit=6")).json
    assert exactly["next_cursor"] is None

    async def search(text: str) -> list[str]:
        found = (await agent.get(f"/api/tags?search={text}")).json
        assert found["total"] == len(found["items"])
        return [tag["name"] for tag in found["items"]]

    assert await search("AP") == ["Apple", "apricot"]
    assert await search("emi") == ["Émile"]
    assert await search("%25") == ["100 %"]
    assert await search("_") == []
    skipped = (await agent.get("/api/tags?limit=2&offset=3")).json
    assert [tag["name"] for tag in skipped["items"]] == ["banana", "Émile"]
    assert (await agent.get("/api/tags?offset=100")).json["items"] == []
    assert (await outsider.get("/api/tags")).json["total"] == 0


async def test_a_bad_query_names_its_parameter(agent: Api) -> None:
    for query, code in [
        ("limit=0", "invalid limit"),
        ("limit=501", "invalid limit"),
        ("limit=ten", "invalid limit"),
        ("limit=1&limit=2", "invalid limit"),
        ("offset=-1", "invalid offset"),
        ("cursor=nonsense", "invalid cursor"),
        ("cursor=eyJhIjoxfQ==", "invalid cursor"),
        ("cursor=WyJncm91cHMiLCJhIiwiYiJd", "invalid cursor"),
        ("cursor=W10=", "invalid cursor"),
        ("cursor=%ff%00", "invalid cursor"),
        ("cursor=%C3%A9", "invalid cursor"),
        ("sort=name", "invalid sort"),
        ("search=%00", "invalid search"),
    ]:
        answer = await agent.get(f"/api/tags?{query}")
        assert (answer.status, answer.code) == (422, code), query


async def test_ids_of_tags_that_do_not_exist_are_dropped_and_listed(agent: Api) -> None:
    tag = (await agent.post("/api/tags", {"name": "VIP"})).json["tag"]

    made = await agent.post(
        "/api/contacts", {"first_name": "Ann", "tag_ids": [tag["id"], "no-such-tag"]}
    )

    assert (made.status, made.json["status"]) == (201, "merged")
    assert made.json["contact"]["tag_ids"] == [tag["id"]]
    assert [conflict["field"] for conflict in made.json["conflicts"]] == ["tag_ids.no-such-tag"]


async def test_settings_are_read_by_all_and_changed_by_admins(
    admin: Api, agent: Api, manager: Api
) -> None:
    before = (await agent.get("/api/tenant")).json
    assert before["name"] == "A company"
    assert (before["region"], before["max_tags"], before["duplicates"]) == ("CH", 100, "allow")

    changed = await admin.patch("/api/tenant", {"region": "us", "max_tags": 1})
    assert changed.json == {**before, "region": "US", "max_tags": 1}
    assert (await agent.get("/api/tenant")).json == changed.json
    made = await agent.post("/api/contacts", {"first_name": "A", "phone": "(212) 555-0187"})
    assert made.json["contact"]["phones"][0]["e164"] == "+12125550187"
    tags = [
        (await agent.post("/api/tags", {"name": name})).json["tag"]["id"] for name in ("a", "b")
    ]
    many = await agent.post("/api/contacts", {"first_name": "A", "tag_ids": tags})
    assert (many.status, many.code) == (422, "invalid tag_ids")

    assert (await admin.patch("/api/tenant", {"region": None})).json["region"] == "CH"
    for api in (agent, manager):
        assert (await api.patch("/api/tenant", {"max_tags": 5})).code == "forbidden"
    for body, code in (
        ({"max_tags": 0}, "invalid max_tags"),
        ({"duplicates": "maybe"}, "invalid duplicates"),
        ({"region": "XX"}, "invalid region"),
        ({"id": "other"}, "invalid id"),
        ({"clean_phones": "yes"}, "invalid clean_phones"),
    ):
        assert (await admin.patch("/api/tenant", body)).code == code


async def test_a_delta_holds_what_changed_after_a_cursor(agent: Api, outsider: Api) -> None:
    for number in range(5):
        await agent.post("/api/contacts", {"first_name": f"Ann {number}"})
    tag = (await agent.post("/api/tags", {"name": "VIP"})).json["tag"]

    first = (await agent.get("/api/sync/delta?version=0&limit=4")).json
    assert (len(first["contacts"]["put"]), first["has_more"]) == (4, True)
    resume = first["resume"]
    second = (await agent.get(f"/api/sync/delta?version=0&limit=4&resume={resume}")).json
    assert [row["first_name"] for row in second["contacts"]["put"]] == ["Ann 4"]
    assert second["tags"]["put"] == [tag]
    assert second["has_more"] is False

    await agent.delete(f"/api/tags/{tag['id']}")
    cursor = f"version={second['until']}&epoch={second['epoch']}"
    third = (await agent.get(f"/api/sync/delta?{cursor}")).json
    assert [row["id"] for row in third["tags"]["del"]] == [tag["id"]]
    unnamed = (await agent.get(f"/api/sync/delta?version={second['until']}")).json
    assert unnamed["epoch"] == second["epoch"]
    for query in (f"version={third['until'] + 10_000}", f"version={second['until']}&epoch=old"):
        refused = await agent.get(f"/api/sync/delta?{query}")
        assert (refused.status, refused.code) == (409, "resync_required")
        assert refused.json["reason"] in ("ahead", "epoch")
    assert (await outsider.get("/api/sync/delta?version=0")).json.get("contacts") is None


async def test_a_bad_delta_names_its_parameter(agent: Api) -> None:
    for query, code in [
        ("", "invalid version"),
        ("version=-1", "invalid version"),
        ("version=4503599627370496", "invalid version"),
        ("version=9999999999999999999999", "invalid version"),
        ("version=0&limit=0", "invalid limit"),
        ("version=0&resume=nonsense", "invalid resume"),
        ("version=0&since=1", "invalid since"),
    ]:
        answer = await agent.get(f"/api/sync/delta?{query}")
        assert (answer.status, answer.code) == (422, code), query
