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


async def violations(page: Page, rule: str | None = None) -> list[str]:
    """Each rule that the page breaks, or the one `rule`, with the elements that do."""
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
