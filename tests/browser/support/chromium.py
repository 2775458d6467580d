"""Debian's Chromium, headless, and pages of the dashboard in it."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    async_playwright,
    expect,
)

# Without a sandbox, as root has none; and nothing of a browser's own that calls home.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Of a busy machine, for what is clicked, opened or started.
PATIENCE_MS = 90_000
# Chromium says these of answers and lines that the dashboard itself deals with.
DEALT_WITH = ("Failed to load resource", "WebSocket connection to")


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Browser]:
    """A browser. Fails with the line that installs it, where there is none."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("Chromium is missing: apt-get install chromium", pytrace=False)
    async with async_playwright() as playwright:
        playwright.selectors.set_test_id_attribute("data-test")
        browser = await playwright.chromium.launch(
            executable_path=path, args=ARGUMENTS, timeout=PATIENCE_MS
        )
        yield browser
        await browser.close()


class Complaints(list[str]):
    """What a page's console says that it should not, errors of scripts and of its policy first."""

    def watch(self, page: Page) -> None:
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.append(f"{error}\n{error.stack}"))
        # An `alert` is what a hostile name would do.
        page.on("dialog", lambda dialog: self.append(f"{dialog.type}: {dialog.message}"))

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not message.text.startswith(DEALT_WITH):
            self.append(f"{message.type}: {message.text}")


async def new_context(
    browser: Browser, *, width: int = 1280, height: int = 800, dark: bool = False
) -> BrowserContext:
    """Another person's browser: its own storage, its own sign-in."""
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        locale="en-GB",
        timezone_id="Europe/Berlin",
        accept_downloads=True,
    )
    context.set_default_timeout(PATIENCE_MS)
    return context


async def live(page: Page) -> None:
    """Waits until the page's line to the server stands."""
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
