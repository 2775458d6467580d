"""Writing contacts, tags, groups and types: happy ways, merging, and what is refused."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncpg
import orjson
import pytest
from nanoid import generate

from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device, Payload
from tests.integration.support.servers import Company

pytestmark = ON_THE_SERVERS_LOOP

HOUR_MS = 3_600_000


def now_ms() -> int:
    return round(time.time() * 1_000)


async def stamp_of(sql: asyncpg.Connection, contact: Payload, name: str) -> Payload:
    """One field's stamp as it is kept."""
    stamps = await sql.fetchval("SELECT stamps FROM contacts WHERE id = $1", contact["id"])
    stamp: Payload = orjson.loads(stamps)[name]
    return stamp


async def history_of(sql: asyncpg.Connection, row: Payload) -> list[Payload]:
    """The history of a row: op, outcome, before and after, oldest first."""
    records = await sql.fetch(
        "SELECT op, outcome, before, after FROM audit_log WHERE entity_id = $1 ORDER BY id",
        row["id"],
    )
    return [
        {
            "op": record["op"],
            "outcome": record["outcome"],
            "before": orjson.loads(record["before"] or "null"),
            "after": orjson.loads(record["after"] or "null"),
        }
        for record in records
    ]


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


async def test_an_equal_value_moves_the_stamp_and_not_the_version(
    device: Device, second_device: Device, sql: asyncpg.Connection
) -> None:
    contact = await device.create(company="A")
    await second_device.expect("changes")
    answer = await device.call(
        "contact_update", {"mutation_id": "same", "id": contact["id"], "changes": {"company": "A"}}
    )
    assert (answer["status"], answer["contact"]) == ("applied", contact)
    assert (await stamp_of(sql, contact, "company"))["mutation"] == "same"
    assert (await stamp_of(sql, contact, "company"))["version"] == contact["version"]
    await second_device.flush()
    assert second_device.take("changes") == []
    assert len(await history_of(sql, contact)) == 1


async def test_two_devices_that_edit_offline_merge_field_by_field(
    device: Device, second_device: Device, sql: asyncpg.Connection
) -> None:
    contact = await device.create(company="A", notes="old", custom={"size": 1})
    await asyncio.sleep(0.02)
    base, now = contact["version"], now_ms()
    first = await device.call(
        "contact_update",
        {
            "id": contact["id"],
            "base_version": base,
            "edited_at": now,
            "changes": {"company": "B", "custom": {"size": 2}},
        },
    )
    assert first["status"] == "applied"
    # Edited earlier, arrives later.
    second = await second_device.call(
        "contact_update",
        {
            "id": contact["id"],
            "base_version": base,
            "edited_at": now - 5,
            "changes": {"company": "C", "notes": "new", "custom": {"colour": "red"}},
        },
    )
    assert second["status"] == "merged"
    (conflict,) = second["conflicts"]
    assert {key: conflict[key] for key in ("field", "yours", "theirs", "kept", "by")} == {
        "field": "company",
        "yours": "C",
        "theirs": "B",
        "kept": "theirs",
        "by": device.company.agents["agent"],
    }
    merged = second["contact"]
    assert (merged["company"], merged["notes"]) == ("B", "new")
    assert merged["custom"] == {"size": 2, "colour": "red"}
    third = await second_device.call(
        "contact_update",
        {"id": contact["id"], "base_version": base, "changes": {"company": "D"}},
    )
    assert third["status"] == "merged"
    assert [(each["theirs"], each["kept"]) for each in third["conflicts"]] == [("B", "yours")]
    lost = [entry for entry in await history_of(sql, contact) if entry["outcome"] == "lost"]
    assert lost == [
        {"op": "update", "outcome": "lost", "before": {"company": "B"}, "after": {"company": "C"}}
    ]


async def test_a_mutation_of_which_nothing_is_kept_is_superseded_and_stays_in_the_history(
    device: Device, second_device: Device, sql: asyncpg.Connection
) -> None:
    contact = await device.create(company="A")
    answer = await second_device.call(
        "contact_update",
        {"id": contact["id"], "edited_at": now_ms() - HOUR_MS, "changes": {"company": "B"}},
    )
    assert (answer["status"], answer["contact"]) == ("superseded", contact)
    assert answer["version"] == contact["version"]
    assert (await history_of(sql, contact))[-1]["after"] == {"company": "B"}


async def test_stamps_are_corrected_by_the_device_s_clock_and_never_later_than_now(
    make_device: MakeDevice, sql: asyncpg.Connection
) -> None:
    hasty = await make_device().connect()
    await hasty.sign_in(clock=now_ms() + HOUR_MS)
    edited = now_ms() - 5_000
    contact = (
        await hasty.call(
            "contact_create",
            {"edited_at": edited + HOUR_MS, "contact": {"company": "A"}},
        )
    )["contact"]
    at = (await stamp_of(sql, contact, "*"))["at"] / 1_000
    # The skew is measured with what the network took.
    assert edited - 5 <= at <= edited + 2_000
    far = {"id": contact["id"], "edited_at": now_ms() + 9 * HOUR_MS, "changes": {"company": "B"}}
    await hasty.call("contact_update", far)
    assert (await stamp_of(sql, contact, "company"))["at"] / 1_000 <= now_ms() + 1


async def test_a_device_s_stamps_follow_one_another_whatever_its_clock_says(
    device: Device, sql: asyncpg.Connection
) -> None:
    contact = await device.create(company="A")
    for number in range(3):
        edited = now_ms() - number * HOUR_MS
        answer = await device.call(
            "contact_update",
            {"id": contact["id"], "edited_at": edited, "changes": {"company": str(number)}},
        )
        assert answer["status"] == "applied"
    assert answer["contact"]["company"] == "2"


async def test_ping_tells_the_skew_and_the_head(device: Device) -> None:
    contact = await device.create()
    answer = await device.call(
        "ping",
        {"clock": now_ms() - 60_000, "cursor": 1, "queue": {"size": 0}, "battery": 80.5},
    )
    assert answer["version"] == contact["version"]
    assert answer["checksum"]["contacts"] == {"count": 1, "sum": contact["version"]}
    assert answer["checksum"]["tags"] == {"count": 0, "sum": 0}
    assert 59_000 < answer["skew_ms"] < 62_000


async def test_an_edit_of_a_deleted_contact_is_gone_and_shows_when_it_is_restored(
    device: Device, second_device: Device, sql: asyncpg.Connection
) -> None:
    contact = await device.create(company="A")
    await second_device.call("contact_delete", {"id": contact["id"]})
    update = {"mutation_id": "late", "id": contact["id"], "changes": {"company": "B"}}
    answer = await device.call("contact_update", update)
    assert answer["error"]["code"] == "gone"
    # It is remembered: the same again is the same answer, not another edit.
    assert (await device.call("contact_update", update))["error"]["code"] == "gone"
    assert (await history_of(sql, contact))[-1] == {
        "op": "update",
        "outcome": "refused",
        "before": {"company": "A"},
        "after": {"company": "B"},
    }
    assert len(await history_of(sql, contact)) == 3
    restored = await second_device.call("contact_restore", {"id": contact["id"]})
    assert restored["contact"]["company"] == "B"
    # Also after it is live again.
    assert (await device.call("contact_update", update))["error"]["code"] == "gone"


async def test_a_contact_is_restored_even_if_an_edit_emptied_it_meanwhile(device: Device) -> None:
    contact = await device.create()
    await device.call("contact_delete", {"id": contact["id"]})
    emptied = {"id": contact["id"], "changes": {"first_name": None}}
    assert (await device.call("contact_update", emptied))["error"]["code"] == "gone"
    assert (await device.call("contact_restore", {"id": contact["id"]}))["ok"]


async def test_what_is_hidden_does_not_grow_above_the_limit_either(device: Device) -> None:
    contact = await device.create()
    await device.call("contact_delete", {"id": contact["id"]})
    codes = []
    for number in range(5):
        custom = {f"field {number}.{part}": "x" * 4_900 for part in range(4)}
        update = {"id": contact["id"], "changes": {"custom": custom}}
        codes.append((await device.call("contact_update", update))["error"]["code"])
    assert codes == ["gone", "gone", "gone", "too_large", "too_large"]
    assert (await device.call("contact_restore", {"id": contact["id"]}))["ok"]


async def test_deleting_what_is_deleted_and_restoring_what_is_live_change_nothing(
    device: Device,
) -> None:
    contact = await device.create()
    answer = await device.call("contact_restore", {"id": contact["id"]})
    assert (answer["status"], answer["contact"]) == ("applied", contact)
    first = await device.call("contact_delete", {"id": contact["id"]})
    second = await device.call("contact_delete", {"id": contact["id"]})
    assert second["contact"] == first["contact"]


async def test_a_delete_from_before_a_restore_is_superseded(
    device: Device, second_device: Device
) -> None:
    contact = await device.create()
    await device.call("contact_delete", {"id": contact["id"]})
    await device.call("contact_restore", {"id": contact["id"]})
    answer = await second_device.call(
        "contact_delete", {"id": contact["id"], "edited_at": now_ms() - HOUR_MS}
    )
    assert answer["status"] == "superseded"
    assert "deleted_at" not in answer["contact"]


async def test_ids_of_tags_that_are_not_there_are_dropped_and_listed(device: Device) -> None:
    kept = (await device.call("tag_create", {"tag": {"name": "Kept"}}))["tag"]["id"]
    deleted = (await device.call("tag_create", {"tag": {"name": "Deleted"}}))["tag"]["id"]
    await device.call("tag_delete", {"id": deleted})
    group, unknown = generate(), generate()
    answer = await device.call(
        "contact_create",
        {
            "contact": {
                "company": "A",
                "tag_ids": [kept, deleted, unknown],
                "group_ids": {"add": [group], "remove": []},
                # A tag is no type.
                "type_ids": [kept],
            }
        },
    )
    assert answer["status"] == "merged"
    assert answer["contact"]["tag_ids"] == [kept]
    dropped = {f"tag_ids.{deleted}", f"tag_ids.{unknown}", f"group_ids.{group}", f"type_ids.{kept}"}
    assert {each["field"] for each in answer["conflicts"]} == dropped
    assert {(each["yours"], each["kept"]) for each in answer["conflicts"]} == {(True, "theirs")}
    change = {"tag_ids": {"add": [unknown], "remove": [kept, generate()]}}
    answer = await device.call("contact_update", {"id": answer["contact"]["id"], "changes": change})
    assert [each["field"] for each in answer["conflicts"]] == [f"tag_ids.{unknown}"]
    assert "tag_ids" not in answer["contact"]


async def test_two_devices_tag_one_contact_and_both_tags_stay(
    device: Device, second_device: Device
) -> None:
    tags = [
        (await device.call("tag_create", {"tag": {"name": name}}))["tag"]["id"] for name in "ab"
    ]
    contact = await device.create()
    for each, tag in zip((device, second_device), tags, strict=True):
        change = {"id": contact["id"], "changes": {"tag_ids": {"add": [tag]}}}
        answer = await each.call("contact_update", change)
    assert answer["contact"]["tag_ids"] == sorted(tags)


async def test_a_company_s_limit_of_tags_holds_for_the_merged_contact(
    device: Device, company: Company, sql: asyncpg.Connection
) -> None:
    await sql.execute("UPDATE tenants SET max_tags = 1 WHERE id = $1", company.tenant)
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
    await sql.execute("UPDATE tenants SET agents_edit = 'own' WHERE id = $1", company.tenant)
    await asyncio.sleep(0.1)
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
    await sql.execute("UPDATE tenants SET agents_edit = 'all' WHERE id = $1", company.tenant)
    await asyncio.sleep(0.1)
    answer = await device.call("contact_update", update)
    assert (answer["status"], answer["contact"]["company"]) == ("applied", "B")


@pytest.mark.parametrize("policy", ["allow", "warn", "refuse"])
async def test_a_company_may_want_to_know_of_duplicates(
    device: Device, company: Company, sql: asyncpg.Connection, policy: str
) -> None:
    await sql.execute("UPDATE tenants SET duplicates = $2 WHERE id = $1", company.tenant, policy)
    await asyncio.sleep(0.1)
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
