"""Tags, groups and types that a file names: found, made for who carries them, and taken back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from server.files.model import ReadOptions
from server.files.reading import open_contact_file
from server.jobs.bulk.context import Context
from server.jobs.bulk.drafts import Draft, draft_row
from server.jobs.bulk.importing import judging_of
from server.jobs.bulk.judging import Judging, label_ids_of
from server.jobs.bulk.known import EarlierInChunk
from server.jobs.bulk.planning import Author
from server.services.tenants import Tenants
from tests.integration.support.bulk import AGENT, MAPPING, OPTIONS, PEOPLE, Bulk, counts

Capture = pytest.CaptureFixture[bytes]


async def judged(bulk: Bulk, folder: Path, content: bytes) -> tuple[Judging, list[Draft]]:
    """What judges the rows of a file in a run, and the rows."""
    job = await bulk.start("import", {**OPTIONS, "mapping": {"Tags": "tags"}}, b"")
    path = folder / "contacts.csv"
    path.write_bytes(content)
    context = Context(
        *(bulk.database, bulk.tenant, {**await bulk.job(job), "options": OPTIONS}, ""),
        await Tenants(bulk.database, "CH").settings(bulk.tenant),
        *(Author(AGENT, None, f"import.{job}", "import"), asyncio.Event()),
    )
    file = open_contact_file(path, ReadOptions())
    file.check()
    judging = await judging_of(context, file, writes=True)
    return judging, [draft_row(row, context.settings) for row in file.rows()]


async def test_tags_of_a_file_are_found_by_name_and_made_where_there_is_none(bulk: Bulk) -> None:
    await bulk.sql.execute(
        "INSERT INTO tags (tenant_id, id, name) VALUES ($1, 'tag-vip-1', 'VIP')", bulk.tenant
    )
    job = await bulk.load(
        """
        First name | Labels
        Ann        | vip ::: Fair
        Bob        | fair
        """,
        mapping={"Labels": "tags"},
    )
    assert counts(job) == (2, 2, 0, 0, 0, 0)
    tags = await bulk.sql.fetch(
        'SELECT id, name, created_by FROM tags WHERE tenant_id = $1 ORDER BY name COLLATE "C"',
        bulk.tenant,
    )
    assert [(tag["name"], tag["created_by"]) for tag in tags] == [("Fair", AGENT), ("VIP", None)]
    ann, bob = await bulk.contacts()
    assert set(ann["tag_ids"]) == {"tag-vip-1", tags[0]["id"]}
    assert bob["tag_ids"] == [tags[0]["id"]]


async def test_a_row_of_too_many_tags_is_an_error_and_makes_none_of_them(
    bulk: Bulk, capfdbinary: Capture
) -> None:
    rows = [["First name", "Groups", "Tags"]]
    rows += [["Ann", "Crew", " ::: ".join(f"tag {n}" for n in range(101))]]
    mapping = {"Groups": "groups", "Tags": "tags"}
    dry = await bulk.preview(rows, capfdbinary, mapping=mapping)
    job = await bulk.load(rows, mapping=mapping)
    assert (counts(job), dry["new_labels"]) == ((1, 0, 0, 0, 0, 1), {})
    assert dry["errors"] == [
        {
            "row": 2,
            "column": "Tags",
            "field": "tags",
            "message": "A contact may have 100 tags; this row has 101.",
        }
    ]
    for table in ("tags", "groups"):
        made = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"
        assert await bulk.sql.fetchval(made, bulk.tenant) == 0


@pytest.mark.parametrize("mode", ["skip", "create", "update", "upsert"])
async def test_labels_of_rows_that_change_no_contact_are_not_made(
    bulk: Bulk, capfdbinary: Capture, mode: str
) -> None:
    await bulk.load(PEOPLE, mapping=MAPPING)
    rows = [["Customer ID", "First name", "Labels", "Crew", "Whose"]]
    if mode != "update":
        rows += [["C1", "Ann", "VIP", "Old", "nobody here" if mode == "upsert" else ""]]
    else:
        rows += [["C9", "Zoe", "VIP", "Old", ""]]
    mapping = {**MAPPING, "Labels": "tags", "Crew": "groups", "Whose": "owner"}
    head = await bulk.head()
    told = await bulk.preview(rows, capfdbinary, mapping=mapping, mode=mode)
    job = await bulk.load(rows, mapping=mapping, mode=mode)
    assert counts(job) == counts(told)
    assert counts(job)[1:3] == (0, 0)
    assert told["new_labels"] == {}
    assert await bulk.head() == head


async def test_a_label_that_somebody_makes_as_rows_are_judged_is_theirs(
    bulk: Bulk, tmp_path: Path
) -> None:
    judging, drafts = await judged(bulk, tmp_path, b"Name,Tags\nAnn,VIP\n")
    known = await judging.known(drafts, EarlierInChunk())
    plan = judging.judge(drafts[0], known)
    await bulk.sql.execute(
        "INSERT INTO tags (tenant_id, id, name) VALUES ($1, 'tag-of-theirs', 'vip')", bulk.tenant
    )
    assert not await judging.labels.make(label_ids_of(plan))
    plan = judging.judge(drafts[0], await judging.known(drafts, EarlierInChunk()))
    assert label_ids_of(plan) == {"tag-of-theirs"}
    assert await judging.labels.make(label_ids_of(plan))
    assert judging.labels.created == {}


async def test_a_tag_that_is_deleted_while_rows_are_judged_is_made_anew(
    bulk: Bulk, tmp_path: Path
) -> None:
    judging, drafts = await judged(bulk, tmp_path, b"Name,Tags\nAnn,VIP\nBob,VIP\n")
    known = await judging.known(drafts[:1], EarlierInChunk())
    # As a chunk does that is judged anew beside this one.
    judging.labels.forget()
    plan = judging.judge(drafts[0], known)
    assert (plan.outcome, plan.faults) == ("created", [])
    assert plan.row is not None
    assert await judging.labels.make(label_ids_of(plan))

    # Before the next rows, whose tag is known from the first, it is deleted.
    await judging.known(drafts[:1], EarlierInChunk())
    (deleted,) = plan.row.fields["tag_ids"]
    await bulk.sql.execute("UPDATE tags SET deleted_at = now() WHERE id = $1", deleted)
    known = await judging.known(drafts[1:], EarlierInChunk())
    plan = judging.judge(drafts[1], known)
    assert plan.row is not None
    assert await judging.labels.make(label_ids_of(plan))
    (live,) = plan.row.fields["tag_ids"]
    assert live == await bulk.sql.fetchval(
        "SELECT id FROM tags WHERE tenant_id = $1 AND deleted_at IS NULL", bulk.tenant
    )


async def test_an_undo_deletes_the_labels_that_nobody_carries(bulk: Bulk) -> None:
    job = await bulk.load(
        """
        First name | Labels
        Ann        | VIP ::: Fair
        """,
        mapping={"Labels": "tags"},
    )
    (contact,) = await bulk.contacts()
    undone = await bulk.undo(job["id"])
    assert undone["undo_counts"]["undone"] == 1
    live = "SELECT count(*) FROM tags WHERE tenant_id = $1 AND deleted_at IS NULL"
    assert await bulk.sql.fetchval(live, bulk.tenant) == 0
    assert contact["tag_ids"]
