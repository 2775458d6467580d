from __future__ import annotations

import asyncio
import json

import pytest

from server.db.queries import queries
from tests.integration.support.bulk import AGENT, MAPPING, OPTIONS, PEOPLE, Bulk, counts, to_csv

Capture = pytest.CaptureFixture[bytes]


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


async def test_a_run_reads_a_file_by_the_region_of_its_check_whatever_that_is_by_now(
    bulk: Bulk,
) -> None:
    rows = [[f"Ann {n}", f"044 668 {n:04}", "4/12/1990"] for n in range(1_000, 4_000)]
    content = to_csv([["Name", "Phone", "Birthday"], *rows])
    job = await bulk.start("import", OPTIONS, content)
    stopping = asyncio.Event()
    async with bulk.slow_writes():
        first = asyncio.create_task(bulk.run(job, stopping))
        await bulk.until(f"EXISTS (SELECT FROM bulk_jobs WHERE id = '{job}' AND total > 0)")
        # As when the server is restarted.
        stopping.set()
        assert (await first)["done"] < 3_000
    await bulk.sql.execute("UPDATE tenants SET region = 'US' WHERE id = $1", bulk.tenant)
    assert (await bulk.run(job))["done"] == 3_000
    contacts = await bulk.contacts()
    assert {each["birthday"] for each in contacts} == {"1990-12-04"}
    assert {each["phones"][0]["e164"][:8] for each in contacts} == {"+4144668"}


async def test_a_run_clears_what_the_check_found_to_be_in_the_file_wherever_it_stands(
    bulk: Bulk,
) -> None:
    await bulk.load("Customer ID | Name | Notes\nC1 | Ann | old", mapping=MAPPING)
    contacts = [{"external_id": f"C{n}", "first_name": "Ann"} for n in range(1, 1_102)]
    content = json.dumps([*contacts, {"external_id": "D1", "first_name": "Bob", "notes": "new"}])
    job = await bulk.start("import", {**OPTIONS, "on_empty": "clear"}, content.encode())
    mapping = {"external_id": "external_id", "first_name": "first_name", "notes": "notes"}
    detected = {"format": "json", "encoding": "utf-8", "delimiter": None}
    async with bulk.database.tenant(bulk.tenant) as connection:
        await connection.execute(
            queries.bulk_jobs.note_checked,
            *(bulk.tenant, job, json.dumps(detected), json.dumps(list(mapping))),
            *(json.dumps(mapping), 1_102),
        )
    assert (await bulk.run(job))["state"] == "done"
    first = next(each for each in await bulk.contacts() if each["external_id"] == "C1")
    assert "notes" not in first


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
