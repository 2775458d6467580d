"""Every view, light and dark, at a desk and on a phone: by axe, and no wider than the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import NamedTuple

import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.axe import violations
from tests.browser.support.furnished import PARTS, Furnished, furnish

pytestmark = ON_THE_SERVERS_LOOP
# Long, with a word that no line breaks by itself.
NAME = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft mbH"


class Look(NamedTuple):
    """A screen, in the light or the dark."""

    width: int
    height: int
    scheme: str


LOOKS = [
    Look(width, height, scheme)
    for width, height in ((1280, 800), (360, 740))
    for scheme in ("light", "dark")
]
# What stands beyond the right edge of the screen, and not in a box of its own that scrolls.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width && document.body.scrollWidth <= width) {
    const main = document.querySelector("main");
    if (main.scrollWidth <= main.clientWidth) return [];
  }
  return [...document.querySelectorAll("body *")]
    .filter((each) => each.getBoundingClientRect().right > width + 1)
    .map((each) => `${each.tagName}.${each.className}`)
    .slice(0, 8);
}"""

TO_THE_END = """() => {
  for (const box of document.querySelectorAll("main, .contacts-pane")) box.scrollTo(0, 1e6);
}"""


async def settled(page: Page) -> None:
    """Once the view has read what it shows."""
    await expect(page.locator("#view h1:visible, .sign-in h1").first).to_be_visible()
    await expect(page.locator(".skeleton")).to_have_count(0)


async def faults(page: Page, what: str) -> list[str]:
    """What is wrong with the page as it is, on each screen."""
    found = []
    for look in LOOKS:
        await page.set_viewport_size({"width": look.width, "height": look.height})
        await page.emulate_media(color_scheme=look.scheme)
        await settled(page)
        # There, what sticks to the bottom covers half of no button.
        await page.evaluate(TO_THE_END)
        where = f"{what}, {look.width} px, {look.scheme}"
        # In the dark there are other colours, and nothing else.
        rule = "color-contrast" if look.scheme == "dark" else None
        found += [f"{where}: {each}" for each in await violations(page, rule)]
        wide = await page.evaluate(TOO_WIDE)
        if wide:
            found.append(f"{where}: wider than the screen: {wide}")
    await page.set_viewport_size({"width": 1280, "height": 800})
    return found


@pytest.mark.parametrize("part", PARTS)
async def test_no_view_breaks_a_rule_or_is_wider_than_the_screen(
    part: str, open_page: OpenPage, sign_in: SignIn
) -> None:
    furnished = await furnish(sign_in("admin"), NAME)
    page = await open_page("/contacts", "admin")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    url = page.url.split("#")[0]
    found: list[str] = []
    for what, address in furnished.addresses(part).items():
        await page.goto(f"{url}#{address}")
        await settled(page)
        found += await faults(page, what)
    assert not found, "\n".join(found)


async def new_agent(page: Page, _: Furnished) -> None:
    await page.get_by_role("button", name="New agent").click()
    await page.get_by_role("dialog").get_by_role("button", name="Make the agent").click()
    await expect(page.get_by_role("dialog").locator("[aria-invalid]").first).to_be_visible()


async def new_key(page: Page, _: Furnished) -> None:
    await page.get_by_role("button", name="New key").click()
    await page.get_by_role("dialog").get_by_role("button", name="Make the key").click()
    await expect(page.get_by_label("API key", exact=True)).to_be_visible()


async def new_tag(page: Page, _: Furnished) -> None:
    await page.get_by_role("button", name="New tag").click()
    await page.get_by_role("dialog").get_by_role("button", name="Make it").click()
    await expect(page.get_by_role("dialog").locator("[aria-invalid]").first).to_be_visible()


async def merge(page: Page, _: Furnished) -> None:
    await page.get_by_role("button", name=f"Merge {NAME} into another", exact=True).click()
    await page.get_by_label("The tag that stays").select_option(f"{NAME} 2")
    await expect(page.get_by_test_id("merge-preview")).to_contain_text("is deleted")


async def delete(page: Page, _: Furnished) -> None:
    await page.get_by_role("button", name=f"Delete {NAME}", exact=True).click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await page.get_by_test_id("toast").hover()


async def help_(page: Page, _: Furnished) -> None:
    await page.get_by_role("button", name="Keyboard help").click()


async def edit(page: Page, _: Furnished) -> None:
    await page.get_by_role("button", name="Edit", exact=True).click()


async def offline(page: Page, _: Furnished) -> None:
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("offline-banner")).to_be_visible(timeout=60_000)


OPENED: list[tuple[str, str, Callable[[Page, Furnished], Awaitable[None]]]] = [
    ("the dialog of an agent", "agents", new_agent),
    ("a key that is shown", "api keys", new_key),
    ("the dialog of a tag", "tags", new_tag),
    ("the dialog of a merge", "tags", merge),
    ("a message", "tags", delete),
    ("the help", "settings", help_),
    ("the form of a contact", "contact", edit),
    ("the offline banner", "contacts", offline),
]


async def test_what_opens_in_a_view_breaks_no_rule_either(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    furnished = await furnish(sign_in("admin"), NAME)
    found: list[str] = []
    for what, view, open_it in OPENED:
        page = await open_page(furnished.addresses()[view], "admin")
        await settled(page)
        await open_it(page, furnished)
        found += await faults(page, what)
        await page.context.close()
    assert not found, "\n".join(found)


async def test_what_is_chosen_is_seen_where_the_system_gives_the_colours(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    await sign_in().post("/api/contacts", {"company": "Keller"})
    page = await open_page("/contacts")
    await page.emulate_media(forced_colors="active")
    box = page.get_by_role("checkbox", name="Choose Keller")
    await box.check()
    # A tick that is a picture of ours would be left out.
    await expect(box).to_have_css("appearance", "auto")
    await expect(page.locator(".grid-row-chosen")).to_have_css("outline-style", "solid")
    here = page.get_by_role("link", name="Contacts", exact=True)
    await expect(here).to_have_css("outline-style", "solid")


async def test_a_phones_menu_and_the_page_to_sign_in_break_no_rule(open_page: OpenPage) -> None:
    page = await open_page("/labels", None)
    await page.get_by_role("button", name="Sign in").click()
    await expect(page.get_by_role("alert")).to_be_visible()
    found = await faults(page, "sign in")
    page = await open_page("/labels", "admin", width=360, height=740)
    await page.get_by_role("button", name="Menu").click()
    for scheme in ("light", "dark"):
        await page.emulate_media(color_scheme=scheme)
        await settled(page)
        found += [f"menu, {scheme}: {each}" for each in await violations(page)]
    assert not found, "\n".join(found)
