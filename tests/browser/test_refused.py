"""Edits that had waited and are refused: nothing of them is lost, and all of it can be mended."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.contacts import (
    edit,
    make_contact,
    offline,
    read_contact,
    save,
    toast,
    until_draft_holds,
    write,
)
from tests.browser.support.lines import Line
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

BAD_EMAIL = "mia@-example.com"
# Whether the page says that nobody sees it.
HIDDEN = "value => Object.defineProperty(document, 'hidden', {configurable: true, value})"
# How many refused edits the browser keeps.
REFUSED = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("fieldbook");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const reading = opening.result.transaction("mutations").objectStore("mutations").getAll();
    reading.onsuccess = () => resolve(reading.result.filter(({ refused }) => refused).length);
    reading.transaction.oncomplete = () => opening.result.close();
  };
})"""


async def make_refused(page: Page) -> str:
    """A contact that the server will not have; its id."""
    await page.get_by_label("First name").fill("Mia")
    await page.get_by_role("button", name="Add an e-mail").click()
    await page.keyboard.type(BAD_EMAIL)
    await save(page)
    await expect(page.get_by_role("heading", name="Mia")).to_be_visible()
    return page.url.rpartition("/")[2]


async def until_read(page: Page) -> None:
    """Waits until the browser has forgotten what was refused: a moment after the last was read."""

    async def forgotten() -> bool:
        refused: int = await page.evaluate(REFUSED)
        return refused == 0

    await until(forgotten)


async def restore(page: Page) -> Locator:
    """Opens what is kept as a draft."""
    await page.get_by_test_id("draft").get_by_role("button", name="Restore").click()
    return page.locator(".contact-form")


async def test_a_contact_that_is_refused_on_return_is_a_draft_with_all_that_was_edited_since(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/contacts/new")
    line = await offline(page)
    contact_id = await make_refused(page)
    await write(page, "Company", "Keller")
    await write(page, "Company", "Keller Ltd")
    await write(page, "Notes", "Met at the fair")
    line.sent.clear()
    line.mend()
    await expect(toast(page, "hyphen")).to_be_visible(timeout=30_000)
    # One word of it, and not one for each edit.
    await expect(page.get_by_test_id("toast")).to_have_count(1)
    await expect(page.get_by_test_id("waiting")).to_have_count(0)
    await expect(page.get_by_test_id("troubled")).to_have_text("1 to look at")
    assert line.events() == ["contact_create"]

    await page.reload()
    await expect(page.get_by_test_id("draft")).to_contain_text("hyphen")
    form = await restore(page)
    await expect(form.get_by_label("Company")).to_have_value("Keller Ltd")
    await expect(form.get_by_label("Notes")).to_have_value("Met at the fair")
    # Typed, and left again: what was typed is in the draft, too.
    await form.get_by_label("Job title").fill("Boss")
    await until_draft_holds(page, "Boss")
    await page.reload()
    form = await restore(page)
    await expect(form.get_by_label("Job title")).to_have_value("Boss")
    await form.get_by_role("textbox", name="E-mail").fill("mia@example.com")
    await save(page)
    await expect(page.get_by_test_id("troubled")).to_have_count(0)
    await expect(page.get_by_test_id("draft")).to_have_count(0)
    contact = await read_contact(sign_in(), contact_id)
    said = [contact[name] for name in ("first_name", "company", "notes", "job_title", "email")]
    assert said == ["Mia", "Keller Ltd", "Met at the fair", "Boss", "mia@example.com"]


async def test_what_is_edited_while_its_creation_is_refused_is_saved_with_all_of_it(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/contacts/new")
    line = await offline(page)
    contact_id = await make_refused(page)
    form = await edit(page)
    await form.get_by_label("Company").fill("Keller")
    line.mend()
    await expect(toast(page, "hyphen")).to_be_visible(timeout=30_000)
    await expect(form.get_by_label("Company")).to_have_value("Keller")
    await form.get_by_role("textbox", name="E-mail").fill("mia@example.com")
    await save(page)
    await expect(page.get_by_test_id("troubled")).to_have_count(0)
    contact = await read_contact(sign_in(), contact_id)
    assert (contact["company"], contact["email"]) == ("Keller", "mia@example.com")


async def test_two_tabs_see_what_was_refused_and_one_mends_it(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/contacts/new")
    line = await offline(page)
    contact_id = await make_refused(page)
    other = await open_page(f"/contacts/{contact_id}", context=page.context)
    await expect(other.get_by_role("heading", name="Mia")).to_be_visible()
    await write(other, "Company", "Keller")
    line.mend()
    for tab in (page, other):
        await expect(tab.get_by_test_id("troubled")).to_have_text("1 to look at", timeout=30_000)
        await expect(tab.get_by_test_id("draft")).to_contain_text("hyphen")
        await expect(tab.get_by_test_id("waiting")).to_have_count(0)
    form = await restore(other)
    await expect(form.get_by_label("Company")).to_have_value("Keller")
    await form.get_by_role("textbox", name="E-mail").fill("mia@example.com")
    await save(other)
    await expect(page.get_by_test_id("draft")).to_have_count(0)
    await expect(page.get_by_test_id("contact")).to_contain_text("mia@example.com")
    await expect(page.get_by_test_id("troubled")).to_have_count(0)
    assert (await read_contact(sign_in(), contact_id))["company"] == "Keller"


@pytest.mark.parametrize("path", ["/contacts/new", "/contacts/{id}"])
async def test_what_is_typed_while_the_rest_is_sent_is_a_draft(
    open_page: OpenPage, sign_in: SignIn, path: str
) -> None:
    contact_id = await make_contact(sign_in(), first_name="Mia")
    page = await open_page(path.format(id=contact_id))
    line = await Line.of(page.context)
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    form = page.locator(".contact-form") if path.endswith("new") else await edit(page)
    await form.get_by_label("Company").fill("Keller")
    line.lose_acks = True
    await page.get_by_role("button", name="Save", exact=True).click()
    await form.get_by_label("Notes").fill("Typed meanwhile")
    await line.cut()
    line.lose_acks = False
    line.mend()
    form = await restore(page)
    await expect(form.get_by_label("Company")).to_have_value("Keller")
    await expect(form.get_by_label("Notes")).to_have_value("Typed meanwhile")
    await save(page)
    await expect(page.get_by_test_id("waiting")).to_have_count(0, timeout=30_000)
    await expect(page.get_by_test_id("draft")).to_have_count(0)
    contact = await read_contact(sign_in(), page.url.rpartition("/")[2])
    assert (contact["company"], contact["notes"]) == ("Keller", "Typed meanwhile")


async def test_two_contacts_that_are_refused_at_once_are_both_kept(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/contacts/new")
    line = await offline(page)
    first = await make_refused(page)
    await page.evaluate("location.hash = '/contacts/new'")
    await expect(page.get_by_label("First name")).to_have_value("")
    second = await make_refused(page)
    # And a third is being typed.
    await page.evaluate("location.hash = '/contacts/new'")
    await page.get_by_label("First name").fill("Third")
    line.mend()
    await expect(page.get_by_test_id("troubled")).to_have_text("2 to look at", timeout=30_000)
    await expect(page.get_by_label("First name")).to_have_value("Third")
    await page.evaluate(f"location.hash = '/contacts/{second}'")
    await page.get_by_test_id("draft").get_by_role("button", name="Discard").click()
    await expect(page.get_by_test_id("missing")).to_be_visible()
    await page.get_by_test_id("troubled").click()
    await expect(page).to_have_url(re.compile(first))
    form = await restore(page)
    await form.get_by_role("textbox", name="E-mail").fill("mia@example.com")
    await save(page)
    await expect(page.get_by_test_id("troubled")).to_have_count(0)
    await page.evaluate("location.hash = '/contacts/new'")
    form = await restore(page)
    await expect(form.get_by_label("First name")).to_have_value("Third")


async def test_a_contact_made_and_deleted_before_it_is_refused_is_no_trouble(
    open_page: OpenPage,
) -> None:
    page = await open_page("/contacts/new")
    line = await offline(page)
    await make_refused(page)
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_test_id("waiting")).to_have_text("2 unsent")
    line.mend()
    await expect(page.get_by_test_id("waiting")).to_have_count(0, timeout=30_000)
    await page.wait_for_timeout(500)
    await expect(toast(page, "hyphen")).to_have_count(0)
    await expect(page.get_by_test_id("troubled")).to_have_count(0)


async def test_what_was_refused_does_not_take_back_what_was_edited_later(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia", company="Roth")
    page = await open_page(f"/contacts/{contact_id}")
    line = await offline(page)
    form = await edit(page)
    await form.get_by_label("Company").fill("Keller")
    await form.get_by_label("Job title").fill("Boss")
    await form.get_by_role("button", name="Add an e-mail").click()
    await page.keyboard.type(BAD_EMAIL)
    await save(page)
    form = await edit(page)
    await form.get_by_label("Company").fill("Keller Ltd")
    await form.get_by_role("textbox", name="E-mail").fill("mia@example.com")
    await save(page)
    line.mend()
    await expect(page.get_by_test_id("draft")).to_be_visible(timeout=30_000)
    await expect(page.get_by_test_id("waiting")).to_have_count(0)
    form = await restore(page)
    await expect(form.get_by_label("Company")).to_have_value("Keller Ltd")
    await expect(form.get_by_label("Job title")).to_have_value("Boss")
    await save(page)
    await expect(page.get_by_test_id("troubled")).to_have_count(0)
    contact = await read_contact(api, contact_id)
    assert (contact["company"], contact["email"]) == ("Keller Ltd", "mia@example.com")
    assert contact["job_title"] == "Boss"


async def test_an_edit_refused_while_its_contact_was_deleted_is_kept(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}")
    line = await offline(page)
    form = await edit(page)
    await form.get_by_label("Company").fill("Keller")
    await form.get_by_role("button", name="Add an e-mail").click()
    await page.keyboard.type(BAD_EMAIL)
    await save(page)
    assert (await api.delete(f"/api/contacts/{contact_id}")).status == 200
    line.mend()
    await expect(toast(page, "hyphen")).to_be_visible(timeout=30_000)
    await page.reload()
    await expect(page.get_by_test_id("deleted")).to_be_visible()
    form = await restore(page)
    await expect(form.get_by_label("Company")).to_have_value("Keller")
    await form.get_by_role("textbox", name="E-mail").fill("mia@example.com")
    await save(page)
    await expect(page.get_by_test_id("troubled")).to_have_count(0)
    # A new contact, as the other one is gone.
    assert contact_id not in page.url
    assert (await read_contact(api, page.url.rpartition("/")[2]))["company"] == "Keller"


async def test_a_refusal_that_nobody_has_read_is_told_again_after_a_reload(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    contact_id = await make_contact(api, first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}", "agent")
    line = await offline(page)
    await write(page, "Company", "Keller")
    assert (await api.patch("/api/tenant", {"agents_edit": "own"})).status == 200
    line.mend()
    refusal = toast(page, "only contacts that you own")
    await expect(refusal).to_be_visible(timeout=30_000)
    await page.reload()
    await expect(refusal).to_be_visible()
    await refusal.get_by_role("button", name="Close this message").click()
    await expect(refusal).to_have_count(0)
    await until_read(page)
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await page.wait_for_timeout(500)
    await expect(refusal).to_have_count(0)


async def test_what_is_refused_after_its_page_was_left_is_told_and_a_draft(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    contact_id = await make_contact(api, first_name="Mia")
    assert (await api.patch("/api/tenant", {"agents_edit": "own"})).status == 200
    page = await open_page(f"/contacts/{contact_id}", "agent")
    form = await edit(page)
    await form.get_by_label("Company", exact=True).fill("Keller")
    await page.evaluate(
        "document.querySelector('.contact-save [type=submit]').click(); location.hash = '#/labels'"
    )
    refusal = toast(page, "only contacts that you own")
    await expect(refusal).to_contain_text("What you entered is kept as a draft.")
    await expect(page.get_by_role("heading", name="Labels")).to_be_visible()
    await refusal.get_by_role("button", name="Open").click()
    form = await restore(page)
    await expect(form.get_by_label("Company", exact=True)).to_have_value("Keller")


async def test_each_of_many_refusals_is_told_and_once_more_if_nobody_saw_it(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    page = await open_page("/labels")
    line = await Line.of(page.context)
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await line.cut()
    await expect(page.get_by_test_id("connection")).to_have_text("Offline")
    names = ("Red", "Blue", "Green", "Grey", "Pink")
    for name in names:
        await page.get_by_role("button", name="New tag").first.click()
        await page.get_by_role("dialog").get_by_label("Name").fill(name)
        await page.get_by_role("dialog").get_by_role("button", name="Make it").click()
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert (await api.post("/api/tags", {"name": name})).status == 201
    line.mend()
    told = {name: toast(page, f"“{name}”:") for name in names}
    await expect(told["Grey"]).to_be_visible(timeout=30_000)
    await page.evaluate(HIDDEN, True)
    for name in names:
        await told[name].get_by_role("button", name="Close this message").click()
    await expect(page.get_by_test_id("toast")).to_have_count(0)
    await page.evaluate(HIDDEN, False)
    await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    for name in names:
        await told[name].get_by_role("button", name="Close this message").click()
    await expect(page.get_by_test_id("toast")).to_have_count(0)
    await until_read(page)
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await page.wait_for_timeout(500)
    await expect(page.get_by_test_id("toast")).to_have_count(0)
