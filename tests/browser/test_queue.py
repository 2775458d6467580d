"""The queue of unsent edits: nothing blocks it, and tabs share it."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
from playwright.async_api import Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.integration.support.servers import Company

pytestmark = ON_THE_SERVERS_LOOP

# The page's own modules, with a connection and a queue of the test's.
QUEUE = """async ([key, agent]) => {
  const { Connection } = await import("/js/core/connection.js");
  const { Mutations } = await import("/js/core/mutations.js");
  const { openStorage } = await import("/js/core/storage.js");
  const connection = new Connection();
  connection.open(key);
  await new Promise((resolve) => connection.addEventListener("state", resolve, { once: true }));
  const queue = new Mutations(await openStorage(), connection, agent);
  await queue.open();
  window.told = [];
  for (const type of ["refused", "conflicted", "acknowledged"])
    queue.addEventListener(type, ({ detail }) => window.told.push([type, detail.mutation.row]));
  window.queue = queue;
}"""
CREATE = """(name) => window.queue.write("contact_create", {
  contact: { id: `contact-${name}`, first_name: name },
})"""
REFUSED = """async ([event, payload]) => {
  try { return await window.queue.write(event, payload); }
  catch (error) { return { code: error.code, message: error.message }; }
}"""


async def with_queue(page: Page, company: Company, role: str = "agent") -> Page:
    """The page with a queue of its own, as an agent whom the dashboard of the page is not."""
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await page.evaluate(QUEUE, [company.keys[role], company.agents[role]])
    return page


async def names(api: Any) -> list[str]:
    answer = await api.get("/api/contacts?sort=display_name")
    return [each["display_name"] for each in answer.json["items"]]


async def test_an_edit_that_the_server_stumbles_over_does_not_hold_up_others(
    open_page: OpenPage, company: Company, sign_in: SignIn, sql: asyncpg.Connection
) -> None:
    page = await with_queue(await open_page("/labels", "manager"), company)
    await sql.execute(
        "CREATE FUNCTION stumble() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'stumbled' USING ERRCODE = 'XX000'; END $$; "
        "CREATE TRIGGER stumble BEFORE INSERT ON contacts FOR EACH ROW "
        "WHEN (NEW.first_name = 'poison') EXECUTE FUNCTION stumble()"
    )
    try:
        assert (await page.evaluate(CREATE, "poison"))["status"] == "waiting"
        assert (await page.evaluate(CREATE, "Ann"))["status"] == "applied"
        assert await page.evaluate("window.queue.waiting") == 1
    finally:
        await sql.execute("DROP TRIGGER stumble ON contacts; DROP FUNCTION stumble()")
    await page.evaluate("window.queue.sender.send()")
    await expect_waiting(page, 0)
    assert await names(sign_in()) == ["Ann", "poison"]


async def test_an_edit_too_large_to_send_is_refused_at_once(
    open_page: OpenPage, company: Company
) -> None:
    page = await with_queue(await open_page("/labels", "manager"), company)
    payload = {"contact": {"id": "contact-large", "notes": "x" * 1_000_000}}
    refused = await page.evaluate(REFUSED, ["contact_create", payload])
    assert refused["code"] == "too_large"
    assert await page.evaluate("window.queue.waiting") == 0


async def test_a_refused_edit_is_told_to_its_writer_and_forgotten(
    open_page: OpenPage, company: Company
) -> None:
    page = await with_queue(await open_page("/labels", "manager"), company)
    payload = {"contact": {"id": "contact-empty", "notes": "of nobody"}}
    refused = await page.evaluate(REFUSED, ["contact_create", payload])
    assert refused["code"] == "invalid"
    assert await page.evaluate("window.queue.waiting") == 0


async def test_tabs_share_the_queue_and_send_each_edit_once(
    open_page: OpenPage, company: Company, sign_in: SignIn
) -> None:
    first = await open_page("/labels", "manager")
    second = await open_page("/labels", "manager", context=first.context)
    for page in (first, second):
        await with_queue(page, company)
    pages = {"a": first, "b": second}
    acks = await asyncio.gather(
        *(page.evaluate(CREATE, f"{tab}{n}") for n in (1, 2, 3) for tab, page in pages.items())
    )
    # Whoever's tab sent it, the writer is answered with what the server said.
    assert {ack["status"] for ack in acks} == {"applied"}
    for page in (first, second):
        await expect_waiting(page, 0)
    assert await names(sign_in()) == ["a1", "a2", "a3", "b1", "b2", "b3"]


async def expect_waiting(page: Page, count: int) -> None:
    for _ in range(100):
        if await page.evaluate("window.queue.waiting") == count:
            return
        await page.wait_for_timeout(100)
    raise AssertionError(f"{await page.evaluate('window.queue.waiting')} wait, not {count}")
