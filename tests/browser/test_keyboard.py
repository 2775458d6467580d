"""With the keyboard alone: Tab meets all there is, shows where it is, and is never caught."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, Request, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.furnished import PARTS, furnish
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP
NAME = "Keller & Sons"
MOST = 200
# What Tab is to meet: whatever can be worked with, each set of radio buttons once.
BEGIN = """() => {
  const first = document.querySelector(".skip");
  first.focus();
  window.last = first;
  window.met = new Set([first]);
}"""
MISSED = """() => {
  const all = "a[href], button, input, select, textarea, summary, [tabindex='0']";
  const sets = new Set([...window.met].map((each) => each.name).filter(Boolean));
  return [...document.querySelectorAll(all)].filter((each) => {
    if (each.disabled || each.tabIndex < 0 || each.closest("[inert]")) return false;
    if (!each.checkVisibility({visibilityProperty: true}) || window.met.has(each)) return false;
    return each.type !== "radio" || !sets.has(each.name);
  }).map((each) => each.outerHTML.slice(0, 150));
}"""
# What has the focus now: whether it was met before, and whether one sees that it has it.
FOCUSED = """() => {
  const each = document.activeElement;
  if (each === document.body) return null;
  const name = `${each.tagName.toLowerCase()} “${(each.getAttribute("aria-label")
    ?? each.labels?.[0]?.textContent ?? each.textContent).trim().slice(0, 40)}”`;
  // A date has parts, each a stop of its own, which the browser marks.
  const part = each === window.last;
  const again = !part && window.met.has(each);
  window.last = each;
  window.met.add(each);
  const marked = (element) => {
    const style = getComputedStyle(element);
    const outlined = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    return outlined || style.boxShadow !== "none";
  };
  // Some mark what stands around or beside them.
  const around = [each, each.parentElement, each.nextElementSibling, each.closest("label")];
  const box = each.getBoundingClientRect();
  const points = [0.5, 0.1, 0.9].flatMap((x) => [0.5, 0.1, 0.9].map((y) =>
    [box.left + box.width * x, box.top + box.height * y]));
  const uncovered = points.some(([x, y]) => {
    const top = document.elementFromPoint(x, y);
    return top && (each.contains(top) || (top.closest("label") ?? top).contains(each));
  });
  return {name, again, marked: part || around.some((one) => one && marked(one)), uncovered};
}"""


# The page has shown what it was told before.
FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


class Reading:
    """What a page asks the server for: what comes while one walks through it would be missed."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._open: set[Request] = set()
        page.on("request", lambda request: self._open.add(request))
        page.on("requestfinished", lambda request: self._open.discard(request))
        page.on("requestfailed", lambda request: self._open.discard(request))

    async def over(self) -> None:
        """Waits until the view is there, has read all it shows, and shows it."""
        await expect(self._page.locator("#view h1:visible").first).to_be_visible()
        await expect(self._page.locator(".skeleton")).to_have_count(0)
        await self._page.evaluate(FRAMES)
        await until(lambda: not self._open)
        await self._page.evaluate(FRAMES)
        await expect(self._page.locator(".skeleton")).to_have_count(0)


async def walk(page: Page, what: str) -> list[str]:
    """What is wrong with the way that Tab goes through the page, from its beginning."""
    await page.evaluate(BEGIN)
    faults = []
    for _ in range(MOST):
        await page.keyboard.press("Tab")
        focused: dict[str, Any] | None = await page.evaluate(FOCUSED)
        if focused is None or focused["again"]:
            break
        if not focused["marked"]:
            faults.append(f"{what}: one does not see that {focused['name']} has the focus")
        if not focused["uncovered"]:
            faults.append(f"{what}: {focused['name']} is covered when it has the focus")
    else:
        faults.append(f"{what}: there is no end to it")
    faults += [f"{what}: Tab does not meet {missed}" for missed in await page.evaluate(MISSED)]
    return faults


@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("part", PARTS)
async def test_tab_meets_everything_and_shows_where_it_is(
    part: str, width: int, open_page: OpenPage, sign_in: SignIn
) -> None:
    furnished = await furnish(sign_in("admin"), NAME)
    page = await open_page("/contacts", "admin", width=width, height=740)
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    url = page.url.split("#")[0]
    reading = Reading(page)
    faults, path = [], ""
    for what, address in furnished.addresses(part).items():
        await page.goto(f"{url}#{address}")
        await reading.over()
        path, before = address.split("?")[0], path
        if part != "contacts" and path != before:
            # A page that was gone to takes the focus once it has shown itself.
            await expect(page.locator("#view:focus-within")).to_have_count(1)
        faults += await walk(page, what)
    assert not faults, "\n".join(faults)
