"""Agents, their keys and the company's settings, for admins; and one's own keys, for all."""

from __future__ import annotations

import re

from playwright.async_api import Page, expect

from server.errors import Unauthenticated
from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.integration.support.servers import Company, Server

pytestmark = ON_THE_SERVERS_LOOP


async def shown_key(page: Page) -> str:
    """The key that the dialog shows, which is closed then."""
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("It will not be shown again")
    key = await dialog.get_by_label("API key", exact=True).input_value()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await dialog.get_by_role("button", name="Copy the API key").click()
    # On the button it stands for two seconds only.
    await expect(page.get_by_test_id("toast").filter(has_text="Copied.")).to_be_visible()
    assert await page.evaluate("navigator.clipboard.readText()") == key
    await dialog.get_by_role("button", name="I have it").click()
    await expect(dialog).to_have_count(0)
    return key


async def test_an_agent_is_made_with_a_key_that_is_shown_once(
    open_page: OpenPage, server: Server, company: Company
) -> None:
    page = await open_page("/administration", "admin")
    await page.get_by_role("button", name="New agent").click()
    dialog = page.get_by_role("dialog", name="New agent")
    await dialog.get_by_label("Name").fill("Zoë van Dam")
    await expect(dialog.get_by_label("Code")).to_have_value("zoe.van.dam")
    await dialog.get_by_label("Manager").check()
    await dialog.get_by_role("button", name="Make the agent").click()
    # Escape does not lose the key.
    await expect(page.get_by_role("dialog", name="A new key for Zoë van Dam")).to_be_visible()
    await page.keyboard.press("Escape")
    key = await shown_key(page)
    row = page.get_by_role("row", name="Zoë van Dam")
    await expect(row).to_contain_text("Manager")
    await expect(row).to_contain_text("1 key")
    await expect(row).to_contain_text("never")
    actor = await server.parts.auth.authenticate(key)
    assert (actor.tenant, actor.code, actor.role) == (company.tenant, "zoe.van.dam", "manager")
    assert key not in await page.content()


async def test_what_the_server_refuses_of_a_new_agent_stands_at_its_field(
    open_page: OpenPage,
) -> None:
    page = await open_page("/administration/agents", "admin")
    await page.get_by_role("button", name="New agent").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("Another manager")
    await dialog.get_by_label("Code").fill("Manager")
    await dialog.get_by_role("button", name="Make the agent").click()
    code = dialog.get_by_label("Code")
    await expect(code).to_have_attribute("aria-invalid", "true")
    await expect(dialog).to_contain_text("There is already an agent with this code")
    await code.fill("no blanks")
    await dialog.get_by_role("button", name="Make the agent").click()
    await expect(dialog).to_contain_text("This must be 1 to 64 of letters")
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("row", name="Another manager")).to_have_count(0)


async def test_an_agent_is_renamed_given_another_role_and_disabled(
    open_page: OpenPage, sign_in: SignIn, server: Server, company: Company
) -> None:
    page = await open_page("/administration/agents", "admin")
    await page.get_by_role("button", name="Change Agent").click()
    dialog = page.get_by_role("dialog", name="Change Agent")
    await dialog.get_by_label("Name").fill("Ann Lee")
    await dialog.get_by_label("Manager").check()
    await dialog.get_by_role("button", name="Save").click()
    row = page.get_by_role("row", name="Ann Lee")
    await expect(row).to_contain_text("Manager")
    agent = (await sign_in("admin").get(f"/api/auth/agents/{company.agents['agent']}")).json
    assert (agent["name"], agent["role"]) == ("Ann Lee", "manager")

    await page.get_by_role("button", name="Disable Ann Lee").click()
    await page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    await expect(row).to_contain_text("Disabled")
    assert (await sign_in("agent").get("/api/auth/verify")).status == 401

    await page.get_by_role("button", name="Enable Ann Lee").click()
    await page.get_by_role("dialog").get_by_role("button", name="Enable").click()
    await expect(row).to_contain_text("Active")
    assert (await sign_in("agent").get("/api/auth/verify")).status == 200


async def test_the_last_admin_stays_one(open_page: OpenPage) -> None:
    page = await open_page("/administration/agents", "admin")
    row = page.get_by_role("row", name="Admin you")
    await page.get_by_role("button", name="Disable Admin").click()
    await page.get_by_role("dialog").get_by_role("button", name="Disable").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("This is the last admin")
    await expect(row).to_contain_text("Active")
    await page.get_by_role("button", name="Change Admin").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Manager").check()
    await expect(dialog).to_contain_text("This is you")
    await dialog.get_by_role("button", name="Save").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("This is the last admin")


async def test_an_admin_makes_and_revokes_a_key_for_somebody(
    open_page: OpenPage, server: Server, company: Company
) -> None:
    page = await open_page("/administration/keys", "admin")
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    await dialog.get_by_label("Agent").select_option(company.agents["api"])
    await dialog.get_by_label("Name").fill("Newsletter")
    await dialog.get_by_role("button", name="Make the key").click()
    key = await shown_key(page)
    assert (await server.parts.auth.authenticate(key)).code == "api"
    row = page.get_by_role("row", name="Newsletter")
    await expect(row).to_contain_text("Api")
    await expect(row).to_contain_text(key[:8])
    await expect(row).to_contain_text("by Admin")

    await page.get_by_role("button", name="Revoke “Newsletter”").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    await expect(row).to_have_count(0)
    # The button that had the focus is gone.
    await expect(page.get_by_role("heading", level=1)).to_be_focused()
    await page.get_by_label("Show revoked keys").check()
    await expect(row).to_contain_text("Revoked")
    await expect(page).to_have_url(re.compile(r"revoked=true"))
    try:
        await server.parts.auth.authenticate(key)
        raise AssertionError("A revoked key still lets in.")
    except Unauthenticated:
        pass


async def test_the_keys_of_one_agent_are_in_the_address(
    open_page: OpenPage, company: Company
) -> None:
    page = await open_page("/administration/agents", "admin")
    await page.get_by_role("row", name="Manager").get_by_role("link", name="1 key").click()
    await expect(page.get_by_role("heading", level=1)).to_have_text("API keys")
    rows = page.get_by_test_id("keys").locator("tbody tr")
    await expect(rows).to_have_count(1)
    await page.reload()
    await expect(rows).to_have_count(1)
    await expect(page.get_by_label("Agent")).to_have_value(company.agents["manager"])


async def test_whoever_revokes_the_own_key_is_warned_and_signed_out(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/keys", "manager")
    await expect(page.get_by_test_id("keys")).to_contain_text("Signed in with")
    await page.get_by_role("button", name=re.compile("^Revoke")).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Revoke the key you are signed in with?")
    await dialog.get_by_role("button", name="Cancel").click()
    assert (await sign_in("manager").get("/api/auth/verify")).status == 200
    await page.get_by_role("button", name=re.compile("^Revoke")).click()
    await dialog.get_by_role("button", name="Revoke").click()
    await expect(page.get_by_test_id("why")).to_contain_text("revoked")
    assert (await sign_in("manager").get("/api/auth/verify")).status == 401


async def test_everybody_makes_keys_of_their_own_from_the_name_in_the_bar(
    open_page: OpenPage, server: Server, company: Company
) -> None:
    page = await open_page("/contacts", "agent")
    await page.get_by_role("link", name="Agent: your keys").click()
    await expect(page.get_by_role("heading", level=1, name="Your keys")).to_be_focused()
    await page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    await expect(dialog).to_contain_text("For Agent")
    await dialog.get_by_label("Name").fill("My laptop")
    await page.keyboard.press("Enter")
    key = await shown_key(page)
    assert (await server.parts.auth.authenticate(key)).code == "agent"
    await expect(page.get_by_role("row", name="My laptop")).to_contain_text("Valid")
    # What is for admins is not there, not by its address either.
    await expect(page.get_by_role("link", name="Administration")).to_have_count(0)
    await page.goto(f"{server.url}/#/administration/agents")
    await expect(page).to_have_url(re.compile("#/contacts"))


async def test_only_changed_settings_are_sent_and_undo_puts_them_back(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/administration/settings", "admin")
    before = (await sign_in("admin").get("/api/tenant")).json
    save = page.get_by_role("button", name="Save")
    await expect(save).to_be_disabled()
    await page.get_by_label("Tags a contact may have").fill("20")
    await page.get_by_label("is made, with a warning").check()
    await expect(page.get_by_test_id("settings")).to_contain_text("2 changes not saved")
    # What somebody else changes meanwhile stays.
    await sign_in("admin").patch("/api/tenant", {"conflict_days": 3})
    async with page.expect_request(lambda request: request.method == "PATCH") as sent:
        await save.click()
    assert (await sent.value).post_data_json == {"max_tags": 20, "duplicates": "warn"}
    await expect(page.get_by_test_id("toast")).to_contain_text("saved")
    after = (await sign_in("admin").get("/api/tenant")).json
    assert after == {**before, "max_tags": 20, "duplicates": "warn", "conflict_days": 3}
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_label("Tags a contact may have")).to_have_value("100")
    after = (await sign_in("admin").get("/api/tenant")).json
    assert after == {**before, "conflict_days": 3}


async def test_what_the_server_says_of_a_setting_stands_at_its_field(open_page: OpenPage) -> None:
    page = await open_page("/administration/settings", "admin")
    country = page.get_by_label("Country", exact=True)
    await country.fill("xx")
    await page.get_by_label("Days for which").fill("1000")
    await page.keyboard.press("Enter")
    await expect(country).to_be_focused()
    await expect(country).to_have_attribute("aria-invalid", "true")
    settings = page.get_by_test_id("settings")
    await expect(settings).to_contain_text("This must be a country of two letters")
    await expect(page.get_by_label("Days for which")).to_have_attribute("aria-invalid", "true")
    await country.fill("at")
    await expect(settings).to_contain_text("AT is Austria")
    await page.get_by_label("Days for which").fill("10")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("saved")
    await expect(country).to_have_value("AT")
