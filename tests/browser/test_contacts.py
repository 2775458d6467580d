"""The list of contacts: a window on thousands of rows, searched, filtered, sorted."""

from __future__ import annotations

import re

import asyncpg
from playwright.async_api import expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.axe import violations
from tests.browser.support.contacts import HOSTILE, make_contact, toast
from tests.browser.support.imports import scrolls_sideways
from tests.browser.support.lists import (
    fill,
    grid,
    named,
    row,
    scroll_to,
    shows_total,
)
from tests.integration.support.servers import Company

pytestmark = ON_THE_SERVERS_LOOP

MANY = 3_000


async def test_a_list_of_thousands_scrolls_to_its_end_with_few_rows_in_the_page(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, MANY)
    page = await open_page()
    await expect(row(page, 1)).to_contain_text("Person 000001")
    await shows_total(page, "3,000")
    await expect(grid(page)).to_have_attribute("aria-rowcount", str(MANY + 1))
    await scroll_to(page, 2_700)
    await expect(row(page, 2_705)).to_contain_text("Person 002705")
    assert await grid(page).get_by_role("row").count() < 60
    await grid(page).focus()
    await page.keyboard.press("End")
    await expect(row(page, MANY)).to_contain_text("Person 003000")
    await expect(row(page, MANY)).to_be_in_viewport()
    await page.keyboard.press("Home")
    await expect(row(page, 1)).to_contain_text("Person 000001")


async def test_a_list_that_is_higher_than_browsers_let_an_element_be_reaches_each_of_its_rows(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, MANY)
    page = await open_page()
    await shows_total(page, "3,000")
    # As 400,000 rows are for Firefox: 3,000 rows are 120,000 pixels.
    await grid(page).evaluate("(grid) => grid.style.setProperty('--most', '30000')")
    await page.get_by_role("button", name="Name").click()
    await expect(row(page, 1)).to_contain_text("Person 003000")
    assert await grid(page).evaluate("(grid) => grid.scrollHeight") < 30_100
    for share, place in ((0.5, 1_500), (0.25, 750), (1, MANY), (0, 1)):
        await grid(page).evaluate(
            "(grid, share) => (grid.scrollTop = share * (grid.scrollHeight - grid.clientHeight))",
            share,
        )
        await expect(row(page, place)).to_contain_text(f"Person {MANY + 1 - place:06}")
        await expect(row(page, place)).to_be_in_viewport()
    await grid(page).focus()
    await page.keyboard.press("End")
    await expect(row(page, MANY)).to_be_in_viewport(ratio=1)
    # Each step of a key is one row, wholly seen, though a scroller's pixel is four of the rows.
    for place in range(MANY - 1, MANY - 31, -1):
        await page.keyboard.press("k")
        await expect(row(page, place)).to_be_in_viewport(ratio=0.99)
    await page.keyboard.press("Home")
    await expect(row(page, 1)).to_be_in_viewport(ratio=1)


async def test_scrolling_fast_asks_only_for_the_pages_that_it_stays_on(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, MANY)
    page = await open_page()
    await expect(row(page, 1)).to_contain_text("Person 000001")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    rests: int = await grid(page).evaluate("""async (grid) => {
        let [rests, before] = [0, performance.now()];
        for (let step = 1; step <= 50; step++) {
            grid.scrollTop = step * 2_000;
            await new Promise((seen) => requestAnimationFrame(seen));
            rests += performance.now() - before > 40;
            before = performance.now();
        }
        return rests;
    }""")
    await expect(row(page, 2_502)).to_contain_text("Person 002502")
    offsets = [int(found[1]) for url in asked if (found := re.search(r"offset=(\d+)", url))]
    # Of the 25 pages it flew over. On a slow machine it rests on some: on two at a time.
    assert 2_500 in offsets
    assert len(offsets) <= 2 * (rests + 2)


async def test_search_filters_and_order_stand_in_the_address_and_back_returns(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company, sign_in: SignIn
) -> None:
    await fill(sql, company, 300)
    tag = (await sign_in("manager").post("/api/tags", {"name": "VIP"})).json["tag"]["id"]
    await sql.execute(
        "UPDATE contacts SET tag_ids = ARRAY[$2] WHERE tenant_id = $1 AND id <= 'contact-000050'",
        company.tenant,
        tag,
    )
    page = await open_page()
    await shows_total(page, "300")
    await page.get_by_label("Search contacts").press_sequentially("person 00004", delay=20)
    await shows_total(page, "11")
    await page.get_by_role("button", name="Filters").click()
    filters = page.get_by_role("form", name="Filters")
    await filters.get_by_role("combobox", name="Has an e-mail").select_option(label="Yes")
    await shows_total(page, "9")
    await filters.get_by_role("combobox", name="Tag").select_option(label="VIP")
    await expect(page.get_by_role("button", name="Remove the filter Tag: VIP")).to_be_visible()
    assert f"#/contacts?search=person+00004&tag={tag}&has_email=true" in page.url
    await page.reload()
    await shows_total(page, "9")
    await expect(page.get_by_label("Search contacts")).to_have_value("person 00004")
    for total in ("9", "11", "300"):
        await page.go_back()
        await shows_total(page, total)
    await expect(page.get_by_label("Search contacts")).to_have_value("")
    await page.go_forward()
    await shows_total(page, "11")


async def test_every_filter_asks_the_server_for_what_it_says(
    open_page: OpenPage, sign_in: SignIn, company: Company
) -> None:
    manager = sign_in("manager")
    group = (await manager.post("/api/groups", {"name": "Berlin"})).json["group"]["id"]
    kind = (await manager.post("/api/types", {"name": "Client"})).json["type"]["id"]
    fields = {
        "group_ids": [group],
        "type_ids": [kind],
        "company": "Lee & Co",
        "phone": "030 1234567",
    }
    await make_contact(manager, first_name="Wanted", owner_id=company.agents["agent"], **fields)
    await make_contact(manager, first_name="Other", email="o@example.com", owner_id=None)
    gone = await make_contact(manager, first_name="Gone")
    await manager.delete(f"/api/contacts/{gone}")
    page = await open_page()
    await shows_total(page, "2")
    await page.get_by_role("button", name="Filters").click()
    form = page.get_by_role("form", name="Filters")
    choices = {
        "Owner": "Agent",
        "Group": "Berlin",
        "Type": "Client",
        "Has a phone": "Yes",
        "Has an e-mail": "No",
    }
    for name, choice in choices.items():
        await form.get_by_role("combobox", name=name).select_option(label=choice)
        await shows_total(page, "1")
        await expect(named(page, "Wanted")).to_be_visible()
        await page.get_by_role("button", name=re.compile("Remove the filter")).click()
        await shows_total(page, "2")
    await form.get_by_role("combobox", name="Owner").select_option(label="Nobody")
    await shows_total(page, "1")
    await expect(named(page, "Other")).to_be_visible()
    assert page.url.endswith("?owner_id=none")
    await page.get_by_role("button", name="Remove the filter Owner: nobody").click()
    await shows_total(page, "2")
    await form.get_by_label("Company").fill("lee & co")
    await form.get_by_label("Company").press("Tab")
    await shows_total(page, "1")
    await page.get_by_role("button", name=re.compile("Remove the filter")).click()
    await form.get_by_label("Changed since").fill("2099-01-01")
    await expect(page.get_by_test_id("nothing-found")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await shows_total(page, "2")
    await form.get_by_label("Only deleted ones").check()
    await expect(named(page, "Gone")).to_be_visible()


async def test_nothing_is_asked_for_while_the_year_of_a_day_is_being_typed(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/contacts")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.get_by_role("button", name="Filters").click()
    await page.get_by_label("Changed since").focus()
    await page.keyboard.type("11112025", delay=30)
    await expect(page).to_have_url(re.compile("updated_since=2025-11-11"))
    assert [url for url in asked if "updated_since=0" in url] == []


async def test_a_head_sorts_by_its_column_and_says_so(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 250)
    page = await open_page()
    head = grid(page).get_by_role("columnheader", name="Company")
    await expect(head).to_have_attribute("aria-sort", "none")
    await head.get_by_role("button").click()
    await expect(row(page, 1)).to_contain_text("Firm 750")
    await expect(head).to_have_attribute("aria-sort", "ascending")
    await head.get_by_role("button").click()
    await expect(row(page, 1)).to_contain_text("Firm 999")
    await expect(head).to_have_attribute("aria-sort", "descending")
    assert page.url.endswith("?sort=-company")
    await grid(page).get_by_role("columnheader", name="Changed").get_by_role("button").click()
    await expect(page).to_have_url(re.compile("sort=-updated_at"))


async def test_the_chosen_columns_stay_in_this_browser(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    await make_contact(sign_in("manager"), first_name="Mia", job_title="Head of sales")
    page = await open_page()
    await page.get_by_role("button", name="Columns").click()
    dialog = page.get_by_role("dialog", name="Columns")
    await dialog.get_by_label("Job title").check()
    await dialog.get_by_label("Phone").uncheck()
    await dialog.get_by_role("button", name="Show these").click()
    await expect(row(page, 1)).to_contain_text("Head of sales")
    await page.reload()
    await expect(grid(page).get_by_role("columnheader", name="Job title")).to_be_visible()
    await expect(grid(page).get_by_role("columnheader", name="Phone")).to_have_count(0)
    await page.get_by_role("button", name="Columns").click()
    await page.get_by_role("button", name="As at first").click()
    await expect(grid(page).get_by_role("columnheader", name="Phone")).to_be_visible()


async def test_the_keyboard_alone_finds_opens_deletes_and_brings_back(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    for name in ("Ann", "Ben", "Mia", "Max"):
        await make_contact(manager, first_name=name)
    page = await open_page()
    await expect(row(page, 1)).to_contain_text("Ann")
    await page.keyboard.press("/")
    await page.keyboard.type("m")
    await shows_total(page, "2")
    await page.keyboard.press("Enter")
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await page.keyboard.press("k")
    await expect(grid(page)).to_be_focused()
    await expect(grid(page)).to_have_attribute("aria-activedescendant", "contact-row-0")
    await expect(page.locator("#contact-row-0")).to_contain_text("Max")
    await page.keyboard.press("Enter")
    pane = page.get_by_test_id("pane")
    await expect(pane.get_by_role("heading", name="Max")).to_be_visible()
    assert page.url.endswith("?search=m")
    await page.keyboard.press("Escape")
    await expect(pane).to_have_count(0)
    await expect(grid(page)).to_be_focused()
    await page.keyboard.press("Delete")
    await expect(toast(page, "1 contact deleted.")).to_be_visible()
    await expect(named(page, "Max")).to_have_count(0)
    await shows_total(page, "1")
    await toast(page, "1 contact deleted.").get_by_role("button", name="Undo").press("Enter")
    await expect(named(page, "Max")).to_be_visible()
    await page.keyboard.press("n")
    await expect(page).to_have_url(re.compile(r"#/contacts/new\?search=m"))


async def test_a_contact_opens_beside_the_list_or_alone_where_the_screen_is_narrow(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    ids = [await make_contact(manager, first_name=f"Name {number:02}") for number in range(1, 41)]
    page = await open_page()
    await row(page, 3).click()
    await expect(page.get_by_test_id("pane").get_by_role("heading", name="Name 03")).to_be_visible()
    await expect(row(page, 5)).to_be_visible()
    await row(page, 5).click()
    await expect(page.get_by_test_id("pane").get_by_role("heading", name="Name 05")).to_be_visible()
    await page.get_by_role("link", name="Close the contact").click()
    await expect(page.get_by_test_id("pane")).to_have_count(0)

    await scroll_to(page, 20)
    await expect(row(page, 21)).to_be_in_viewport()
    await page.set_viewport_size({"width": 360, "height": 740})
    await expect(page.get_by_label("Sort by")).to_be_visible()
    await expect(row(page, 21)).to_be_in_viewport()
    await row(page, 22).click()
    await expect(page.get_by_test_id("pane").get_by_role("heading", name="Name 22")).to_be_visible()
    await expect(grid(page)).to_be_hidden()
    assert not await scrolls_sideways(page)
    await page.get_by_role("link", name="Back to the list").click()
    await expect(row(page, 22)).to_be_in_viewport()
    assert not await scrolls_sideways(page)
    # Come by a link to the contact alone, there is no list yet to go back to.
    alone = await open_page(page.url.split("#")[1] + f"/{ids[2]}", width=360, height=740)
    await expect(alone.get_by_role("heading", name="Name 03")).to_be_visible()
    await alone.get_by_role("link", name="Back to the list").click()
    await expect(row(alone, 1)).to_contain_text("Name 01")


async def test_a_hostile_contact_is_just_a_row(open_page: OpenPage, sign_in: SignIn) -> None:
    manager = sign_in("manager")
    tag = (await manager.post("/api/tags", {"name": HOSTILE, "color": "#aa0000"})).json["tag"]["id"]
    fields = {"company": HOSTILE, "job_title": HOSTILE, "tag_ids": [tag], "notes": HOSTILE}
    await make_contact(manager, first_name=HOSTILE, **fields)
    page = await open_page(f"/contacts?tag={tag}&company=%3Cimg+src%3Dx+onerror%3Dalert(1)%3E")
    await expect(row(page, 1)).to_contain_text(HOSTILE)
    await expect(
        page.get_by_role("button", name=f"Remove the filter Tag: {HOSTILE}")
    ).to_be_visible()
    # The rows are read anew, and keys do nothing to those of before.
    async with page.expect_response(lambda answer: "search=" in answer.url) as found:
        await page.get_by_label("Search contacts").fill(HOSTILE)
    await (await found.value).finished()
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    await shows_total(page, "1")
    assert await page.locator("main img").count() == 0
    await grid(page).focus()
    await page.keyboard.press("Home")
    await page.keyboard.press("Delete")
    await expect(toast(page, "1 contact deleted.")).to_be_visible()
    await expect(page.get_by_test_id("nothing-found")).to_be_visible()


async def test_an_empty_company_and_an_empty_search_are_told_apart(open_page: OpenPage) -> None:
    page = await open_page()
    await expect(page.get_by_test_id("nothing-yet")).to_contain_text("There are no contacts yet.")
    await page.get_by_label("Search contacts").fill("nobody")
    await expect(page.get_by_test_id("nothing-found")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await expect(page.get_by_test_id("nothing-yet")).to_be_visible()


async def test_agents_see_the_list_but_nothing_to_choose_with(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    await make_contact(sign_in("manager"), first_name="Mia")
    page = await open_page("/contacts", "agent")
    await expect(row(page, 1)).to_contain_text("Mia")
    await expect(grid(page).get_by_role("checkbox")).to_have_count(0)
    await page.keyboard.press("j")
    await page.keyboard.press("x")
    await expect(page.get_by_test_id("bulk-bar")).to_have_count(0)
    await expect(grid(page)).not_to_have_attribute("aria-multiselectable", "true")


async def test_the_list_has_no_barriers_that_a_program_finds(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 200)
    for dark in (False, True):
        page = await open_page(dark=dark)
        await row(page, 2).get_by_role("checkbox").click()
        await page.get_by_role("button", name="Filters").click()
        assert await violations(page) == []
        await page.set_viewport_size({"width": 360, "height": 740})
        await expect(page.get_by_label("Sort by")).to_be_visible()
        assert await violations(page) == []
        assert not await scrolls_sideways(page)


async def test_a_filter_that_means_nothing_is_named_and_can_be_taken_away(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 3)
    page = await open_page("/contacts?updated_since=gestern")
    await expect(page.get_by_test_id("nothing-found")).to_contain_text("time")
    await page.get_by_role("button", name="Clear the filters").click()
    await shows_total(page, "3")
