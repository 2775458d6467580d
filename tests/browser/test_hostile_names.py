"""What is called `<img src=x onerror=alert(1)>` is only called so: in views, messages and plots."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.contacts import HOSTILE, edit
from tests.browser.support.furnished import PARTS, furnish

pytestmark = ON_THE_SERVERS_LOOP
# How often each view says the name at least: less would mean that it was not shown at all.
LEAST = {
    "contacts": 4,
    "contacts filtered": 2,
    "contacts deleted": 1,
    "contact": 12,
    "jobs": 1,
    "job": 1,
    "devices": 2,
    "device": 2,
    "statistics": 1,
    "activity": 4,
    "activity of one": 1,
    "tags": 4,
    "groups": 2,
    "types": 2,
    "agents": 1,
    "api keys": 2,
    "settings": 0,
    "own keys": 2,
}
# What would be an element of the name's if anything took it for HTML. The product's own picture has
# another address.
ELEMENTS = "document.querySelectorAll('img[src=x], [onerror]').length"
# Asked of each page before anything else runs: what its policy refused.
LISTEN = """
window.refused = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.refused.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
});
"""


async def shown(page: Page) -> int:
    """How often the name is read on the page: in texts, in fields, in names for screen readers."""
    await expect(page.locator("#view h1:visible").first).to_be_visible()
    await expect(page.locator(".skeleton")).to_have_count(0)
    count: int = await page.evaluate(
        """(name) => {
          const texts = [document.body.innerText];
          const others = "input, textarea, option, [title], [aria-label]";
          for (const each of document.querySelectorAll(others)) {
            texts.push(each.value ?? "", each.title, each.getAttribute("aria-label") ?? "");
          }
          return texts.join("\\n").split(name).length - 1;
        }""",
        HOSTILE,
    )
    return count


async def is_harmless(page: Page) -> bool:
    """Whether no element came of it, and the policy had nothing to refuse."""
    return (await page.evaluate(ELEMENTS), await page.evaluate("window.refused")) == (0, [])


@pytest.mark.parametrize("part", PARTS)
async def test_a_hostile_name_is_only_a_name_in_every_view(
    part: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    furnished = await furnish(sign_in("admin"), HOSTILE)
    page = await open_page("/contacts", "admin")
    await page.context.add_init_script(LISTEN)
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    url = page.url.split("#")[0]
    faults = []
    for what, address in furnished.addresses(part).items():
        await page.goto(f"{url}#{address}")
        count = await shown(page)
        # What comes after the page: counts, histories, plots.
        for _ in range(300):
            if count >= LEAST.get(what, 0):
                break
            await asyncio.sleep(0.1)
            count = await shown(page)
        if count < LEAST.get(what, 0):
            faults.append(f"{what}: the name is shown {count} times: {await page.title()}")
        if not await is_harmless(page):
            faults.append(f"{what}: it became an element, or the policy refused something")
    assert not faults, "\n".join(faults)


async def test_a_hostile_name_is_only_a_name_in_messages_dialogs_and_titles(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    furnished = await furnish(sign_in("admin"), HOSTILE)
    page = await open_page(f"/contacts/{furnished.contact}", "admin")
    await page.context.add_init_script(LISTEN)
    await page.reload()
    await expect(page).to_have_title(f"{HOSTILE} {HOSTILE} · Fieldbook")
    form = await edit(page)
    assert await form.get_by_label("First name").input_value() == HOSTILE
    await page.keyboard.press("Escape")

    toast = page.get_by_test_id("toast")
    await page.goto(f"{page.url.split('#')[0]}#/labels")
    await page.get_by_role("button", name=f"Delete {HOSTILE}", exact=True).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(f"Delete the tag “{HOSTILE}”?")
    await dialog.get_by_role("button", name="Delete").click()
    await expect(toast).to_contain_text(f"“{HOSTILE}” is deleted.")
    await toast.get_by_role("button", name="Undo").click()

    await page.get_by_role("button", name=f"Merge {HOSTILE} into another", exact=True).click()
    await page.get_by_label("The tag that stays").select_option(f"{HOSTILE} 2")
    await expect(page.get_by_test_id("merge-preview")).to_contain_text(f"gets “{HOSTILE} 2”")
    await page.keyboard.press("Escape")

    await page.goto(f"{page.url.split('#')[0]}#/administration/agents")
    await page.get_by_role("button", name=f"Disable {HOSTILE}", exact=True).click()
    await expect(dialog).to_contain_text(f"Disable {HOSTILE}?")
    await dialog.get_by_role("button", name="Disable").click()
    await expect(toast).to_contain_text(f"{HOSTILE} is disabled.")
    assert await is_harmless(page)


async def test_what_is_searched_for_is_only_a_text(open_page: OpenPage) -> None:
    page = await open_page("/contacts", "admin")
    await page.context.add_init_script(LISTEN)
    await page.reload()
    for address in ("contacts", "labels", "devices", "activity", "administration", "no-such-view"):
        await page.goto(f"{page.url.split('#')[0]}#/{address}?search={HOSTILE}&agent={HOSTILE}")
        await expect(page.locator("#view h1:visible").first).to_be_visible()
        await expect(page.locator(".skeleton")).to_have_count(0)
        assert await is_harmless(page), address
