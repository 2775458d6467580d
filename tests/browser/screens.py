"""`python -m tests.browser.screens FOLDER`: pictures of all views, light and dark, large and small.

With `--docs` also the four that stand in docs/.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from loguru import logger
from playwright.async_api import Browser, Page

from server.db.embedded import EmbeddedPostgres, EmbeddedRedis
from server.db.migrate import migrate
from server.db.pool import Database
from server.jobs.seed import seed
from server.settings import Settings
from tests.browser.support.chromium import new_context, running_chromium
from tests.browser.support.imports import as_file, choose
from tests.browser.support.office import TENANT, furnish
from tests.integration.support.servers import Server, running_server

DOCS = Path(__file__).resolve().parents[2] / "docs"
CONTACTS = 4_211
SETTLED_MS = 1_500


@dataclass(frozen=True)
class Screen:
    """A view's picture: its name and address, the one in docs/, and a file that is chosen there."""

    name: str
    address: str
    docs: str | None = None
    file: str | None = None


@dataclass(frozen=True)
class Look:
    """On which screen, and whether in the dark."""

    name: str
    width: int
    height: int
    dark: bool


LOOKS = [
    Look("desktop-light", 1280, 800, False),
    Look("desktop-dark", 1280, 800, True),
    Look("phone-light", 360, 740, False),
    Look("phone-dark", 360, 740, True),
    Look("tablet-light", 768, 1024, False),
    Look("wide-light", 1920, 1080, False),
]


async def main(folder: Path, *, docs: bool, only: str | None) -> None:
    """Takes all pictures, from a server of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    logger.remove()
    with tempfile.TemporaryDirectory(prefix="fieldbook-screens-") as data:
        # As root, Postgres runs under another account, which must pass.
        Path(data).chmod(0o711)
        postgres, redis = EmbeddedPostgres(Path(data)), EmbeddedRedis(Path(data))
        try:
            postgres.start()
            redis.start()
            settings = Settings.from_environment(
                {
                    "ENVIRONMENT": "test",
                    "DATABASE_URL": postgres.database_url,
                    "DATA_DIR": data,
                    "PORT": "0",
                }
            )
            await _take_all(settings, redis.redis_url, folder, docs=docs, only=only)
        finally:
            redis.stop()
            postgres.stop()


async def _take_all(
    settings: Settings, redis_url: str, folder: Path, *, docs: bool, only: str | None
) -> None:
    url = str(settings.database_url)
    owner = await asyncpg.connect(url)
    await migrate(owner)
    database = await Database.connect(url, size=2)
    await seed(database, TENANT, CONTACTS, seed=1, region="US", progress=lambda _done: None)
    await database.close()
    async with running_server(settings, redis_url) as server, running_chromium() as browser:
        key = await furnish(owner, server.parts.auth)
        screens = [each for each in await _screens(owner) if only is None or only in each.name]
        for look in LOOKS:
            await _take(browser, server, key, look, screens, folder)
        if docs:
            await _take_docs(browser, server, key, [each for each in screens if each.docs])
    await owner.close()


async def _screens(owner: asyncpg.Connection) -> list[Screen]:
    contact = await owner.fetchval("SELECT id FROM contacts WHERE last_name = 'García' LIMIT 1")
    device = await owner.fetchval("SELECT id FROM devices WHERE name = 'Ben''s tablet'")
    return [
        Screen("contacts", "/contacts"),
        Screen(
            "contact", f"/contacts/{contact}?search=garcia&sort=-updated_at", "dashboard-contacts"
        ),
        Screen("contact-new", "/contacts/new"),
        Screen("contacts-found", "/contacts?search=garcia&sort=-updated_at"),
        Screen("contacts-nothing", "/contacts?search=nobody%20of%20this%20name"),
        Screen("contacts-filtered", "/contacts?has_phone=true&sort=company"),
        Screen("import", "/import"),
        Screen("import-preview", "/import", "dashboard-import", file=await _clients(owner)),
        Screen("devices", "/devices", "dashboard-devices"),
        Screen("device", f"/devices/{device}"),
        Screen("statistics", "/statistics", "dashboard-statistics"),
        Screen("activity", "/activity"),
        Screen("labels", "/labels"),
        Screen("administration-agents", "/administration/agents"),
        Screen("administration-keys", "/administration/keys"),
        Screen("administration-settings", "/administration/settings"),
    ]


async def _clients(owner: asyncpg.Connection) -> str:
    """A file of clients: some that are there, with other titles, some new ones, and a fault."""
    known = await owner.fetch(
        "SELECT first_name, last_name, company, emails -> 0 ->> 'value' AS email FROM contacts "
        "WHERE last_name = 'García' AND emails <> '[]' ORDER BY id LIMIT 12"
    )
    rows = [(*row.values(), "Head of Sales", 1_000 + place) for place, row in enumerate(known)]
    for number in range(26):
        rows.append(
            ("Nora", "Lind", "Fjord AS", f"nora{number}@fjord.example", "Buyer", 2_000 + number)
        )
    rows.append(("Timo", "Virta", "Saimaa Oy", "timo.virta-saimaa.example", "Buyer", 3_000))
    head = ("First name", "Last name", "Company", "E-mail", "Position", "Customer no.")
    return "".join(";".join(str(cell) for cell in row) + "\n" for row in (head, *rows))


async def _take(
    browser: Browser, server: Server, key: str, look: Look, screens: list[Screen], folder: Path
) -> None:
    context = await new_context(browser, width=look.width, height=look.height, dark=look.dark)
    page = await context.new_page()
    await page.goto(server.url)
    await page.get_by_label("API key", exact=True).wait_for()
    await page.screenshot(path=folder / f"sign-in-{look.name}.png")
    await page.evaluate(f"localStorage['fieldbook.api_key'] = '{key}'")
    for screen in screens:
        await _show(page, server, screen)
        await page.screenshot(path=folder / f"{screen.name}-{look.name}.png")
    await context.close()


async def _take_docs(browser: Browser, server: Server, key: str, screens: list[Screen]) -> None:
    context = await new_context(browser, width=1280, height=800)
    page = await context.new_page()
    await page.goto(server.url)
    await page.evaluate(f"localStorage['fieldbook.api_key'] = '{key}'")
    for screen in screens:
        await _show(page, server, screen)
        await page.screenshot(path=DOCS / f"{screen.docs}.png")
    await context.close()


async def _show(page: Page, server: Server, screen: Screen) -> None:
    await page.goto(f"{server.url}/#{screen.address}")
    # By an address that is new to the page, not by what it had before.
    await page.reload()
    await page.locator("#view h1:visible").first.wait_for()
    if screen.file is not None:
        await choose(page, as_file(screen.file))
    await page.wait_for_timeout(SETTLED_MS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screens")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--docs", action="store_true", help="also those that stand in docs/")
    parser.add_argument("--only", help="only views whose name holds this")
    chosen = parser.parse_args()
    asyncio.run(main(chosen.folder, docs=chosen.docs, only=chosen.only))
