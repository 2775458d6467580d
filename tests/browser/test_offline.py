"""Edits without a connection: kept, shown, sent in order and once, and what becomes of them."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.contacts import (
    change_contact,
    edit,
    entries,
    fact,
    make_contact,
    read_contact,
    save,
    toast,
)
from tests.browser.support.lines import Line
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP


async def test_edits_without_a_network_wait_and_are_sent_on_return_in_order_and_once(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia", notes="Old")
    page = await open_page(f"/contacts/{contact_id}")
    line = await _line_of(page)
    await line.cut()
    await page.context.set_offline(True)
    banner = page.get_by_test_id("offline-banner")
    await expect(banner).to_contain_text(re.compile(r"Offline since \d\d:\d\d"))

    await _write(page, "Company", "Keller")
    await _write(page, "Company", "Keller Ltd")
    await _write(page, "Notes", "")
    await expect(banner).to_contain_text("3 changes wait")
    pending = page.get_by_test_id("contact").get_by_test_id("pending")
    await expect(pending).to_have_text("Not sent yet")
    await expect(page.get_by_test_id("contact")).to_contain_text("Keller Ltd")
    unsent = page.get_by_test_id("unsent").locator("> li")
    await expect(unsent).to_have_count(3)
    await expect(unsent.nth(1)).to_contain_text("Keller Ltd")
    assert "company" not in await read_contact(api, contact_id)

    # The page is served again, but the line is not there yet: they have outlived the reload.
    await page.context.set_offline(False)
    await page.reload()
    await expect(page.get_by_test_id("contact")).to_contain_text("Keller Ltd")
    await expect(unsent).to_have_count(3)
    await expect(banner).to_contain_text("3 changes wait")
    line.sent.clear()
    line.mend()
    await expect(banner).to_have_count(0, timeout=30_000)
    await expect(pending).to_have_count(0)
    await expect(unsent).to_have_count(0)
    await expect(entries(page)).to_have_count(4)
    contact = await read_contact(api, contact_id)
    assert contact["company"] == "Keller Ltd"
    assert "notes" not in contact
    assert line.events() == ["contact_update"] * 3
    history = (await api.get(f"/api/contacts/{contact_id}/history")).json["items"]
    assert [sorted(entry["changes"]) for entry in history[:3]] == [
        ["notes"],
        ["company"],
        ["company"],
    ]
    assert [entry["changes"]["company"]["to"] for entry in history[1:3]] == ["Keller Ltd", "Keller"]


async def test_an_edit_whose_answer_was_lost_is_sent_again_and_counts_once(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}")
    line = await _line_of(page)
    form = await edit(page)
    await form.get_by_label("Company").fill("Keller")
    line.lose_acks = True
    await page.get_by_role("button", name="Save").click()

    async def stored() -> bool:
        return (await read_contact(api, contact_id)).get("company") == "Keller"

    await until(stored)
    await line.cut()
    await expect(toast(page, "Kept in this browser")).to_be_visible()
    line.lose_acks = False
    line.mend()
    await expect(page.get_by_test_id("unsent")).to_have_count(0, timeout=30_000)
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    sent = [message for message in line.sent if "contact_update" in message]
    assert len(sent) == 2
    # The very same, with its mutation_id; the number of the ack is the library's.
    assert len({re.sub(r"^42\d+", "", message) for message in sent}) == 1
    history = (await api.get(f"/api/contacts/{contact_id}/history")).json["items"]
    assert [entry["op"] for entry in history] == ["update", "create"]


async def test_two_tabs_without_a_network_send_the_edits_of_both_once(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia")
    one = await open_page(f"/contacts/{contact_id}")
    line = await Line.of(one.context)
    await one.reload()
    two = await open_page(f"/contacts/{contact_id}", context=one.context)
    for page in (one, two):
        await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await line.cut()
    for page in (one, two):
        await expect(page.get_by_test_id("connection")).to_have_text("Offline")
    await _write(one, "Company", "1")
    await _write(two, "Job title", "2")
    await _write(one, "Department", "3")
    # Each tab shows what the other has written.
    for page in (one, two):
        await expect(page.get_by_test_id("waiting")).to_have_text("3 unsent")
        await expect(page.get_by_test_id("unsent").locator("> li")).to_have_count(3)
    line.mend()
    for page in (one, two):
        await expect(page.get_by_test_id("unsent")).to_have_count(0, timeout=30_000)
        await expect(page.get_by_test_id("waiting")).to_have_count(0)
        await expect(fact(page, "Department")).to_have_text("3")
    assert line.events().count("contact_update") == 3
    history = (await api.get(f"/api/contacts/{contact_id}/history")).json["items"]
    assert [sorted(entry["changes"]) for entry in history[:3]] == [
        ["department"],
        ["job_title"],
        ["company"],
    ]


async def test_a_contact_made_edited_deleted_and_restored_without_a_network(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    page = await open_page("/contacts/new")
    line = await _line_of(page)
    await expect(page.get_by_label("Company")).to_be_visible()
    await line.cut()
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("connection")).to_have_text("Offline")
    await page.get_by_label("Company").fill("Keller")
    await save(page)
    await expect(page.get_by_role("heading", name="Keller")).to_be_visible()
    await _write(page, "Company", "Keller Ltd")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_test_id("deleted")).to_be_visible()
    await expect(page.get_by_test_id("contact").get_by_test_id("pending")).to_be_visible()
    await page.get_by_test_id("deleted").get_by_role("button", name="Restore").click()
    await expect(page.get_by_role("heading", name="Keller Ltd")).to_be_visible()
    await expect(page.get_by_test_id("waiting")).to_have_text("4 unsent")
    await page.context.set_offline(False)
    line.mend()
    await expect(page.get_by_test_id("waiting")).to_have_count(0, timeout=30_000)
    await expect(entries(page)).to_have_count(4)
    contact_id = page.url.rpartition("/")[2]
    assert (await read_contact(api, contact_id))["display_name"] == "Keller Ltd"
    assert line.events() == [
        "contact_create",
        "contact_update",
        "contact_delete",
        "contact_restore",
    ]


async def test_an_edit_that_had_waited_and_is_refused_ends_in_a_toast_that_says_why(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    mine = await make_contact(api, first_name="Mia")
    page = await open_page(f"/contacts/{mine}", "agent")
    line = await _line_of(page)
    await line.cut()
    await expect(page.get_by_test_id("connection")).to_have_text("Offline")
    await _write(page, "Company", "Keller")
    # Meanwhile agents may change only what they look after.
    assert (await api.patch("/api/tenant", {"agents_edit": "own"})).status == 200
    line.mend()
    refusal = toast(page, "only contacts that you own")
    await expect(refusal).to_be_visible(timeout=30_000)
    await expect(page.get_by_test_id("waiting")).to_have_count(0)
    await expect(page.get_by_test_id("contact").get_by_test_id("pending")).to_have_count(0)
    assert "company" not in await read_contact(api, mine)
    # What was refused stays in the history.
    await expect(entries(page).first).to_contain_text(re.compile("Refused.*Keller", re.DOTALL))


async def test_what_the_server_refused_as_it_was_entered_can_be_mended(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}")
    line = await _line_of(page)
    await line.cut()
    await expect(page.get_by_test_id("connection")).to_have_text("Offline")
    form = await edit(page)
    await form.get_by_label("Company").fill("Keller")
    await form.get_by_role("button", name="Add an e-mail").click()
    await page.keyboard.type("mia@-example.com")
    await save(page)
    line.mend()
    await expect(toast(page, "hyphen")).to_be_visible(timeout=30_000)
    await page.get_by_test_id("draft").get_by_role("button", name="Restore").click()
    await expect(form.get_by_label("Company")).to_have_value("Keller")
    await form.get_by_role("textbox", name="E-mail").fill("mia@example.com")
    await save(page)
    contact = await read_contact(api, contact_id)
    assert (contact["company"], contact["email"]) == ("Keller", "mia@example.com")


async def test_an_edit_that_had_waited_and_met_another_lets_one_choose(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in("admin")
    contact_id = await make_contact(api, first_name="Mia", company="Keller")
    page = await open_page(f"/contacts/{contact_id}")
    line = await _line_of(page)
    await line.cut()
    await expect(page.get_by_test_id("connection")).to_have_text("Offline")
    await _write(page, "Company", "Mine")
    await change_contact(api, contact_id, company="Theirs")
    line.mend()
    await expect(toast(page, "Your edit met another one")).to_be_visible(timeout=30_000)
    await page.get_by_test_id("conflict-notice").get_by_role("button", name="Choose").click()
    dialog = page.get_by_role("dialog")
    # Which of them counts as the later one, on a machine as busy as this, is the server's to say.
    yours, theirs = (dialog.get_by_role("radio", name=name) for name in ("Yours", "Theirs"))
    mine_stands = await yours.is_checked()
    kept, other = ("Mine", "Theirs") if mine_stands else ("Theirs", "Mine")
    assert (await read_contact(api, contact_id))["company"] == kept
    await (theirs if mine_stands else yours).check()
    await dialog.get_by_role("button", name="Use what is chosen").click()
    await expect(page.get_by_test_id("conflict-notice")).to_have_count(0)
    await expect(page.get_by_test_id("contact")).to_contain_text(other)
    assert (await read_contact(api, contact_id))["company"] == other


async def _line_of(page: Page) -> Line:
    """Opens the page anew on a line that can be cut."""
    line = await Line.of(page)
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await expect(page.locator(".contact-edit, .contact-form").first).to_be_visible()
    return line


async def _write(page: Page, label: str, text: str) -> None:
    """One edit, as it is made without a connection."""
    form = await edit(page)
    await form.get_by_label(label, exact=True).fill(text)
    await save(page)
