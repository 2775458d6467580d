"""The page of one device: its days and errors, and what is done to it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import asyncpg
from playwright.async_api import expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, MakeDevice, OpenPage, SignIn
from tests.browser.support.axe import violations
from tests.browser.support.lists import device_row
from tests.integration.support.fleet import ago, insert_device, note_work
from tests.integration.support.servers import Company, Server

pytestmark = ON_THE_SERVERS_LOOP

HOSTILE = "<img src=x onerror=alert(1)>"


async def test_a_devices_page_shows_its_days_and_its_last_errors(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company
) -> None:
    device_id = await insert_device(
        sql, company, name="Ann's phone", model="Pixel 9", os="Android 16", battery=81,
        last_seen=await ago(sql, minutes=5), last_sync=await ago(sql, minutes=5), version=0,
        created_at=await ago(sql, hours=75),
    )  # fmt: skip
    yesterday = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0) - timedelta(1)
    for minute, kind, columns in [
        (0, "connection", {"ended": yesterday + timedelta(minutes=30), "outcome": "closed"}),
        (1, "sync", {"ended": yesterday + timedelta(minutes=1, milliseconds=84), "rows": 1_200,
                     "bytes": 240_000, "outcome": "complete"}),
        (2, "sync", {"ended": yesterday + timedelta(minutes=2), "outcome": "failed",
                     "error_code": "unavailable"}),
        (3, "refused", {"ended": yesterday + timedelta(minutes=3), "outcome": HOSTILE,
                        "error_code": "gone"}),
    ]:  # fmt: skip
        await note_work(
            sql,
            company,
            kind,
            yesterday + timedelta(minutes=minute),
            device_id=device_id,
            **columns,
        )
    page = await open_page("/devices?show=idle")
    await page.get_by_role("link", name="Ann's phone").click()
    await expect(page.get_by_role("heading", name="Ann's phone", level=1)).to_be_visible()
    await expect(page).to_have_title("Ann's phone · Fieldbook")
    facts = page.get_by_role("region", name="How it is")
    for text in ("Pixel 9", "Android 16", "81%", "Agent (agent)", "3 days ago", device_id):
        await expect(facts).to_contain_text(text)
    await expect(page.get_by_text("It did not connect on this day.")).to_be_visible()

    errors = page.get_by_test_id("device-error")
    await expect(errors).to_have_count(2)
    await expect(errors.nth(0)).to_contain_text("It edited something that somebody had deleted.")
    await expect(errors.nth(1)).to_contain_text("The server was busy or restarting.")

    await page.get_by_role("button", name="The day before").click()
    await expect(page).to_have_url(re.compile(f"day={yesterday:%Y-%m-%d}"))
    entries = page.get_by_test_id("history-entry")
    await expect(entries).to_have_count(4)
    await expect(entries.nth(0)).to_contain_text(HOSTILE)
    await expect(entries.nth(2)).to_contain_text(
        re.compile("Synced.*Complete.*84 ms.*1,200 rows, 240 kB", re.S)
    )
    await expect(entries.nth(3)).to_contain_text(re.compile("Connected.*Ended.*30 min", re.S))
    await expect(page.get_by_test_id("timeline").locator(".timeline-connection")).to_have_count(1)
    await expect(page.get_by_test_id("timeline").locator(".timeline-failure")).to_have_count(2)
    assert await violations(page) == []
    await page.get_by_role("link", name="All devices").click()
    await expect(page).to_have_url(re.compile("show=idle"))
    await page.get_by_role("link", name="Ann's phone").click()
    await facts.get_by_role("link", name="Agent (agent)").click()
    await expect(page).to_have_url(re.compile(r"#/devices\?search=agent$"))
    await expect(page.get_by_test_id("device")).to_have_count(1)


async def test_a_connection_is_seen_on_the_devices_page_as_it_happens(
    open_page: OpenPage, make_device: MakeDevice, server: Server
) -> None:
    device = await make_device().connect()
    assert (await device.sign_in(device={"name": "Live phone"}))["ok"]
    await device.sync()
    await server.parts.reports.flush()
    await server.parts.sync_log.flush()
    page = await open_page(f"/devices/{device.id}")
    await expect(page.get_by_test_id("state")).to_have_text("Online")
    connection = page.get_by_test_id("history-entry").filter(has_text="Connected")
    await expect(connection).to_contain_text("Still open")
    await device.close()
    await server.parts.sync_log.flush()
    await expect(page.get_by_test_id("state")).to_have_text("Idle")
    await expect(connection).to_contain_text("Ended")


async def test_a_device_is_asked_to_sync_and_revoked_and_both_are_audited(
    open_page: OpenPage, make_device: MakeDevice, server: Server, sign_in: SignIn
) -> None:
    device = await make_device().connect()
    assert (await device.sign_in(device={"name": "Ben's phone"}))["ok"]
    await device.sync()
    await server.parts.reports.flush()
    page = await open_page(f"/devices/{device.id}")
    await expect(page.get_by_test_id("state")).to_have_text("Online")
    dialog = page.get_by_role("dialog")

    await page.get_by_role("button", name="Ask it to sync").click()
    await expect(dialog).to_contain_text("It is connected and syncs at once.")
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_be_hidden()
    assert device.take("sync_available") == []
    await page.get_by_role("button", name="Ask it to sync").click()
    await dialog.get_by_role("button", name="Ask it to sync").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("Ben's phone was asked to sync.")
    await device.expect("sync_available")

    await page.get_by_role("button", name="Revoke", exact=True).click()
    await expect(dialog).to_contain_text("wipes the contacts that it holds")
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Revoke").click()
    await expect(page.get_by_test_id("state")).to_have_text("Revoked")
    await expect(page.get_by_role("button", name="Revoke", exact=True)).to_have_count(0)
    assert (await device.expect("revoked"))["reason"] == "device_revoked"

    log = (await sign_in().get(f"/api/audit?entity=device&entity_id={device.id}")).json["items"]
    assert [entry["op"] for entry in log] == ["revoke", "sync"]
    await page.get_by_role("link", name="What was done to it").click()
    await expect(page.get_by_test_id("entry")).to_have_count(2)
    await expect(page.get_by_test_id("entry").nth(0)).to_contain_text(
        "revoked the device Ben's phone"
    )
    await expect(page.get_by_test_id("entry").nth(1)).to_contain_text("asked to sync the device")


async def test_a_phone_is_enrolled_and_signs_in_with_what_is_shown_once(
    open_page: OpenPage, make_device: MakeDevice
) -> None:
    page = await open_page("/devices")
    await expect(page.get_by_test_id("nothing-yet")).to_be_visible()
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await page.get_by_role("button", name="Enrol a phone").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Enrol").click()
    await expect(dialog.get_by_text("Choose who will use the phone.")).to_be_visible()
    await dialog.get_by_label("Agent").select_option("Agent (agent)")
    await dialog.get_by_label(re.compile("Name of the phone")).fill("Agent's new phone")
    assert await violations(page) == []
    await dialog.get_by_role("button", name="Enrol").click()
    await expect(dialog).to_contain_text("The key is shown only this once")
    device_id = await dialog.get_by_label("Device id", exact=True).input_value()
    key = await dialog.get_by_label("API key", exact=True).input_value()
    await dialog.get_by_role("button", name="Copy the API key").click()
    await expect(page.get_by_test_id("toast")).to_contain_text("Copied.")
    assert await page.evaluate("navigator.clipboard.readText()") == key
    await dialog.get_by_role("button", name="Done").click()
    await expect(device_row(page, "Agent's new phone")).to_contain_text("Never synced")
    assert key not in await page.content()

    phone = await make_device().connect()
    answer = await phone.call("auth", {"api_key": key, "device_id": device_id})
    assert (answer["ok"], answer["device_id"]) == (True, device_id)
