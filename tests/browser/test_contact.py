"""A contact's page: read, make, edit, check, delete, and drafts that outlive a reload."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.chromium import live
from tests.browser.support.contacts import (
    change_contact,
    edit,
    entries,
    fact,
    make_contact,
    read_contact,
    save,
    toast,
    until_draft_holds,
)

pytestmark = ON_THE_SERVERS_LOOP


async def test_a_contact_is_made_with_every_field_and_read_back(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    tag = (await api.post("/api/tags", {"name": "Trade fair", "color": "#b91c1c"})).json["tag"]
    page = await open_page("/contacts/new")
    form = page.get_by_role("form", name="New contact")
    for label, text in {
        "First name": "Mia",
        "Last name": "Keller",
        "Company": "Keller & Sons",
        "Job title": "Head of sales",
        "Department": "Sales",
        "External id": "crm-7",
        "Birthday": "12.4.1985",
        "Notes": "Met at the fair.\nCall back.",
    }.items():
        await form.get_by_label(label, exact=True).fill(text)
    for value, label in [("Mia@Example.com", "work"), ("mia@example.org", "private")]:
        await form.get_by_role("button", name="Add an e-mail").click()
        await page.keyboard.type(value)
        await page.keyboard.press("Tab")
        await page.keyboard.type(label)
    await form.get_by_role("button", name="Add a phone").click()
    await page.keyboard.type("(202) 555-0143")
    await form.get_by_role("button", name="Add an address").click()
    address = form.get_by_role("group", name="address 1")
    await address.get_by_label("Street").fill("Gasse 1\n2nd floor")
    await address.get_by_label("City").fill("Zürich")
    await address.get_by_label("Country").fill("ch")
    await form.get_by_role("button", name="Add a website").click()
    await page.keyboard.type("keller.example")
    await form.get_by_role("button", name="Add a custom field").click()
    await page.keyboard.type("score")
    await form.get_by_label("Kind").select_option("Number")
    await form.get_by_label("Value").fill("12.5")
    await form.get_by_label("By SMS").select_option("Opted out")
    await form.get_by_role("combobox", name="Tags").fill("fair")
    await form.get_by_role("listbox").get_by_text("Trade fair").click()
    await save(page)

    contact_id = page.url.rpartition("/")[2]
    contact = await read_contact(api, contact_id)
    expected = {
        "display_name": "Mia Keller",
        "company": "Keller & Sons",
        "job_title": "Head of sales",
        "department": "Sales",
        "external_id": "crm-7",
        "birthday": "1985-04-12",
        "notes": "Met at the fair.\nCall back.",
        "emails": [
            {"label": "work", "value": "mia@example.com"},
            {"label": "private", "value": "mia@example.org"},
        ],
        "phones": [{"e164": "+12025550143", "value": "(202) 555-0143"}],
        "addresses": [{"city": "Zürich", "street": "Gasse 1\n2nd floor", "country": "CH"}],
        "websites": [{"value": "keller.example"}],
        "custom": {"score": 12.5},
        "preferences": {"sms": "opted_out"},
        "tag_ids": [tag["id"]],
    }
    assert {name: contact[name] for name in expected} == expected

    await expect(page).to_have_title("Mia Keller · Fieldbook")
    await expect(fact(page, "Birthday")).to_have_text("12 April 1985")
    await expect(fact(page, "score")).to_have_text("12.5")
    await expect(fact(page, "Tags")).to_have_text("Trade fair")
    await expect(fact(page, "Owner")).to_have_text("Manager")
    await expect(page.get_by_text("Has opted out")).to_be_visible()
    call = page.get_by_role("link", name="(202) 555-0143")
    await expect(call).to_have_attribute("href", "tel:+12025550143")
    mail = page.get_by_role("link", name="mia@example.org")
    await expect(mail).to_have_attribute("href", "mailto:mia@example.org")
    site = page.get_by_role("link", name="keller.example")
    await expect(site).to_have_attribute("href", "https://keller.example/")
    await expect(site).to_have_attribute("rel", "noopener noreferrer")


async def test_only_what_was_changed_is_sent_and_lists_lose_and_gain_items(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    tags = [(await api.post("/api/tags", {"name": name})).json["tag"]["id"] for name in "AB"]
    contact_id = await make_contact(
        api,
        first_name="Mia",
        emails=[{"value": "a@example.com"}, {"value": "b@example.com"}],
        custom={"size": "L", "shoe": "42"},
        tag_ids=[tags[0]],
    )
    page = await open_page(f"/contacts/{contact_id}")
    form = await edit(page)
    await form.get_by_role("button", name="Remove e-mail 1").click()
    await expect(form.get_by_role("button", name="Add an e-mail")).to_be_focused()
    await form.get_by_role("button", name="Remove custom field size").click()
    await form.get_by_role("button", name="Remove A").click()
    await form.get_by_role("combobox", name="Tags").fill("b")
    await expect(form.get_by_role("listbox").get_by_role("option")).to_have_text(["B"])
    await page.keyboard.press("Enter")
    await save(page)
    contact = await read_contact(api, contact_id)
    assert contact["emails"] == [{"value": "b@example.com"}]
    assert contact["custom"] == {"shoe": "42"}
    assert contact["tag_ids"] == [tags[1]]

    history = (await api.get(f"/api/contacts/{contact_id}/history")).json["items"]
    assert set(history[0]["changes"]) == {"emails", "custom", "tag_ids"}
    # Looked at and saved, it is as it was: nothing is sent.
    await edit(page)
    await save(page)
    assert (await read_contact(api, contact_id))["version"] == contact["version"]


async def test_what_is_wrong_is_said_at_the_field_as_one_types(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    contact_id = await make_contact(sign_in(), first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}")
    form = await edit(page)
    await form.get_by_label("First name").fill("")
    await page.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("alert")).to_contain_text("A contact needs one of a name")
    birthday = form.get_by_label("Birthday")
    await birthday.fill("31.2.1985")
    await birthday.press("Tab")
    await expect(birthday).to_have_accessible_description(re.compile("There is no such day"))
    await expect(birthday).to_have_attribute("aria-invalid", "true")
    await form.get_by_role("button", name="Add an e-mail").click()
    await page.keyboard.type("mia.example.com")
    email = form.get_by_role("group", name="e-mail 1").get_by_role("textbox", name="E-mail")
    # Without leaving the field: after a pause in typing.
    await expect(email).to_have_attribute("aria-invalid", "true")
    await page.get_by_role("button", name="Save").click()
    await expect(email).to_be_focused()

    await email.fill("mia@example.com")
    await birthday.fill("--02-29")
    await expect(form.get_by_test_id("fault")).to_have_count(0)
    await save(page)
    await expect(fact(page, "E-mail")).to_have_text("mia@example.com")


async def test_what_only_the_server_knows_to_be_wrong_is_said_at_the_field_too(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    contact_id = await make_contact(sign_in(), first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}")
    form = await edit(page)
    await form.get_by_role("button", name="Add an e-mail").click()
    await form.get_by_role("button", name="Add an e-mail").click()
    # By its form an address, but there can't be such a domain.
    email = form.get_by_role("group", name="e-mail 2").get_by_role("textbox", name="E-mail")
    await email.fill("mia@-example.com")
    await page.get_by_role("button", name="Save").click()
    await expect(email).to_be_focused()
    await expect(email).to_have_accessible_description(re.compile("hyphen"))
    await expect(form.get_by_role("alert")).to_contain_text("hyphen")
    await email.fill("mia@example.com")
    await save(page)


async def test_leaving_asks_before_edits_are_lost(open_page: OpenPage, sign_in: SignIn) -> None:
    contact_id = await make_contact(sign_in(), first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}")
    await expect(page.get_by_role("heading", name="Mia")).to_be_visible()
    await page.keyboard.press("e")
    name = page.get_by_label("First name")
    await name.fill("Maria")
    await name.press("Escape")
    await page.get_by_role("dialog").get_by_role("button", name="Keep editing").click()
    await expect(name).to_have_value("Maria")
    await name.press("Escape")
    await page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_focused()
    await page.reload()
    await expect(page.get_by_role("heading", name="Mia")).to_be_visible()
    await expect(page.get_by_test_id("draft")).to_have_count(0)
    # Nothing was changed: nothing is asked.
    await page.keyboard.press("e")
    await name.press("Escape")
    await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_focused()


async def test_a_draft_outlives_a_reload_and_joins_what_others_changed(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia", company="Keller")
    page = await open_page(f"/contacts/{contact_id}")
    form = await edit(page)
    await form.get_by_label("Notes").fill("Half a sent")
    await form.get_by_role("button", name="Add a phone").click()
    await page.keyboard.type("0151 1")
    await until_draft_holds(page, "0151 1")
    await page.reload()
    await live(page)
    await expect(page.get_by_test_id("draft")).to_contain_text("You have an unsaved draft")
    await change_contact(api, contact_id, company="Keller Ltd")
    await page.get_by_role("button", name="Restore", exact=True).click()
    await expect(form.get_by_label("Notes")).to_have_value("Half a sent")
    await expect(form.get_by_label("Company")).to_have_value("Keller Ltd")
    await form.get_by_label("Notes").fill("Half a sentence")
    await save(page)
    contact = await read_contact(api, contact_id)
    assert (contact["notes"], contact["company"]) == ("Half a sentence", "Keller Ltd")
    assert contact["phones"][0]["value"] == "0151 1"
    await page.reload()
    await expect(fact(page, "Notes")).to_have_text("Half a sentence")
    await expect(page.get_by_test_id("draft")).to_have_count(0)


async def test_a_draft_that_is_discarded_as_others_change_the_contact_stays_so(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia", company="Keller")
    page = await open_page(f"/contacts/{contact_id}")
    form = await edit(page)
    await form.get_by_label("Notes").fill("Half a sent")
    await until_draft_holds(page, "Half a sent")
    await page.reload()
    await live(page)
    draft = page.get_by_test_id("draft")
    await expect(draft).to_be_visible()
    # In the same moment in which the page has taken the other's change.
    await page.evaluate(
        """() => new MutationObserver((_, observer) => {
          const { innerText } = document.querySelector("[data-test=contact]");
          if (!innerText.includes("Keller Ltd")) return;
          observer.disconnect();
          [...document.querySelectorAll("[data-test=draft] button")].at(-1).click();
        }).observe(document.body, { childList: true, subtree: true, characterData: true })"""
    )
    await change_contact(api, contact_id, company="Keller Ltd")
    await expect(draft).to_have_count(0)
    await page.wait_for_timeout(800)
    await page.reload()
    await expect(page.get_by_test_id("contact")).to_contain_text("Keller Ltd")
    await page.wait_for_timeout(300)
    await expect(draft).to_have_count(0)


async def test_the_draft_of_a_new_contact_is_restored_or_discarded(open_page: OpenPage) -> None:
    page = await open_page("/contacts/new")
    await page.get_by_label("Company").fill("Keller")
    await until_draft_holds(page, "Keller")
    await page.reload()
    await page.get_by_role("button", name="Restore", exact=True).click()
    await expect(page.get_by_label("Company")).to_have_value("Keller")
    await page.reload()
    await page.get_by_role("button", name="Discard", exact=True).click()
    await expect(page.get_by_label("Company")).to_have_value("")


async def test_a_deleted_contact_comes_back_by_undo(open_page: OpenPage, sign_in: SignIn) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia", last_name="Keller")
    page = await open_page(f"/contacts/{contact_id}")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_test_id("deleted")).to_contain_text("Manager deleted this contact")
    assert (await api.get(f"/api/contacts/{contact_id}")).status == 410
    await toast(page, "Mia Keller is deleted").get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()
    await expect(entries(page)).to_have_count(3)
    assert (await read_contact(api, contact_id))["display_name"] == "Mia Keller"


async def test_a_contact_that_was_deleted_before_is_shown_so_and_can_be_restored(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    contact_id = await make_contact(api, first_name="Mia", last_name="Keller")
    await api.delete(f"/api/contacts/{contact_id}")
    page = await open_page(f"/contacts/{contact_id}")
    await expect(page.get_by_role("heading", name="Mia Keller")).to_be_visible()
    await expect(page.get_by_test_id("deleted")).to_contain_text("Admin deleted this contact")
    await expect(entries(page)).to_have_count(2)
    await page.get_by_test_id("deleted").get_by_role("button", name="Restore").click()
    await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()
    await expect(entries(page)).to_have_count(3)
    assert (await read_contact(api, contact_id))["display_name"] == "Mia Keller"


async def test_what_is_not_there_is_said_so(open_page: OpenPage) -> None:
    page = await open_page("/contacts/no-such-contact-1?search=x")
    await expect(page.get_by_role("heading", name="No such contact")).to_be_visible()
    back = page.get_by_role("link", name="Go to the list of contacts")
    await expect(back).to_have_attribute("href", "#/contacts?search=x")
