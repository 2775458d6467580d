"""axe-core: what of a page is against WCAG 2.2 AA, as far as a program can tell."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from playwright.async_api import Page

AXE = Path(__file__).parents[3] / "public/node_modules/axe-core/axe.min.js"
OPTIONS = {
    # Reading the style sheets anew is what our policy forbids it to do.
    "preload": False,
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
    "rules": {"heading-order": {"enabled": True}, "page-has-heading-one": {"enabled": True}},
}


@cache
def _source() -> str:
    if not AXE.exists():
        pytest.fail("axe-core is missing: npm --prefix public ci", pytrace=False)
    return AXE.read_text("utf-8")


# A frame or two later a view has the form that another screen asks for; and colours change over a
# moment. What turns without an end is not waited for.
STILL = """async () => {
  for (let frame = 0; frame < 3; frame++) await new Promise((seen) => requestAnimationFrame(seen));
  const ends = (each) => Number.isFinite(each.effect.getComputedTiming().endTime);
  const running = document.getAnimations().filter(ends);
  await Promise.allSettled(running.map((each) => each.finished));
}"""


async def violations(page: Page, rule: str | None = None) -> list[str]:
    """Each rule that the page breaks once it stands still, or the one `rule`, with what does."""
    await page.evaluate(STILL)
    if await page.evaluate("window.axe === undefined"):
        await page.evaluate(_source())
    options = OPTIONS if rule is None else {"preload": False, "runOnly": [rule]}
    found = await page.evaluate(
        "options => axe.run(document, options).then(({violations}) => violations)", options
    )
    return [
        f"{broken['id']}: {broken['help']}: {[node['html'][:200] for node in broken['nodes'][:5]]}"
        for broken in found
    ]
