"""How one gets around: the menu of a phone, where the focus goes, the skip link, the keys."""

from __future__ import annotations

import asyncio
import re

from playwright.async_api import Route, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn

pytestmark = ON_THE_SERVERS_LOOP
VIEWS = ["Contacts", "Import", "Devices", "Statistics", "Activity", "Labels", "Administration"]


async def test_the_focus_goes_to_the_heading_of_each_view(open_page: OpenPage) -> None:
    page = await open_page("/contacts", "admin")
    await expect(page.get_by_role("heading", level=1)).to_be_visible()
    # As the page is opened, the first thing that Tab meets is the way past the menu.
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    for name in [*VIEWS[1:], VIEWS[0]]:
        link = page.get_by_role("navigation", name="Views").get_by_role("link", name=name)
        await link.focus()
        await page.keyboard.press("Enter")
        await expect(link).to_have_attribute("aria-current", "page")
        heading = page.locator("main h1")
        await expect(heading).to_have_count(1)
        await expect(page.locator("main h1:focus, main:focus")).to_have_count(1)
        await expect(page).to_have_title(re.compile("· Fieldbook$"))


async def test_the_focus_follows_to_a_page_within_a_view(open_page: OpenPage) -> None:
    page = await open_page("/administration/agents", "admin")
    tabs = page.get_by_role("navigation", name="Administration")
    await tabs.get_by_role("link", name="Settings").press("Enter")
    await expect(page.get_by_role("heading", level=1, name="Settings")).to_be_focused()
    await expect(page).to_have_title("Settings · Fieldbook")
    await page.go_back()
    await expect(page.get_by_role("heading", level=1, name="Agents")).to_be_focused()


async def test_the_focus_stays_on_a_heading_that_comes_late(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    enrolled = await sign_in().post("/api/devices/enrol", {"agent_code": "agent", "name": "Pixel"})
    page = await open_page("/devices")
    link = page.get_by_role("link", name="Pixel")
    await expect(link).to_be_visible()
    arrived = asyncio.Event()

    async def late(route: Route) -> None:
        await arrived.wait()
        await route.continue_()

    await page.route(f"**/api/devices/{enrolled.json['device']['id']}*", late)
    await link.press("Enter")
    await expect(page).to_have_url(re.compile("#/devices/."))
    await expect(page.locator("#view:focus-within")).to_have_count(1)
    arrived.set()
    await expect(page.get_by_role("heading", level=1, name="Pixel")).to_be_focused()


async def test_the_skip_link_leads_past_the_menu(open_page: OpenPage) -> None:
    page = await open_page("/labels")
    await expect(page.get_by_role("button", name="New tag")).to_be_visible()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("main")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("button", name="New tag")).to_be_focused()
    await expect(page).to_have_url(re.compile("#/labels"))


async def test_a_phones_menu_opens_and_closes_by_key_and_finger(open_page: OpenPage) -> None:
    page = await open_page("/labels", "admin", width=360, height=740)
    navigation = page.get_by_role("navigation", name="Views")
    button = page.get_by_role("button", name="Menu")
    await expect(button).to_have_attribute("aria-expanded", "false")
    await expect(navigation).to_be_hidden()
    await button.press("Enter")
    await expect(button).to_have_attribute("aria-expanded", "true")
    await expect(navigation.get_by_role("link", name="Labels")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(navigation).to_be_hidden()
    await expect(button).to_be_focused()

    await button.click()
    await expect(navigation).to_be_visible()
    await page.mouse.click(330, 600)
    await expect(navigation).to_be_hidden()

    await button.click()
    await button.click()
    await expect(navigation).to_be_hidden()

    await button.click()
    await navigation.get_by_role("link", name="Administration").click()
    await expect(navigation).to_be_hidden()
    await expect(page.get_by_role("heading", level=1, name="Agents")).to_be_focused()

    # The focus that leaves it closes it.
    await button.click()
    await expect(navigation.get_by_role("link", name="Administration")).to_be_focused()
    for _ in VIEWS:
        await page.keyboard.press("Tab")
    await expect(navigation).to_be_hidden()


async def test_the_keys_are_told_by_a_question_mark(open_page: OpenPage) -> None:
    page = await open_page("/labels")
    await expect(page.get_by_role("button", name="New tag")).to_be_visible()
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    for key in ("/", "j", "k", "x", "e", "n", "Enter", "Esc", "?"):
        await expect(dialog.get_by_text(key, exact=True).first).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await page.get_by_role("button", name="Keyboard help").click()
    await expect(dialog).to_be_visible()
    await dialog.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("button", name="Keyboard help")).to_be_focused()


async def test_a_slash_leads_to_the_search_of_any_view(open_page: OpenPage) -> None:
    page = await open_page("/labels")
    await page.get_by_role("button", name="New tag").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("A/B ?")
    await page.keyboard.press("Enter")
    # The change may come before the answer, with which the dialog closes.
    await expect(page.get_by_test_id("labels")).to_contain_text("A/B ?")
    await expect(dialog).to_have_count(0)
    await page.keyboard.press("/")
    await expect(page.get_by_label("Find")).to_be_focused()
    # There it is a sign like others.
    await page.keyboard.type("/?")
    await expect(page.get_by_label("Find")).to_have_value("/?")
    await page.get_by_role("link", name="Statistics").click()
    await expect(page.get_by_role("heading", level=1, name="Statistics")).to_be_visible()
    await page.keyboard.press("/")
    await expect(page).to_have_url(re.compile("#/contacts"))
