from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta
from statistics import median
from typing import Any

import asyncpg
import pytest

from server.db.pool import ROLE, Database
from server.db.queries import queries
from server.jobs import worker as worker_module
from server.jobs.purge import purge_logs
from server.jobs.run import Run, pause
from server.jobs.worker import Worker
from server.services import bulk

Psql = Callable[[str, str], str]
TENANT = "default"


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def server_role(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the server's own are."""
    connection = await asyncpg.connect(
        database_url, server_settings={"role": ROLE, "app.tenant": TENANT}
    )
    yield connection
    await connection.close()


async def make_tagged(
    owner: asyncpg.Connection, contacts: int, *, plural: str = "tags", reference: str = "vip-00001"
) -> None:
    """A tag (or group, or type) on so many contacts, which all have another id beside it."""
    column = plural.replace("s", "_ids")
    await owner.execute(
        f"INSERT INTO {plural} (tenant_id, id, name) VALUES ($1, $2, $2)", TENANT, reference
    )
    await owner.execute(
        f"INSERT INTO contacts (tenant_id, id, company, {column})"
        " SELECT $1, $2 || '-contact-' || number, 'Lee', ARRAY[$2, 'other-0001']"
        " FROM generate_series(1, $3::int) AS number",
        *(TENANT, reference, contacts),
    )


async def until(owner: asyncpg.Connection, condition: str, seconds: float = 30) -> None:
    """Waits until the SQL condition holds."""
    deadline = time.monotonic() + seconds
    while not await owner.fetchval(f"SELECT {condition}"):
        assert time.monotonic() < deadline, condition
        await asyncio.sleep(0.02)


async def until_done(owner: asyncpg.Connection) -> None:
    await until(owner, "NOT EXISTS (SELECT FROM pgqueuer)")


async def outcomes(owner: asyncpg.Connection) -> list[str]:
    rows = await owner.fetch("SELECT status::text FROM pgqueuer_log ORDER BY id")
    return [row["status"] for row in rows]


@pytest.mark.parametrize("plural", ["tags", "groups", "types"])
async def test_what_is_deleted_in_psql_is_taken_off_its_contacts(
    owner: asyncpg.Connection, database_url: str, psql: Psql, plural: str
) -> None:
    await make_tagged(owner, 30, plural=plural)
    head = await owner.fetchval("SELECT version FROM global_version")
    worker = Worker(database_url)
    await worker.start()
    psql(database_url, f"DELETE FROM {plural} WHERE id = 'vip-00001'")
    await until_done(owner)
    await worker.stop()

    column = plural.replace("s", "_ids")
    rows = await owner.fetch(f"SELECT {column} AS ids, version, wire, stamps FROM contacts")
    assert [row["ids"] for row in rows] == [["other-0001"]] * 30
    assert min(row["version"] for row in rows) > head
    assert len({row["version"] for row in rows}) == 30
    assert json.loads(rows[0]["wire"])[column] == ["other-0001"]
    stamp = json.loads(rows[0]["stamps"])[f"{column}.vip-00001"]
    assert stamp["mutation"] == ""
    assert stamp["version"] == rows[0]["version"]
    assert abs(stamp["at"] / 1_000_000 - time.time()) < 60
    history = await owner.fetch("SELECT origin, after FROM audit_log WHERE op = 'update'")
    assert {row["origin"] for row in history} == {"job"}
    assert len(history) == 30
    assert json.loads(history[0]["after"]) == {column: ["other-0001"]}
    assert await outcomes(owner) == ["queued", "picked", "successful"]


async def test_whoever_deletes_a_tag_changes_its_contacts(
    owner: asyncpg.Connection, database_url: str
) -> None:
    await make_tagged(owner, 3)
    await owner.execute(
        "UPDATE tags SET deleted_at = now(), written_in = pg_current_xact_id(),"
        " written_by = 'ann', written_origin = 'socket', stamps = stamps"
    )
    worker = Worker(database_url)
    await worker.start()
    await until_done(owner)
    await worker.stop()
    assert await owner.fetchval("SELECT array_agg(DISTINCT updated_by) FROM contacts") == ["ann"]


async def test_the_hidden_row_of_a_deleted_contact_loses_the_tag_and_keeps_its_version(
    owner: asyncpg.Connection, database_url: str
) -> None:
    await make_tagged(owner, 2)
    await owner.execute("DELETE FROM contacts WHERE id = 'vip-00001-contact-1'")
    version = await owner.fetchval("SELECT version FROM contacts WHERE deleted_at IS NOT NULL")
    await owner.execute("DELETE FROM tags")
    worker = Worker(database_url)
    await worker.start()
    await until_done(owner)
    await worker.stop()
    hidden = await owner.fetchrow("SELECT * FROM contacts WHERE deleted_at IS NOT NULL")
    assert hidden is not None
    assert hidden["tag_ids"] == ["other-0001"]
    assert hidden["version"] == version
    assert "tag_ids.vip-00001" in json.loads(hidden["stamps"])


async def test_a_tag_that_was_restored_stays_on_its_contacts(
    owner: asyncpg.Connection, database_url: str
) -> None:
    await make_tagged(owner, 3)
    await owner.execute("DELETE FROM tags")
    await owner.execute("UPDATE tags SET deleted_at = NULL")
    worker = Worker(database_url)
    await worker.start()
    await until_done(owner)
    await worker.stop()
    rows = await owner.fetch("SELECT tag_ids FROM contacts")
    assert [row["tag_ids"] for row in rows] == [["vip-00001", "other-0001"]] * 3


async def test_a_tag_of_another_tenant_is_left_alone(
    owner: asyncpg.Connection, database_url: str, server_role: asyncpg.Connection
) -> None:
    await make_tagged(owner, 3)
    await owner.execute("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
    await owner.execute("INSERT INTO tags (tenant_id, id, name) VALUES ('other', 'vip-00001', 'V')")
    await owner.execute("DELETE FROM tags WHERE tenant_id = 'other'")
    worker = Worker(database_url)
    await worker.start()
    await until_done(owner)
    await worker.stop()
    tagged = "SELECT count(*) FROM contacts WHERE 'vip-00001' = ANY (tag_ids)"
    assert await owner.fetchval(tagged) == 3
    find = queries.jobs.find_referring_contacts
    assert await server_role.fetch(find, "other", "tags", "vip-00001", 10) == []
    assert len(await server_role.fetch(find, TENANT, "tags", "vip-00001", 2)) == 2


async def test_a_worker_that_stops_leaves_its_job_to_the_next(
    owner: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A moment suffices to note that the job is left, but not on a machine that stalls meanwhile.
    monkeypatch.setattr(worker_module, "STOP_SECONDS", 15)
    await make_tagged(owner, 3_000)
    await owner.execute("DELETE FROM tags")
    tagged = "SELECT count(*) FROM contacts WHERE 'vip-00001' = ANY (tag_ids)"
    first = Worker(database_url)
    with monkeypatch.context() as patch:
        # It pauses after its first chunk until it is told to stop: else it could end before.
        patch.setattr("server.jobs.run.pause", lambda stopping, _: pause(stopping, 30))
        await first.start()
        await until(owner, f"({tagged}) < 3000")
        started = time.monotonic()
        await first.stop()
        assert time.monotonic() - started < 15
    left = await owner.fetchval(tagged)
    assert 0 < left < 3_000
    assert await owner.fetchval("SELECT status::text FROM pgqueuer") == "queued"

    second = Worker(database_url)
    await second.start()
    await until_done(owner)
    await second.stop()
    assert await owner.fetchval(tagged) == 0
    # No contact was changed twice.
    changes = await owner.fetchval("SELECT count(*) FROM audit_log WHERE op = 'update'")
    assert changes == 3_000


async def test_no_chunk_holds_the_lock_long(
    owner: asyncpg.Connection, server_role: asyncpg.Connection
) -> None:
    held: list[float] = []
    # One of three rounds must hold it, as the machine may be busy with other tests.
    for reference in ("vip-00001", "vip-00002", "vip-00003"):
        await make_tagged(owner, 1_000, reference=reference)
        await owner.execute("DELETE FROM tags")
        held = await strip_by_chunks(server_role, reference)
        if median(held) < 20:
            break
    assert median(held) < 20
    assert len(held) > 3


async def strip_by_chunks(server_role: asyncpg.Connection, reference: str) -> list[float]:
    """For how many milliseconds each chunk held the lock."""
    found = await server_role.fetch(
        queries.jobs.find_referring_contacts, TENANT, "tags", reference, 5_000
    )
    ids = [record["id"] for record in found]
    assert len(ids) == 1_000
    held: list[float] = []
    while ids:
        chunk = await server_role.fetchrow(
            queries.jobs.strip_reference, "tags", reference, ids[:500], 8.0
        )
        assert chunk is not None
        ids = ids[chunk["done"] :]
        held.append(chunk["held"])
    return held


async def test_finding_the_contacts_of_a_tag_uses_its_index(
    owner: asyncpg.Connection, server_role: asyncpg.Connection
) -> None:
    await owner.execute(
        "INSERT INTO contacts (tenant_id, id, company, tag_ids)"
        " SELECT $1, 'contact-' || number, 'Lee', ARRAY['tag-' || number % 500]"
        " FROM generate_series(1, 5000) AS number",
        TENANT,
    )
    await owner.execute("ANALYZE contacts")
    before = await index_scans(owner)
    find = queries.jobs.find_referring_contacts
    assert len(await server_role.fetch(find, TENANT, "tags", "tag-7", 100)) == 10
    deadline = time.monotonic() + 30
    while await index_scans(owner) == before:
        assert time.monotonic() < deadline
        await server_role.execute("SELECT pg_stat_force_next_flush()")
        await asyncio.sleep(0.05)


async def index_scans(owner: asyncpg.Connection) -> int:
    scans: int = await owner.fetchval(
        "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'contacts_tag_ids'"
    )
    return scans


async def enqueue(owner: asyncpg.Connection, name: str, **payload: Any) -> None:
    await owner.execute(queries.jobs.enqueue_job, name, json.dumps({"tenant": TENANT, **payload}))


async def test_a_job_gets_its_payload_and_sees_its_tenant_alone(
    owner: asyncpg.Connection, database_url: str
) -> None:
    seen: list[tuple[dict[str, Any], str]] = []

    async def look(run: Run) -> None:
        tenant = await run.connection.fetchval("SELECT current_setting('app.tenant')")
        role = await run.connection.fetchval("SELECT current_user")
        seen.append((run.payload, f"{role}:{tenant}"))

    worker = Worker(database_url, {"look": look})
    await worker.start()
    await enqueue(owner, "look", note="Zürich")
    await until_done(owner)
    await worker.stop()
    assert seen == [({"tenant": TENANT, "note": "Zürich"}, f"{ROLE}:{TENANT}")]


async def test_a_job_enqueued_in_a_transaction_that_is_rolled_back_never_was(
    owner: asyncpg.Connection, database_url: str
) -> None:
    await make_tagged(owner, 1)
    transaction = owner.transaction()
    await transaction.start()
    await owner.execute("DELETE FROM tags")
    await transaction.rollback()
    assert await owner.fetchval("SELECT count(*) FROM pgqueuer") == 0


async def test_a_company_with_many_imports_does_not_keep_another_one_waiting(
    owner: asyncpg.Connection, database_url: str
) -> None:
    await owner.execute("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
    await owner.execute(
        "INSERT INTO agents (tenant_id, id, code, name, role) "
        "SELECT id, 'agent-' || id, 'mia', 'Mia', 'admin' FROM tenants"
    )
    begun: list[str] = []
    other_begun = asyncio.Event()

    async def note(run: Run) -> None:
        begun.append(run.payload["tenant"])
        if run.payload["tenant"] == "other":
            other_begun.set()
        # As it is to be among the first, those beside it can wait for it.
        with suppress(TimeoutError):
            await asyncio.wait_for(other_begun.wait(), 5)

    database = await Database.connect(database_url, size=2)
    for number, tenant in enumerate([TENANT] * 12 + ["other"]):
        async with database.tenant(tenant) as connection, connection.transaction():
            await connection.execute(
                queries.bulk.insert_job,
                *(tenant, f"job-{number:06}", "update", f"agent-{tenant}", None, None, None, "{}"),
            )
            await bulk.enqueue(connection, tenant, f"job-{number:06}")
    await database.close()
    worker = Worker(database_url, {"bulk_job": note})
    await worker.start()
    await until_done(owner)
    await worker.stop()
    assert len(begun) == 13
    # A few may have been taken before; without turns it would be the last.
    assert begun.index("other") < 6


async def test_a_faulty_job_is_tried_again_and_then_parked_as_failed(
    owner: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker_module, "TRIES", 2)
    tries = 0

    async def fail(run: Run) -> None:
        nonlocal tries
        tries += 1
        raise ValueError("the file ends in the middle of a row")

    worker = Worker(database_url, {"fail": fail})
    await worker.start()
    await enqueue(owner, "fail")
    await until(owner, "EXISTS (SELECT FROM pgqueuer WHERE status = 'failed')")
    await worker.stop()
    assert tries == 2
    reason = await owner.fetchval(
        "SELECT traceback::text FROM pgqueuer_log WHERE status = 'failed'"
    )
    assert "the file ends in the middle of a row" in reason


async def test_environment_variables_of_pgqueuer_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGQUEUER_PREFIX", "mine_")
    assert worker_module.TABLES.queue_table == "pgqueuer"
    assert worker_module.queries_on(None).qbe.settings.queue_table == "pgqueuer"  # type: ignore[arg-type]


async def test_every_night_old_entries_of_the_logs_and_files_of_cut_off_uploads_are_removed(
    owner: asyncpg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await owner.execute("INSERT INTO tenants (id, name) VALUES ('other', 'Other')")
    for tenant in (TENANT, "other"):
        await owner.execute(
            "INSERT INTO sync_log (tenant_id, id, kind, started)"
            " SELECT $1, number::text, 'sync', now() - make_interval(days => number)"
            " FROM generate_series(80, 99) AS number",
            tenant,
        )
    await owner.execute(
        "INSERT INTO pgqueuer_log (job_id, status, priority, entrypoint, created)"
        " VALUES (1, 'queued', 0, 'look', now() - $1::interval), (2, 'queued', 0, 'look', now())",
        timedelta(days=91),
    )
    await owner.execute(
        "INSERT INTO agents (tenant_id, id, code, name, role)"
        " VALUES ($1, 'agent-01', 'a', 'A', 'api')",
        TENANT,
    )
    await owner.execute(
        "INSERT INTO bulk_jobs (tenant_id, id, kind, state, agent_id)"
        " SELECT $1, state, 'import', state, 'agent-01' FROM unnest($2::text[]) AS state",
        *(TENANT, ["queued", "running", "failed"]),
    )
    await owner.execute(
        "INSERT INTO bulk_files (tenant_id, job_id, part, content, created_at)"
        " SELECT $1, job, day, '', now() - make_interval(hours => 20 * day)"
        " FROM unnest($2::text[]) AS job, generate_series(1, 2) AS day",
        *(TENANT, ["queued", "running", "failed", "an upload"]),
    )
    monkeypatch.setattr("server.jobs.purge.ROWS_AT_ONCE", 4)
    database = await Database.connect(database_url, size=2)
    await purge_logs(database, asyncio.Event())
    await database.close()
    kept = await owner.fetch(
        "SELECT tenant_id, min(id) AS first, max(id) AS last FROM sync_log GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(row) for row in kept] == [(TENANT, "80", "89"), ("other", "80", "89")]
    assert await owner.fetchval("SELECT array_agg(job_id) FROM pgqueuer_log") == [2]
    files = await owner.fetch("SELECT job_id, part FROM bulk_files ORDER BY 1, 2")
    assert [tuple(row) for row in files] == [
        ("an upload", 1),
        ("failed", 1),
        ("queued", 1),
        ("queued", 2),
        ("running", 1),
        ("running", 2),
    ]


async def test_the_nightly_purge_is_scheduled_once_for_all_workers(
    owner: asyncpg.Connection, database_url: str
) -> None:
    workers = [Worker(database_url), Worker(database_url)]
    for worker in workers:
        await worker.start()
    await until(owner, "(SELECT count(*) = 2 FROM pgqueuer_schedules)")
    for worker in workers:
        await worker.stop()
    rows = await owner.fetch("SELECT entrypoint, expression FROM pgqueuer_schedules ORDER BY 1")
    assert [tuple(row) for row in rows] == [
        ("purge_ledger", worker_module.AT_NIGHT),
        ("purge_logs", worker_module.AT_NIGHT),
    ]

    # Due now.
    await owner.execute("UPDATE pgqueuer_schedules SET next_run = now()")
    await owner.execute(
        "INSERT INTO sync_log (tenant_id, id, kind, started)"
        " VALUES ($1, 'old', 'sync', now() - interval '91 days')",
        TENANT,
    )
    third = Worker(database_url)
    await third.start()
    await until(owner, "NOT EXISTS (SELECT FROM sync_log)")
    await third.stop()
