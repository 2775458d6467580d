"""Merges of labels, run as a job's process does: what contacts carry in the end."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest

from server.jobs.bulk.chunks import Chunk, Judge, Writer
from tests.integration.support.bulk import Bulk

OLD, NEW = "tag-old-1", "tag-new-1"
FIELDS = {"tags": "tag_ids", "groups": "group_ids", "types": "type_ids"}


def merge_of(plural: str = "tags", old: str = OLD, new: str = NEW) -> dict[str, Any]:
    """The options that the service enters."""
    field = FIELDS[plural]
    return {
        "filter": {"carries": {"field": field, "id": old}},
        "changes": {field: {"add": [new], "remove": [old]}},
        "merge": {"plural": plural, "from": old, "from_name": old, "into": new, "into_name": new},
    }


async def label(bulk: Bulk, *ids: str, plural: str = "tags") -> None:
    for each in ids:
        await bulk.sql.execute(
            f"INSERT INTO {plural} (tenant_id, id, name) VALUES ($1, $2, $2)", bulk.tenant, each
        )


async def make(bulk: Bulk, number: int, *carried: str, field: str = "tag_ids") -> None:
    """So many more contacts that carry labels, their ids after those that are there."""
    await bulk.sql.execute(
        f"INSERT INTO contacts (tenant_id, id, first_name, {field}) "
        "SELECT $1, 'contact-' || lpad((n + there)::text, 6, '0'), 'Name', $3 "
        "FROM generate_series(1, $2::int) AS n, "
        "(SELECT count(*) FROM contacts WHERE tenant_id = $1) AS known (there)",
        *(bulk.tenant, number, list(carried)),
    )


async def carried(bulk: Bulk, field: str = "tag_ids") -> dict[tuple[str, ...], int]:
    """How many live contacts carry what."""
    records = await bulk.sql.fetch(
        f"SELECT {field} AS ids, count(*) AS n FROM contacts "
        "WHERE tenant_id = $1 AND deleted_at IS NULL GROUP BY 1",
        bulk.tenant,
    )
    return {tuple(record["ids"]): record["n"] for record in records}


async def live(bulk: Bulk, plural: str = "tags") -> set[str]:
    records = await bulk.sql.fetch(
        f"SELECT id FROM {plural} WHERE tenant_id = $1 AND deleted_at IS NULL", bulk.tenant
    )
    return {record["id"] for record in records}


@pytest.mark.parametrize("plural", FIELDS)
async def test_a_merge_gives_the_other_label_deletes_the_one_and_can_be_taken_back(
    bulk: Bulk, plural: str
) -> None:
    field = FIELDS[plural]
    # A label may be called as the other's id is: it is another one still.
    await label(bulk, OLD, NEW, "tag-third", plural=plural)
    await bulk.sql.execute(
        f"UPDATE {plural} SET name = CASE id WHEN $2 THEN 'Old' ELSE $2 END "
        "WHERE tenant_id = $1 AND id IN ($2, 'tag-third')",
        *(bulk.tenant, OLD),
    )
    await make(bulk, 250, OLD, "tag-third", field=field)
    await make(bulk, 30, OLD, NEW, field=field)
    await make(bulk, 20, "tag-third", field=field)
    await make(bulk, 1, OLD, field=field)
    await bulk.sql.execute(
        "DELETE FROM contacts WHERE tenant_id = $1 AND id = 'contact-000301'", bulk.tenant
    )
    before = await carried(bulk, field)

    job = await bulk.run(await bulk.start("update", merge_of(plural)))

    assert (job["state"], job["error"]) == ("done", None)
    assert job["counts"]["updated"] == job["done"] == job["total"] == 280
    after = {("tag-third", NEW): 250, (NEW,): 30, ("tag-third",): 20}
    assert {tuple(sorted(ids)): n for ids, n in (await carried(bulk, field)).items()} == {
        tuple(sorted(ids)): n for ids, n in after.items()
    }
    assert await live(bulk, plural) == {NEW, "tag-third"}

    # Somebody changes one of them, which is left then.
    await bulk.edit("contact-000001", notes="Called back")
    undone = await bulk.undo(job["id"])
    assert (undone["state"], undone["undo_counts"]) == ("undone", {"undone": 279, "left": 1})
    assert await live(bulk, plural) == {OLD, NEW, "tag-third"}
    back = {tuple(sorted(ids)): n for ids, n in (await carried(bulk, field)).items()}
    expected = {tuple(sorted(ids)): n for ids, n in before.items()}
    expected[tuple(sorted((OLD, "tag-third")))] -= 1
    expected[tuple(sorted((NEW, "tag-third")))] = 1
    assert back == expected


async def test_contacts_that_get_the_label_meanwhile_get_the_other_too(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await label(bulk, OLD, NEW)
    await make(bulk, 40)
    await make(bulk, 600, OLD)
    job = await bulk.start("update", merge_of())
    stopping = asyncio.Event()
    write = Writer.write

    async def write_and_stop(writer: Writer, chunk: Chunk, judge: Judge) -> None:
        await write(writer, chunk, judge)
        stopping.set()

    with monkeypatch.context() as patch:
        patch.setattr(Writer, "write", write_and_stop)
        cut = await bulk.run(job, stopping)
    assert cut["state"] == "running"
    assert 0 < cut["done"] < 600
    assert await live(bulk) == {OLD, NEW}
    # Before the place where the job is.
    await bulk.sql.execute(
        "UPDATE contacts SET tag_ids = ARRAY[$2] WHERE tenant_id = $1 AND id <= 'contact-000040'",
        *(bulk.tenant, OLD),
    )

    done = await bulk.run(job)

    assert (done["state"], done["done"], done["total"]) == ("done", 640, 640)
    assert await carried(bulk) == {(NEW,): 640}
    assert await live(bulk) == {NEW}


async def test_a_contact_that_gets_the_label_at_the_last_moment_keeps_it_from_going(
    bulk: Bulk,
) -> None:
    """The last step waits for the lock, behind a write that nobody could have seen before."""
    await label(bulk, OLD, NEW)
    await make(bulk, 1)
    blocker = await asyncpg.connect(bulk.url)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute(
        "UPDATE contacts SET tag_ids = ARRAY[$2] WHERE tenant_id = $1", bulk.tenant, OLD
    )
    job = await bulk.start("update", merge_of())
    running = asyncio.create_task(bulk.run(job))
    await bulk.until(
        "EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' "
        "AND datname = current_database() AND query LIKE '%lock_versions%')"
    )
    await transaction.commit()
    await blocker.close()

    done = await running

    assert (done["state"], done["counts"]["updated"]) == ("done", 1)
    assert await carried(bulk) == {(NEW,): 1}
    assert await live(bulk) == {NEW}


async def test_a_merge_that_is_cut_off_behind_its_last_step_is_done(bulk: Bulk) -> None:
    await label(bulk, OLD, NEW)
    await make(bulk, 3, OLD)
    job = await bulk.start("update", merge_of())
    await bulk.run(job)
    await bulk.sql.execute("UPDATE bulk_jobs SET state = 'running' WHERE id = $1", job)
    again = await bulk.run(job)
    assert (again["state"], again["done"]) == ("done", 3)
    assert await carried(bulk) == {(NEW,): 3}


async def test_a_merge_into_a_label_that_is_deleted_meanwhile_takes_nothing_away(
    bulk: Bulk,
) -> None:
    await label(bulk, OLD, NEW)
    await make(bulk, 3, OLD)
    job = await bulk.start("update", merge_of())
    await bulk.sql.execute("DELETE FROM tags WHERE tenant_id = $1 AND id = $2", bulk.tenant, NEW)
    failed = await bulk.run(job)
    assert failed["state"] == "failed"
    assert "was deleted meanwhile" in failed["error"]
    assert await carried(bulk) == {(OLD,): 3}
    assert await live(bulk) == {OLD}


async def test_a_label_stays_where_a_contact_could_not_be_changed(bulk: Bulk) -> None:
    await label(bulk, OLD, NEW, "tag-a-001", "tag-b-001")
    await make(bulk, 2, OLD)
    await make(bulk, 1, OLD, "tag-a-001", "tag-b-001")
    await bulk.sql.execute("UPDATE tenants SET max_tags = 2 WHERE id = $1", bulk.tenant)

    job = await bulk.run(await bulk.start("update", merge_of()))

    assert job["state"] == "failed"
    assert "1 contact could not be changed" in job["error"]
    assert (job["counts"]["updated"], job["counts"]["errors"]) == (2, 1)
    assert len(await bulk.findings(job["id"], "error")) == 1
    assert await carried(bulk) == {(NEW,): 2, (OLD, "tag-a-001", "tag-b-001"): 1}
    assert await live(bulk) == {OLD, NEW, "tag-a-001", "tag-b-001"}
    assert (await bulk.undo(job["id"]))["state"] == "undone"
    assert await carried(bulk) == {(OLD,): 2, (OLD, "tag-a-001", "tag-b-001"): 1}


async def test_an_undo_waits_until_the_label_s_name_is_free(bulk: Bulk) -> None:
    await label(bulk, OLD, NEW)
    await make(bulk, 3, OLD)
    job = (await bulk.run(await bulk.start("update", merge_of())))["id"]
    await bulk.sql.execute(
        "INSERT INTO tags (tenant_id, id, name) VALUES ($1, 'tag-other', $2)", bulk.tenant, OLD
    )
    failed = await bulk.undo(job)
    assert failed["state"] == "failed"
    assert "rename it" in failed["error"]
    assert await carried(bulk) == {(NEW,): 3}
    await bulk.sql.execute(
        "UPDATE tags SET name = 'Other' WHERE tenant_id = $1 AND id = 'tag-other'", bulk.tenant
    )
    assert (await bulk.undo(job))["state"] == "undone"
    assert await carried(bulk) == {(OLD,): 3}


async def test_an_undo_of_a_merge_needs_a_label_that_is_there(bulk: Bulk) -> None:
    await label(bulk, OLD, NEW)
    await make(bulk, 3, OLD)
    job = (await bulk.run(await bulk.start("update", merge_of())))["id"]
    for typed in ("UPDATE tags SET deleted_at = NULL", "DELETE FROM tags"):
        await bulk.sql.execute(f"{typed} WHERE tenant_id = $1 AND id = $2", bulk.tenant, OLD)
    failed = await bulk.undo(job)
    assert failed["state"] == "failed"
    assert "restore it, then undo" in failed["error"]
    assert await carried(bulk) == {(NEW,): 3}


async def test_an_undo_of_an_edit_brings_no_label_back_that_was_deleted_since(bulk: Bulk) -> None:
    await label(bulk, OLD, NEW)
    await make(bulk, 3, OLD, NEW)
    changes = {"tag_ids": {"add": [], "remove": [OLD, NEW]}}
    job = await bulk.run(await bulk.start("update", {"filter": {}, "changes": changes}))
    await bulk.sql.execute("DELETE FROM tags WHERE tenant_id = $1 AND id = $2", bulk.tenant, OLD)
    undone = await bulk.undo(job["id"])
    assert undone["undo_counts"] == {"undone": 3}
    assert await carried(bulk) == {(NEW,): 3}
