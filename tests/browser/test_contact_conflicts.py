"""Two people and one contact: live values, clashes, conflicts, its history and putting it back."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, MakeDevice, OpenPage, SignIn
from tests.browser.support.contacts import (
    change_contact,
    edit,
    entries,
    fact,
    make_contact,
    offline,
    read_contact,
    save,
    toast,
    write,
)
from tests.browser.support.lines import Line
from tests.integration.support.rest import Api

pytestmark = ON_THE_SERVERS_LOOP


async def test_what_one_saves_the_other_sees_within_a_second_while_they_edit(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    contact_id = await make_contact(sign_in(), first_name="Mia", company="Keller", job_title="CEO")
    ann = await open_page(f"/contacts/{contact_id}", "manager")
    ben = await open_page(f"/contacts/{contact_id}", "admin")
    anns = await edit(ann)
    await anns.get_by_label("Notes").fill("Mine")
    bens = await edit(ben)
    await bens.get_by_label("Company").fill("Keller Ltd")
    await bens.get_by_role("button", name="Add a phone").click()
    await ben.keyboard.type("0151 1")
    await save(ben)
    # What Ann did not touch has Ben's value, and she is told; what she typed stays.
    await expect(anns.get_by_label("Company")).to_have_value("Keller Ltd")
    await expect(anns.get_by_role("textbox", name="Phone")).to_have_value("0151 1")
    await expect(anns.get_by_test_id("taken")).to_contain_text("Admin changed Company, Phones")
    await expect(ann.locator("#announcements")).to_have_text("Admin changed Company, Phones.")
    await expect(anns.get_by_label("Notes")).to_have_value("Mine")
    await expect(anns.get_by_test_id("clash")).to_have_count(0)
    await save(ann)
    contact = await read_contact(sign_in(), contact_id)
    assert (contact["company"], contact["notes"]) == ("Keller Ltd", "Mine")
    await expect(fact(ben, "Notes")).to_have_text("Mine")


async def test_a_field_that_both_changed_shows_both_values_and_one_is_chosen(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    admin = sign_in("admin")
    contact_id = await make_contact(
        admin, company="Keller", job_title="CEO", emails=[{"value": "a@example.com"}]
    )
    page = await open_page(f"/contacts/{contact_id}", "manager")
    form = await edit(page)
    await form.get_by_label("Company").fill("Keller & Daughters")
    await form.get_by_label("Job title").fill("Head of sales")
    await form.get_by_role("textbox", name="E-mail").fill("mine@example.com")
    await change_contact(
        admin, contact_id, company="Keller Ltd", emails=[{"value": "theirs@example.com"}]
    )
    await expect(form.get_by_test_id("clash")).to_have_count(2)
    company = form.get_by_role("group", name="Choose a value of Company")
    await expect(company).to_contain_text("Admin changed Company too")
    await expect(company.get_by_role("definition")).to_have_text(
        ["Keller & Daughters", "Keller Ltd"]
    )
    emails = form.get_by_role("group", name="Choose a value of E-mails")
    await expect(emails.get_by_role("definition")).to_have_text(
        ["mine@example.com", "theirs@example.com"]
    )
    # Nothing is saved before one has chosen.
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("2 fields to choose a value of")).to_be_visible()
    await expect(company.get_by_role("button", name="Keep mine: Company")).to_be_focused()
    assert (await read_contact(admin, contact_id))["company"] == "Keller Ltd"

    await company.get_by_role("button", name="Use theirs: Company").click()
    await expect(form.get_by_role("textbox", name="Company")).to_have_value("Keller Ltd")
    await emails.get_by_role("button", name="Keep mine: E-mails").click()
    await save(page)
    contact = await read_contact(admin, contact_id)
    assert contact["company"] == "Keller Ltd"
    assert contact["job_title"] == "Head of sales"
    assert contact["emails"] == [{"value": "mine@example.com"}]
    # It was chosen with Ben's values before one's eyes: no conflict any more.
    await expect(page.get_by_role("dialog")).to_have_count(0)
    history = (await admin.get(f"/api/contacts/{contact_id}/history")).json["items"]
    assert history[0]["changes"].keys() == {"emails", "job_title"}


async def test_who_changed_a_field_is_told_by_the_history_if_another_wrote_later(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    contact_id = await make_contact(sign_in("admin"), company="Keller")
    page = await open_page(f"/contacts/{contact_id}", "manager")
    line = await _hold_back_changes(page)
    form = await edit(page)
    await form.get_by_label("Company").fill("Mine")
    await change_contact(sign_in("agent"), contact_id, company="Theirs")
    await change_contact(sign_in("admin"), contact_id, notes="Another field")
    line.let_go()
    clash = form.get_by_test_id("clash")
    await expect(clash).to_contain_text("Agent changed Company too")


async def test_an_edit_that_another_overtook_unseen_is_settled_in_a_dialog(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    tag = (await api.post("/api/tags", {"name": "VIP"})).json["tag"]["id"]
    contact_id = await make_contact(api, company="Keller", custom={"size": "L"}, notes="Old")
    page = await open_page(f"/contacts/{contact_id}", "manager")
    line = await _hold_back_changes(page)
    form = await edit(page)
    await form.get_by_label("Company").fill("Mine")
    await form.get_by_label("Value").fill("mine")
    await form.get_by_label("Notes").fill("Mine")
    await change_contact(
        api, contact_id, company="Theirs", custom={"size": "theirs"}, tag_ids={"add": [tag]}
    )
    await page.get_by_role("button", name="Save").click()
    dialog = page.get_by_role("dialog")
    company = dialog.get_by_role("group", name="Company")
    await expect(company).to_contain_text("Theirs, by Admin")
    await expect(company.get_by_role("radio", name="Yours")).to_be_checked()
    await expect(company.locator("label", has_text="Kept")).to_contain_text("Mine")
    await expect(dialog.get_by_test_id("conflict")).to_have_count(2)
    await company.get_by_role("radio", name="Theirs").check()
    line.let_go()
    await dialog.get_by_role("button", name="Use what is chosen").click()
    await expect(toast(page, "Your choice is saved")).to_be_visible()
    contact = await read_contact(api, contact_id)
    assert (contact["company"], contact["custom"], contact["notes"]) == (
        "Theirs",
        {"size": "mine"},
        "Mine",
    )
    assert contact["tag_ids"] == [tag]


async def test_who_edits_a_contact_that_another_deletes_can_restore_and_save_it(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    contact_id = await make_contact(api, first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}", "manager")
    form = await edit(page)
    await form.get_by_label("Notes").fill("Too good to lose")
    await api.delete(f"/api/contacts/{contact_id}")
    notice = form.get_by_test_id("deleted-meanwhile")
    await expect(notice).to_contain_text("Admin deleted this contact")
    await page.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("alert")).to_contain_text("This was deleted")
    await notice.get_by_role("button", name="Restore").click()
    await expect(notice).to_have_count(0)
    await expect(form.get_by_label("Notes")).to_have_value("Too good to lose")
    await save(page)
    assert (await read_contact(api, contact_id))["notes"] == "Too good to lose"


async def test_an_edit_that_one_may_not_make_stays_in_the_form_with_what_others_changed(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    contact_id = await make_contact(api, first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}", "agent")
    form = await edit(page)
    await form.get_by_label("Company").fill("Keller")
    assert (await api.patch("/api/tenant", {"agents_edit": "own"})).status == 200
    await page.get_by_role("button", name="Save").click()
    await expect(form.get_by_role("alert")).to_contain_text("only contacts that you own")
    await expect(form.get_by_label("Company")).to_have_value("Keller")
    await change_contact(api, contact_id, notes="New")
    await expect(form.get_by_label("Notes")).to_have_value("New")
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog").get_by_role("button", name="Discard").click()
    await expect(entries(page).nth(1)).to_contain_text(re.compile("Refused.*Keller", re.DOTALL))


async def test_the_history_is_live_and_says_who_when_from_where_and_what(
    open_page: OpenPage, sign_in: SignIn, make_device: MakeDevice
) -> None:
    api = sign_in("admin")
    tag = (await api.post("/api/tags", {"name": "VIP"})).json["tag"]["id"]
    contact_id = await make_contact(api, first_name="Mia", company="Keller")
    page = await open_page(f"/contacts/{contact_id}", "manager")
    await expect(entries(page)).to_have_count(1)
    phone = await make_device("agent").connect()
    await phone.sign_in(device={"name": "Agent's phone"})
    changes = {
        "company": "Keller Ltd",
        "tag_ids": {"add": [tag]},
        "phones": [{"label": "mobile", "value": "0151 1"}],
        "addresses": [{"street": "Gasse 1", "city": "Zürich"}],
        "custom": {"size": "L"},
    }
    ack = await phone.call("contact_update", {"id": contact_id, "changes": changes})
    assert ack["ok"], ack
    newest = entries(page).first
    await expect(newest).to_contain_text(re.compile("Agent.*changed it.*on Agent's phone", re.S))
    for term, text in {
        "Company": "from Keller → to Keller Ltd",
        "Tags": "added: VIP",
        "Phones": "added: mobile: 0151 1",
        "Addresses": "added: Gasse 1, Zürich",
        "size": "L",
    }.items():
        line = newest.locator(".changes > div").filter(
            has=page.get_by_role("term").filter(has_text=term)
        )
        await expect(line.get_by_role("definition")).to_have_text(text)
    time = newest.get_by_role("time")
    await expect(time).to_have_text("just now")
    # Where the reader is: the test's browsers are in Berlin.
    await expect(time).to_have_attribute(
        "title", re.compile(r"20\d\d at \d\d:\d\d:\d\d (CET|CEST|GMT\+[12])")
    )

    # A value that lost is there, marked, and can be had back.
    late = await make_device("api").connect()
    await late.sign_in()
    ack = await late.call(
        "contact_update",
        {"id": contact_id, "edited_at": "2026-01-01T00:00:00Z", "changes": {"company": "Too late"}},
    )
    assert ack["status"] == "superseded"
    # It changed nothing that is told: the page asks now and then, and when it is opened.
    await page.reload()
    await expect(newest).to_contain_text("Not kept, as a later edit overruled it")
    await expect(newest).to_contain_text("Too late")
    await newest.get_by_role("button", name="Restore these values").click()
    await page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    await expect(toast(page, "Restored")).to_be_visible()
    assert (await read_contact(api, contact_id))["company"] == "Too late"


async def test_an_earlier_state_is_restored_once_that_is_confirmed(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    contact_id = await make_contact(api, first_name="Mia", company="Keller")
    await change_contact(api, contact_id, company="Wrong", notes="Wrong")
    await change_contact(api, contact_id, first_name="Wrong")
    page = await open_page(f"/contacts/{contact_id}")
    await expect(entries(page)).to_have_count(3)
    await expect(entries(page).first).to_contain_text("As it is now")
    await expect(entries(page).first.get_by_role("button")).to_have_count(0)
    button = entries(page).last.get_by_role("button", name="Restore this state")
    await button.click()
    await page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    await button.click()
    await page.get_by_role("dialog").get_by_role("button", name="Restore").click()
    await expect(entries(page)).to_have_count(4)
    await expect(entries(page).first).to_contain_text("Manager")
    await expect(page.get_by_role("heading", name="Mia", exact=True)).to_be_visible()
    contact = await read_contact(api, contact_id)
    assert (contact["first_name"], contact["company"]) == ("Mia", "Keller")
    assert "notes" not in contact


async def test_older_entries_come_when_asked_for(open_page: OpenPage, sign_in: SignIn) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia")
    for number in range(24):
        await change_contact(api, contact_id, notes=f"Note {number}")
    page = await open_page(f"/contacts/{contact_id}")
    await expect(entries(page)).to_have_count(20)
    await change_contact(api, contact_id, notes="The last")
    await expect(entries(page).first).to_contain_text("The last")
    await expect(entries(page)).to_have_count(21)
    await page.get_by_role("button", name="Show older").click()
    await expect(entries(page)).to_have_count(26)
    await expect(page.get_by_role("button", name="Show older")).to_have_count(0)
    await expect(entries(page).last).to_contain_text("made the contact")


async def _hold_back_changes(page: Page) -> Line:
    """Opens the page anew on a line that keeps from it what others change."""
    line = await Line.of(page)
    line.hold_changes()
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_visible()
    return line


async def met_another(open_page: OpenPage, api: Api) -> tuple[Page, str]:
    """A page whose edit "Mine" of a contact's company had waited while "Theirs" was written."""
    contact_id = await make_contact(api, first_name="Mia", company="Roth")
    page = await open_page(f"/contacts/{contact_id}")
    line = await offline(page)
    await write(page, "Company", "Mine")
    await change_contact(api, contact_id, company="Theirs")
    line.mend()
    return page, contact_id


async def test_who_chooses_late_is_asked_about_what_others_wrote_since(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    page, contact_id = await met_another(open_page, api)
    notice = page.get_by_test_id("conflict-notice")
    await expect(notice).to_be_visible(timeout=30_000)
    await change_contact(api, contact_id, company="Later")
    await expect(page.get_by_test_id("contact")).to_contain_text("Later")
    await notice.get_by_role("button", name="Choose").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Yours").check()
    await dialog.get_by_role("button", name="Use what is chosen").click()
    await expect(dialog).to_contain_text("Later")
    await dialog.get_by_label("Theirs").check()
    await dialog.get_by_role("button", name="Use what is chosen").click()
    await expect(dialog).to_have_count(0)
    await expect(notice).to_have_count(0)
    assert (await read_contact(api, contact_id))["company"] == "Later"


async def test_a_question_of_an_edit_that_met_another_outlives_a_reload(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page, _ = await met_another(open_page, sign_in("admin"))
    await expect(page.get_by_test_id("troubled")).to_be_visible(timeout=30_000)
    await page.goto(page.url.partition("#")[0] + "#/labels")
    await page.reload()
    await page.get_by_test_id("troubled").click()
    notice = page.get_by_test_id("conflict-notice")
    await notice.get_by_role("button", name="Choose").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Mine")
    await expect(dialog).to_contain_text("Theirs")
    await dialog.get_by_role("button", name="Leave it as it is").click()
    await expect(notice).to_have_count(0)
    await expect(page.get_by_test_id("troubled")).to_have_count(0)
