"""Runs of imports: cut off, overtaken, refused, stopped, and what is left of them."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import pytest

from server.jobs.bulk.process import EXIT_FAULT
from tests.integration.support.bulk import AGENT, MAPPING, OPTIONS, PEOPLE, Bulk, counts

Capture = pytest.CaptureFixture[bytes]


async def test_a_run_that_was_cut_off_goes_on_after_its_last_chunk(bulk: Bulk) -> None:
    rows = [["Customer ID", "First name"]]
    rows += [[f"C{number}", f"Name {number}"] for number in range(2_000)]
    job = await bulk.start(
        "import",
        {"mode": "upsert", "match": ["external_id"], "on_empty": "keep", "mapping": MAPPING},
        "\n".join(",".join(row) for row in rows).encode(),
    )
    stopping = asyncio.Event()
    async with bulk.slow_writes():
        running = asyncio.create_task(bulk.run(job, stopping))
        await bulk.until(f"(SELECT done FROM bulk_jobs WHERE id = '{job}') > 0")
        stopping.set()
        cut = await running
    assert cut["state"] == "running"
    assert 0 < cut["done"] < 2_000
    assert len(await bulk.contacts()) == cut["counts"]["created"] == cut["done"]
    done = await bulk.run(job)
    assert (done["state"], counts(done)) == ("done", (2_000, 2_000, 0, 0, 0, 0))
    assert len({contact["external_id"] for contact in await bulk.contacts()}) == 2_000
    assert await bulk.sql.fetchval(
        "SELECT count(*) FROM contacts AS c CROSS JOIN LATERAL contact_search_row(c) AS made "
        "JOIN contact_search AS kept ON kept::text = made::text WHERE c.tenant_id = $1",
        bulk.tenant,
    ) == 2_000  # fmt: skip


async def test_the_copy_of_a_file_that_a_killed_process_left_is_removed(
    bulk: Bulk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Imports of another worker's tests would look through the common one, too.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    an_hour_ago = time.time() - 3_600
    with (
        tempfile.NamedTemporaryFile(prefix="fieldbook-import-", delete=False) as left,
        tempfile.NamedTemporaryFile(prefix="fieldbook-import-") as used,
    ):
        for copy in (left, used):
            os.utime(copy.name, (an_hour_ago, an_hour_ago))
        fcntl.flock(used, fcntl.LOCK_EX)
        await bulk.load(PEOPLE, mapping=MAPPING)
        assert (Path(left.name).exists(), Path(used.name).exists()) == (False, True)


async def test_runs_that_were_cut_off_before_it_came_forward_do_not_count_for_ever(
    bulk: Bulk,
) -> None:
    job = await bulk.start("import", OPTIONS, b"Name\nMia\n")
    await bulk.sql.execute("UPDATE bulk_jobs SET runs = 2 WHERE id = $1", job)
    done = await bulk.run(job)
    assert (done["state"], done["runs"]) == ("done", 0)


async def test_a_cold_connection_writes_a_small_chunk_first(bulk: Bulk) -> None:
    """At its first call it reads all functions, under the lock."""
    rows = [["Customer ID", "First name"], *([f"C{n}", f"Name {n}"] for n in range(300))]
    await bulk.load(rows, mapping=MAPPING)
    records = await bulk.sql.fetch(
        "SELECT count(*) AS rows FROM contacts WHERE tenant_id = $1 "
        "GROUP BY written_in ORDER BY min(version)",
        bulk.tenant,
    )
    sizes = [record["rows"] for record in records]
    assert sizes[0] <= 10 < max(sizes)


async def test_a_chunk_that_was_overtaken_by_a_device_is_judged_anew(bulk: Bulk) -> None:
    """The contact that a row means is edited, and another made, between judging and writing."""
    await bulk.load(PEOPLE, mapping=MAPPING)
    (ann, *_) = await bulk.contacts()
    blocker = await asyncpg.connect(bulk.url)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("SELECT set_config('app.tenant', $1, true)", bulk.tenant)
    await blocker.execute("SELECT lock_versions()")
    job = await bulk.start(
        "import",
        {"mode": "upsert", "match": ["external_id", "email"], "on_empty": "keep"},
        b"external_id,first_name,email,notes\nC1,Anna,,from the file\n,Gil,gil@example.com,\n",
    )
    running = asyncio.create_task(bulk.run(job))
    await bulk.until(
        "EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' "
        "AND datname = current_database() AND query LIKE '%write_bulk_chunk%')"
    )
    await blocker.execute(
        "UPDATE contacts SET notes = 'from the device', company = 'Both' WHERE id = $1", ann["id"]
    )
    await blocker.execute(
        "INSERT INTO contacts (tenant_id, id, first_name, emails) "
        "VALUES ($1, 'contact-gil', 'Gilbert', '[{\"value\": \"gil@example.com\"}]')",
        bulk.tenant,
    )
    await transaction.commit()
    await blocker.close()
    done = await running
    assert counts(done) == (2, 0, 2, 0, 1, 0)
    found = {contact["id"]: contact for contact in await bulk.contacts()}
    assert len(found) == 4
    assert (found[ann["id"]]["notes"], found[ann["id"]]["company"]) == ("from the file", "Both")
    assert found["contact-gil"]["first_name"] == "Gil"
    ((_, field, _),) = await bulk.findings(job, "conflict")
    assert field == "notes"


def test_the_log_of_a_job_s_process_holds_no_values(module_database_url: str) -> None:
    assignment = {
        "database_url": module_database_url,
        "default_region": "CH",
        "tenant": "mia@example.com",
        "job": "there-is-none",
        "run": "a-run",
    }
    command = [sys.executable, "-m", "server.jobs.bulk"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stderr is not None
        # Left open: its end would mean that the server stops.
        process.stdin.write(json.dumps(assignment) + "\n")
        process.stdin.flush()
        log = process.stderr.read()
    assert process.returncode == EXIT_FAULT
    assert "A bulk job's process failed" in log
    assert "Traceback" in log
    assert "mia@example.com" not in log


async def test_a_job_that_was_asked_to_stop_stops_before_its_next_chunk(bulk: Bulk) -> None:
    rows = "first_name\n" + "\n".join(f"Name {number}" for number in range(3_000))
    job = await bulk.start(
        "import", {"mode": "upsert", "match": ["email"], "on_empty": "keep"}, rows.encode()
    )
    async with bulk.slow_writes():
        running = asyncio.create_task(bulk.run(job))
        await bulk.until(f"(SELECT done FROM bulk_jobs WHERE id = '{job}') > 0")
        await bulk.sql.execute("UPDATE bulk_jobs SET cancelling = true WHERE id = $1", job)
        cancelled = await running
    assert cancelled["state"] == "cancelled"
    assert len(await bulk.contacts()) == cancelled["done"] < 3_000
    undone = await bulk.undo(job)
    assert undone["state"] == "undone"
    assert await bulk.contacts() == []


async def test_a_run_that_is_over_may_write_no_more(bulk: Bulk) -> None:
    job = await bulk.start(
        "import",
        {"mode": "upsert", "match": ["email"], "on_empty": "keep"},
        b"first_name\nAnn\n",
    )
    await bulk.run(job)
    record = await bulk.sql.fetchrow("SELECT * FROM bulk_jobs WHERE id = $1", job)
    assert record["state"] == "done"
    async with bulk.database.tenant(bulk.tenant) as connection:
        verdict = await connection.fetchrow(
            "SELECT * FROM write_bulk_chunk($1, 'old run', 'import.x', 0, '{}', '{}', '{}', '{}', "
            "'{}', $2::jsonb[], 10)",
            *(job, [json.dumps({"rows": 1, "created": [{"id": "contact-x", "stamps": {}}]})]),
        )
    assert (verdict["verdict"], verdict["done"]) == ("over", 0)
    assert len(await bulk.contacts()) == 1


async def test_a_row_that_the_database_refuses_is_an_error_and_stops_no_other(bulk: Bulk) -> None:
    await bulk.sql.execute(
        "ALTER TABLE contacts ADD CONSTRAINT no_refused CHECK (first_name <> 'Refused')"
    )
    try:
        rows = "first_name\n" + "\n".join(
            ["Ann", "Refused", "Bob", *map(str, range(200)), "Refused", "Dan"]
        )
        job = await bulk.start(
            "import", {"mode": "upsert", "match": ["email"], "on_empty": "keep"}, rows.encode()
        )
        done = await bulk.run(job)
    finally:
        await bulk.sql.execute("ALTER TABLE contacts DROP CONSTRAINT no_refused")
    assert (done["state"], counts(done)) == ("done", (205, 203, 0, 0, 0, 2))
    assert [row for row, _, _ in await bulk.findings(job, "error")] == [3, 205]
    assert len(await bulk.contacts()) == 203


async def test_a_run_ends_when_its_author_is_disabled_and_others_undo_it(bulk: Bulk) -> None:
    rows = "first_name\n" + "\n".join(f"Name {number}" for number in range(3_000))
    job = await bulk.start(
        "import", {"mode": "upsert", "match": ["email"], "on_empty": "keep"}, rows.encode()
    )
    async with bulk.slow_writes():
        running = asyncio.create_task(bulk.run(job))
        await bulk.until(f"(SELECT done FROM bulk_jobs WHERE id = '{job}') > 0")
        await bulk.sql.execute(
            "UPDATE agents SET disabled = true WHERE tenant_id = $1 AND id = $2", bulk.tenant, AGENT
        )
        ended = await running
    assert ended["state"] == "failed"
    assert "was disabled" in ended["error"]
    assert 0 < len(await bulk.contacts()) < 3_000
    assert (await bulk.undo(job))["state"] == "undone"
    assert await bulk.contacts() == []


async def test_rows_about_the_same_contacts_do_not_get_in_the_way_of_search(bulk: Bulk) -> None:
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = await bulk.sql.fetchval(deadlocks)
    rows = [["external_id", "first_name", "company"]]
    rows += [
        [f"X{(n * 7 if n % 2 else 149 - n * 7) % 150}", "Ann", f"Firm {n}"] for n in range(2_000)
    ]
    job = await bulk.load(rows)
    assert (job["state"], job["runs"], job["counts"]["updated"]) == ("done", 0, 1_925)
    undone = await bulk.undo(job["id"])
    assert (undone["state"], undone["undo_counts"]) == ("undone", {"undone": 75})
    # The server counts them a moment later.
    await asyncio.sleep(1.1)
    assert await bulk.sql.fetchval(deadlocks) == before
    texts = await bulk.sql.fetch(
        "SELECT search_text FROM contact_search JOIN contacts USING (tenant_id, id) "
        "WHERE tenant_id = $1 AND search_text <> contact_search_text(contacts)",
        bulk.tenant,
    )
    assert texts == []
