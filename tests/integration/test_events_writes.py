"""Writing contacts, tags, groups and types: happy ways, and what a company may forbid."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from nanoid import generate

from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device
from tests.integration.support.servers import Company, change_settings
from tests.integration.support.writing import history_of

pytestmark = ON_THE_SERVERS_LOOP


async def test_a_contact_is_made_edited_deleted_and_restored(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    answer = await device.call(
        "contact_create",
        {
            "mutation_id": "make-it",
            "contact": {
                "first_name": " Ann ",
                "last_name": "Lee",
                "email": "Ann@Example.com",
                "phones": [{"label": "mobile", "value": "+41 44 668 18 00"}],
                "custom": {"size": 42, "colour": None},
                "notes": "",
            },
        },
    )
    contact = answer["contact"]
    assert (answer["status"], answer["conflicts"]) == ("applied", [])
    assert answer["version"] == contact["version"]
    assert contact == {
        "id": contact["id"],
        "version": contact["version"],
        "created_at": contact["created_at"],
        "updated_at": contact["created_at"],
        "created_by": company.agents["agent"],
        "updated_by": company.agents["agent"],
        "first_name": "Ann",
        "last_name": "Lee",
        "display_name": "Ann Lee",
        "emails": [{"value": "ann@example.com"}],
        "phones": [{"label": "mobile", "value": "+41 44 668 18 00", "e164": "+41446681800"}],
        "custom": {"size": 42},
        "owner_id": company.agents["agent"],
        "active": True,
    }
    # The ack is sent only once the write is durable.
    assert await sql.fetchval("SELECT wire FROM contacts WHERE id = $1", contact["id"])

    changes = {"company": "Lee & Sons", "custom": {"size": None}, "first_name": None}
    answer = await device.call("contact_update", {"id": contact["id"], "changes": changes})
    edited = answer["contact"]
    assert edited["version"] > contact["version"]
    assert (edited["company"], edited["display_name"]) == ("Lee & Sons", "Lee")
    assert "first_name" not in edited

    answer = await device.call("contact_delete", {"id": contact["id"]})
    assert set(answer["contact"]) == {"id", "version", "deleted_at"}
    assert answer["version"] > edited["version"]

    answer = await device.call("contact_restore", {"id": contact["id"]})
    restored = answer["contact"]
    changing = {"version", "updated_at"}
    assert {**restored, **{key: edited[key] for key in changing}} == edited

    history = await history_of(sql, contact)
    assert [entry["op"] for entry in history] == ["create", "update", "delete", "restore"]
    assert history[1]["before"] == {"first_name": "Ann", "custom": {"size": 42}}
    assert history[1]["after"]["company"] == "Lee & Sons"
    assert history[2] == {
        "op": "delete",
        "outcome": "applied",
        "before": {"deleted": False},
        "after": {"deleted": True},
    }


@pytest.mark.parametrize("entity", ["tag", "group", "type"])
async def test_tags_groups_and_types_are_written_like_contacts(device: Device, entity: str) -> None:
    made = (await device.call(f"{entity}_create", {entity: {"name": " VIP "}}))[entity]
    assert made["name"] == "VIP"
    taken = await device.call(f"{entity}_create", {entity: {"name": "vip"}})
    assert (taken["error"]["code"], list(taken["error"]["fields"])) == ("conflict", ["name"])

    other = (await device.call(f"{entity}_create", {entity: {"name": "Old"}}))[entity]
    renamed = await device.call(f"{entity}_update", {"id": other["id"], "changes": {"name": "vIP"}})
    assert renamed["error"]["code"] == "conflict"
    cleared = await device.call(f"{entity}_update", {"id": other["id"], "changes": {"name": None}})
    assert (cleared["error"]["code"], list(cleared["error"]["fields"])) == (
        "invalid",
        ["changes.name"],
    )
    gone = await device.call(f"{entity}_delete", {"id": made["id"]})
    assert "deleted_at" in gone[entity]
    # The name is free again, and not to be had for the one that had it.
    assert (await device.call(f"{entity}_update", {"id": other["id"], "changes": {"name": "vip"}}))[
        entity
    ]["name"] == "vip"
    back = await device.call(f"{entity}_restore", {"id": made["id"]})
    assert back["error"]["code"] == "conflict"
    edited = await device.call(f"{entity}_update", {"id": made["id"], "changes": {"name": "VVIP"}})
    assert edited["error"]["code"] == "gone"
    back = await device.call(f"{entity}_restore", {"id": made["id"]})
    assert back[entity]["name"] == "VVIP"


async def test_an_owner_is_the_creator_unless_named_or_nobody(
    device: Device, company: Company
) -> None:
    assert (await device.create())["owner_id"] == company.agents["agent"]
    assert (await device.create(owner_id=company.agents["api"]))["owner_id"] == (
        company.agents["api"]
    )
    assert "owner_id" not in await device.create(owner_id=None)


async def test_an_id_that_the_client_made_is_kept_and_can_be_used_once(device: Device) -> None:
    wanted = generate()
    assert (await device.create(id=wanted))["id"] == wanted
    answer = await device.call("contact_create", {"contact": {"id": wanted, "company": "A"}})
    assert answer["error"]["code"] == "conflict"
    assert list(answer["error"]["fields"]) == ["contact.id"]


async def test_what_get_gave_can_be_sent_back(device: Device) -> None:
    contact = await device.create(phone="+41446681800", email="ann@example.com")
    changes = {**contact, "company": "New"}
    answer = await device.call("contact_update", {"id": contact["id"], "changes": changes})
    assert answer["contact"]["company"] == "New"
    changes["version"] = contact["version"]
    answer = await device.call("contact_update", {"id": contact["id"], "changes": changes})
    assert (answer["error"]["code"], "changes.version" in answer["error"]["fields"]) == (
        "invalid",
        True,
    )


async def test_an_edit_of_nothing_changes_nothing(device: Device) -> None:
    contact = await device.create()
    answer = await device.call("contact_update", {"id": contact["id"], "changes": {}})
    assert (answer["status"], answer["contact"]) == ("applied", contact)


async def test_a_company_s_limit_of_tags_holds_for_the_merged_contact(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    await change_settings(sql, device.server, company, max_tags=1)
    tags = [
        (await device.call("tag_create", {"tag": {"name": name}}))["tag"]["id"] for name in "ab"
    ]
    contact = await device.create(tag_ids=tags[:1])
    answer = await device.call(
        "contact_update", {"id": contact["id"], "changes": {"tag_ids": {"add": tags[1:]}}}
    )
    assert (answer["error"]["code"], list(answer["error"]["fields"])) == (
        "invalid",
        ["changes.tag_ids"],
    )
    change = {"tag_ids": {"add": tags[1:], "remove": tags[:1]}}
    answer = await device.call("contact_update", {"id": contact["id"], "changes": change})
    assert answer["contact"]["tag_ids"] == tags[1:]


async def test_an_agent_may_be_kept_to_its_own_contacts_and_its_try_stays_in_the_history(
    make_device: MakeDevice, device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    manager = await make_device("manager").connect()
    await manager.sign_in()
    theirs, mine = await manager.create(company="A"), await device.create(company="A")
    await change_settings(sql, device.server, company, agents_edit="own")
    update = {"mutation_id": "mine?", "id": theirs["id"], "changes": {"company": "B"}}
    answer = await device.call("contact_update", update)
    assert answer["error"]["code"] == "forbidden"
    assert (await history_of(sql, theirs))[-1] == {
        "op": "update",
        "outcome": "refused",
        "before": {"company": "A"},
        "after": {"company": "B"},
    }
    assert (await device.call("contact_delete", {"id": theirs["id"]}))["error"]["code"] == (
        "forbidden"
    )
    assert (await device.call("contact_update", {"id": mine["id"], "changes": {"company": "B"}}))[
        "ok"
    ]
    assert (await manager.call("contact_update", {"id": mine["id"], "changes": {"company": "C"}}))[
        "ok"
    ]
    # A tag is nobody's own.
    assert (await device.call("tag_create", {"tag": {"name": "VIP"}}))["ok"]
    # The refusal does not answer for its mutation: the same is judged anew, with its old stamp.
    assert (await device.call("contact_update", update))["error"]["code"] == "forbidden"
    await change_settings(sql, device.server, company, agents_edit="all")
    answer = await device.call("contact_update", update)
    assert (answer["status"], answer["contact"]["company"]) == ("applied", "B")


@pytest.mark.parametrize("policy", ["allow", "warn", "refuse"])
async def test_a_company_may_want_to_know_of_duplicates(
    device: Device, company: Company, sql: asyncpg.Connection, policy: str
) -> None:
    await change_settings(sql, device.server, company, duplicates=policy)
    first = await device.create(email="ann@example.com", phone="+41446681800")
    deleted = await device.create(first_name="Bob", email="bob@example.com")
    await device.call("contact_delete", {"id": deleted["id"]})
    for fields in ({"email": "ANN@example.com"}, {"phone": "+41 (0)44 668 18 00"}):
        answer = await device.call("contact_create", {"contact": fields})
        found: Any = answer.pop("duplicates", None)
        if policy == "refuse":
            assert answer["error"]["code"] == "conflict"
            assert answer["error"]["duplicates"] == [first["id"]]
        elif policy == "warn":
            assert first["id"] in found
        else:
            assert found is None
    answer = await device.call("contact_create", {"contact": {"email": "bob@example.com"}})
    assert answer["ok"]
    assert "duplicates" not in answer
