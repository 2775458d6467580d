"""Merges of labels whose server or process is killed: they end as if nothing had been."""

from __future__ import annotations

import signal

import asyncpg

from tests.faults.support.gate import held_up
from tests.faults.test_imports import Admin, admin, gone, kill, processes_of_jobs, sql

__all__ = ["admin", "sql"]
OLD, NEW = "tag-old-1", "tag-new-1"
CONTACTS = 12_000


async def carried(sql: asyncpg.Connection) -> list[tuple[str, ...]]:
    """What contacts carry, each combination once."""
    records = await sql.fetch(
        "SELECT DISTINCT tag_ids FROM contacts WHERE deleted_at IS NULL ORDER BY 1"
    )
    return [tuple(record["tag_ids"]) for record in records]


async def live(sql: asyncpg.Connection) -> list[str]:
    records = await sql.fetch("SELECT id FROM tags WHERE deleted_at IS NULL ORDER BY id")
    return [record["id"] for record in records]


async def test_a_merge_and_its_undo_go_on_after_everything_was_killed(
    admin: Admin, sql: asyncpg.Connection, fault_database_url: str
) -> None:
    await sql.execute(
        "INSERT INTO tags (tenant_id, id, name) SELECT 'default', each, each "
        "FROM unnest($1::text[]) AS each",
        [OLD, NEW],
    )
    await sql.execute(
        "INSERT INTO contacts (tenant_id, id, first_name, tag_ids) "
        "SELECT 'default', 'contact-' || n, 'Name', ARRAY[$2] FROM generate_series(1, $1::int) n",
        *(CONTACTS, OLD),
    )
    job = ""
    for step in ("merge", "undo"):
        async with held_up(fault_database_url, CONTACTS // 2):
            if step == "merge":
                started = await admin.post(f"/api/tags/{OLD}/merge", json={"into": NEW})
                job = str(started["id"])
            else:
                await admin.post(f"/api/bulk/jobs/{job}/undo")
            # First the process of the job, then the server with all that it started.
            await admin.begun(job)
            kill(processes_of_jobs(admin.server))
            cut = await admin.begun(job)
            processes = processes_of_jobs(admin.server)
            await admin.server.end(signal.SIGKILL)
            kill(processes)
            await gone(processes)
        # In the middle: some contacts are as before, some as they will be, and no label is gone.
        assert await carried(sql) == [(NEW,), (OLD,)], cut
        assert await live(sql) == [NEW, OLD]
        await admin.server.start()

        done = await admin.over(job)

        assert done["error"] is None
        if step == "merge":
            assert (done["state"], done["counts"]["updated"]) == ("done", CONTACTS)
            assert (await carried(sql), await live(sql)) == ([(NEW,)], [NEW])
        else:
            assert (done["state"], done["undo"]["undone"]) == ("undone", CONTACTS)
            assert (await carried(sql), await live(sql)) == ([(OLD,)], [NEW, OLD])
