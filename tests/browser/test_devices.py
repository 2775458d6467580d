"""The view of devices: how all of them are, live."""

from __future__ import annotations

import re
from typing import Any

import asyncpg
import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, MakeDevice, OpenPage
from tests.browser.support.axe import violations
from tests.browser.support.lists import device_row
from tests.integration.support.fleet import ago, insert_device
from tests.integration.support.servers import Company, Server

pytestmark = ON_THE_SERVERS_LOOP

HOSTILE = "<img src=x onerror=alert(1)>"


async def names(page: Page) -> list[str]:
    links = page.get_by_test_id("device").get_by_role("link")
    return [text.strip() for text in await links.all_inner_texts()]


def card(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f"card-{name}")


@pytest.fixture
def fleet() -> dict[str, dict[str, Any]]:
    """Devices by name, with their columns; times are hours ago."""
    return {
        "Fine phone": {"last_seen": 1, "app_version": "2.10.0", "battery": 80, "network": "wifi"},
        "Aged phone": {"last_seen": 2, "app_version": "2.9.1", "battery": 15},
        "Stuck phone": {"last_seen": 3, "queue_size": 4, "queue_oldest_at": 30},
        "Lost phone": {"last_seen": 400, "clock_skew_ms": -190_000},
        "New phone": {"last_seen": 1, "last_sync": None},
        "Sold phone": {"last_seen": 5, "revoked_at": 1},
    }


async def furnish(
    sql: asyncpg.Connection, company: Company, fleet: dict[str, dict[str, Any]]
) -> dict[str, str]:
    """Enters devices as they would stand; gives their ids by name."""
    await sql.execute("UPDATE tenants SET min_app_version = '2.10' WHERE id = $1", company.tenant)
    ids = {}
    for name, columns in fleet.items():
        values = {"version": 0, "last_sync": columns.get("last_seen"), **columns}
        times = {
            key: await ago(sql, hours=values[key])
            for key in ("last_seen", "last_sync", "queue_oldest_at", "revoked_at")
            if values.get(key) is not None
        }
        ids[name] = await insert_device(sql, company, name=name, **(values | times))
    return ids


async def test_counts_filter_the_list_and_stand_in_the_address(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company, fleet: dict[str, Any]
) -> None:
    await furnish(sql, company, fleet)
    page = await open_page("/devices")
    await expect(page.get_by_test_id("device")).to_have_count(6)
    await expect(card(page, "all")).to_contain_text("6")
    await expect(card(page, "all")).to_have_attribute("aria-pressed", "true")
    for name, devices in {
        "idle": {"Fine phone", "Aged phone", "Stuck phone"},
        "missing": {"Lost phone"},
        "never_synced": {"New phone"},
        "revoked": {"Sold phone"},
        "app_outdated": {"Aged phone"},
        "queue_stuck": {"Stuck phone"},
    }.items():
        await expect(card(page, name)).to_contain_text(str(len(devices)))
        await card(page, name).click()
        await expect(card(page, name)).to_have_attribute("aria-pressed", "true")
        for device in devices:
            await expect(device_row(page, device)).to_be_visible()
        await expect(page.get_by_test_id("device")).to_have_count(len(devices))
        assert page.url.endswith(f"#/devices?show={name}")
    await page.reload()
    await expect(page.get_by_test_id("device")).to_have_count(1)
    await card(page, "queue_stuck").click()
    await expect(page.get_by_test_id("device")).to_have_count(6)
    await card(page, "online").click()
    await expect(page.get_by_test_id("nothing-found")).to_be_visible()
    await page.get_by_role("button", name="Clear the filters").click()
    await expect(page.get_by_test_id("device")).to_have_count(6)


async def test_what_needs_somebody_is_marked_with_words(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company, fleet: dict[str, Any]
) -> None:
    await furnish(sql, company, fleet)
    page = await open_page("/devices")
    await expect(device_row(page, "Aged phone")).to_contain_text("outdated")
    await expect(device_row(page, "Fine phone")).not_to_contain_text("outdated")
    await expect(device_row(page, "Stuck phone")).to_contain_text(
        re.compile("4 edits.*stuck.*oldest 30 h", re.S)
    )
    await expect(device_row(page, "Lost phone")).to_contain_text("3 min fast")
    await expect(device_row(page, "Lost phone")).to_contain_text("Missing")
    await expect(device_row(page, "Fine phone").locator("time").first).to_have_text("1 hour ago")
    await expect(device_row(page, "Fine phone").locator("time").first).to_have_attribute(
        "title", re.compile(r"\d{2}:\d{2}")
    )
    assert await violations(page) == []


async def test_devices_are_searched_and_sorted_by_any_column(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company, fleet: dict[str, Any]
) -> None:
    await furnish(sql, company, fleet)
    page = await open_page("/devices")
    await expect(page.get_by_test_id("device")).to_have_count(6)
    await page.get_by_role("button", name="Battery").click()
    heading = page.get_by_role("columnheader", name="Battery")
    await expect(heading).to_have_attribute("aria-sort", "ascending")
    assert (await names(page))[:2] == ["Aged phone", "Fine phone"]
    await page.get_by_role("button", name="Battery").click()
    await expect(heading).to_have_attribute("aria-sort", "descending")
    assert (await names(page))[:2] == ["Fine phone", "Aged phone"]
    assert page.url.endswith("sort=-battery")
    await page.reload()
    await expect(page.get_by_test_id("device")).to_have_count(6)
    assert (await names(page))[:2] == ["Fine phone", "Aged phone"]
    # By keyboard as well: first in no order of its own, then by the next head.
    await heading.get_by_role("button").press("Enter")
    await expect(heading).to_have_attribute("aria-sort", "none")
    assert page.url.endswith("#/devices")
    await expect(heading.get_by_role("button")).to_be_focused()
    await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Space")
    await expect(page.get_by_role("columnheader", name="App")).to_have_attribute(
        "aria-sort", "ascending"
    )
    assert (await names(page))[:2] == ["Aged phone", "Fine phone"]
    await page.keyboard.press("/")
    await expect(page.get_by_role("searchbox", name="Search devices")).to_be_focused()
    await page.keyboard.type("stuck")
    await expect(page.get_by_test_id("device")).to_have_count(1)
    await expect(page).to_have_url(re.compile("search=stuck"))


async def test_a_device_is_seen_to_come_and_go_in_its_place(
    open_page: OpenPage,
    make_device: MakeDevice,
    sql: asyncpg.Connection,
    company: Company,
    server: Server,
) -> None:
    for name in ("A first phone", "Z last phone"):
        await insert_device(sql, company, name=name, last_seen=await ago(sql, hours=1), version=0,
                            last_sync=await ago(sql, hours=1))  # fmt: skip
    device = make_device()
    device.id = "middle-phone"
    await insert_device(
        sql, company, id=device.id, name="Middle phone", last_seen=await ago(sql, hours=2),
        version=0, last_sync=await ago(sql, hours=2),
    )  # fmt: skip
    page = await open_page("/devices?sort=last_seen")
    await expect(device_row(page, "Middle phone").get_by_test_id("state")).to_have_text("Idle")
    order = await names(page)
    assert order[0] == "Middle phone"

    await device.connect()
    assert (await device.sign_in())["ok"]
    await device.sync()
    await server.parts.reports.flush()
    await expect(device_row(page, "Middle phone").get_by_test_id("state")).to_have_text("Online")
    await expect(device_row(page, "Middle phone").locator("time").first).to_have_text("just now")
    await expect(card(page, "online")).to_contain_text("1")
    # Sorted anew it would be the last; while one looks it stays.
    assert await names(page) == order

    await device.close()
    await expect(device_row(page, "Middle phone").get_by_test_id("state")).to_have_text("Idle")
    await expect(card(page, "online")).to_contain_text("0")
    assert await names(page) == order


async def test_agents_see_their_own_devices_alone(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await insert_device(sql, company, "agent", name="Mine")
    other = await insert_device(sql, company, "manager", name="The manager's")
    page = await open_page("/devices", "agent")
    await expect(page.get_by_role("heading", name="Your devices")).to_be_visible()
    await expect(page.get_by_test_id("device")).to_have_count(1)
    await expect(card(page, "all")).to_contain_text("1")
    await expect(page.get_by_role("button", name="Enrol a phone")).to_have_count(0)
    await page.get_by_role("link", name="Mine").click()
    await expect(page.get_by_role("button", name="Ask it to sync")).to_be_visible()
    await expect(page.get_by_role("link", name="What was done to it")).to_have_count(0)
    await expect(page.get_by_text("It has not connected yet.")).to_be_visible()
    await page.goto(page.url.split("#")[0] + f"#/devices/{other}")
    await expect(page.get_by_test_id("failed")).to_contain_text("Ask a manager")
    for unknown in ("nobodys-phone", "%00"):
        await page.goto(page.url.split("#")[0] + f"#/devices/{unknown}")
        await expect(page.get_by_test_id("failed")).to_contain_text("no device with this id")


async def test_many_devices_are_shown_in_pages_and_sorted_over_all_of_them(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await sql.execute(
        "INSERT INTO devices (tenant_id, id, agent_id, name)"
        " SELECT $1, 'device-' || lpad(n::text, 4, '0'), $2, 'Phone ' || n"
        " FROM generate_series(1, 502) AS n",
        *(company.tenant, company.agents["agent"]),
    )
    await sql.execute("UPDATE devices SET battery = 5 WHERE id = 'device-0502'")
    page = await open_page("/devices")
    await expect(page.get_by_test_id("device")).to_have_count(200)
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_text("201 to 400 of 502")).to_be_visible()
    await page.get_by_role("button", name="Next").click()
    await expect(page.get_by_test_id("device")).to_have_count(102)
    await expect(page.get_by_role("button", name="Next")).to_be_disabled()
    assert page.url.endswith("page=3")
    # Sorted are all of them, not those of the page.
    await page.get_by_role("button", name="Battery").click()
    await expect(page.get_by_test_id("device").first).to_contain_text("Phone 502")


async def test_what_was_read_stays_while_the_server_is_away(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    device_id = await insert_device(sql, company, name="Ann's phone")
    page = await open_page("/devices")
    await expect(device_row(page, "Ann's phone")).to_be_visible()
    await page.context.set_offline(True)
    notice = page.get_by_text("The server can't be reached.").first
    await expect(notice).to_be_visible()
    await expect(device_row(page, "Ann's phone")).to_be_visible()
    await device_row(page, "Ann's phone").get_by_role("link").click()
    await expect(page.get_by_test_id("failed")).to_contain_text("The server can't be reached.")
    # The page asks by itself, too, and may be answered as soon as the line is back.
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_test_id("failed")).to_contain_text("The server can't be reached.")
    await page.context.set_offline(False)
    await expect(page.get_by_role("heading", name="Ann's phone")).to_be_visible()
    await expect(notice).to_have_count(0)
    assert page.url.endswith(device_id)


async def test_hostile_names_are_names_also_on_a_phone(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    await sql.execute("UPDATE agents SET name = $2 WHERE id = $1", company.agents["agent"], HOSTILE)
    device_id = await insert_device(
        sql, company, name=HOSTILE, model=HOSTILE, os=HOSTILE, network=HOSTILE[:20],
        app_version="<b>1</b>", last_seen=await ago(sql, hours=1), version=0,
        last_sync=await ago(sql, hours=1),
    )  # fmt: skip
    page = await open_page("/devices", width=360, dark=True)
    await expect(page.get_by_test_id("device").get_by_role("link")).to_have_text(HOSTILE)
    await expect(page.get_by_test_id("device")).to_contain_text("<b>1</b>")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    assert await violations(page) == []
    await page.get_by_label("Sort devices").select_option("Clock, most first")
    await expect(page).to_have_url(re.compile("sort=-clock"))
    await expect(page.get_by_label("Sort devices")).to_have_value("-clock")
    await page.goto(page.url.split("#")[0] + f"#/devices/{device_id}")
    await expect(page.get_by_role("heading", level=1)).to_have_text(HOSTILE)
    await expect(page).to_have_title(f"{HOSTILE} · Fieldbook")
    await page.get_by_role("button", name="Revoke", exact=True).click()
    await expect(page.get_by_role("dialog")).to_contain_text(f"Revoke {HOSTILE}?")
    await page.keyboard.press("Escape")
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    assert await violations(page) == []
