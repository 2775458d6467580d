"""What stands around every view: signing in, the address, the line that is lost."""

from __future__ import annotations

import re

from playwright.async_api import expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage

pytestmark = ON_THE_SERVERS_LOOP


async def test_the_dashboard_is_live_once_signed_in(open_page: OpenPage) -> None:
    page = await open_page("/contacts", "manager")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await expect(page).to_have_title(re.compile("Contacts · Fieldbook"))
