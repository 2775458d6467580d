"""Many contacts at once: chosen one by one, by ranges or all, edited, deleted, exported, undone."""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
from playwright.async_api import Download, Locator, Page, Route, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.axe import violations
from tests.browser.support.contacts import HOSTILE, make_contact, toast
from tests.browser.support.imports import ended, people, scrolls_sideways, start, table
from tests.browser.support.lists import fill, grid, named, row, scroll_to, shows_chosen, shows_total
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

MANY = 6_000
# A job of so many, on a machine that others use too.
JOB_MS = 90_000


async def choose_rows(page: Page, first: int, last: int) -> None:
    await row(page, first).get_by_role("checkbox").click()
    await row(page, last).get_by_role("checkbox").click(modifiers=["Shift"])


async def open_edit(page: Page) -> Locator:
    await page.get_by_role("button", name="Edit…").click()
    return page.get_by_role("dialog", name=re.compile("^Edit"))


async def preview(dialog: Locator) -> None:
    await dialog.get_by_role("button", name="Preview").click()
    await expect(dialog.get_by_test_id("preview-updated")).to_be_visible(timeout=JOB_MS)


def progress(page: Page, state: str | None = None) -> Locator:
    job = page.get_by_test_id("bulk-progress").get_by_test_id("job")
    return job if state is None else job.and_(page.locator(f"[data-state={state}]"))


async def undo(page: Page) -> None:
    await page.get_by_test_id("bulk-progress").get_by_role("button", name="Undo").click()
    await page.get_by_role("dialog").get_by_role("button", name="Undo").click()
    await expect(progress(page, "undone")).to_be_visible(timeout=JOB_MS)


async def with_tag(sql: asyncpg.Connection, company: Company) -> int:
    found: int = await sql.fetchval(
        "SELECT count(*) FROM contacts WHERE tenant_id = $1 AND tag_ids <> '{}'", company.tenant
    )
    return found


async def make_tag(manager: Api, name: str = "VIP") -> str:
    tag: str = (await manager.post("/api/tags", {"name": name})).json["tag"]["id"]
    return tag


@asynccontextmanager
async def held_up(
    url: str, sql: asyncpg.Connection, company: Company
) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """An edit of all gets no further than to the middle, as somebody holds that contact.

    Once the function that this gives is done, it stands between two chunks, and locks nothing.
    """
    contact, turn = await asyncpg.connect(url), await asyncpg.connect(url)

    async def between_chunks() -> None:
        await turn.execute("BEGIN")
        taking = asyncio.create_task(turn.execute("SELECT lock_versions()"))

        async def is_next() -> bool:
            waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1"
            return taking.done() or await sql.fetchval(waits, turn.get_server_pid()) is True

        await until(is_next)
        await contact.execute("ROLLBACK")
        await taking

    await contact.execute("BEGIN")
    await contact.execute(
        "SELECT FROM contacts WHERE tenant_id = $1 AND id = (SELECT id FROM contacts "
        "WHERE tenant_id = $1 ORDER BY id OFFSET $2 LIMIT 1) FOR UPDATE",
        *(company.tenant, MANY // 2),
    )
    yield between_chunks
    await contact.close()
    await turn.close()


async def test_an_edit_of_thousands_is_previewed_cancelled_undone_and_done(
    open_page: OpenPage,
    sql: asyncpg.Connection,
    company: Company,
    sign_in: SignIn,
    module_database_url: str,
) -> None:
    manager = sign_in("manager")
    await make_tag(manager)
    imported = await ended(manager, await start(manager, table(people(MANY))))
    assert imported["counts"]["created"] == MANY
    page = await open_page()
    await shows_total(page, "6,000")

    await row(page, 1).get_by_role("checkbox").click()
    await page.get_by_role("button", name="Select all 6,000 that match").click()
    await shows_chosen(page, MANY)
    dialog = await open_edit(page)
    await dialog.get_by_role("combobox", name="Tag", exact=True).select_option(label="VIP")
    await preview(dialog)
    await expect(dialog.get_by_test_id("preview-updated")).to_have_text("6,000")
    await expect(dialog).to_contain_text("Add the tag VIP")
    assert await with_tag(sql, company) == 0
    async with held_up(module_database_url, sql, company) as between_chunks:
        await dialog.get_by_role("button", name="Change 6,000 contacts").click()
        await expect(page.get_by_test_id("bulk-bar")).to_have_count(0)
        # Once some are done, so that there is something that stays, and something to undo.
        await expect(progress(page).get_by_test_id("job-progress")).to_have_text(
            re.compile(r"^\s*[1-9]"), timeout=JOB_MS
        )
        await between_chunks()
        await progress(page).get_by_role("button", name="Cancel").click()

        async def is_cancelling() -> bool:
            asked = "SELECT bool_or(cancelling) FROM bulk_jobs WHERE tenant_id = $1"
            return await sql.fetchval(asked, company.tenant) is True

        await until(is_cancelling)
    await expect(progress(page, "cancelled")).to_be_visible(timeout=JOB_MS)
    assert 0 < await with_tag(sql, company) < MANY
    await undo(page)
    assert await with_tag(sql, company) == 0

    await page.get_by_test_id("bulk-progress").get_by_role("button", name="Close").click()
    await expect(progress(page)).to_have_count(0)
    await row(page, 2).get_by_role("checkbox").click()
    await page.get_by_role("button", name="Select all 6,000 that match").click()
    dialog = await open_edit(page)
    await dialog.get_by_role("combobox", name="Tag", exact=True).select_option(label="VIP")
    await preview(dialog)
    await dialog.get_by_role("button", name="Change 6,000 contacts").click()
    await expect(progress(page, "done")).to_be_visible(timeout=JOB_MS)
    await expect(progress(page).get_by_test_id("count-updated")).to_have_text("6,000")
    assert await with_tag(sql, company) == MANY
    await expect(row(page, 1)).to_contain_text("VIP")
    await undo(page)
    assert await with_tag(sql, company) == 0
    await expect(row(page, 1)).not_to_contain_text("VIP")


async def test_ranges_are_chosen_by_mouse_and_keys_also_over_rows_that_are_not_on_hand(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 900)
    page = await open_page()
    await choose_rows(page, 2, 5)
    await shows_chosen(page, 4)
    await row(page, 3).get_by_role("checkbox").click()
    await shows_chosen(page, 3)
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("bulk-bar")).to_have_count(0)

    await row(page, 1).get_by_role("checkbox").click()
    await scroll_to(page, 640)
    await row(page, 650).get_by_role("checkbox").click(modifiers=["Shift"])
    await shows_chosen(page, 650)
    await page.get_by_role("button", name="Choose none").click()

    await grid(page).focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("x")
    for _ in range(3):
        await page.keyboard.press("j")
    await page.keyboard.press("Shift+X")
    await shows_chosen(page, 4)
    await page.keyboard.press("Shift+ArrowDown")
    await shows_chosen(page, 5)
    await expect(row(page, 5)).to_have_attribute("aria-selected", "true")
    await expect(row(page, 6)).to_have_attribute("aria-selected", "false")


async def test_what_is_chosen_outlives_another_order_but_not_other_filters(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 300)
    page = await open_page()
    await choose_rows(page, 1, 3)
    await grid(page).get_by_role("button", name="Name").click()
    await expect(row(page, 1)).to_contain_text("Person 000300")
    await shows_chosen(page, 3)
    await page.get_by_label("Search contacts").fill("person 00029")
    await shows_total(page, "11")
    await expect(page.get_by_test_id("bulk-bar")).to_have_count(0)


async def test_several_fields_are_set_of_those_chosen_alone_whatever_they_are_set_to(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company, sign_in: SignIn
) -> None:
    await fill(sql, company, 120)
    page = await open_page()
    await choose_rows(page, 1, 3)
    dialog = await open_edit(page)
    what = dialog.get_by_role("combobox", name="What to change")
    await what.select_option(label="Set: Company")
    await dialog.get_by_label("New value").fill(HOSTILE)
    await dialog.get_by_role("button", name="Another change").click()
    await what.nth(1).select_option(label="Set the owner")
    await dialog.get_by_role("combobox", name="Owner").select_option(label="Agent")
    await dialog.get_by_role("button", name="Another change").click()
    await what.nth(2).select_option(label="Set a field of your own")
    await dialog.get_by_label("Name of the field").fill("size")
    await dialog.get_by_label("New value").nth(1).fill("XL")
    assert await violations(page) == []
    await preview(dialog)
    first = dialog.get_by_role("region", name="Person 000001")
    await expect(first).to_contain_text("Firm 999")
    await expect(first).to_contain_text(HOSTILE)
    await expect(first).to_contain_text("XL")
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Back").click()
    await expect(what.nth(2)).to_have_value("custom")
    await preview(dialog)
    await dialog.get_by_role("button", name="Change 3 contacts").click()
    await expect(progress(page, "done")).to_be_visible(timeout=JOB_MS)
    await expect(row(page, 3)).to_contain_text(HOSTILE)
    await expect(row(page, 4)).to_contain_text("Firm 996")
    records = await sql.fetch(
        "SELECT id FROM contacts WHERE tenant_id = $1 AND company = $2 AND owner_id = $3 "
        "AND custom ->> 'size' = 'XL' ORDER BY id",
        *(company.tenant, HOSTILE, company.agents["agent"]),
    )
    assert [record["id"] for record in records] == [f"contact-{n:06}" for n in (1, 2, 3)]
    assert await page.locator("main img, dialog img").count() == 0


async def test_labels_that_come_late_can_be_chosen_in_a_dialog_that_is_open(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    await make_tag(manager)
    await make_contact(manager, first_name="Mia")
    page = await open_page()
    opened = asyncio.Event()

    async def late(route: Route) -> None:
        await opened.wait()
        await route.continue_()

    await page.route("**/api/tags?*", late)
    await page.reload()
    await row(page, 1).get_by_role("checkbox").click()
    dialog = await open_edit(page)
    tag = dialog.get_by_role("combobox", name="Tag", exact=True)
    await expect(tag).to_have_text("There is no tag yet")
    opened.set()
    await tag.select_option(label="VIP")
    await preview(dialog)
    await expect(dialog.get_by_test_id("preview-updated")).to_have_text("1")


async def test_what_an_edit_lacks_or_the_server_refuses_is_said_in_the_dialog(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    await make_contact(sign_in("manager"), first_name="Mia")
    page = await open_page()
    await row(page, 1).get_by_role("checkbox").click()
    dialog = await open_edit(page)
    await dialog.get_by_role("button", name="Preview").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Choose a tag.")
    await dialog.get_by_role("combobox", name="What to change").select_option(label="Set: Company")
    await dialog.get_by_label("New value").fill("x" * 501)
    await dialog.get_by_role("button", name="Preview").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("500")
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await shows_chosen(page, 1)


async def test_many_are_deleted_by_a_job_that_can_be_undone(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 60)
    page = await open_page()
    await choose_rows(page, 1, 3)
    await page.get_by_role("button", name="Delete…").click()
    await expect(toast(page, "3 contacts deleted.")).to_be_visible()
    await shows_total(page, "57")
    await toast(page, "3 contacts deleted.").get_by_role("button", name="Undo").click()
    await shows_total(page, "60")

    await page.get_by_label("Search contacts").fill("person")
    await expect(page).to_have_url(re.compile("search=person"))
    await row(page, 1).get_by_role("checkbox").click()
    await page.get_by_role("button", name="Select all 60 that match").click()
    await page.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("dialog", name="Delete 60 contacts")
    await expect(dialog.get_by_test_id("preview-updated")).to_have_text("60", timeout=JOB_MS)
    await dialog.get_by_role("button", name="Delete 60 contacts").click()
    await expect(progress(page, "done")).to_be_visible(timeout=JOB_MS)
    await shows_total(page, "0")
    await undo(page)
    await shows_total(page, "60")
    await expect(named(page, "Person 000001")).to_be_visible()


async def saved(page: Page, button: str, format_name: str, folder: Path) -> str:
    """The text of the file that an export saves."""
    await page.get_by_role("button", name=button, exact=True).click()
    dialog = page.get_by_role("dialog", name="Export")
    await dialog.get_by_label(format_name).check()
    async with page.expect_download() as waiting:
        await dialog.get_by_role("button", name="Export").click()
    download: Download = await waiting.value
    path = folder / download.suggested_filename
    await download.save_as(path)
    await expect(toast(page, f"Saved as {path.name}.")).to_be_visible()
    return path.read_text("utf-8-sig")


async def test_those_chosen_or_all_that_match_are_exported_in_each_format(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company, tmp_path: Path
) -> None:
    await fill(sql, company, 120)
    page = await open_page("/contacts?search=person+0000")
    await shows_total(page, "99")
    text = await saved(page, "Export", "CSV, with everything", tmp_path)
    assert len(list(csv.reader(text.splitlines()))) == 1 + 99
    await choose_rows(page, 2, 4)
    text = await saved(page, "Export the chosen", "vCard, for phones", tmp_path)
    assert text.count("BEGIN:VCARD") == 3
    assert "p3@example.com" in text
    text = await saved(page, "Export the chosen", "JSON", tmp_path)
    assert text.count('"contact-') == 3
    await page.get_by_role("button", name="Select all 99 that match").click()
    text = await saved(page, "Export the chosen", "CSV for Google Contacts", tmp_path)
    assert len(list(csv.reader(text.splitlines()))) == 1 + 99


async def test_a_bulk_edit_fits_a_phone(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 120)
    page = await open_page(width=360, height=740)
    await choose_rows(page, 1, 3)
    await shows_chosen(page, 3)
    assert not await scrolls_sideways(page)
    await expect(row(page, 3)).to_be_in_viewport()
    dialog = await open_edit(page)
    await dialog.get_by_role("combobox", name="What to change").select_option(label="Set: Company")
    await preview(dialog)
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Change 3 contacts").click()
    await expect(progress(page, "done")).to_be_visible(timeout=JOB_MS)
    assert not await scrolls_sideways(page)
