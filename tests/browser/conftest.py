"""A server, a company of each test's own, and browsers that show its dashboard.

They live on the file's event loop, as the server does: `pytestmark = ON_THE_SERVERS_LOOP`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.support.chromium import Complaints, live, new_context, running_chromium
from tests.integration.conftest import (
    ON_THE_SERVERS_LOOP,
    MakeDevice,
    company,
    device,
    make_device,
    other_company,
    second_device,
    server,
    server_settings,
    sql,
)
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server

# A function: the page's policy forbids to read an expression anew at each look.
PAINTED = "() => performance.getEntriesByName('first-contentful-paint').length > 0"
OpenPage = Callable[..., Awaitable[Page]]
SignIn = Callable[..., Api]

__all__ = [
    "ON_THE_SERVERS_LOOP",
    "MakeDevice",
    "OpenPage",
    "SignIn",
    "company",
    "device",
    "make_device",
    "other_company",
    "second_device",
    "server",
    "server_settings",
    "sql",
]

# Patient, as the machine may be busy.
expect.set_options(timeout=30_000)
SECONDS = 300


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test that walks through views takes longer than others may, however it is started."""
    for item in items:
        if item.path.parent == Path(__file__).parent:
            item.add_marker(pytest.mark.timeout(SECONDS))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """The file's browser."""
    async with running_chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def complaints() -> AsyncIterator[Complaints]:
    """What the consoles of a test's pages say; afterwards that must be nothing."""
    complaints = Complaints()
    yield complaints
    assert complaints == []


@pytest_asyncio.fixture(loop_scope="module")
async def open_page(
    chromium: Browser, server: Server, company: Company, complaints: Complaints
) -> AsyncIterator[OpenPage]:
    """`await open_page("/contacts?sort=company", "manager")`: the dashboard, signed in and live.

    What others change before its line stands is not told to it, and what one saves then waits.
    `role` None: not signed in. `width`, `height`, `dark` for another screen; `context` for another
    tab of a browser that is open already.
    """
    contexts: list[BrowserContext] = []

    async def open_one(
        path: str = "/contacts",
        role: str | None = "manager",
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        context: BrowserContext | None = None,
    ) -> Page:
        is_live = context is None and role is not None
        if context is None:
            context = await new_context(chromium, width=width, height=height, dark=dark)
            contexts.append(context)
            if role:
                # As "Stay signed in" leaves it, so that further tabs are signed in, too.
                key = company.keys[role]
                await context.add_init_script(f"localStorage['fieldbook.api_key'] ??= '{key}'")
        page = await context.new_page()
        complaints.watch(page)
        await page.goto(f"{server.url}/#{path}")
        # Keys that come before it is painted go to the browser's own menus, and the focus too.
        await page.wait_for_function(PAINTED)
        if is_live:
            await live(page)
        return page

    yield open_one
    for context in contexts:
        await context.close()


@pytest_asyncio.fixture(loop_scope="module")
async def sign_in(server: Server, company: Company) -> AsyncIterator[SignIn]:
    """`sign_in("manager")`: the REST API as somebody of the company."""
    async with aiohttp.ClientSession() as session:
        stranger = Api(session, server.url)

        def sign(role: str = "manager", **headers: str) -> Api:
            return stranger.signed_in(company.keys[role], **headers)

        yield sign
