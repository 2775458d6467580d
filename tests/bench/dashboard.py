"""The dashboard in Debian's Chromium: how soon it shows contacts, how it scrolls, what it holds."""

from __future__ import annotations

import asyncio
import itertools
import time
from typing import Any

import aiohttp
from playwright.async_api import Browser, BrowserContext, CDPSession, Page

from tests.bench.client import API_KEY, HOST, SERVER_PORT
from tests.bench.report import Row, Samples
from tests.bench.seed import contact_id
from tests.bench.stack import Meter
from tests.browser.support.chromium import new_context, running_chromium
from tests.browser.support.tracing import longest_task

URL = f"http://{HOST}:{SERVER_PORT}"
CHANGES_A_SECOND = 20
SAMPLES_OF_MEMORY = 6
# Each finds another number of contacts than the one before, by which its hits are told.
SEARCHES = ("garcia5", "person777@", "company 42", "044 1000321", "greta")
MEGABYTE = 2**20
PATIENCE_MS = 120_000

# Notes, before anything of the page runs, when the first contact was painted.
WATCH = """
localStorage['fieldbook.api_key'] = '%s';
window.firstRow = new Promise((resolve) => new MutationObserver((_, observer) => {
  if (!document.querySelector('[data-index]')) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => resolve(performance.now())));
}).observe(document, { childList: true, subtree: true }));
"""


async def measure_dashboard(meter: Meter, contacts: int, loads: int, seconds: float) -> list[Row]:
    """First rows, a search, scrolling, and the memory after `seconds` of changes."""
    async with running_chromium() as browser, aiohttp.ClientSession() as session:
        first_rows = await _first_rows(meter, browser, session, contacts, loads)
        context, page = await _opened(browser)
        used = [await _searches(page, session), await _scrolling(page, contacts)]
        memory = await _memory(page, session, contacts, seconds)
        await context.close()
    return [first_rows, *used, memory]


async def _opened(browser: Browser) -> tuple[BrowserContext, Page]:
    context = await new_context(browser)
    context.set_default_timeout(PATIENCE_MS)
    await context.add_init_script(WATCH % API_KEY)
    page = await context.new_page()
    await page.goto(f"{URL}/#/contacts")
    await page.locator("[data-index]").first.wait_for()
    return context, page


async def _first_rows(
    meter: Meter, browser: Browser, session: aiohttp.ClientSession, contacts: int, loads: int
) -> Row:
    """From the address to the first contacts, with an empty cache; beside it the list's query."""
    shown, listed, sizes = Samples(), Samples(), Samples()
    meter.start()
    for _ in range(loads):
        context, page = await _opened(browser)
        shown.add(await page.evaluate("window.firstRow") / 1_000)
        sizes.add(await page.evaluate(TRANSFERRED))
        await context.close()
        listed.add(await _seconds_of(session, "/api/contacts?limit=100&offset=0"))
    meter.stop()
    return Row(
        f"dashboard: first rows of {contacts:,}, nothing cached",
        f"{shown.spread('s')}, {sizes.middle / 1_000:.0f} kB of script and style",
        f"{listed.middle * 1e3:.0f} ms, the list alone",
        shown.middle / listed.middle,
        "1 s",
        meter.busy,
    )


SEARCH = """(text) => new Promise((resolve, reject) => {
  const total = document.querySelector('[data-test="total"]');
  const before = total.innerText;
  const field = document.querySelector('input[type="search"]');
  const started = performance.now();
  setTimeout(() => reject(new Error(`no hits for ${text}`)), 120_000);
  field.value = text;
  field.dispatchEvent(new Event('input', { bubbles: true }));
  new MutationObserver((_, observer) => {
    if (total.innerText === before) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - started)));
  }).observe(document.body, { childList: true, subtree: true, characterData: true });
})"""
SCROLL = """async (grid) => {
  const frame = () => new Promise((seen) => requestAnimationFrame(seen));
  for (const step of [120, 1_500, 20_000, 700_000]) {
    grid.scrollTop = 0;
    for (let frames = 0; frames < 50; frames++) {
      grid.scrollTop = (grid.scrollTop + step) % (grid.scrollHeight - 800);
      await frame();
    }
    // And while the rows that it rests on come in.
    await new Promise((come) => setTimeout(come, 500));
  }
}"""
TRANSFERRED = """performance.getEntriesByType('resource')
  .filter(({ name }) => /\\.(js|css)$/.test(new URL(name).pathname))
  .reduce((sum, { transferSize }) => sum + transferSize, 0)"""


async def _seconds_of(session: aiohttp.ClientSession, path: str) -> float:
    started = time.perf_counter()
    async with session.get(f"{URL}{path}", headers={"X-API-Key": API_KEY}) as response:
        response.raise_for_status()
        await response.read()
    return time.perf_counter() - started


async def _searches(page: Page, session: aiohttp.ClientSession) -> Row:
    """From the last key to the hits on the screen, each search typed at once."""
    await page.get_by_role("searchbox").focus()
    shown, listed = Samples(), Samples()
    for text in SEARCHES:
        shown.add(await page.evaluate(SEARCH, text) / 1_000)
        listed.add(await _seconds_of(session, f"/api/contacts?limit=100&offset=0&search={text}"))
    return Row(
        "dashboard: first hits of a search, from the last key",
        shown.spread("ms", 1_000, 0),
        f"{listed.middle * 1e3:.0f} ms, the list alone",
        shown.middle / listed.middle,
        "200 ms",
    )


async def _scrolling(page: Page, contacts: int) -> Row:
    """The longest task while the list is scrolled slowly, fast, and faster than rows can come."""
    await page.locator("[data-index]").first.wait_for()
    longest = await longest_task(page, page.get_by_test_id("grid").evaluate(SCROLL))
    return Row(
        f"dashboard: scrolling through {contacts:,}, the longest task of a script",
        f"{longest:.0f} ms of CPU",
        mark="50 ms",
    )


async def _memory(page: Page, session: aiohttp.ClientSession, contacts: int, seconds: float) -> Row:
    """What the page holds at the beginning and as `CHANGES_A_SECOND` go on for so long."""
    tools = await page.context.new_cdp_session(page)
    changing = asyncio.create_task(_change(session, contacts))
    samples = []
    for _ in range(SAMPLES_OF_MEMORY):
        samples.append(await _heap(tools))
        await asyncio.sleep(seconds / (SAMPLES_OF_MEMORY - 1))
    changing.cancel()
    figures = ", ".join(f"{each:.1f}" for each in samples)
    return Row(
        f"dashboard: heap in {seconds:.0f} s of {CHANGES_A_SECOND} changes a second",
        f"{figures} MB",
        mark="150 MB, flat",
    )


async def _heap(tools: CDPSession) -> float:
    """Megabytes of JavaScript's heap, of what is still in use."""
    await tools.send("HeapProfiler.collectGarbage")
    usage: dict[str, Any] = await tools.send("Runtime.getHeapUsage")
    return float(usage["usedSize"]) / MEGABYTE


async def _change(session: aiohttp.ClientSession, contacts: int) -> None:
    """Edits one contact after another, the first screen's among them, evenly in time."""
    for number in itertools.count():
        path = f"/api/contacts/{contact_id(number * 7 % contacts)}"
        body = {"job_title": f"Title {number}"}
        headers = {"X-API-Key": API_KEY}
        async with session.patch(f"{URL}{path}", json=body, headers=headers) as answer:
            answer.raise_for_status()
        await asyncio.sleep(1 / CHANGES_A_SECOND)
