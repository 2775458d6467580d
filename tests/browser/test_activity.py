"""The activity: who did what to whom, as it happens, and without moving what somebody reads."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import asyncpg
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, MakeDevice, OpenPage, SignIn
from tests.browser.support.axe import violations
from tests.integration.support.devices import Device
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server

pytestmark = ON_THE_SERVERS_LOOP

HOSTILE = "<img src=x onerror=alert(1)>"


def entries(page: Page) -> Locator:
    return page.get_by_test_id("entry")


def entry(page: Page, text: str | re.Pattern[str]) -> Locator:
    return entries(page).filter(has_text=text)


def pill(page: Page) -> Locator:
    return page.get_by_test_id("new-entries")


async def make_contact(api: Api, **fields: Any) -> str:
    answer = await api.post("/api/contacts", fields)
    assert answer.status == 201, answer.text
    contact: str = answer.json["contact"]["id"]
    return contact


async def make_many(api: Api, count: int) -> None:
    for number in range(count):
        await make_contact(api, company=f"Company {number}")


@pytest_asyncio.fixture(loop_scope="module")
async def phone(make_device: MakeDevice, server: Server) -> Device:
    """An agent's phone with a name, connected."""
    phone = await make_device().connect()
    assert (await phone.sign_in(device={"name": "Agent's phone"}))["ok"]
    await server.parts.reports.flush()
    return phone


async def test_what_others_do_appears_on_top_with_who_whom_and_from_to(
    open_page: OpenPage, sign_in: SignIn, phone: Device
) -> None:
    manager = sign_in()
    tag = (await manager.post("/api/tags", {"name": "Trade fair"})).json["tag"]["id"]
    page = await open_page("/activity")
    await expect(entry(page, "Manager made the tag Trade fair")).to_be_visible()
    contact = await phone.create(first_name="Mia", last_name="Keller", company="Keller")
    await expect(entries(page).first).to_contain_text("Agent made the contact Mia Keller")
    answer = await phone.call(
        "contact_update",
        {
            "id": contact["id"],
            "changes": {
                "company": "Keller Ltd",
                "tag_ids": {"add": [tag]},
                "custom": {"size": "L"},
            },
        },
    )
    assert answer["ok"], answer
    newest = entries(page).first
    await expect(newest).to_contain_text("Agent edited the contact Mia Keller")
    await expect(newest).to_contain_text(re.compile(r"Company\s*from Keller → to Keller Ltd"))
    await expect(newest).to_contain_text(re.compile(r"Tags\s*added: Trade fair"))
    await expect(newest).to_contain_text(re.compile(r"size\s*L"))
    await expect(newest.get_by_role("link", name="Mia Keller")).to_have_attribute(
        "href", f"#/contacts/{contact['id']}"
    )
    await expect(newest.get_by_role("link", name="Agent's phone")).to_have_attribute(
        "href", f"#/devices/{phone.id}"
    )
    await expect(newest).to_contain_text("App or dashboard")
    assert await violations(page) == []


async def test_what_changes_no_row_appears_too(open_page: OpenPage, sign_in: SignIn) -> None:
    page = await open_page("/activity")
    signed_in = entry(page, re.compile(r"Manager signed in from 127\.0\.0\.1"))
    await expect(signed_in.first).to_be_visible()
    admin = sign_in("admin")
    await admin.patch("/api/tenant", {"max_tags": 7})
    await expect(entries(page).first).to_contain_text("Admin changed the settings of the company")
    await expect(entries(page).first).to_contain_text(re.compile(r"Max tags.*7", re.S))
    await expect(entries(page).first).to_contain_text("API")


async def test_an_agent_and_a_phone_that_are_new_are_named(
    open_page: OpenPage, sign_in: SignIn, make_device: MakeDevice
) -> None:
    page = await open_page("/activity")
    await expect(entry(page, "Manager signed in").first).to_be_visible()
    asked = {"agent_code": "carla", "agent_name": "Carla Rossi"}
    key = (await sign_in("admin").post("/api/auth/register", asked)).json["api_key"]
    enrolled = {"agent_code": "carla", "name": "Carla's phone"}
    device = (await sign_in().post("/api/devices/enrol", enrolled)).json["device"]["id"]
    phone = await make_device().connect()
    assert (await phone.call("auth", {"api_key": key, "device_id": device}))["ok"]
    await phone.create()
    await expect(entries(page).first).to_contain_text("Carla Rossi made the contact Ann")
    await expect(entries(page).first).to_contain_text("Carla's phone")
    await expect(entry(page, "enrolled the device Carla's phone")).to_have_count(1)


async def test_a_value_that_lost_is_told_as_overruled(
    open_page: OpenPage, sign_in: SignIn, phone: Device
) -> None:
    contact = await make_contact(sign_in(), company="Keller")
    await sign_in().patch(f"/api/contacts/{contact}", {"company": "Keller Ltd"})
    answer = await phone.call(
        "contact_update",
        {
            "id": contact,
            "edited_at": "2026-01-01T10:00:00Z",
            "base_version": 1,
            "changes": {"company": "Old Keller"},
        },
    )
    assert answer["conflicts"][0]["kept"] == "theirs"
    page = await open_page("/activity?outcome=lost")
    await expect(entries(page)).to_have_count(1)
    await expect(entries(page)).to_contain_text(
        re.compile("Agent wanted to edit the contact.*Overruled by a later edit.*Old Keller", re.S)
    )


async def test_while_somebody_reads_new_entries_are_counted_and_move_nothing(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in()
    await make_many(manager, 30)
    page = await open_page("/activity?entity=contact")
    # Once it knows who they were: nothing grows any more above what is measured.
    await expect(entry(page, "Manager made the contact Company 29")).to_have_count(1)
    await entry(page, "Company 5").first.scroll_into_view_if_needed()
    await expect(pill(page)).to_have_count(0)
    place = await entry(page, "Company 12").bounding_box()
    await make_contact(manager, company="New 1")
    await expect(pill(page)).to_have_text("1 new entry – show")
    await make_contact(manager, company="New 2")
    await expect(pill(page)).to_have_text("2 new entries – show")
    await expect(entry(page, "New 1")).to_have_count(0)
    moved = await entry(page, "Company 12").bounding_box()
    assert place is not None
    assert moved is not None
    # The button's own height at most: what one reads is held by the browser.
    assert abs(moved["y"] - place["y"]) < 2
    await pill(page).click()
    await expect(entries(page).first).to_contain_text("New 2")
    await expect(entries(page).nth(1)).to_contain_text("New 1")
    await expect(pill(page)).to_have_count(0)


async def test_new_entries_wait_while_the_pointer_is_in_the_list(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in()
    await make_contact(manager, company="Keller")
    page = await open_page("/activity?entity=contact")
    await entry(page, "Manager made the contact Keller").hover()
    await make_contact(manager, company="New")
    await expect(pill(page)).to_have_text("1 new entry – show")
    await expect(entry(page, "New")).to_have_count(0)
    await page.get_by_role("heading", name="Activity").hover()
    await expect(entries(page).first).to_contain_text("New")
    await expect(pill(page)).to_have_count(0)


async def test_filters_stand_in_the_address_and_hold_for_what_comes(
    open_page: OpenPage, sign_in: SignIn, phone: Device, company: Company
) -> None:
    manager = sign_in()
    contact = await make_contact(manager, company="Keller")
    await manager.post("/api/tags", {"name": "Trade fair"})
    await phone.call("contact_update", {"id": contact, "changes": {"notes": "By phone"}})
    page = await open_page("/activity")

    async def choose(name: str, option: str) -> None:
        await page.get_by_label(name, exact=True).select_option(option)

    await choose("Person", "Agent")
    await expect(entry(page, "Manager")).to_have_count(0)
    await expect(entry(page, "By phone")).to_have_count(1)
    assert page.url.endswith(f"#/activity?agent={company.agents['agent']}")
    await choose("What", "Contact")
    await expect(entries(page)).to_have_count(1)
    await choose("Person", "All")
    await expect(entries(page)).to_have_count(2)
    await choose("Done", "Made")
    await expect(entries(page)).to_have_count(1)
    await expect(entries(page)).to_contain_text("Manager made the contact")
    await choose("Done", "All")
    await choose("Field", "Notes")
    await expect(entries(page)).to_have_count(1)
    await expect(entries(page)).to_contain_text("By phone")
    await page.reload()
    await expect(page.get_by_label("Field", exact=True)).to_have_value("notes")
    await expect(entries(page)).to_have_count(1)
    # What comes and is not asked for does not appear; what is does.
    await manager.patch(f"/api/contacts/{contact}", {"company": "Keller Ltd"})
    await manager.patch(f"/api/contacts/{contact}", {"notes": "By the API"})
    await expect(entries(page)).to_have_count(2)
    await expect(entries(page).first).to_contain_text("By the API")
    await choose("Field", "All")
    await choose("What", "All")
    await choose("Device", "Agent's phone (Agent)")
    await expect(entry(page, "By phone")).to_have_count(1)
    await expect(entry(page, "Manager")).to_have_count(0)
    await choose("Outcome", "Refused")
    await expect(page.get_by_test_id("nothing-found")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await expect(entry(page, "Trade fair")).to_have_count(1)
    await expect(page.get_by_label("Outcome", exact=True)).to_have_value("")
    assert page.url.endswith("#/activity")


async def test_a_day_shows_what_was_done_on_it_alone(
    open_page: OpenPage, sign_in: SignIn, sql: asyncpg.Connection, company: Company
) -> None:
    manager = sign_in()
    for name in ("Keller", "Nowak"):
        await make_contact(manager, company=name)
    # A quarter to midnight in Berlin, and a quarter past it, are one day in UTC.
    await sql.execute("SET session_replication_role = replica")
    for name, time in (("Keller", "22:45"), ("Nowak", "23:15")):
        at = datetime.fromisoformat(f"2026-01-15T{time}:00Z")
        await sql.execute(
            "UPDATE audit_log SET at = $2 WHERE tenant_id = $1 AND after ->> 'company' = $3",
            *(company.tenant, at, name),
        )
    await sql.execute("RESET session_replication_role")
    page = await open_page("/activity")
    await page.get_by_label("Day", exact=True).fill("2026-01-15")
    await expect(entries(page)).to_have_count(1)
    await expect(entries(page)).to_contain_text("Keller")
    await expect(page).to_have_url(re.compile("day=2026-01-15"))
    await page.reload()
    await expect(page.get_by_label("Day", exact=True)).to_have_value("2026-01-15")
    await expect(entries(page)).to_have_count(1)
    await page.get_by_label("Day", exact=True).fill("")
    await expect(entry(page, "Nowak")).to_have_count(1)
    assert page.url.endswith("#/activity")


async def test_a_day_that_is_being_typed_stays_when_others_do_something(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/activity")
    await page.get_by_label("Day", exact=True).focus()
    # Day and month, in whichever order, and what is a year of long ago so far.
    await page.keyboard.type("11112")
    await make_contact(sign_in(), company="Keller")
    await expect(entry(page, "Keller")).to_have_count(1)
    await page.keyboard.type("025")
    await expect(page).to_have_url(re.compile("day=2025-11-11"))


async def test_on_a_phone_the_list_comes_first_and_the_filters_when_they_are_asked_for(
    open_page: OpenPage, company: Company
) -> None:
    address = f"/activity?agent={company.agents['manager']}"
    page = await open_page(address, width=360, height=740)
    button = page.get_by_role("button", name="Filters 1")
    await expect(button).to_have_attribute("aria-expanded", "false")
    await expect(page.get_by_label("Person", exact=True)).to_be_hidden()
    await button.click()
    await expect(button).to_have_attribute("aria-expanded", "true")
    await page.get_by_label("Person", exact=True).select_option("All")
    await expect(page.get_by_role("button", name="Filters", exact=True)).to_be_visible()
    await page.set_viewport_size({"width": 1280, "height": 800})
    await expect(page.get_by_role("button", name="Filters")).to_be_hidden()
    await expect(page.get_by_label("Person", exact=True)).to_be_visible()


async def test_older_entries_come_page_by_page_to_the_first(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    await make_many(sign_in(), 60)
    page = await open_page("/activity?entity=contact")
    await expect(entries(page)).to_have_count(50)
    await page.get_by_role("button", name="Show older").click()
    await expect(entries(page)).to_have_count(60)
    await expect(entries(page).last).to_contain_text("Company 0")
    await expect(page.get_by_text("That is all.")).to_be_visible()
    ids = await entries(page).evaluate_all("rows => rows.map(row => Number(row.dataset.id))")
    assert ids == sorted(set(ids), reverse=True)


async def test_more_than_a_page_of_news_leaves_no_gap(open_page: OpenPage, sign_in: SignIn) -> None:
    manager = sign_in()
    await make_contact(manager, company="Before")
    page = await open_page("/activity?entity=contact")
    await entry(page, "Manager made the contact Before").hover()
    await page.context.set_offline(True)
    await make_many(manager, 70)
    await page.context.set_offline(False)
    await expect(pill(page)).to_have_text("70 new entries – show")
    await pill(page).click()
    await expect(entries(page)).to_have_count(71)


async def test_hostile_names_are_names_also_on_a_phone_in_the_dark(
    open_page: OpenPage, sign_in: SignIn, make_device: MakeDevice, sql: asyncpg.Connection,
    company: Company, server: Server,
) -> None:  # fmt: skip
    await sql.execute("UPDATE agents SET name = $2 WHERE id = $1", company.agents["agent"], HOSTILE)
    tag = (await sign_in().post("/api/tags", {"name": HOSTILE})).json["tag"]["id"]
    phone = await make_device().connect()
    assert (await phone.sign_in(device={"name": HOSTILE}))["ok"]
    await server.parts.reports.flush()
    await phone.create(
        first_name=HOSTILE, tag_ids=[tag], custom={HOSTILE: HOSTILE}, emails=None,
        addresses=[{"street": HOSTILE, "label": HOSTILE[:20]}],
    )  # fmt: skip
    page = await open_page("/activity", width=360, dark=True)
    newest = entry(page, "made the contact")
    await expect(newest.get_by_role("strong")).to_have_text(HOSTILE)
    for where in (newest.get_by_role("link", name=HOSTILE), newest.locator("ins")):
        await expect(where.first).to_contain_text(HOSTILE)
    await expect(newest.locator("dt").filter(has_text=HOSTILE)).to_have_count(1)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    assert await violations(page) == []


async def test_agents_have_no_activity(open_page: OpenPage) -> None:
    page = await open_page("/activity", "agent")
    await expect(page).to_have_url(re.compile("#/contacts"))
