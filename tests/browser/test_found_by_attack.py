"""What somebody found who tried to break the dashboard; each had been broken once."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser, Route, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.chromium import live, new_context
from tests.browser.support.contacts import (
    change_contact,
    edit,
    make_contact,
    read_contact,
    save,
    until_draft_holds,
)
from tests.browser.support.lines import Line
from tests.browser.support.lists import named
from tests.integration.support.servers import Company, Server
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

NO_STORAGE = """for (const name of ["localStorage", "sessionStorage"])
  Object.defineProperty(window, name, {
    get() { throw new DOMException("Access is denied for this document.", "SecurityError"); },
  });"""
# The browser closes what is open of a database whose data are cleared; the page hears of it later.
WATCH_CLEARING = """() => new Promise((opened) => {
  const opening = indexedDB.open("fieldbook");
  opening.onsuccess = () => {
    opening.result.onclose = () => { window.isCleared = true; };
    opened();
  };
})"""
ASKED_FOR_CONTACTS = """() => performance.getEntriesByType("resource")
  .some(({ name }) => name.endsWith("/js/contact/view.js"))"""


@pytest.mark.parametrize("path", ["/constructor", "/__proto__/x", "/toString"])
async def test_an_address_that_names_a_part_of_the_language_leads_to_the_contacts(
    open_page: OpenPage, path: str
) -> None:
    page = await open_page(path)
    await expect(page.get_by_role("heading", name=re.compile("^Contacts"))).to_be_visible()
    await expect(page).to_have_url(re.compile("#/contacts$"))


async def test_a_kind_of_labels_that_is_a_part_of_the_language_is_none(open_page: OpenPage) -> None:
    page = await open_page("/labels?kind=toString")
    await expect(page.get_by_role("button", name="New tag")).to_be_visible()
    await expect(page.get_by_test_id("toast")).to_have_count(0)


async def test_a_browser_that_keeps_nothing_is_told_so(chromium: Browser, server: Server) -> None:
    context = await new_context(chromium)
    await context.add_init_script(NO_STORAGE)
    page = await context.new_page()
    await page.goto(server.url)
    await expect(page.get_by_role("alert")).to_contain_text("allow this site to store data")
    await context.close()


async def test_a_view_that_comes_late_is_opened_once_and_only_where_one_still_is(
    open_page: OpenPage,
) -> None:
    page = await open_page("/labels")
    await live(page)
    held: list[Route] = []
    await page.route("**/js/devices/view.js", lambda route: held.append(route))
    opened = []
    page.on(
        "request", lambda it: opened.append(it.url) if "/api/devices/health" in it.url else None
    )
    menu = page.get_by_role("navigation", name="Views")
    await menu.get_by_role("link", name="Devices").click()
    await until(lambda: bool(held))
    await menu.get_by_role("link", name="Labels").click()
    await expect(page.get_by_role("heading", name="Labels")).to_be_visible()
    await menu.get_by_role("link", name="Devices").click()
    await expect(page.get_by_role("heading", name="Labels")).to_have_count(0)
    began = time.monotonic()
    for route in held:
        await route.continue_()
    await expect(page.get_by_role("heading", name="Devices", exact=True)).to_be_visible()
    await page.wait_for_timeout(500)
    # Once it is open, it asks every 5 s.
    assert 1 <= len(opened) <= 1 + (time.monotonic() - began) // 5


async def test_a_view_that_fails_late_does_not_cover_another(
    open_page: OpenPage, complaints: list[str]
) -> None:
    page = await open_page("/labels")
    await live(page)
    held: list[Route] = []
    await page.route("**/js/devices/view.js", lambda route: held.append(route))
    menu = page.get_by_role("navigation", name="Views")
    await menu.get_by_role("link", name="Devices").click()
    await until(lambda: bool(held))
    await menu.get_by_role("link", name="Labels").click()
    await expect(page.get_by_role("heading", name="Labels")).to_be_visible()
    for route in held:
        await route.abort()
    await page.wait_for_timeout(500)
    await expect(page.get_by_role("heading", name="Labels")).to_be_visible()
    await expect(page.get_by_test_id("failed")).to_have_count(0)


async def test_what_the_server_refuses_in_an_address_is_said_in_words_for_people(
    open_page: OpenPage,
) -> None:
    page = await open_page(f"/contacts?search={'x' * 300}")
    # To try it again would not help; to clear it does.
    told = page.get_by_test_id("nothing-found")
    await expect(told).to_contain_text("longer than 200 characters")
    await expect(told).not_to_contain_text("fields")


async def test_edits_are_kept_and_sent_after_the_browsers_data_were_cleared(
    open_page: OpenPage, sign_in: SignIn, server: Server
) -> None:
    manager = sign_in("manager")
    contact_id = await make_contact(manager, first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}")
    form = await edit(page)
    await page.evaluate(WATCH_CLEARING)
    devtools = await page.context.new_cdp_session(page)
    await devtools.send(
        "Storage.clearDataForOrigin", {"origin": server.url, "storageTypes": "indexeddb"}
    )
    await page.wait_for_function("() => window.isCleared")
    await form.get_by_label("Company").fill("Roth Ltd")
    await save(page)
    assert (await read_contact(manager, contact_id))["company"] == "Roth Ltd"


@pytest.mark.parametrize("hours", [24, -24])
async def test_a_wrong_clock_moves_no_change_into_the_future_or_to_another_day(
    chromium: Browser, server: Server, company: Company, sign_in: SignIn, hours: int
) -> None:
    contact_id = await make_contact(sign_in("manager"), first_name="Mia")
    context = await new_context(chromium)
    await context.add_init_script(
        f"localStorage['fieldbook.api_key'] = '{company.keys['manager']}'"
    )
    page = await context.new_page()
    await page.clock.install(time=datetime.now(UTC) + timedelta(hours=hours))
    await page.goto(f"{server.url}/#/contacts/{contact_id}")
    await live(page)
    history = page.get_by_role("region", name="History")
    await expect(history.locator("time").first).to_have_text("just now")
    await page.goto(f"{server.url}/#/activity")
    await expect(page.get_by_role("heading", name="Today")).to_be_visible()
    await context.close()


@pytest.mark.parametrize("path", ["/contacts/new", "/contacts/{id}"])
async def test_what_was_saved_as_the_page_was_reloaded_is_no_draft_any_more(
    open_page: OpenPage, sign_in: SignIn, path: str
) -> None:
    manager = sign_in("manager")
    contact_id = await make_contact(manager, first_name="Mia")
    page = await open_page("/labels")
    line = await Line.of(page)
    await page.reload()
    await live(page)
    await page.evaluate(f"location.hash = '{path.format(id=contact_id)}'")
    form = page.locator(".contact-form") if path.endswith("new") else await edit(page)
    await form.get_by_label("Company").fill("Halfway Ltd")
    await until_draft_holds(page, "Halfway Ltd")
    line.lose_acks = True
    await page.get_by_role("button", name="Save", exact=True).click()

    async def stored() -> bool:
        answer = await manager.get("/api/contacts?company=Halfway%20Ltd&offset=0")
        return bool(answer.json["total"] == 1)

    await until(stored)
    line.lose_acks = False
    await page.reload()
    await live(page)
    await expect(page.get_by_test_id("waiting")).to_have_count(0)
    if path.endswith("new"):
        await expect(page.get_by_label("Company")).to_have_value("")
    else:
        await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()
        await expect(page.get_by_text("Halfway Ltd").first).to_be_visible()
    await expect(page.get_by_test_id("draft")).to_have_count(0)
    assert await stored()


async def test_a_question_which_value_is_right_outlives_a_reload(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    contact_id = await make_contact(manager, first_name="Mia", company="Roth")
    page = await open_page(f"/contacts/{contact_id}")
    form = await edit(page)
    await form.get_by_label("Company").fill("Mine")
    await change_contact(manager, contact_id, company="Theirs")
    question = page.get_by_role("button", name="Keep mine: Company")
    await expect(question).to_be_visible()
    await until_draft_holds(page, "Theirs")
    await page.reload()
    await page.get_by_test_id("draft").get_by_role("button", name="Restore").click()
    await expect(question).to_be_visible()
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(question).to_be_focused()
    assert (await read_contact(manager, contact_id))["company"] == "Theirs"
    await page.get_by_role("button", name="Use theirs: Company").click()
    await expect(form.get_by_role("textbox", name="Company")).to_have_value("Theirs")


async def test_the_direction_of_a_text_ends_where_it_ends(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    override = "\u202e"
    await make_contact(
        sign_in("manager"),
        first_name="Mia",
        company=f"{override}dtL",
        emails=[{"value": "mia@example.com"}],
    )
    page = await open_page("/contacts", width=360, height=740)
    line = page.locator(".second-line")
    await expect(line).to_contain_text("mia@example.com")
    # Where each letter of the e-mail is drawn: from left to right.
    places = await line.evaluate(
        """(line) => {
            const places = [];
            const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
            for (let node = walker.nextNode(); node; node = walker.nextNode()) {
                const at = node.data.indexOf("mia@example.com");
                if (at < 0) continue;
                for (let n = at; n < at + 15; n++) {
                    const range = document.createRange();
                    range.setStart(node, n);
                    range.setEnd(node, n + 1);
                    places.push(range.getBoundingClientRect().left);
                }
            }
            return places;
        }"""
    )
    assert len(places) == 15
    assert places == sorted(places)


async def test_without_a_network_a_contact_is_edited_also_if_none_was_opened_before(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    contact_id = await make_contact(manager, first_name="Mia")
    page = await open_page()
    await live(page)
    await expect(named(page, "Mia")).to_be_visible()
    # The page of a contact is read beforehand, by itself: with all that it needs.
    await page.wait_for_function(ASKED_FOR_CONTACTS)
    await page.evaluate("() => import(new URL('/js/contact/view.js', location)).then(() => null)")
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("connection")).to_have_text("Offline", timeout=60_000)
    await named(page, "Mia").click()
    form = await edit(page)
    await form.get_by_label("Company").fill("Roth Ltd")
    await save(page)
    await expect(page.get_by_test_id("waiting")).to_have_text("1 unsent")
    await page.context.set_offline(False)
    await expect(page.get_by_test_id("waiting")).to_have_count(0, timeout=30_000)
    assert (await read_contact(manager, contact_id))["company"] == "Roth Ltd"


async def test_a_view_that_could_not_be_read_comes_when_the_line_is_back(
    open_page: OpenPage, complaints: list[str]
) -> None:
    page = await open_page("/contacts")
    await live(page)
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("connection")).to_have_text("Offline", timeout=60_000)
    menu = page.get_by_role("navigation", name="Views")
    await menu.get_by_role("link", name="Labels").click()
    await expect(page.get_by_test_id("failed")).to_contain_text("could not be loaded")
    await page.context.set_offline(False)
    await expect(page.get_by_role("heading", name="Labels")).to_be_visible(timeout=30_000)
    # That the part could not be read is in the console, as it should be.
    assert all("labels_view.js" in complaint for complaint in complaints)
    complaints.clear()


async def test_a_dialog_ends_with_the_page_that_it_belongs_to(open_page: OpenPage) -> None:
    page = await open_page("/contacts")
    await live(page)
    await page.get_by_role("navigation", name="Views").get_by_role("link", name="Labels").click()
    await page.get_by_role("button", name="New tag").first.click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("heading", name=re.compile("^Contacts"))).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)
