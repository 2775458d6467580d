"""Rows that have nothing to be found by but their names: none makes a contact twice."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from tests.integration.support.bulk import OPTIONS, Bulk, counts, to_csv

Capture = pytest.CaptureFixture[bytes]


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


async def test_a_row_finds_its_contact_among_hundreds_of_its_name(
    bulk: Bulk, capfdbinary: Capture
) -> None:
    """Some of them have keys; it is the one that holds what the row does."""
    rows = [["First name", "E-mail", "Notes", "City", "Size", "Phone"]]
    rows += [["Ann", f"ann.{n}@example.com", "", "", "", ""] for n in range(150)]
    rows += [["Ann", "", f"Note {n}", "", "", ""] for n in range(120)]
    rows += [["Ann", "", "", f"City {n}", "", ""] for n in range(120)]
    rows += [["Ann", "", "", "", f"Size {n}", f"line {n}"] for n in range(120)]
    rows += [["Ann", "", "", "", "", ""]]
    told = await bulk.preview(rows, capfdbinary)
    assert counts(told) == (511, 510, 0, 1, 0, 0)
    assert counts(await bulk.load(rows)) == counts(told)
    head = await bulk.head()
    for on_empty in ("keep", "clear"):
        again = await bulk.load(rows, on_empty=on_empty)
        # With `clear` a bare name means a contact that holds no more.
        assert counts(again)[1] == (on_empty == "clear")
        if on_empty == "keep":
            assert await bulk.head() == head
    assert counts(await bulk.load(rows, on_empty="clear")) == (511, 0, 0, 511, 0, 0)


async def test_rows_find_what_the_chunk_before_is_just_making(
    bulk: Bulk, capfdbinary: Capture
) -> None:
    rows = [["First name", "Notes"]]
    for block in range(10):
        rows += [[f"Name {block} {n}", "Tall"] for n in range(60)] * 2
    told = await bulk.preview(rows, capfdbinary)
    assert counts(told) == (1_200, 600, 0, 600, 0, 0)
    assert counts(await bulk.load(rows)) == counts(told)


@pytest.mark.timeout(120)
@pytest.mark.parametrize("column", ["Notes", "Street"])
async def test_thousands_of_one_name_do_not_take_minutes(
    column: str, bulk: Bulk, capfdbinary: Capture
) -> None:
    rows = [["First name", column], *(["Resident", f"{n} Long Street"] for n in range(5_000))]
    async with asyncio.timeout(60):
        told = await bulk.preview(rows, capfdbinary)
        assert counts(told) == (5_000, 5_000, 0, 0, 0, 0)
        assert counts(await bulk.load(rows)) == counts(told)
        assert counts(await bulk.load(rows[:500])) == (499, 0, 0, 499, 0, 0)


async def test_a_contact_that_a_device_makes_meanwhile_is_not_made_twice(bulk: Bulk) -> None:
    blocker = await asyncpg.connect(bulk.url)
    transaction = blocker.transaction()
    await transaction.start()
    await blocker.execute("SELECT set_config('app.tenant', $1, true)", bulk.tenant)
    await blocker.execute("SELECT lock_versions()")
    content = to_csv([["First name", "Notes"], ["Gil", "Tall"], ["Hal", ""]])
    running = asyncio.create_task(bulk.run(await bulk.start("import", OPTIONS, content)))
    await bulk.until(
        "EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'advisory' "
        "AND datname = current_database() AND query LIKE '%write_bulk_chunk%')"
    )
    await blocker.execute(
        "INSERT INTO contacts (tenant_id, id, first_name, notes) "
        "VALUES ($1, 'contact-gil', 'Gil', 'Tall')",
        bulk.tenant,
    )
    await transaction.commit()
    await blocker.close()
    assert counts(await running) == (2, 1, 0, 1, 0, 0)
    assert sorted(each["first_name"] for each in await bulk.contacts()) == ["Gil", "Hal"]
