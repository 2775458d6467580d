"""The list of contacts while others write, and while the network is away."""

from __future__ import annotations

import asyncio
import re

import asyncpg
from playwright.async_api import WebSocketRoute, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.contacts import change_contact, make_contact
from tests.browser.support.lists import (
    fill,
    grid,
    leave_the_list,
    named,
    row,
    scroll_to,
    shows_total,
)
from tests.integration.support.servers import Company

pytestmark = ON_THE_SERVERS_LOOP

# Which rows glowed, whether or not they still do when it is asked.
WATCH_GLOWING = """() => {
  window.glowed = "";
  new MutationObserver(() => {
    for (const row of document.querySelectorAll(".grid-row-glow")) window.glowed += row.innerText;
  }).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


async def test_what_another_changes_is_seen_in_its_row_within_a_second(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    mia = await make_contact(sign_in("manager"), first_name="Mia", company="Before")
    page = await open_page()
    other = await open_page("/contacts", "admin")
    await expect(named(page, "Mia")).to_contain_text("Before")
    await other.goto(f"{other.url.split('#')[0]}#/contacts/{mia}")
    await other.get_by_role("button", name="Edit", exact=True).click()
    await other.get_by_label("Company").fill("After <b>")
    await page.evaluate(WATCH_GLOWING)
    await other.get_by_role("button", name="Save").click()
    await expect(named(page, "Mia")).to_contain_text("After <b>")
    assert "After <b>" in await page.evaluate("window.glowed")
    await expect(named(page, "Mia")).not_to_have_class(re.compile("grid-row-glow"))


async def test_what_changed_before_the_line_stood_is_seen_when_it_does(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    mia = await make_contact(sign_in("manager"), first_name="Mia", company="Before")
    page = await open_page()
    changed = asyncio.Event()

    async def late(socket: WebSocketRoute) -> None:
        await changed.wait()
        socket.connect_to_server()

    await page.route_web_socket(re.compile("socket.io"), late)
    await page.reload()
    await expect(named(page, "Mia")).to_contain_text("Before")
    await change_contact(sign_in("manager"), mia, company="After")
    changed.set()
    await expect(named(page, "Mia")).to_contain_text("After")


async def test_rows_do_not_jump_while_the_list_is_used_and_the_changes_are_counted(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    ids = [await make_contact(manager, first_name=f"Name {n}") for n in range(1, 6)]
    page = await open_page()
    await row(page, 2).hover()
    await make_contact(manager, first_name="Aaron")
    await make_contact(manager, first_name="Abel")
    await change_contact(manager, ids[4], first_name="Able")
    await manager.delete(f"/api/contacts/{ids[0]}")
    pill = page.get_by_test_id("pill")
    await expect(pill).to_have_text("4 new changes – show")
    await expect(row(page, 1)).to_contain_text("Name 1")
    await expect(named(page, "Name 1")).to_contain_text("deleted")
    await shows_total(page, "6")
    await pill.click()
    await expect(row(page, 1)).to_contain_text("Aaron")
    await expect(row(page, 3)).to_contain_text("Able")
    await expect(named(page, "Name 1")).to_have_count(0)
    await expect(pill).to_have_count(0)


async def test_new_contacts_come_by_themselves_while_nobody_uses_the_list(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in("manager")
    await make_contact(manager, first_name="Mia")
    page = await open_page()
    await expect(row(page, 1)).to_contain_text("Mia")
    await leave_the_list(page)
    await make_contact(manager, first_name="Ann")
    await expect(row(page, 1)).to_contain_text("Ann")
    await shows_total(page, "2")
    await expect(page.get_by_test_id("pill")).to_have_count(0)


async def test_totals_of_a_filtered_list_follow_rows_that_are_not_on_hand(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 1_500)
    page = await open_page("/contacts?has_email=true")
    await shows_total(page, "1,286")
    await row(page, 3).hover()
    await sql.execute(
        "UPDATE contacts SET emails = '[]' "
        "WHERE tenant_id = $1 AND id BETWEEN 'contact-001401' AND 'contact-001403'",
        company.tenant,
    )
    await shows_total(page, "1,283")
    await expect(page.get_by_test_id("pill")).to_have_text("3 new changes – show")


async def test_what_was_missed_offline_is_read_again_in_place(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 600)
    page = await open_page()
    await expect(row(page, 1)).to_contain_text("Person 000001")
    await scroll_to(page, 400)
    await expect(row(page, 405)).to_contain_text("Person 000405")
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("offline-banner")).to_be_visible(timeout=60_000)
    await sql.execute(
        "UPDATE contacts SET company = 'Missed' WHERE tenant_id = $1 AND id = 'contact-000405'",
        company.tenant,
    )
    await page.context.set_offline(False)
    await expect(row(page, 405)).to_contain_text("Missed", timeout=60_000)
    assert await grid(page).evaluate("(grid) => grid.scrollTop") == 399 * 40


async def test_an_edit_that_waits_shows_in_its_row_wherever_that_is(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await fill(sql, company, 600)
    page = await open_page()
    await expect(row(page, 1)).to_contain_text("Person 000001")
    await scroll_to(page, 400)
    await row(page, 405).get_by_role("link").click()
    await page.get_by_role("button", name="Edit", exact=True).click()
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("offline-banner")).to_be_visible(timeout=60_000)
    await page.get_by_label("Company").fill("Waits Ltd")
    await page.get_by_role("button", name="Save").click()
    await expect(named(page, "Person 000405")).to_contain_text("Waits Ltd")
    await expect(named(page, "Person 000405")).to_contain_text("unsent")
    await page.context.set_offline(False)
    await expect(named(page, "Person 000405")).not_to_contain_text("unsent", timeout=60_000)
    await expect(named(page, "Person 000405")).to_contain_text("Waits Ltd")
