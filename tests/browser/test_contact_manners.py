"""A contact's page for everybody: hostile names, the keyboard alone, a phone's screen."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.axe import violations
from tests.browser.support.contacts import (
    HOSTILE,
    change_contact,
    edit,
    entries,
    fact,
    make_contact,
    save,
    toast,
)

pytestmark = ON_THE_SERVERS_LOOP


async def test_a_hostile_contact_is_just_text_everywhere(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    """An alert, or anything that the page's policy refuses, is a complaint and fails it."""
    api = sign_in("admin")
    tag = (await api.post("/api/tags", {"name": HOSTILE})).json["tag"]["id"]
    contact_id = await make_contact(
        api,
        first_name=HOSTILE,
        company=HOSTILE,
        job_title=HOSTILE,
        notes=f"{HOSTILE}\n{{{{7*7}}}}",
        phones=[{"label": HOSTILE, "value": HOSTILE}],
        addresses=[{"label": HOSTILE, "street": HOSTILE, "city": HOSTILE}],
        websites=[
            {"value": "javascript:alert(1)", "label": HOSTILE},
            {"value": 'https://example.com/"onclick=alert(1)'},
            {"value": "data:text/html,<script>alert(1)</script>"},
        ],
        custom={HOSTILE: HOSTILE, "__proto__": "x"},
        tag_ids=[tag],
    )
    await change_contact(api, contact_id, notes=HOSTILE)
    page = await open_page(f"/contacts/{contact_id}")
    await expect(page.get_by_role("heading", name=HOSTILE)).to_be_visible()
    await expect(page).to_have_title(f"{HOSTILE} · Fieldbook")
    await expect(fact(page, "Website").get_by_role("link")).to_have_count(1)
    await expect(fact(page, "Website")).to_contain_text("javascript:alert(1)")
    await expect(fact(page, "Tags")).to_have_text(HOSTILE)
    await expect(entries(page)).to_have_count(2)
    hrefs = await page.eval_on_selector_all("[href]", "all => all.map((each) => each.href)")
    assert not [href for href in hrefs if re.match("javascript|data|vbscript", href)]

    form = await edit(page)
    await expect(form.get_by_label("First name")).to_have_value(HOSTILE)
    await form.get_by_label("Last name").fill(HOSTILE)
    # Both change a field, to see the other's value beside one's own.
    await change_contact(api, contact_id, last_name=f"{HOSTILE}2")
    await expect(form.get_by_test_id("clash")).to_contain_text(f"{HOSTILE}2")
    await form.get_by_role("button", name="Keep mine").click()
    await save(page)
    await page.get_by_role("button", name="Delete").click()
    await expect(toast(page, f"{HOSTILE} {HOSTILE} is deleted")).to_be_visible()
    assert await page.locator("img[src='x']").count() == 0
    assert (await page.evaluate("({}).x")) is None


async def test_all_is_done_by_the_keyboard_alone(open_page: OpenPage, sign_in: SignIn) -> None:
    api = sign_in()
    for name in ("Newsletter", "VIP", "Vintage"):
        await api.post("/api/tags", {"name": name})
    contact_id = await make_contact(api, first_name="Mia")
    page = await open_page(f"/contacts/{contact_id}")
    await expect(page.get_by_role("heading", name="Mia")).to_be_visible()
    keyboard = page.keyboard
    await keyboard.press("e")
    await keyboard.press("Tab")
    await keyboard.type("Keller")
    tags = page.get_by_role("combobox", name="Tags")
    for _ in range(20):
        await keyboard.press("Tab")
        if await tags.evaluate("element => element === document.activeElement"):
            break
    await keyboard.type("vi")
    options = page.get_by_role("form").get_by_role("listbox").get_by_role("option")
    await expect(options).to_have_text(["Vintage", "VIP"])
    await keyboard.press("ArrowDown")
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    await keyboard.press("Enter")
    await keyboard.press("ArrowDown")
    # It closes the list of labels only, not the form.
    await keyboard.press("Escape")
    await expect(options).to_have_count(0)
    await keyboard.type("news")
    await keyboard.press("Enter")
    await keyboard.press("Backspace")
    await expect(page.get_by_role("button", name="Remove Newsletter")).to_have_count(0)
    await keyboard.press("Control+Enter")
    await expect(page.get_by_role("heading", name="Mia Keller")).to_be_visible()
    await expect(fact(page, "Tags")).to_have_text("VIP")
    await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_focused()
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await expect(page.get_by_test_id("deleted")).to_be_visible()
    # The button is gone, the focus is not.
    await expect(page.get_by_role("heading", name="Mia Keller")).to_be_focused()
    await keyboard.press("Tab")
    await keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_focused()


async def test_no_state_of_the_page_breaks_a_rule(open_page: OpenPage, sign_in: SignIn) -> None:
    """By axe, light and dark, wide and narrow: also what is seen only when something is wrong."""
    api = sign_in("admin")
    await api.post("/api/tags", {"name": "VIP", "color": "#b45309"})
    contact_id = await make_contact(api, first_name="Mia", company="Keller")
    page = await open_page(f"/contacts/{contact_id}")
    found: list[str] = []
    form = await edit(page)
    await form.get_by_label("Company").fill("Mine")
    await form.get_by_label("Birthday").fill("no day")
    await form.get_by_role("button", name="Add an e-mail").click()
    await page.keyboard.type("no address")
    await change_contact(api, contact_id, company="Theirs", notes="New")
    await expect(form.get_by_test_id("clash")).to_be_visible()
    await page.get_by_role("button", name="Save").click()
    await form.get_by_role("combobox", name="Tags").press("ArrowDown")
    found += await _faults(page, "a form with clashes and faults")
    await page.goto(page.url.replace(contact_id, "no-such-contact-1"))
    await expect(page.get_by_test_id("missing")).to_be_visible()
    found += await _faults(page, "no such contact")
    await page.go_back()
    await expect(page.get_by_test_id("draft")).to_be_visible()
    found += await _faults(page, "a draft")
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_test_id("deleted")).to_be_visible()
    found += await _faults(page, "a deleted contact")
    assert not found, "\n".join(found)


async def test_a_phone_shows_all_of_it_without_scrolling_sideways(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitän" * 3
    await make_contact(
        sign_in(),
        first_name=long,
        emails=[{"value": f"{long[:60]}@example.com", "label": long[:90]}],
        websites=[{"value": f"https://example.com/{long}"}],
        custom={long[:99]: long},
        addresses=[{"street": long, "city": long[:100]}],
    )
    page = await open_page("/contacts", width=360, height=740)
    await page.get_by_role("link", name=long).first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(long)
    # The list is gone, and with it the link that had the focus.
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await expect(page.get_by_role("link", name="Back to the list")).to_be_visible()
    assert await _overflow(page) == 0
    await edit(page)
    assert await _overflow(page) == 0


async def _faults(page: Page, what: str) -> list[str]:
    found = []
    for width in (1280, 360):
        await page.set_viewport_size({"width": width, "height": 800})
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await expect(page.locator("h1:visible")).to_have_count(1)
            where = f"{what}, {width} px, {scheme}"
            found += [f"{where}: {each}" for each in await violations(page)]
        if await _overflow(page):
            found.append(f"{what}: wider than {width} px")
    await page.set_viewport_size({"width": 1280, "height": 800})
    return found


async def _overflow(page: Page) -> int:
    """By how many pixels the page, or the part of it that scrolls, is wider than it shows."""
    width: int = await page.evaluate(
        "Math.max(...['html', '#view'].map((s) => document.querySelector(s))"
        ".map((e) => e.scrollWidth - e.clientWidth))"
    )
    return width
