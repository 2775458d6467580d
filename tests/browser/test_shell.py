"""What stands around every view: signing in, the address, the line that is lost."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.lines import Line
from tests.integration.support.servers import Company

pytestmark = ON_THE_SERVERS_LOOP


async def test_the_dashboard_is_live_once_signed_in(open_page: OpenPage) -> None:
    page = await open_page("/contacts", "manager")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await expect(page).to_have_title(re.compile("Contacts · Fieldbook"))


async def test_who_may_not_see_a_page_is_told_why_and_sees_the_contacts(
    open_page: OpenPage,
) -> None:
    page = await open_page("/statistics?days=7", "agent")
    toast = page.get_by_test_id("toast")
    words = "“Statistics” is for managers and admins, and you are signed in as an agent."
    await expect(toast).to_have_text(words, use_inner_text=True)
    await expect(page).to_have_url(re.compile("#/contacts$"))
    await expect(page).to_have_title(re.compile("^Contacts"))
    manager = await open_page("/administration", "manager")
    await expect(manager.get_by_test_id("toast")).to_contain_text("is for admins")
    await manager.goto(manager.url.split("#")[0] + "#/nowhere")
    nowhere = manager.get_by_test_id("toast").filter(has_text="There is no page")
    await expect(nowhere).to_be_visible()
    # An address without a page is nothing to talk about.
    bare = await open_page("/", "agent")
    await expect(bare.get_by_role("heading", level=1)).to_contain_text("Contacts")
    await expect(bare.get_by_test_id("toast")).to_have_count(0)


async def test_another_role_and_name_show_at_once_without_a_reload(
    open_page: OpenPage, sign_in: SignIn, company: Company
) -> None:
    admin = sign_in("admin")
    mine = f"/api/auth/agents/{company.agents['agent']}"
    page = await open_page("/devices", "agent")
    await expect(page.get_by_role("heading", name="Your devices")).to_be_visible()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await page.evaluate("document.body.dataset.same = 'yes'")

    assert (await admin.patch(mine, {"role": "manager", "name": "Rosa"})).status == 200

    # What goes away by itself comes first.
    await expect(page.get_by_test_id("toast")).to_contain_text("you are a manager now")
    views = page.get_by_role("navigation", name="Views")
    await expect(views.get_by_role("link", name="Statistics")).to_be_visible()
    await expect(page.get_by_role("link", name="Rosa: your keys")).to_be_visible()
    await expect(page.get_by_role("heading", name="Devices", exact=True)).to_be_visible()
    await views.get_by_role("link", name="Statistics").click()
    await expect(page.get_by_role("heading", level=1, name="Statistics")).to_be_visible()

    assert (await admin.patch(mine, {"role": "agent"})).status == 200

    told = page.get_by_test_id("toast").filter(has_text="is for managers and admins")
    await expect(told).to_be_visible()
    await expect(page).to_have_url(re.compile("#/contacts$"))
    await expect(views.get_by_role("link", name="Statistics")).to_have_count(0)
    assert await page.evaluate("document.body.dataset.same") == "yes"


async def test_an_edit_that_is_being_typed_is_kept_when_the_role_becomes_another(
    open_page: OpenPage, sign_in: SignIn, company: Company
) -> None:
    made = await sign_in("agent").post("/api/contacts", {"first_name": "Ann"})
    contact = made.json["contact"]["id"]
    page = await open_page(f"/contacts/{contact}", "agent")
    await page.get_by_role("button", name="Edit").click()
    await page.get_by_label("Company").fill("Lee Ltd")
    await sign_in("admin").patch(f"/api/auth/agents/{company.agents['agent']}", {"role": "manager"})
    await expect(page.get_by_test_id("toast")).to_contain_text("you are a manager now")
    await page.get_by_role("button", name="Restore").click()
    await expect(page.get_by_label("Company")).to_have_value("Lee Ltd")


async def test_another_role_that_came_while_the_line_was_away_is_learned_with_it(
    open_page: OpenPage, sign_in: SignIn, company: Company
) -> None:
    page = await open_page("/contacts", "agent")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await expect(page.get_by_role("heading", name="Contacts")).to_be_visible()
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("connection")).to_have_text("Offline", timeout=60_000)
    await sign_in("admin").patch(f"/api/auth/agents/{company.agents['agent']}", {"role": "manager"})
    await page.context.set_offline(False)
    toast = page.get_by_test_id("toast")
    await expect(toast).to_contain_text("you are a manager now", timeout=30_000)


async def test_what_others_wrote_while_the_first_line_did_not_come_is_seen_with_it(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/labels", "agent")
    line = await Line.of(page)
    await line.cut()
    await page.reload()
    await expect(page.get_by_test_id("nothing-yet")).to_be_visible()
    await expect(page.get_by_test_id("connection")).to_have_text("Offline")
    assert (await sign_in().post("/api/tags", {"name": "VIP"})).status == 201
    line.mend()
    await expect(page.get_by_test_id("connection")).to_have_text("Live", timeout=30_000)
    await expect(page.get_by_role("row", name="VIP")).to_be_visible()
