"""One person in two browsers with one key: neither overwrites the other's edit unasked."""

from __future__ import annotations

from playwright.async_api import expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.contacts import edit, make_contact, read_contact, save
from tests.browser.support.lines import Line
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP


async def test_two_browsers_with_one_key_show_what_they_wrote_over(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    contact_id = await make_contact(api, first_name="Mia", company="Roth")
    desk = await open_page(f"/contacts/{contact_id}")
    line = await Line.of(desk)
    await desk.reload()
    laptop = await open_page(f"/contacts/{contact_id}")
    for page in (desk, laptop):
        await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await line.cut()
    await expect(desk.get_by_test_id("connection")).to_have_text("Offline")
    for page, company in ((desk, "From the desk"), (laptop, "From the laptop")):
        form = await edit(page)
        await form.get_by_label("Company").fill(company)
        await save(page)

    async def laptop_was_first() -> bool:
        return (await read_contact(api, contact_id))["company"] == "From the laptop"

    await until(laptop_was_first)
    line.mend()
    notice = desk.get_by_test_id("conflict-notice")
    await notice.get_by_role("button", name="Choose").click(timeout=30_000)
    dialog = desk.get_by_role("dialog")
    await expect(dialog).to_contain_text("From the desk")
    await expect(dialog).to_contain_text("From the laptop")
    await expect(dialog).to_contain_text("by you, elsewhere")
    await dialog.get_by_role("radio", name="Theirs").check()
    await dialog.get_by_role("button", name="Use what is chosen").click()
    await expect(notice).to_have_count(0)
    assert (await read_contact(api, contact_id))["company"] == "From the laptop"


async def test_the_tabs_of_a_browser_are_one_writer_and_stay_so_over_a_sign_out(
    open_page: OpenPage,
) -> None:
    one = await open_page("/labels")
    await expect(one.get_by_test_id("connection")).to_have_text("Live")
    writer = "localStorage['fieldbook.writer_id']"
    first = await one.evaluate(writer)
    two = await open_page("/labels", context=one.context)
    await expect(two.get_by_test_id("connection")).to_have_text("Live")
    await one.get_by_role("button", name="Sign out").click()
    await expect(one.get_by_label("API key")).to_be_visible()
    assert [await page.evaluate(writer) for page in (one, two)] == [first, first]


async def test_who_signed_out_has_left_no_line_behind(open_page: OpenPage) -> None:
    page = await open_page("/labels")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    opened = []
    page.on("websocket", lambda socket: opened.append(socket.url))
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_label("API key")).to_be_visible()
    # It would have come back within 2 s, with the key that was signed out.
    await page.wait_for_timeout(2_500)
    assert opened == []
