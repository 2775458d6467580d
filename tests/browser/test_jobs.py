"""Past and running imports and bulk edits: their list, and the page of each."""

from __future__ import annotations

import re

import asyncpg
from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.axe import violations
from tests.browser.support.imports import (
    JOB_MS,
    as_file,
    choose,
    counted,
    ended,
    people,
    progress_seen,
    run,
    shows_state,
    start,
    table,
    watch_progress,
)
from tests.browser.support.pacing import paced
from tests.integration.support.servers import Company
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

# More than are written at once.
MANY = table(people(1_000))
# As many imports as a page has, each like one that was done, and a minute before the last.
EARLIER_JOBS = """
    INSERT INTO bulk_jobs
        (tenant_id, id, kind, state, agent_id, file_name, counts, done, total, created_at)
    SELECT tenant_id, 'earlier-' || n, kind, state, agent_id, 'file' || n || '.csv', counts, done,
           total, created_at - n * interval '1 minute'
    FROM bulk_jobs, generate_series(1, 25) AS n WHERE tenant_id = $1 AND id = $2
"""


async def test_past_imports_and_edits_are_listed_filtered_and_paged(
    open_page: OpenPage, sign_in: SignIn, sql: asyncpg.Connection, company: Company
) -> None:
    manager = sign_in("manager")
    job = await start(manager, table(people(26)))
    assert (await ended(manager, job))["counts"]["created"] == 26
    await sql.execute(EARLIER_JOBS, company.tenant, job)
    edit = await manager.post("/api/bulk/update", {"filter": {}, "changes": {"company": "Lee Ltd"}})
    assert (await ended(manager, edit.json["id"]))["counts"]["updated"] == 26

    page = await open_page("/import")
    rows = page.get_by_test_id("job-row")
    await expect(rows).to_have_count(5)
    await page.get_by_role("link", name="Past imports and edits").click()
    await expect(rows).to_have_count(25)
    await expect(rows.first).to_contain_text(re.compile(r"Company set.*Manager", re.S))
    await expect(rows.nth(1)).to_contain_text(
        re.compile(r"clients\.csv.*Done.*Manager.*26.*26", re.S)
    )
    await page.get_by_role("button", name="Show older").click()
    await expect(rows).to_have_count(27)
    await expect(page.get_by_role("button", name="Show older")).to_have_count(0)
    await page.get_by_role("link", name="Bulk edits", exact=True).click()
    await expect(rows).to_have_count(1)
    await page.reload()
    await expect(rows).to_have_count(1)
    await page.go_back()
    await expect(rows).to_have_count(25)

    await rows.first.get_by_role("link").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Company set")
    await shows_state(page, "done")
    await page.get_by_role("button", name="Undo").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("26 contacts are put back as before")
    await dialog.get_by_role("button", name="Undo").click()
    await shows_state(page, "undone")
    assert (await manager.get("/api/contacts?company=Lee Ltd")).json["total"] == 0


async def test_nothing_yet_is_told_apart_from_none_of_a_kind(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/jobs")
    await expect(page.get_by_test_id("nothing-yet")).to_be_visible()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    manager = sign_in("manager")
    await ended(manager, await start(manager, table(people(1))))
    await expect(page.get_by_test_id("job-row")).to_have_count(1)
    await page.get_by_role("link", name="Bulk edits", exact=True).click()
    await expect(page.get_by_test_id("nothing-found")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await expect(page.get_by_test_id("job-row")).to_have_count(1)


async def test_a_running_import_is_cancelled_and_what_was_written_is_undone(
    open_page: OpenPage, sign_in: SignIn, sql: asyncpg.Connection, company: Company
) -> None:
    page = await open_page("/import")
    await choose(page, as_file(MANY))
    async with paced(sql, company) as pace:
        job = await run(page)
        await pace.step(job)
        await expect(page.get_by_test_id("job-progress")).to_contain_text(re.compile(r"^\s*[1-9]"))
        await page.get_by_role("button", name="Cancel").click()

        async def is_told() -> bool:
            told: bool = await sql.fetchval("SELECT cancelling FROM bulk_jobs WHERE id = $1", job)
            return told

        await until(is_told)
    await shows_state(page, "cancelled")
    manager = sign_in("manager")
    written = (await manager.get("/api/contacts")).json["total"]
    assert 0 < written < 1_000
    assert (await counted(page))["created"] == written
    assert (await manager.get(f"/api/bulk/jobs/{job}")).json["state"] == "cancelled"
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    await shows_state(page, "undone")
    assert (await manager.get("/api/contacts")).json["total"] == 0


async def test_another_browser_of_the_same_manager_sees_the_progress_as_it_happens(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    desk, phone = await open_page("/import"), await open_page("/jobs", width=360, height=740)
    await expect(phone.get_by_test_id("nothing-yet")).to_be_visible()
    await expect(phone.get_by_test_id("connection")).to_have_text("Live")
    await choose(desk, as_file(MANY))
    async with paced(sql, company) as pace:
        job = await run(desk)
        row = phone.get_by_test_id("job-row")
        await expect(row).to_contain_text("Running")
        await row.get_by_role("link").click()
        await watch_progress(phone)
        for _ in range(3):
            done = await pace.step(job)
            await expect(phone.get_by_test_id("job-progress")).to_contain_text(f"{done:,} of 1,000")
    await shows_state(phone, "done")
    steps = await progress_seen(phone)
    assert len(steps) > 3
    assert steps == sorted(steps)
    assert steps[-1] == 1_000
    await phone.get_by_role("button", name="Undo").click()
    await phone.get_by_role("dialog").get_by_role("button", name="Undo").click()
    await expect(desk.get_by_test_id("job-state")).to_have_text("Undone", timeout=JOB_MS)
    await expect(desk.get_by_test_id("count-undone")).to_have_text("1,000")


async def test_progress_goes_on_after_the_line_was_cut(
    open_page: OpenPage, sign_in: SignIn, sql: asyncpg.Connection, company: Company
) -> None:
    page = await open_page("/jobs")
    lines: list[WebSocketRoute] = []

    def through(line: WebSocketRoute) -> None:
        lines.append(line)
        line.connect_to_server()

    await page.route_web_socket(re.compile("/socket.io/"), through)
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    manager = sign_in("manager")
    progress = page.get_by_test_id("job-progress")
    async with paced(sql, company) as pace:
        job = await start(manager, MANY)
        await page.get_by_test_id("job-row").get_by_role("link").click()
        done = await pace.step(job)
        await expect(progress).to_contain_text(f"{done:,} of")
        cut = len(lines)
        await lines[-1].close()
        await until(lambda: len(lines) > cut)
        await expect(page.get_by_test_id("connection")).to_have_text("Live")
        done = await pace.step(job)
        await expect(progress).to_contain_text(f"{done:,} of")
    await shows_state(page, "done")
    assert (await counted(page))["created"] == (await ended(manager, job))["counts"]["created"]


async def test_what_an_undo_left_is_listed_with_the_way_to_it(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    job = await start(manager, table(people(3)))
    await ended(manager, job)
    (contact,) = (await manager.get("/api/contacts?search=p1@example.com")).json["items"]
    await manager.patch(f"/api/contacts/{contact['id']}", {"company": "Edited since"})
    page = await open_page(f"/jobs/{job}")
    await page.get_by_role("button", name="Undo").click()
    await page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    await shows_state(page, "undone")
    await expect(page.get_by_test_id("count-left")).to_have_text("1")
    left = page.get_by_role("region", name="Left as they are")
    await expect(left.get_by_role("row")).to_have_count(2)
    await left.get_by_role("link", name="Open").click()
    await expect(page).to_have_url(re.compile(contact["id"]))


async def test_photos_that_were_left_behind_are_told(open_page: OpenPage, sign_in: SignIn) -> None:
    card = "BEGIN:VCARD\nVERSION:3.0\nFN:Ann Lee\nPHOTO;ENCODING=b;TYPE=JPEG:AAAA\nEND:VCARD\n"
    page = await open_page("/import")
    await choose(page, as_file(card, "ann.vcf", "text/vcard"))
    await expect(page.get_by_text("1 photo was not imported")).to_be_visible()
    await expect(page.get_by_role("row", name="FN")).to_contain_text("Ann Lee")
    await run(page)
    await shows_state(page, "done")
    await expect(page.get_by_test_id("note")).to_contain_text("1 photo was not imported")


async def test_a_job_that_is_not_there_says_so(open_page: OpenPage) -> None:
    page = await open_page("/jobs/no-such-job-anywhere")
    await expect(page.get_by_test_id("failed")).to_contain_text("There is no job")
    await page.get_by_role("link", name="All imports and edits").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("Imports and bulk edits")


async def test_no_state_of_import_and_jobs_is_against_wcag(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    made = await manager.post(
        "/api/contacts", {"emails": [{"value": "p1@example.com"}], "first_name": "Ann"}
    )
    contact = made.json["contact"]["id"]
    await manager.patch(f"/api/contacts/{contact}", {"first_name": "Anna"})
    bad = ("Bad", "no address", "")
    for dark in (False, True):
        page = await open_page("/import", dark=dark, width=360 if dark else 1280)
        await expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
        assert await violations(page) == []
        await choose(page, as_file("Name,Mail\n,", "broken.csv"))
        assert await violations(page) == []
        await choose(page, as_file(table([*people(3), bad])))
        # What was refused may have stood there until now.
        await expect(page.get_by_test_id("preview-counts")).to_be_visible()
        await page.get_by_text("How rows are taken").click()
        assert await violations(page) == []
        await _run_and_look(page)
        await page.get_by_role("link", name="All imports and edits").click()
        await expect(page.get_by_test_id("job-row").first).to_be_visible()
        assert await violations(page) == []


async def _run_and_look(page: Page) -> None:
    await run(page)
    await shows_state(page, "done")
    await page.get_by_text("Which column went where").click()
    assert await violations(page) == []
