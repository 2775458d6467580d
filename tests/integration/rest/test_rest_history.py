from __future__ import annotations

from typing import Any

import asyncpg

from tests.integration.rest.conftest import SignIn
from tests.integration.support.rest import Answer, Api
from tests.integration.support.servers import Company

Entry = dict[str, Any]


async def history(api: Api, contact_id: str, query: str = "") -> list[Entry]:
    answer = await api.get(f"/api/contacts/{contact_id}/history{query}")
    assert answer.status == 200, answer.text
    items: list[Entry] = answer.json["items"]
    return items


async def put_back(api: Api, contact_id: str, entry: Entry, **headers: str) -> Answer:
    path = f"/api/contacts/{contact_id}/history/{entry['id']}/restore"
    return await api.post(path, **headers)


async def make(api: Api, **fields: Any) -> str:
    made = await api.post("/api/contacts", {"first_name": "Ann", **fields})
    assert made.status == 201, made.text
    return str(made.json["contact"]["id"])


async def test_each_change_is_an_entry_with_what_was_and_what_is(
    agent: Api, manager: Api, company: Company
) -> None:
    contact = await make(agent, company="Lee & Sons")
    await manager.patch(
        f"/api/contacts/{contact}", {"company": "Lee Ltd", "notes": "New"}, Idempotency_Key="edit"
    )
    await agent.delete(f"/api/contacts/{contact}")

    deleted, updated, created = await history(agent, contact)

    assert (created["op"], created["agent"]) == ("create", company.agents["agent"])
    assert created["changes"]["company"] == {"from": None, "to": "Lee & Sons"}
    assert updated["changes"] == {
        "company": {"from": "Lee & Sons", "to": "Lee Ltd"},
        "notes": {"from": None, "to": "New"},
    }
    assert (updated["agent"], updated["mutation_id"]) == (company.agents["manager"], "edit")
    assert deleted["op"] == "delete"
    assert deleted["changes"] == {"deleted": {"from": False, "to": True}}
    assert created["version"] < updated["version"] < deleted["version"]
    assert {entry["outcome"] for entry in (created, updated, deleted)} == {"applied"}
    assert {entry["origin"] for entry in (created, updated, deleted)} == {"rest"}


async def test_a_history_is_read_page_by_page(agent: Api) -> None:
    contact = await make(agent)
    for number in range(4):
        await agent.patch(f"/api/contacts/{contact}", {"company": str(number)})
    path = f"/api/contacts/{contact}/history"

    first = (await agent.get(f"{path}?limit=3")).json
    second = (await agent.get(f"{path}?limit=3&cursor={first['next_cursor']}")).json

    entries = first["items"] + second["items"]
    assert [entry["changes"].get("company", {}).get("to") for entry in entries] == [
        *("3", "2", "1", "0"),
        None,
    ]
    assert second["next_cursor"] is None
    assert len({entry["id"] for entry in entries}) == 5


async def test_a_cursor_belongs_to_one_history(agent: Api) -> None:
    contact, other = await make(agent), await make(agent)
    await agent.patch(f"/api/contacts/{contact}", {"company": "A"})
    cursor = (await agent.get(f"/api/contacts/{contact}/history?limit=1")).json["next_cursor"]

    for path in (f"/api/contacts/{other}/history", "/api/tags/nobody-here/history"):
        answer = await agent.get(f"{path}?cursor={cursor}")
        assert (answer.status, answer.code) == (422, "invalid cursor")
    assert (await agent.get(f"/api/contacts/{contact}/history?limit=0")).code == "invalid limit"
    # ["history", "contact", id, "", "not a number"], by hand.
    forged = "WyJhdWRpdCIsIiIsIm5vIG51bWJlciJd"
    assert (await agent.get(f"/api/audit?cursor={forged}")).status == 403


async def test_the_whole_contact_goes_back_to_how_it_was_after_an_entry(agent: Api) -> None:
    tag = (await agent.post("/api/tags", {"name": "VIP"})).json["tag"]["id"]
    contact = await make(
        agent,
        email="ann@example.com",
        phone="044 668 18 00",
        custom={"size": 42, "colour": "red"},
        tag_ids=[tag],
    )
    path = f"/api/contacts/{contact}"
    before = (await agent.get(path)).json
    await agent.patch(path, {"company": "New", "custom": {"size": 44, "new": 1}, "tag_ids": []})
    await agent.patch(path, {"emails": [], "last_name": "Lee", "owner_id": None})
    newest, second, created = await history(agent, contact)

    restored = await put_back(agent, contact, created)

    assert restored.status == 200
    moved = ("version", "updated_at")
    after = {key: value for key, value in restored.json["contact"].items() if key not in moved}
    assert after == {key: value for key, value in before.items() if key not in moved}
    assert restored.json["version"] > newest["version"]
    assert len(await history(agent, contact)) == 4

    middle = (await put_back(agent, contact, second)).json["contact"]
    assert (middle["company"], middle["custom"]) == ("New", {"size": 44, "colour": "red", "new": 1})
    assert "last_name" not in middle
    assert middle["emails"] == before["emails"]


async def test_a_value_that_lost_can_be_put_back(agent: Api, manager: Api, sign_in: SignIn) -> None:
    """Two devices' mutations with stamps of their own come over sockets; here the loser is a
    refused value, and one that a device's clock put before another's.
    """
    contact = await make(agent, company="First")
    path = f"/api/contacts/{contact}"
    await agent.delete(path)
    gone = await manager.patch(path, {"company": "Second", "custom": {"size": 44}})
    assert (gone.status, gone.code) == (410, "gone")
    refused = next(
        entry for entry in await history(agent, contact) if entry["outcome"] == "refused"
    )
    assert refused["changes"]["company"]["to"] == "Second"

    restored = await put_back(agent, contact, refused)

    assert restored.status == 200, restored.text
    assert restored.json["contact"]["company"] == "Second"
    assert restored.json["contact"]["custom"] == {"size": 44}
    assert (await agent.get(path)).status == 200


async def test_a_forbidden_value_is_put_back_by_who_may(
    admin: Api, agent: Api, manager: Api
) -> None:
    await admin.patch("/api/tenant", {"agents_edit": "own"})
    tag = (await manager.post("/api/tags", {"name": "VIP"})).json["tag"]["id"]
    contact = await make(manager, company="First", tag_ids=[tag])
    path = f"/api/contacts/{contact}"
    asked = {"company": "Second", "tag_ids": {"add": [], "remove": [tag]}, "custom": {"size": 1}}
    assert (await agent.patch(path, asked)).code == "forbidden"
    assert (await agent.delete(path)).code == "forbidden"
    deletion, update, _ = await history(manager, contact)
    assert (deletion["outcome"], update["outcome"]) == ("refused", "refused")

    assert (await put_back(agent, contact, update)).code == "forbidden"
    restored = (await put_back(manager, contact, update)).json["contact"]
    assert (restored["company"], restored["custom"]) == ("Second", {"size": 1})
    assert "tag_ids" not in restored
    deleted = await put_back(manager, contact, deletion)
    assert deleted.status == 200
    assert (await agent.get(path)).code == "gone"


async def test_a_deleted_contact_comes_back_with_an_older_version(agent: Api) -> None:
    contact = await make(agent, company="First")
    path = f"/api/contacts/{contact}"
    await agent.patch(path, {"company": "Second"})
    await agent.delete(path)
    deletion, second, first = await history(agent, contact)

    refused = await put_back(agent, contact, deletion)
    assert (refused.status, refused.code) == (409, "conflict")

    restored = await put_back(agent, contact, first, Idempotency_Key="undo")
    assert restored.json["contact"]["company"] == "First"
    again = await put_back(agent, contact, first, Idempotency_Key="undo")
    assert (again.json["status"], again.json["version"]) == (
        "duplicate",
        restored.json["version"],
    )
    other = await put_back(agent, contact, second, Idempotency_Key="undo")
    assert (other.status, other.code) == (409, "conflict mutation_id")


async def test_a_version_put_back_is_without_what_was_edited_while_the_contact_was_deleted(
    agent: Api,
) -> None:
    contact = await make(agent, company="First", custom={"size": 1})
    path = f"/api/contacts/{contact}"
    before = (await agent.get(path)).json
    await agent.delete(path)
    hidden = {"company": "Hidden", "first_name": None, "custom": {"size": None, "colour": "red"}}
    assert (await agent.patch(path, hidden)).code == "gone"
    await agent.post(f"{path}/restore")
    assert (await agent.get(path)).json["company"] == "Hidden"
    *_, created = await history(agent, contact)

    restored = (await put_back(agent, contact, created)).json["contact"]

    moved = ("version", "updated_at")
    assert {key: value for key, value in restored.items() if key not in moved} == {
        key: value for key, value in before.items() if key not in moved
    }
    # The same of a tombstone, which hides those values still.
    await agent.delete(path)
    assert (await agent.patch(path, hidden)).code == "gone"
    again = (await put_back(agent, contact, created)).json["contact"]
    assert (again["company"], again["first_name"]) == ("First", "Ann")
    assert again["custom"] == {"size": 1}


async def test_tags_that_were_deleted_meanwhile_are_dropped_listed_and_kept_in_the_history(
    agent: Api,
) -> None:
    tags = [
        (await agent.post("/api/tags", {"name": name})).json["tag"]["id"] for name in ("A", "B")
    ]
    contact = await make(agent, tag_ids=tags)
    await agent.patch(f"/api/contacts/{contact}", {"tag_ids": []})
    await agent.delete(f"/api/tags/{tags[0]}")
    _, created = await history(agent, contact)

    restored = (await put_back(agent, contact, created)).json

    assert restored["status"] == "merged"
    assert [each["field"] for each in restored["conflicts"]] == [f"tag_ids.{tags[0]}"]
    assert restored["contact"]["tag_ids"] == [tags[1]]
    dropped = (await history(agent, contact))[0]
    assert dropped["outcome"] == "lost"
    assert dropped["changes"] == {f"tag_ids.{tags[0]}": {"from": False, "to": True}}
    # The tag comes back, and then what it was put on can, too.
    await agent.post(f"/api/tags/{tags[0]}/restore")
    whole = (await put_back(agent, contact, dropped)).json
    assert (whole["status"], whole["contact"]["tag_ids"]) == ("applied", sorted(tags))


async def test_whoever_may_not_edit_puts_nothing_back_and_that_is_in_the_history(
    admin: Api, agent: Api, manager: Api, company: Company
) -> None:
    await admin.patch("/api/tenant", {"agents_edit": "own"})
    contact = await make(manager, company="First")
    path = f"/api/contacts/{contact}"
    await manager.patch(path, {"company": "Second", "notes": "New"})
    created = (await history(manager, contact))[-1]
    for _ in range(2):
        refused = await put_back(agent, contact, created, Idempotency_Key="mine")
        assert refused.code == "forbidden"

    entries = await history(manager, contact)

    assert [each["outcome"] for each in entries] == ["refused", "applied", "applied"]
    assert (entries[0]["agent"], entries[0]["mutation_id"]) == (company.agents["agent"], "mine")
    assert entries[0]["changes"] == {
        "company": {"from": "Second", "to": "First"},
        "notes": {"from": "New", "to": None},
    }
    assert (await manager.get(path)).json["company"] == "Second"


async def test_a_value_is_put_back_once_however_often_it_is_asked(agent: Api) -> None:
    contact = await make(agent, company="First")
    path = f"/api/contacts/{contact}"
    await agent.delete(path)
    await agent.patch(path, {"company": "Second"})
    refused = (await history(agent, contact))[0]
    first = await put_back(agent, contact, refused, Idempotency_Key="once")
    await agent.patch(path, {"company": "Third"})
    again = await put_back(agent, contact, refused, Idempotency_Key="once")

    assert (first.json["contact"]["company"], again.json["contact"]["company"]) == (
        "Second",
        "Third",
    )
    assert (again.json["status"], again.json["version"]) == ("duplicate", first.json["version"])
    restores = [each for each in await history(agent, contact) if each["op"] == "restore"]
    assert len(restores) == 1


async def test_if_match_holds_for_putting_back_too(agent: Api) -> None:
    contact = await make(agent, company="First")
    path = f"/api/contacts/{contact}"
    etag = (await agent.get(path)).headers["ETag"]
    deleted = await agent.delete(path)
    created = (await history(agent, contact))[-1]

    late = await put_back(agent, contact, created, If_Match=etag)
    assert (late.status, late.code) == (412, "conflict")
    assert (await agent.get(path)).code == "gone"
    in_time = await put_back(agent, contact, created, If_Match=deleted.headers["ETag"])
    assert in_time.status == 200


async def test_there_is_nothing_to_put_back_of_an_unknown_entry(agent: Api, outsider: Api) -> None:
    contact, other = await make(agent), await make(agent)
    (entry,) = await history(agent, contact)

    for number in ("0", "999999999", "9" * 30, "abc", "-1", "1e3", "%20"):
        answer = await agent.post(f"/api/contacts/{contact}/history/{number}/restore")
        assert (answer.status, answer.code) == (404, "not_found")
    assert (await put_back(agent, other, entry)).status == 404
    assert (await put_back(outsider, contact, entry)).status == 404


async def test_admins_and_managers_read_the_audit_log(
    admin: Api, agent: Api, manager: Api, outsider: Api, sign_in: SignIn, company: Company
) -> None:
    contact = await make(agent)
    await agent.patch(f"/api/contacts/{contact}", {"company": "A"})
    tag = (await manager.post("/api/tags", {"name": "VIP"})).json["tag"]["id"]
    await admin.patch("/api/tenant", {"max_tags": 7})

    async def read(query: str = "") -> list[tuple[str, str, str]]:
        answer = await manager.get(f"/api/audit{query}")
        assert answer.status == 200, answer.text
        items = answer.json["items"]
        return [(entry["op"], entry["entity"], entry["entity_id"]) for entry in items]

    settings = ("settings", "tenant", company.tenant)
    made = ("create", "contact", contact)
    updated = ("update", "contact", contact)
    tagged = ("create", "tag", tag)
    assert await read() == [settings, tagged, updated, made]
    assert await read("?entity=contact") == [updated, made]
    assert await read("?op=create") == [tagged, made]
    assert await read(f"?entity=contact&entity_id={contact}&op=update") == [updated]
    assert await read(f"?agent={company.agents['manager']}") == [tagged]
    assert await read("?entity=nothing") == []
    first = (await admin.get("/api/audit?limit=3")).json
    second = (await admin.get(f"/api/audit?limit=3&cursor={first['next_cursor']}")).json
    assert [entry["op"] for entry in second["items"]] == ["create"]
    assert second["next_cursor"] is None
    for api in (agent, sign_in("api")):
        assert (await api.get("/api/audit")).code == "forbidden"
    assert (await outsider.get("/api/audit")).json["items"] == []


async def test_a_bad_audit_query_names_its_parameter(admin: Api) -> None:
    for query, code in [
        ("limit=0", "invalid limit"),
        ("cursor=nonsense", "invalid cursor"),
        ("cursor=WyJhdWRpdCIsIiIsIm5vIG51bWJlciJd", "invalid cursor"),
        ("agent=x", "invalid agent"),
        ("who=me", "invalid who"),
        ("op=%00", "invalid op"),
    ]:
        answer = await admin.get(f"/api/audit?{query}")
        assert (answer.status, answer.code) == (422, code), query


async def test_of_a_purged_contact_the_history_stays_and_nothing_is_put_back(
    agent: Api, owner: asyncpg.Connection, company: Company
) -> None:
    contact = await make(agent)
    await agent.delete(f"/api/contacts/{contact}")
    async with owner.transaction():
        await owner.execute("SET LOCAL app.purge = 'on'")
        await owner.execute(
            "DELETE FROM contacts WHERE tenant_id = $1 AND id = $2", company.tenant, contact
        )

    _, created = await history(agent, contact)

    assert (await put_back(agent, contact, created)).code == "not_found"
    assert (await agent.get(f"/api/contacts/{contact}")).code == "not_found"
