"""Undos of jobs: each contact told once, whatever happened since, and asked for again."""

from __future__ import annotations

import asyncpg

from tests.integration.support.bulk import MAPPING, PEOPLE, Bulk, counts


async def test_a_contact_that_several_rows_changed_is_left_and_told_once(bulk: Bulk) -> None:
    """Its rows lie so far apart that the undo takes them back in several chunks."""
    await bulk.load(PEOPLE, mapping=MAPPING)
    (ann, *_) = await bulk.contacts()
    rows = [["Customer ID", "First name"]]
    rows += [[f"C{number % 400 + 1}", f"Name {number}"] for number in range(1_200)]
    job = await bulk.load(rows, mapping=MAPPING)
    assert counts(job)[:3] == (1_200, 397, 803)
    await bulk.edit(ann["id"], notes="edited since")
    undone = await bulk.undo(job["id"])
    assert (undone["state"], undone["undo_counts"]) == ("undone", {"undone": 399, "left": 1})
    assert len(await bulk.findings(job["id"], "left")) == 1
    names = {contact.get("external_id"): contact["first_name"] for contact in await bulk.contacts()}
    assert names == {"C1": "Name 800", "C2": "Bob", "C3": "Cat"}


async def test_an_undo_that_failed_half_way_is_asked_for_again_and_counts_all(bulk: Bulk) -> None:
    rows = [["Customer ID", "First name"], *([f"C{n}", f"Name {n}"] for n in range(600))]
    job = await bulk.load(rows, mapping=MAPPING)
    contacts = await bulk.contacts()
    # The undo begins with the last ones, and leaves this one.
    await bulk.edit(contacts[-1]["id"], notes="edited since")
    await bulk.sql.execute(
        "CREATE FUNCTION fail_at_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.first_name = 'Name 3' AND NEW.deleted_at IS NOT NULL THEN "
        "RAISE EXCEPTION USING ERRCODE = 'feature_not_supported'; END IF; RETURN NEW; END $$"
    )
    await bulk.sql.execute(
        "CREATE TRIGGER fail BEFORE UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION fail_at_once()"
    )
    try:
        try:
            await bulk.undo(job["id"])
        except asyncpg.FeatureNotSupportedError:
            await bulk.sql.execute(
                "UPDATE bulk_jobs SET state = 'failed', run = NULL WHERE id = $1", job["id"]
            )
        else:
            raise AssertionError("the undo should have failed")
    finally:
        await bulk.sql.execute("DROP TRIGGER fail ON contacts")
        await bulk.sql.execute("DROP FUNCTION fail_at_once")
    cut = await bulk.job(job["id"])
    assert (0 < cut["undo_counts"]["undone"] < 599, cut["undo_counts"]["left"]) == (True, 1)
    undone = await bulk.undo(job["id"])
    assert (undone["state"], undone["undo_counts"]) == ("undone", {"undone": 599, "left": 1})
    assert len(await bulk.findings(job["id"], "left")) == 1
    assert [contact["notes"] for contact in await bulk.contacts()] == ["edited since"]
