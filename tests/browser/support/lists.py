"""What tests of lists do again and again: fill that of contacts, look at rows, choose some."""

from __future__ import annotations

import asyncpg
from playwright.async_api import Locator, Page, expect

from tests.integration.support.servers import Company


async def fill(sql: asyncpg.Connection, company: Company, number: int) -> None:
    """So many contacts by SQL, `Person 000001` of `Firm 999` and on; each seventh has no e-mail."""
    await sql.execute(
        "INSERT INTO contacts (tenant_id, id, first_name, last_name, company, emails) "
        "SELECT $1, 'contact-' || lpad(n::text, 6, '0'), 'Person', lpad(n::text, 6, '0'), "
        "       'Firm ' || (1000 - n % 1000), CASE WHEN n % 7 = 0 THEN '[]' ELSE "
        "       jsonb_build_array(jsonb_build_object('value', 'p' || n || '@example.com')) END "
        "FROM generate_series(1, $2::int) AS n",
        company.tenant,
        number,
    )


def grid(page: Page) -> Locator:
    return page.get_by_role("grid", name="Contacts")


def row(page: Page, place: int) -> Locator:
    """The row at a place of the whole list, the first is 1."""
    return grid(page).locator(f"[role=row][aria-rowindex='{place + 1}']")


def named(page: Page, name: str) -> Locator:
    """The row that shows a name."""
    return grid(page).get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


async def shows_total(page: Page, total: str) -> None:
    await expect(page.get_by_test_id("total")).to_have_text(total)


async def scroll_to(page: Page, place: int) -> None:
    """Scrolls so that a row is the first that is seen."""
    await grid(page).evaluate(
        """(grid, rows) => {
            const height = parseInt(getComputedStyle(grid).getPropertyValue("--row"));
            grid.scrollTop = rows * height;
        }""",
        place - 1,
    )


async def shows_chosen(page: Page, number: int) -> None:
    await expect(page.get_by_test_id("chosen")).to_have_text(f"{number:,} chosen")


async def leave_the_list(page: Page) -> None:
    """Neither pointer nor focus stays in it."""
    await page.mouse.move(1, 1)
    await page.evaluate("document.activeElement.blur()")


def device_row(page: Page, name: str) -> Locator:
    """A device in the list of devices."""
    return page.get_by_test_id("device").filter(has_text=name)
