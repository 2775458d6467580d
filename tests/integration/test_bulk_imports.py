from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from server.db.pool import Database
from server.files.model import ReadOptions
from server.files.reading import open_contact_file
from server.jobs.bulk.context import Context
from server.jobs.bulk.drafts import draft_row
from server.jobs.bulk.importing import judging_of
from server.jobs.bulk.known import EarlierInChunk
from server.jobs.bulk.planning import Author
from server.jobs.bulk.process import EXIT_FAULT
from server.services.tenants import Tenants
from tests.integration.support.bulk import AGENT, OPTIONS, Bulk

Capture = pytest.CaptureFixture[bytes]


@pytest.fixture
async def bulk(module_database_url: str, owner: asyncpg.Connection) -> AsyncIterator[Bulk]:
    database = await Database.connect(module_database_url, size=4)
    yield await Bulk(module_database_url, database, owner).set_up()
    await database.close()


PEOPLE = """
Customer ID | First name | Last name | E-mail           | Phone         | Company
C1          | Ann        | Lee       | ann@example.com  | 044 668 18 00 | Lee & Sons
C2          | Bob        | Ray       | BOB@Example.com  | 044 668 18 01 | Ray Ltd
C3          | Cat        | Poe       |                  | 044 668 18 02 |
"""
COUNTS = ("rows", "created", "updated", "unchanged", "conflicts", "errors")
MAPPING = {"Customer ID": "external_id"}


def counts(job: dict[str, object]) -> tuple[int, ...]:
    told: dict[str, int] = job["counts"]  # type: ignore[assignment]
    return tuple(told.get(name, 0) for name in COUNTS)


async def test_the_same_file_again_changes_nothing_and_moves_no_version(bulk: Bulk) -> None:
    job = await bulk.load(PEOPLE, mapping=MAPPING)
    assert (job["state"], job["error"], counts(job)) == ("done", None, (3, 3, 0, 0, 0, 0))
    assert (job["done"], job["total"]) == (3, 3)
    first = (await bulk.contacts())[0]
    assert first["external_id"] == "C1"
    assert first["display_name"] == "Ann Lee"
    assert first["phones"] == [{"value": "044 668 18 00", "e164": "+41446681800"}]
    assert (first["created_by"], "owner_id" in first) == (AGENT, False)
    head = await bulk.head()
    again = await bulk.load(PEOPLE, mapping=MAPPING)
    assert counts(again) == (3, 0, 0, 3, 0, 0)
    assert await bulk.head() == head
    origins = await bulk.sql.fetch(
        "SELECT DISTINCT origin, mutation_id FROM audit_log WHERE tenant_id = $1 "
        "AND entity = 'contact'",
        bulk.tenant,
    )
    assert [tuple(record) for record in origins] == [("import", f"import.{job['id']}")]
    # The file is kept no longer than it is needed; search knows what came of it.
    assert not await bulk.sql.fetchval(
        "SELECT count(*) FROM bulk_files WHERE tenant_id = $1", bulk.tenant
    )
    searched = await bulk.sql.fetch(
        "SELECT search_text LIKE '%bob@example.com%' AS found FROM contact_search "
        "WHERE tenant_id = $1",
        bulk.tenant,
    )
    assert sorted(record["found"] for record in searched) == [False, False, True]


async def test_a_row_finds_its_contact_by_external_id_then_by_email_then_by_phone(
    bulk: Bulk,
) -> None:
    await bulk.load(PEOPLE, mapping=MAPPING)
    ids = {contact["external_id"]: contact["id"] for contact in await bulk.contacts()}
    job = await bulk.load(
        """
        Customer ID | First name | E-mail          | Phone            | City
        C1          | Anna       | new@example.com |                  |
                    | Bobby      | bob@example.COM |                  |
                    |            |                 | +41 44 668 18 02 | Bern
        C9          | Cat        |                 | 0041446681802    |
        """,
        mapping=MAPPING,
    )
    assert counts(job) == (4, 1, 3, 0, 0, 0)
    found = {contact["id"]: contact for contact in await bulk.contacts()}
    assert found[ids["C1"]]["first_name"] == "Anna"
    # The file's address comes first, the one that was there stays.
    assert [email["value"] for email in found[ids["C1"]]["emails"]] == [
        "new@example.com",
        "ann@example.com",
    ]
    assert found[ids["C2"]]["first_name"] == "Bobby"
    assert found[ids["C3"]]["addresses"] == [{"city": "Bern"}]
    # The number as it was typed first stays: it is the same.
    assert found[ids["C3"]]["phones"] == [{"value": "044 668 18 02", "e164": "+41446681802"}]
    # Another external id is another contact, whatever its number.
    assert len(found) == 4


async def test_a_switchboards_number_is_no_person(bulk: Bulk) -> None:
    job = await bulk.load(
        """
        First name | E-mail          | Phone
        Ann        | ann@example.com | 044 668 18 00
        Bob        | bob@example.com | 044 668 18 00
        Ann        | lee@example.com | 044 668 18 00
        """
    )
    assert counts(job) == (3, 2, 1, 0, 0, 0)
    names = [contact["first_name"] for contact in await bulk.contacts()]
    assert sorted(names) == ["Ann", "Bob"]


async def test_what_may_be_several_contacts_is_an_error_row_and_never_a_guess(bulk: Bulk) -> None:
    await bulk.load(
        """
        First name | Phone
        Ann        | 044 668 18 00
        """
    )
    await bulk.sql.execute(
        "INSERT INTO contacts (tenant_id, id, first_name, phones) "
        'VALUES ($1, \'contact-eve\', \'Eve\', \'[{"value": "1", "e164": "+41446681800"}]\')',
        bulk.tenant,
    )
    job = await bulk.load(
        """
        First name | Phone
        Zoe        | 044 668 18 00
        Zed        | 044 668 18 09
        """
    )
    assert counts(job) == (2, 1, 0, 0, 0, 1)
    ((row, field, message),) = await bulk.findings(job["id"], "error")
    assert (row, field) == (2, "phones")
    assert "2 contacts: " in (message or "")
    assert "Eve (contact-eve)" in (message or "")


async def test_a_row_of_nothing_but_a_name_makes_no_contact_twice(bulk: Bulk) -> None:
    rows = """
        First name | Company | Notes
        Ann        |         |
        Bob        | Ray Ltd | Tall
                   | Ray Ltd |
        Ann        |         |
        Bob        | Ray Ltd | Short
    """
    job = await bulk.load(rows)
    assert counts(job) == (5, 4, 0, 1, 0, 0)
    head = await bulk.head()
    assert counts(await bulk.load(rows)) == (5, 0, 0, 5, 0, 0)
    assert await bulk.head() == head
    # One of the name who can be reached may be another person.
    await bulk.load([["First name", "E-mail"], ["Zoe", "zoe@example.com"]])
    assert counts(await bulk.load([["First name"], ["Zoe"]]))[1] == 1
    created = await bulk.load([["First name"], ["Ann"]], mode="create")
    assert counts(created)[-1] == 1


async def test_modes_decide_what_is_an_error(bulk: Bulk) -> None:
    await bulk.load(PEOPLE, mapping=MAPPING)
    rows = """
        Customer ID | First name
        C1          | Anna
        C9          | Zoe
    """
    created = await bulk.load(rows, mapping=MAPPING, mode="create")
    assert counts(created) == (2, 1, 0, 0, 0, 1)
    updated = await bulk.load(rows.replace("C9", "C8"), mapping=MAPPING, mode="update")
    assert counts(updated) == (2, 0, 1, 0, 0, 1)
    skipped = await bulk.load(rows.replace("Anna", "Anja"), mapping=MAPPING, mode="skip")
    assert counts(skipped) == (2, 0, 0, 2, 0, 0)
    messages = [(await bulk.findings(job["id"], "error"))[0][2] or "" for job in (created, updated)]
    assert "There is already a contact with this external id: Ann Lee" in messages[0]
    assert "No contact has this external id, and mode=update creates none." in messages[1]


async def test_an_empty_cell_keeps_what_is_there_or_clears_it(bulk: Bulk) -> None:
    await bulk.load(
        [
            ["Customer ID", "First name", "Notes", "E-mail", "Tags", "Size", "Ok by e-mail"],
            ["C1", "Ann", "Tall", "a@example.com;b@example.com", "VIP ::: New", "9", "no"],
        ],
        mapping={**MAPPING, "Ok by e-mail": "preferences.email", "Tags": "tags"},
    )
    rows = [
        ["Customer ID", "First name", "Notes", "E-mail", "Tags", "Size", "Ok by e-mail"],
        ["C1", "Ann", "", "a@example.com", "", "", "yes"],
    ]
    mapping = {**MAPPING, "Ok by e-mail": "preferences.email", "Tags": "tags"}
    kept = await bulk.load(rows, mapping=mapping)
    assert counts(kept) == (1, 0, 0, 1, 0, 0)
    cleared = await bulk.load(rows, mapping=mapping, on_empty="clear")
    assert counts(cleared) == (1, 0, 1, 0, 0, 0)
    (contact,) = await bulk.contacts()
    assert [email["value"] for email in contact["emails"]] == ["a@example.com"]
    assert not {"notes", "tag_ids", "custom"} & set(contact)
    # An opt-out is never taken back by a file.
    assert contact["preferences"] == {"email": "opted_out"}


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
        {"row": 2, "field": "tags", "message": "A contact may have 100 tags; this row has 101."}
    ]
    for table in ("tags", "groups"):
        made = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"
        assert await bulk.sql.fetchval(made, bulk.tenant) == 0


async def test_a_tag_that_is_deleted_while_rows_are_judged_is_made_anew(
    bulk: Bulk, tmp_path: Path
) -> None:
    job = await bulk.start("import", {**OPTIONS, "mapping": {"Tags": "tags"}}, b"")
    path = tmp_path / "contacts.csv"
    path.write_bytes(b"Name,Tags\nAnn,VIP\nBob,VIP\n")
    context = Context(
        *(bulk.database, bulk.tenant, {**await bulk.job(job), "options": OPTIONS}, ""),
        await Tenants(bulk.database, "CH").settings(bulk.tenant),
        *(Author(AGENT, None, f"import.{job}", "import"), asyncio.Event()),
    )
    file = open_contact_file(path, ReadOptions())
    assert file.check() == 2
    judging = await judging_of(context, file, writes=True)
    drafts = [draft_row(row, context.settings) for row in file.rows()]
    known = await judging.known(drafts[:1], EarlierInChunk())
    # As a chunk does that is judged anew beside this one.
    judging.labels.forget()
    plan = judging.judge(drafts[0], known)
    assert (plan.outcome, plan.faults) == ("created", [])
    assert plan.row is not None

    # Before the next rows, whose tag is known from the first, it is deleted.
    await judging.known(drafts[:1], EarlierInChunk())
    (deleted,) = plan.row.fields["tag_ids"]
    await bulk.sql.execute("UPDATE tags SET deleted_at = now() WHERE id = $1", deleted)
    known = await judging.known(drafts[1:], EarlierInChunk())
    plan = judging.judge(drafts[1], known)
    assert plan.row is not None
    (live,) = plan.row.fields["tag_ids"]
    assert live == await bulk.sql.fetchval(
        "SELECT id FROM tags WHERE tenant_id = $1 AND deleted_at IS NULL", bulk.tenant
    )


async def test_a_file_may_name_owners_by_code_or_name_and_no_strangers(bulk: Bulk) -> None:
    job = await bulk.load(
        """
        First name | Owner
        Ann        | ANN
        Bob        | nobody here
        """,
        mapping={"Owner": "owner"},
    )
    assert counts(job) == (2, 1, 0, 0, 0, 1)
    assert [contact["owner_id"] for contact in await bulk.contacts()] == ["agent-ann-01"]


async def test_a_row_that_overwrites_a_recent_edit_is_applied_and_listed(
    bulk: Bulk, capfdbinary: Capture
) -> None:
    await bulk.load(PEOPLE, mapping=MAPPING)
    ids = {contact["external_id"]: contact["id"] for contact in await bulk.contacts()}
    await bulk.edit(ids["C1"], company="Lee Holding")
    await bulk.edit(ids["C2"], company="Ray AG")
    # What was edited before the tenant's conflict_days is none.
    await bulk.sql.execute(
        """UPDATE contacts SET stamps = jsonb_set(stamps, '{company,at}', '1'),
               written_in = pg_current_xact_id() WHERE tenant_id = $1 AND id = $2""",
        *(bulk.tenant, ids["C2"]),
    )
    told = await bulk.preview(PEOPLE, capfdbinary, mapping=MAPPING)
    job = await bulk.load(PEOPLE, mapping=MAPPING)
    assert counts(job) == counts(told) == (3, 0, 2, 1, 1, 0)
    ((row, field, _),) = await bulk.findings(job["id"], "conflict")
    assert (row, field) == (2, "company")
    assert told["conflicts"][0]["from"] == "Lee Holding"
    assert told["differences"][0]["changes"] == {
        "company": {"from": "Lee Holding", "to": "Lee & Sons"}
    }


async def test_a_dry_run_writes_nothing_and_tells_what_the_run_then_does(
    bulk: Bulk, capfdbinary: Capture
) -> None:
    await bulk.load(PEOPLE, mapping=MAPPING)
    before = await bulk.head()
    # Doubles within the file, an error, a new one, a changed one, an unchanged one.
    rows = [
        ["Customer ID", "First name", "E-mail", "Phone", "Labels"],
        ["C1", "Anna", "ann@example.com", "", "VIP"],
        ["C2", "Bob", "", "", ""],
        ["", "Dan", "dan@example.com", "", "VIP"],
        ["", "Dan", "dan@example.com", "044 668 18 07", ""],
        ["", "Daniel", "", "044 668 18 07", ""],
        ["", "Eve", "not an address", "", ""],
        ["", "Fay", "", "1.41556E+10", ""],
        ["", "", "", "", "VIP"],
    ]
    mapping = {**MAPPING, "Labels": "tags"}
    told = await bulk.preview(rows, capfdbinary, mapping=mapping)
    assert await bulk.head() == before
    for table, rows_there in (("bulk_jobs", 1), ("tags", 0), ("bulk_findings", 0)):
        count = f"SELECT count(*) FROM {table} WHERE tenant_id = $1"
        assert (table, await bulk.sql.fetchval(count, bulk.tenant)) == (table, rows_there)
    assert told["detected"]["format"] == "csv"
    assert told["mapping"]["Phone"] == "phones"
    assert told["new_labels"] == {"tags": ["VIP"]}
    assert [contact.get("first_name") for contact in told["preview"]][:3] == ["Anna", "Bob", "Dan"]
    job = await bulk.load(rows, mapping=mapping)
    assert counts(job) == counts(told) == (8, 1, 3, 1, 1, 3)
    errors = await bulk.findings(job["id"], "error")
    assert [(each["row"], each["field"]) for each in told["errors"]] == [
        (row, field) for row, field, _ in errors
    ]
    assert sorted({row for row, _, _ in errors if row}) == [7, 8, 9]


async def test_an_undo_takes_the_import_back_but_for_what_was_edited_since(bulk: Bulk) -> None:
    await bulk.load(PEOPLE, mapping=MAPPING)
    before = {contact["external_id"]: contact for contact in await bulk.contacts()}
    job = await bulk.load(
        [
            ["Customer ID", "First name", "E-mail", "Company", "Labels", "Size"],
            ["C1", "Anna", "x@example.com", "New", "VIP", "9"],
            ["C2", "Robert", "", "", "VIP", ""],
            ["C3", "Kat", "kat@example.com", "", "", ""],
            ["C8", "Zoe", "", "", "VIP", ""],
            ["C9", "Zed", "", "", "", ""],
            ["C1", "Annie", "", "", "", ""],
        ],
        mapping={**MAPPING, "Labels": "tags"},
    )
    assert counts(job)[:3] == (6, 2, 4)
    await bulk.edit(before["C2"]["id"], company="Ray & Co")
    undone = await bulk.undo(job["id"])
    assert (undone["state"], undone["error"]) == ("undone", None)
    assert undone["undo_counts"] == {"undone": 4, "left": 1}
    after = {contact["external_id"]: contact for contact in await bulk.contacts()}
    assert set(after) == {"C1", "C2", "C3"}
    server_s = {"version", "updated_at", "updated_by"}
    for name in ("C1", "C3"):
        assert {k: v for k, v in after[name].items() if k not in server_s} == {
            k: v for k, v in before[name].items() if k not in server_s
        }
    assert after["C2"]["first_name"] == "Robert"
    left = await bulk.findings(job["id"], "left")
    assert left == [(None, None, "It was edited since, and left as it is.")]
    # The label is carried by the contact that was left.
    assert await bulk.sql.fetchval(
        "SELECT count(*) FROM tags WHERE tenant_id = $1 AND deleted_at IS NULL", bulk.tenant
    )
    assert await bulk.sql.fetchval(
        "SELECT deleted_at IS NOT NULL FROM contacts WHERE tenant_id = $1 AND external_id = 'C8'",
        bulk.tenant,
    )


async def test_what_the_rules_of_the_company_forbid_by_now_is_left_by_an_undo(bulk: Bulk) -> None:
    mapping = {**MAPPING, "Labels": "tags"}
    header = ["Customer ID", "First name", "Labels"]
    await bulk.load([header, ["C1", "Ann", "VIP ::: Fair"], ["C2", "Bob", "VIP"]], mapping=mapping)
    job = await bulk.load(
        [header, ["C1", "Ann", ""], ["C2", "Bob", ""]], mapping=mapping, on_empty="clear"
    )
    assert counts(job) == (2, 0, 2, 0, 0, 0)
    await bulk.sql.execute("UPDATE tenants SET max_tags = 1 WHERE id = $1", bulk.tenant)
    undone = await bulk.undo(job["id"])
    assert (undone["state"], undone["undo_counts"]) == ("undone", {"undone": 1, "left": 1})
    ((_, _, message),) = await bulk.findings(job["id"], "left")
    assert message == "A contact may have 1 tags; this would make 2."
    assert [len(contact.get("tag_ids", ())) for contact in await bulk.contacts()] == [0, 1]


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


async def test_a_run_that_was_cut_off_goes_on_after_its_last_chunk(bulk: Bulk) -> None:
    rows = [["Customer ID", "First name"]]
    rows += [[f"C{number}", f"Name {number}"] for number in range(2_000)]
    job = await bulk.start(
        "import",
        {"mode": "upsert", "match": ["external_id"], "on_empty": "keep", "mapping": MAPPING},
        "\n".join(",".join(row) for row in rows).encode(),
    )
    stopping = asyncio.Event()
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
        "SELECT count(*) FROM contact_search WHERE tenant_id = $1", bulk.tenant
    ) == 2_000  # fmt: skip


async def test_the_copy_of_a_file_that_a_killed_process_left_is_removed(bulk: Bulk) -> None:
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
            "$2::jsonb[], 10)",
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


async def test_half_characters_and_noughts_in_a_row_are_errors_of_that_row(bulk: Bulk) -> None:
    rows = [
        {"first_name": "Ann", "custom": {"a\u0000b": "x"}},
        {"first_name": "Bob \ud800"},
        {"first_name": "Cat\u0000"},
        {"first_name": "Dan", "notes": "\udfff", "tags": ["\ud800", "VIP"]},
        {"first_name": "Eve"},
    ]
    job = await bulk.start(
        "import",
        {"mode": "upsert", "match": ["email"], "on_empty": "keep"},
        json.dumps(rows).encode(),
    )
    done = await bulk.run(job)
    assert (done["state"], done["error"], done["counts"]["rows"]) == ("done", None, 5)
    names = {contact["first_name"] for contact in await bulk.contacts()}
    assert {"Eve"} <= names <= {"Ann", "Cat", "Eve"}
    assert len(names) + done["counts"]["errors"] == 5


async def test_our_own_export_keeps_the_ids_that_nobody_has_had(bulk: Bulk) -> None:
    rows = """
        id                | first_name | created_at
        contact-of-ours-1 | Ann        | 2026-01-01T00:00:00Z
        contact-of-ours-2 | Bob        | 2026-01-01T00:00:00Z
        short             | Cat        | 2026-01-01T00:00:00Z
    """
    job = await bulk.load(rows)
    assert job["detected"]["format"] == "own"
    assert counts(job) == (3, 2, 0, 0, 0, 1)
    assert {contact["id"] for contact in await bulk.contacts()} == {
        "contact-of-ours-1",
        "contact-of-ours-2",
    }
    await bulk.sql.execute(
        "DELETE FROM contacts WHERE tenant_id = $1 AND first_name = 'Ann'", bulk.tenant
    )
    again = await bulk.load(rows.replace("Bob", "Robert"))
    # The one that was deleted stays so; its row is a new contact.
    assert counts(again) == (3, 1, 1, 0, 0, 1)
    found = {contact["first_name"]: contact["id"] for contact in await bulk.contacts()}
    assert found["Robert"] == "contact-of-ours-2"
    assert found["Ann"] != "contact-of-ours-1"


async def test_a_phone_finds_nobody_of_another_full_name(bulk: Bulk) -> None:
    rows = """
        First name | Last name | Phone
        Ann        | Lee       | 044 668 18 00
        Bob        | Lee       | 044 668 18 00
    """
    assert counts(await bulk.load(rows)) == (2, 2, 0, 0, 0, 0)
    assert counts(await bulk.load(rows)) == (2, 0, 0, 2, 0, 0)
    # A row without a name may be either's.
    job = await bulk.load([["Phone", "Notes"], ["044 668 18 00", "Tall"]])
    assert counts(job) == (1, 0, 0, 0, 0, 1)


async def test_a_row_tells_all_that_is_wrong_with_it(bulk: Bulk) -> None:
    job = await bulk.load(
        [["First name", "Phone", "E-mail"], ["Ann", "1.41556E+10", "ann at home"]]
    )
    assert counts(job) == (1, 0, 0, 0, 0, 1)
    fields = [field for _, field, _ in await bulk.findings(job["id"], "error")]
    assert [(field or "").partition(".")[0] for field in fields] == ["phones", "emails"]


async def test_a_run_ends_when_its_author_is_disabled_and_others_undo_it(bulk: Bulk) -> None:
    rows = "first_name\n" + "\n".join(f"Name {number}" for number in range(3_000))
    job = await bulk.start(
        "import", {"mode": "upsert", "match": ["email"], "on_empty": "keep"}, rows.encode()
    )
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
