"""Signing in and out, and what becomes of the address, of unsent edits and of other tabs."""

from __future__ import annotations

import re

from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.chromium import Complaints, new_context
from tests.integration.support.servers import Company, Server
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP
STRANGER = "fb_00000000000000000000000000000000"


async def stored(page: Page) -> list[str | None]:
    """The key as kept for the tab, and for the browser."""
    kept: list[str | None] = await page.evaluate(
        "[sessionStorage, localStorage].map((each) => each.getItem('fieldbook.api_key'))"
    )
    return kept


async def test_a_shared_link_opens_after_signing_in(open_page: OpenPage, company: Company) -> None:
    page = await open_page("/labels?kind=group&search=north", None)
    field = page.get_by_label("API key")
    await expect(field).to_be_focused()
    # As it is pasted out of a message.
    await field.fill(f'  "{company.keys["agent"]}"  ')
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("link", name="Groups")).to_have_attribute("aria-current", "page")
    await expect(page).to_have_url(re.compile(re.escape("#/labels?kind=group&search=north")))
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    # Kept for the browser's session, and no longer.
    assert await stored(page) == [company.keys["agent"], None]
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")


async def test_who_asks_for_it_stays_signed_in(open_page: OpenPage, company: Company) -> None:
    page = await open_page("/labels", None)
    await page.get_by_label("API key").fill(company.keys["agent"])
    await page.get_by_label("Stay signed in").check()
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    assert await stored(page) == [None, company.keys["agent"]]
    tab = await open_page("/labels", None, context=page.context)
    await expect(tab.get_by_test_id("connection")).to_have_text("Live")
    # Signing out means every tab.
    await page.get_by_role("button", name="Sign out").click()
    await expect(tab.get_by_test_id("why")).to_contain_text("another tab")
    assert await stored(tab) == [None, None]
    await tab.reload()
    await expect(tab.get_by_label("API key")).to_be_visible()


async def test_a_key_that_is_wrong_is_told_with_what_to_do(open_page: OpenPage) -> None:
    page = await open_page("/contacts", None)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_have_text("Enter your API key.")
    field = page.get_by_label("API key")
    for typed, told in (
        ("fb_abc…", "only plain letters"),
        ("fb_abc def", "a space"),
        (STRANGER, "This API key is wrong or was revoked. Ask your admin for one."),
    ):
        await field.fill(typed)
        await expect(page.get_by_role("alert")).to_have_count(0)
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("alert")).to_contain_text(told)
        await expect(field).to_be_focused()
        await expect(field).to_have_attribute("aria-invalid", "true")
    assert await stored(page) == [None, None]


async def test_the_key_is_hidden_until_one_shows_it(open_page: OpenPage) -> None:
    page = await open_page("/contacts", None)
    field = page.get_by_label("API key")
    await field.fill(STRANGER)
    await expect(field).to_have_attribute("type", "password")
    show = page.get_by_role("button", name="Show the key")
    await show.click()
    await expect(field).to_have_attribute("type", "text")
    await expect(show).to_have_attribute("aria-pressed", "true")
    await show.click()
    await expect(field).to_have_attribute("type", "password")
    await expect(field).to_have_value(STRANGER)


async def test_a_server_that_is_away_is_told_apart_from_a_wrong_key(
    open_page: OpenPage, company: Company
) -> None:
    page = await open_page("/contacts", None)
    await page.get_by_label("API key").fill(company.keys["agent"])
    await page.context.set_offline(True)
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("The server can't be reached")
    await page.context.set_offline(False)
    await page.get_by_label("API key").press("Enter")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")


async def test_who_is_signed_in_waits_for_a_server_that_is_away(
    chromium: Browser, server: Server, company: Company, complaints: Complaints
) -> None:
    context = await new_context(chromium)
    await context.add_init_script(
        f"localStorage['fieldbook.api_key'] ??= '{company.keys['agent']}'"
    )
    page = await context.new_page()
    complaints.watch(page)
    away = "**/api/auth/verify"
    await page.route(away, lambda route: route.abort())
    await page.goto(f"{server.url}/#/labels?kind=type")
    await expect(page.get_by_test_id("why")).to_contain_text("The server can't be reached")
    await expect(page.get_by_text("You are still signed in")).to_be_visible()
    await expect(page.get_by_label("API key")).to_have_count(0)
    await page.unroute(away)
    # By itself, without a press of the button.
    await expect(page.get_by_role("link", name="Types")).to_have_attribute("aria-current", "page")
    await context.close()


async def test_a_key_that_is_tried_in_the_api_s_pages_is_not_kept(
    open_page: OpenPage, company: Company, server: Server
) -> None:
    page = await open_page("/contacts", None)
    await page.goto(f"{server.url}/docs")
    await page.get_by_role("button", name="Authorize").first.click()
    form = page.locator(".auth-container").first
    await form.locator("input").fill(company.keys["agent"])
    await form.locator("button[type=submit]").click()
    await expect(form.get_by_text("Logout")).to_be_visible()

    kept = await page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")

    assert company.keys["agent"] not in kept


async def test_whoever_is_cut_off_is_told_why(
    open_page: OpenPage, sign_in: SignIn, company: Company
) -> None:
    page = await open_page("/labels", "manager")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await page.get_by_role("button", name="New tag").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await sign_in("admin").delete(f"/api/auth/keys/{company.key_ids['manager']}")
    await expect(page.get_by_test_id("why")).to_contain_text("was revoked")
    # Nothing of the person's stays open over the page.
    await expect(page.get_by_role("dialog")).to_have_count(0)
    other = await open_page("/labels", "agent")
    await expect(other.get_by_test_id("connection")).to_have_text("Live")
    await sign_in("admin").patch(f"/api/auth/agents/{company.agents['agent']}", {"disabled": True})
    await expect(other.get_by_test_id("why")).to_contain_text("disabled")


async def test_signing_out_warns_of_unsent_edits_and_keeps_them_for_the_same_agent(
    open_page: OpenPage, sign_in: SignIn, company: Company
) -> None:
    page = await open_page("/labels", None)
    await page.get_by_label("API key").fill(company.keys["agent"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    # Without a network its view could not be loaded.
    await expect(page.get_by_role("button", name="New tag")).to_be_visible()
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("offline-banner")).to_be_visible(timeout=60_000)
    await page.get_by_role("button", name="New tag").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("Made offline")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("waiting")).to_have_text("1 unsent")
    await page.get_by_role("button", name="Sign out").click()
    dialog = page.get_by_role("dialog", name="1 change is not sent yet")
    await expect(dialog).to_contain_text("when Agent signs in here again")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_test_id("waiting")).to_have_text("1 unsent")
    await page.get_by_role("button", name="Sign out").click()
    await dialog.get_by_role("button", name="Sign out all the same").click()
    field = page.get_by_label("API key")
    await expect(field).to_be_visible()
    await page.context.set_offline(False)

    # Somebody else, in the same browser, neither sees nor sends it.
    await field.fill(company.keys["manager"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await expect(page.get_by_test_id("waiting")).to_have_count(0)
    await expect(page.get_by_text("There is no tag yet")).to_be_visible()
    await page.get_by_role("button", name="Sign out").click()
    assert (await sign_in("agent").get("/api/tags")).json["total"] == 0

    await field.fill(company.keys["agent"])
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("row", name="Made offline")).to_be_visible()
    await expect(page.get_by_test_id("waiting")).to_have_count(0)

    async def is_sent() -> bool:
        tags = (await sign_in("agent").get("/api/tags")).json["items"]
        return [tag["name"] for tag in tags] == ["Made offline"]

    await until(is_sent)
