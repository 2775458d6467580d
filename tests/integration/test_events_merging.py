"""Edits of several devices meet in one contact: stamps, conflicts, what is hidden, what is kept."""

from __future__ import annotations

import asyncio

import asyncpg
from nanoid import generate

from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice
from tests.integration.support.devices import Device
from tests.integration.support.writing import HOUR_MS, history_of, now_ms, stamp_of

pytestmark = ON_THE_SERVERS_LOOP


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
    edited = now_ms() - 60_000
    contact = (
        await hasty.call(
            "contact_create",
            {"edited_at": edited + HOUR_MS, "contact": {"company": "A"}},
        )
    )["contact"]
    at = (await stamp_of(sql, contact, "*"))["at"] / 1_000
    # The skew is measured with what the network took, and a busy machine.
    assert edited - 5 <= at <= edited + 30_000
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
    # With what the message took on its way.
    assert 59_990 < answer["skew_ms"] < 90_000


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
