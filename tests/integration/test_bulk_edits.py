from __future__ import annotations

import asyncio
from typing import Any

import asyncpg

from tests.integration.support.bulk import AGENT, Bulk


async def make(bulk: Bulk, number: int, **fields: Any) -> list[str]:
    """So many contacts, made by nobody in particular; gives their ids in order."""
    names = "".join(f", {name}" for name in fields)
    values = "".join(f", ${at}" for at in range(3, 3 + len(fields)))
    records = await bulk.sql.fetch(
        f"INSERT INTO contacts (tenant_id, id, first_name{names}) "
        f"SELECT $1, 'contact-' || lpad(n::text, 6, '0'), 'Name ' || n{values} "
        "FROM generate_series(1, $2::int) AS n RETURNING id",
        *(bulk.tenant, number, *fields.values()),
    )
    return [record["id"] for record in records]


async def edit(bulk: Bulk, **options: Any) -> dict[str, Any]:
    return await bulk.run(await bulk.start("update", options))


async def test_an_edit_of_a_filter_changes_what_it_holds_and_can_be_taken_back(bulk: Bulk) -> None:
    await bulk.sql.execute(
        "INSERT INTO tags (tenant_id, id, name) VALUES ($1, 'tag-vip-1', 'VIP')", bulk.tenant
    )
    await make(bulk, 700, company="Lee", tag_ids=["tag-vip-1"])
    await bulk.sql.execute(
        "UPDATE contacts SET company = 'Ray' WHERE tenant_id = $1 AND id > 'contact-000600'",
        bulk.tenant,
    )
    changes = {
        "company": "Lee Holding",
        "owner_id": AGENT,
        "tag_ids": {"add": [], "remove": ["tag-vip-1"]},
        "custom": {"size": 9},
    }
    job = await edit(bulk, filter={"company": "Lee", "tag": ["VIP"]}, changes=changes)
    assert (job["state"], job["error"]) == ("done", None)
    assert job["counts"]["updated"] == job["done"] == job["total"] == 600
    contacts = await bulk.contacts()
    changed = [each for each in contacts if each.get("company") == "Lee Holding"]
    assert len(changed) == 600
    assert {(each["owner_id"], "tag_ids" in each) for each in changed} == {(AGENT, False)}
    # In the middle of it somebody edits two of them.
    for contact in changed[:2]:
        await bulk.edit(contact["id"], notes="Called back")
    undone = await bulk.undo(job["id"])
    assert undone["state"] == "undone"
    assert undone["undo_counts"] == {"undone": 598, "left": 2}
    back = [each for each in await bulk.contacts() if each.get("company") == "Lee"]
    assert len(back) == 598
    assert all(each["tag_ids"] == ["tag-vip-1"] and "custom" not in each for each in back)
    assert all("owner_id" not in each for each in back)
    assert len(await bulk.findings(job["id"], "left")) == 2


async def test_what_nobody_owns_is_handed_out_by_a_filter(bulk: Bulk) -> None:
    ids = await make(bulk, 3)
    await bulk.sql.execute(
        "UPDATE contacts SET owner_id = $2 WHERE tenant_id = $1 AND id = $3",
        *(bulk.tenant, AGENT, ids[0]),
    )
    await bulk.edit(ids[0], notes="Mine")
    job = await edit(bulk, filter={"owner_id": "none"}, changes={"owner_id": AGENT})
    assert (job["counts"]["updated"], job["total"]) == (2, 2)
    assert {contact["owner_id"] for contact in await bulk.contacts()} == {AGENT}
    assert (await bulk.undo(job["id"]))["undo_counts"]["undone"] == 2
    assert [each["id"] for each in await bulk.contacts() if "owner_id" in each] == [ids[0]]


async def test_the_same_edit_again_moves_no_version(bulk: Bulk) -> None:
    ids = await make(bulk, 3)
    await edit(bulk, ids=ids, changes={"company": "Lee"})
    head = await bulk.head()
    again = await edit(bulk, ids=[*ids, *ids], changes={"company": "Lee"})
    assert again["counts"]["unchanged"] == again["done"] == 3
    assert await bulk.head() == head


async def test_a_deletion_of_many_can_be_taken_back(bulk: Bulk) -> None:
    ids = await make(bulk, 5, company="Lee")
    job = await edit(bulk, ids=[*ids, "no-such-contact"], delete=True)
    assert (job["counts"]["updated"], job["counts"]["errors"]) == (5, 1)
    assert await bulk.contacts() == []
    assert await bulk.findings(job["id"], "error") == [
        (None, "id", "There is no contact with this id.")
    ]
    undone = await bulk.undo(job["id"])
    assert undone["undo_counts"]["undone"] == 5
    assert {contact["company"] for contact in await bulk.contacts()} == {"Lee"}


async def test_an_edit_that_would_leave_no_contact_is_refused_for_that_one_alone(
    bulk: Bulk,
) -> None:
    ids = await make(bulk, 2)
    await bulk.edit(ids[0], company="Lee")
    job = await edit(bulk, ids=ids, changes={"first_name": None})
    assert (job["counts"]["updated"], job["counts"]["errors"]) == (1, 1)
    ((_, field, message),) = await bulk.findings(job["id"], "error")
    assert field == "first_name"
    assert "needs one of a name" in (message or "")


async def test_an_edit_lists_what_it_overwrites_of_a_recent_edit(bulk: Bulk) -> None:
    ids = await make(bulk, 2)
    await bulk.edit(ids[0], company="Lee")
    job = await edit(bulk, ids=ids, changes={"company": "Ray"})
    assert (job["counts"]["updated"], job["counts"]["conflicts"]) == (2, 1)
    records = await bulk.sql.fetch(
        "SELECT contact_id, field, detail ->> 'from' AS was FROM bulk_findings WHERE job_id = $1",
        job["id"],
    )
    assert [tuple(record) for record in records] == [(ids[0], "company", "Lee")]


async def test_contacts_that_are_edited_while_an_edit_waits_are_judged_anew(bulk: Bulk) -> None:
    """In the chunk that waits for the lock, and in the next one, which has been judged by then."""
    ids = await make(bulk, 150)
    blocker = await asyncpg.connect(bulk.url)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("SELECT set_config('app.tenant', $1, true)", bulk.tenant)
    await blocker.execute("SELECT lock_versions()")
    job = await bulk.start("update", {"ids": ids, "changes": {"notes": "of the edit"}})
    running = asyncio.create_task(bulk.run(job))
    await bulk.until(
        "EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' "
        "AND datname = current_database() AND query LIKE '%write_bulk_chunk%')"
    )
    await asyncio.sleep(0.2)
    await blocker.execute(
        "UPDATE contacts SET notes = 'of a device', company = 'Lee' "
        "WHERE tenant_id = $1 AND id = ANY ($2)",
        *(bulk.tenant, [ids[0], ids[-1]]),
    )
    await transaction.commit()
    await blocker.close()
    done = await running
    assert (done["state"], done["counts"]["updated"], done["counts"]["conflicts"]) == (
        "done",
        150,
        2,
    )
    contacts = {contact["id"]: contact for contact in await bulk.contacts()}
    assert {contact["notes"] for contact in contacts.values()} == {"of the edit"}
    assert [contacts[each]["company"] for each in (ids[0], ids[-1])] == ["Lee", "Lee"]
