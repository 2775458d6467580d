"""The statistics: plots that are drawn, and tables that say what the API says."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.axe import violations
from tests.integration.support.fleet import insert_device, note_work
from tests.integration.support.servers import Company, Server
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

HOSTILE = "<img src=x onerror=alert(1)>"
# So long before midnight a test waits for the next day.
NEARLY_OVER = timedelta(seconds=25)
FIGURES = ("contacts", "changes", "syncs", "minutes", "online", "lag")
# What stands on a canvas: how many of its points are not empty, and their colours.
INK = """element => {
    const canvas = element.querySelector("canvas");
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d", {willReadFrequently: true});
    context.drawImage(canvas, 0, 0);
    const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
    const colours = new Set();
    let points = 0;
    for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] < 255) continue;
        points++;
        colours.add(data.slice(at, at + 3).join());
    }
    return {points, colours: [...colours], width: canvas.clientWidth};
}"""
# The colours between two places of a plot's width, as shares of it.
BETWEEN = """(element, from, to) => {
    const canvas = element.querySelector("canvas");
    const copy = new OffscreenCanvas(canvas.width, canvas.height);
    const context = copy.getContext("2d", {willReadFrequently: true});
    context.drawImage(canvas, 0, 0);
    const left = Math.floor(canvas.width * from);
    const {data} = context.getImageData(left, 0, canvas.width * to - left, canvas.height);
    const colours = new Set();
    for (let at = 0; at < data.length; at += 4) {
        if (data[at + 3] === 255) colours.add(data.slice(at, at + 3).join());
    }
    return [...colours];
}"""

Ink = dict[str, Any]


def figure(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f"plot-{name}")


async def ink(page: Page, name: str) -> Ink:
    """What is drawn; waits until something is."""
    await expect(figure(page, name).locator("canvas")).to_be_visible()
    drawn: Ink = await figure(page, name).locator(".plot").evaluate(INK)
    return drawn


async def table(page: Page, name: str) -> list[list[str]]:
    """The rows of a plot's table, its heads first."""
    await figure(page, name).get_by_text("As a table").click()
    rows = figure(page, name).get_by_role("row")
    await expect(rows.first).to_be_visible()
    script = "rows => rows.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    cells: list[list[str]] = await rows.evaluate_all(script)
    return cells


def day_name(day: str) -> str:
    return f"{date.fromisoformat(day):%-d %b %Y}".replace("Sep ", "Sept ")


@pytest_asyncio.fixture(loop_scope="module")
async def today() -> datetime:
    """The day in UTC; it does not end while a test runs."""
    while True:
        now = datetime.now(UTC)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        left = today + timedelta(days=1) - now
        if left > NEARLY_OVER:
            return today
        await asyncio.sleep(left.total_seconds())


async def work(sql: asyncpg.Connection, company: Company, today: datetime) -> None:
    """Three days of syncs and of devices that were online."""
    device = await insert_device(sql, company, name="Ann's phone")
    for days, syncs in [(1, 3), (2, 1), (20, 5)]:
        noon = today - timedelta(days=days) + timedelta(hours=12)
        for number in range(syncs):
            start = noon + timedelta(minutes=number)
            await note_work(
                *(sql, company, "sync", start),
                device_id=device,
                ended=start + timedelta(milliseconds=100 * (number + 1)),
                outcome="failed" if number == 2 else "complete",
                error_code="unavailable" if number == 2 else None,
            )
        for minute in range(120):
            await note_work(
                *(sql, company, "minute", noon + timedelta(minutes=minute)),
                devices_online=days + minute % 7,
                greatest_lag=minute,
            )


async def test_every_plot_is_drawn_and_its_table_has_the_numbers_of_the_api(
    open_page: OpenPage,
    sign_in: SignIn,
    sql: asyncpg.Connection,
    company: Company,
    server: Server,
    today: datetime,
) -> None:
    await work(sql, company, today)
    manager, agent = sign_in("manager"), sign_in("agent")
    made = (await manager.post("/api/contacts", {"company": "Keller"})).json["contact"]["id"]
    await agent.patch(f"/api/contacts/{made}", {"company": "Keller & Sons"})
    await agent.patch(f"/api/contacts/{made}", {"company": "Keller Ltd"})
    yesterday = today - timedelta(days=1)
    page = await open_page(f"/statistics?days=7&day={yesterday:%Y-%m-%d}")
    await ink(page, "contacts")
    # The dashboard's own connection counts, too, once it is written down.
    await server.parts.sync_log.flush()
    # What the page itself is told: asked later, the API might know of one more minute.
    async with page.expect_response(re.compile(r"/api/statistics\?")) as answering:
        await page.get_by_role("button", name="30 days").click()
    days = (await (await answering.value).json())["days"]
    await expect(page).to_have_url(re.compile(f"days=30&day={yesterday:%Y-%m-%d}"))
    for name in FIGURES:
        assert (await ink(page, name))["points"] > 500, name
        label = await figure(page, name).get_by_role("img").get_attribute("aria-label")
        assert label is not None
        assert label.endswith(".")

    await expect(figure(page, "lag").get_by_role("img")).to_have_attribute(
        "aria-label", re.compile(day_name(f"{today - timedelta(days=29):%Y-%m-%d}"))
    )
    assert len(days) == 30
    newest_first = days[::-1]

    async def holds(name: str, heads: list[str], fields: list[str]) -> None:
        rows = await table(page, name)
        assert rows[0] == heads
        assert rows[1:] == [
            [day_name(day["day"]), *(str(day[field]).replace("None", "–") for field in fields)]
            for day in newest_first
        ]

    await holds(
        "contacts",
        ["Day", "Contacts", "Made", "Edited", "Deleted", "Restored"],
        ["contacts", "created", "updated", "deleted", "restored"],
    )
    await holds(
        "syncs",
        ["Day", "Connections", "Syncs", "Pushes", "Failures", "Refused", "Median sync, ms"],
        ["connections", "syncs", "pushes", "failures", "refused", "median_sync_ms"],
    )
    await holds("online", ["Day", "Devices online"], ["most_devices_online"])
    await holds("lag", ["Day", "Versions behind"], ["greatest_lag"])
    changes = await table(page, "changes")
    assert changes[:2] == [["Day", "Agent", "Manager"], [day_name(days[-1]["day"]), "2", "1"]]
    assert {tuple(row[1:]) for row in changes[2:]} == {("0", "0")}
    minutes = await table(page, "minutes")
    # Noon in UTC is an hour or two later in Berlin.
    assert [row[1:] for row in minutes[1:]] == [["7", "59"], ["7", "119"]]
    assert await violations(page) == []


async def test_the_range_stands_in_the_address(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company, today: datetime
) -> None:
    await work(sql, company, today)
    page = await open_page("/statistics")
    choice = page.get_by_role("button", name="30 days")
    await expect(choice).to_have_attribute("aria-pressed", "true")
    await page.get_by_role("button", name="7 days").click()
    await expect(page).to_have_url(re.compile(r"#/statistics\?days=7$"))
    await expect(choice).to_have_attribute("aria-pressed", "false")
    await table(page, "syncs")
    rows = figure(page, "syncs").get_by_role("row")
    await expect(rows).to_have_count(8)

    first, last = today - timedelta(days=20), today - timedelta(days=19)
    await page.get_by_label("From", exact=True).fill(f"{first:%Y-%m-%d}")
    await page.get_by_label("To", exact=True).fill(f"{last:%Y-%m-%d}")
    await expect(page).to_have_url(re.compile(f"from={first:%Y-%m-%d}&to={last:%Y-%m-%d}"))
    await expect(rows).to_have_count(3)
    await expect(rows.nth(2)).to_contain_text(re.compile(r"5"))
    await page.reload()
    await expect(page.get_by_label("From", exact=True)).to_have_value(f"{first:%Y-%m-%d}")
    assert [row[2] for row in await table(page, "syncs")] == ["Syncs", "0", "5"]


async def test_a_single_day_is_drawn_as_that_day_and_a_range_that_is_too_long_is_said(
    open_page: OpenPage, sign_in: SignIn, today: datetime
) -> None:
    for name in ("Keller", "Roth"):
        await sign_in().post("/api/contacts", {"company": name})
    await sign_in("agent").post("/api/contacts", {"company": "Nowak"})
    page = await open_page(f"/statistics?from={today:%Y-%m-%d}&to={today:%Y-%m-%d}")
    await ink(page, "changes")
    legend = figure(page, "changes").locator(".plot-legend")
    await expect(legend).to_have_text(re.compile(r"In all\s*Manager\s*2\s*Agent\s*1"))
    await expect(page.get_by_role("heading", name=re.compile("^On "))).to_be_visible()
    # Its bar stands in the middle, over nothing but its own day.
    middle = f"element => ({BETWEEN})(element, 0.45, 0.55)"
    edges = f"element => ({BETWEEN})(element, 0.7, 1)"
    box = figure(page, "changes").locator(".plot")
    assert "11,107,95" in await box.evaluate(middle)
    assert "11,107,95" not in await box.evaluate(edges)
    # Under the pointer it is that day's numbers.
    await box.hover(position={"x": 250, "y": 100})
    await expect(legend).to_have_text(re.compile(r"^\s*\d+ \w+\s*Manager\s*2"))
    await expect(page.get_by_text("At most 366 days")).to_have_count(0)

    first = today - timedelta(days=700)
    await page.goto(page.url.split("#")[0] + f"#/statistics?from={first:%Y-%m-%d}")
    await page.reload()
    await expect(page.get_by_text("At most 366 days are shown at once.")).to_be_visible()


async def test_plots_follow_their_box_and_the_colours_of_the_night(
    open_page: OpenPage, sql: asyncpg.Connection, company: Company, today: datetime
) -> None:
    await work(sql, company, today)
    page = await open_page("/statistics")
    by_day = await ink(page, "online")
    assert "11,107,95" in by_day["colours"]
    await page.emulate_media(color_scheme="dark")
    drawn_anew = f"element => ({INK})(element).colours.includes('87,207,189')"
    await page.wait_for_function(
        f"() => ({drawn_anew})(document.querySelector('[data-test=plot-online] .plot'))"
    )
    assert "11,107,95" not in await colours(page)
    await page.set_viewport_size({"width": 800, "height": 800})
    await page.wait_for_function(
        "before => document.querySelector('[data-test=plot-online] canvas').clientWidth !== before",
        arg=by_day["width"],
    )

    async def fills_its_box() -> bool:
        box = await figure(page, "online").locator(".plot").bounding_box()
        assert box is not None
        drawn: float = (await ink(page, "online"))["width"]
        return drawn == pytest.approx(box["width"], abs=1)

    await until(fills_its_box)


async def colours(page: Page) -> list[str]:
    drawn: list[str] = (await ink(page, "online"))["colours"]
    return drawn


async def test_the_numbers_of_contacts_are_those_of_the_api_and_lead_to_them(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    manager = sign_in()
    tag = (await manager.post("/api/tags", {"name": "Trade fair"})).json["tag"]["id"]
    for number in range(3):
        contact = {"company": f"Company {number}", "tag_ids": [tag][: number % 2]}
        if number == 2:
            contact["owner_id"] = None
        await manager.post(
            "/api/contacts", contact | ({"email": "a@example.com"} if number else {})
        )
    page = await open_page("/statistics")
    cards = page.locator(".number-cards > div")
    for words, number in {"Contacts": "3", "with e-mail": "2", "made": "3", "deleted": "0"}.items():
        card = cards.filter(has=page.get_by_text(words, exact=True))
        await expect(card.get_by_role("definition")).to_have_text(number)
    by_tag = page.get_by_role("table", name="Contacts by tag").get_by_role("row")
    await expect(by_tag).to_have_text(re.compile(r"Trade fair\s*1"))
    by_owner = page.get_by_role("table", name="Contacts by owner").get_by_role("row")
    await expect(by_owner).to_have_text(
        [re.compile(r"Manager\s*2"), re.compile(r"Nobody\s*1")], use_inner_text=True
    )
    await page.get_by_role("link", name="Trade fair").click()
    await expect(page).to_have_url(re.compile(f"/contacts\\?tag={tag}"))
    await page.go_back()
    await page.get_by_role("link", name="Nobody").click()
    await expect(page).to_have_url(re.compile(r"/contacts\?owner_id=none"))
    await expect(page.get_by_test_id("total")).to_have_text("1")


async def test_hostile_names_are_names_also_on_a_phone_in_the_dark(
    open_page: OpenPage, sign_in: SignIn, sql: asyncpg.Connection, company: Company
) -> None:
    await sql.execute("UPDATE agents SET name = $2 WHERE id = $1", company.agents["agent"], HOSTILE)
    manager = sign_in()
    labels = {}
    for entity in ("tag", "group", "type"):
        answer = await manager.post(f"/api/{entity}s", {"name": HOSTILE})
        labels[f"{entity}_ids"] = [answer.json[entity]["id"]]
    await sign_in("agent").post("/api/contacts", {"company": HOSTILE, **labels})
    page = await open_page("/statistics?days=7", width=360, dark=True)
    await ink(page, "changes")
    await expect(figure(page, "changes").locator(".plot-legend")).to_contain_text(HOSTILE)
    assert (await table(page, "changes"))[0] == ["Day", HOSTILE]
    for what in ("tag", "group", "type", "owner"):
        rows = page.get_by_role("table", name=f"Contacts by {what}").get_by_role("row")
        await expect(rows.first).to_contain_text(HOSTILE)
    assert await page.evaluate("document.documentElement.scrollWidth") == 360
    assert await violations(page) == []


async def test_agents_have_no_statistics(open_page: OpenPage) -> None:
    page = await open_page("/statistics", "agent")
    await expect(page).to_have_url(re.compile("#/contacts"))
    await expect(page.get_by_role("link", name="Statistics")).to_have_count(0)
