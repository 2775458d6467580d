"""The queue of unsent edits: nothing blocks it, and tabs share it."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
from playwright.async_api import Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.integration.support.servers import Company
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

# The page's own modules, with a connection and a queue of the test's.
QUEUE = """async ([key, agent]) => {
  const { Connection } = await import("/js/core/connection.js");
  const { Mutations } = await import("/js/core/mutations.js");
  const { openStorage } = await import("/js/core/storage.js");
  const connection = new Connection({ version: 0, epoch: null });
  connection.open(key);
  while (connection.state !== "online")
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
    async def holds() -> bool:
        waiting: int = await page.evaluate("window.queue.waiting")
        return waiting == count

    await until(holds, 30)


# As a backup from before the edit would be put back.
RESTORE = """
SET session_replication_role = replica;
DELETE FROM contacts WHERE tenant_id = '{tenant}';
DELETE FROM contact_keys WHERE tenant_id = '{tenant}';
DELETE FROM contact_search WHERE tenant_id = '{tenant}';
DELETE FROM mutations WHERE tenant_id = '{tenant}';
UPDATE global_version SET epoch = replace(gen_random_uuid()::text, '-', '')
WHERE tenant_id = '{tenant}';
SET session_replication_role = origin;
"""


async def test_what_a_restored_database_lost_is_sent_again_also_by_a_page_opened_since(
    open_page: OpenPage, company: Company, sign_in: SignIn, sql: asyncpg.Connection
) -> None:
    page = await with_queue(await open_page("/labels", "manager"), company)
    assert (await page.evaluate(CREATE, "Ann"))["status"] == "applied"
    await page.close()
    await sql.execute(RESTORE.format(tenant=company.tenant))
    assert await names(sign_in()) == []
    page = await with_queue(await open_page("/labels", "manager", context=page.context), company)
    await expect_names(sign_in(), ["Ann"])


async def test_what_a_restored_database_lost_is_sent_again_by_a_page_whose_line_never_broke(
    open_page: OpenPage, company: Company, sign_in: SignIn, sql: asyncpg.Connection
) -> None:
    page = await with_queue(await open_page("/labels", "manager"), company)
    assert (await page.evaluate(CREATE, "Ann"))["status"] == "applied"
    await sql.execute(RESTORE.format(tenant=company.tenant))
    # The first that the page hears of it is a change.
    await page.wait_for_timeout(1_500)
    assert (await sign_in().post("/api/contacts", {"first_name": "Zoe"})).status == 201
    await expect_names(sign_in(), ["Ann", "Zoe"])


async def test_an_edit_of_an_account_that_is_shut_out_waits_until_it_is_let_in_again(
    open_page: OpenPage, company: Company, sign_in: SignIn, sql: asyncpg.Connection
) -> None:
    page = await with_queue(await open_page("/labels", "manager"), company)
    shut = "UPDATE agents SET disabled = $1 WHERE id = $2"
    agent = company.agents["agent"]
    # Without the notice the socket stays open, as it does for the moment until one comes.
    await sql.execute("ALTER TABLE agents DISABLE TRIGGER notify_agent_access")
    try:
        await sql.execute(shut, True, agent)
        assert (await page.evaluate(CREATE, "Ann"))["status"] == "waiting"
        assert await page.evaluate("window.queue.waiting") == 1
        await sql.execute(shut, False, agent)
    finally:
        await sql.execute("ALTER TABLE agents ENABLE TRIGGER notify_agent_access")
    await expect_waiting(page, 0)
    assert await names(sign_in()) == ["Ann"]


async def test_what_is_written_behind_a_creation_that_is_refused_meanwhile_leaves_nobody_waiting(
    open_page: OpenPage, company: Company
) -> None:
    first = await open_page("/labels", "manager")
    second = await open_page("/labels", "manager", context=first.context)
    for page in (first, second):
        await with_queue(page, company)
    # One tab makes what will be refused, the other edits it before it is sent.
    await first.evaluate("window.queue.connection.state = 'offline'")
    bad = {"contact": {"id": "contact-bad", "emails": [{"value": "no e-mail"}]}}
    assert (await first.evaluate(REFUSED, ["contact_create", bad]))["status"] == "waiting"
    edit = {"id": "contact-bad", "changes": {"company": "Keller"}}
    refused = await second.evaluate(REFUSED, ["contact_update", edit])
    assert refused["code"] == "invalid"
    for page in (first, second):
        await expect_waiting(page, 0)
        kept = "window.queue.refusedOf('contact-bad').map(({ event }) => event)"
        assert await page.evaluate(kept) == ["contact_create", "contact_update"]


async def test_an_edit_for_which_there_is_no_room_is_refused_in_words_and_one_that_is_sent_ends(
    open_page: OpenPage, company: Company, sign_in: SignIn
) -> None:
    page = await with_queue(await open_page("/labels", "manager"), company)
    await page.evaluate(
        """() => {
          const full = () => { throw new DOMException("It is full.", "QuotaExceededError"); };
          const put = IDBObjectStore.prototype.put;
          IDBObjectStore.prototype.put = function (value, ...more) {
            return value.acknowledged ? full() : put.call(this, value, ...more);
          };
          window.fill = () => { IDBObjectStore.prototype.add = full; };
        }"""
    )
    assert (await page.evaluate(CREATE, "Ann"))["status"] == "applied"
    await expect_waiting(page, 0)
    assert await names(sign_in()) == ["Ann"]
    await page.evaluate("window.fill()")
    payload = {"contact": {"id": "contact-more", "first_name": "Ben"}}
    refused = await page.evaluate(REFUSED, ["contact_create", payload])
    assert refused["code"] == "storage"
    assert "Free some space" in refused["message"]


OPEN_NEWER = """() => new Promise((resolve) => {
  const request = indexedDB.open("fieldbook", 2);
  // Until what the others just read or write is done.
  request.onblocked = () => setTimeout(() => resolve("blocked"), 20_000);
  request.onsuccess = () => { request.result.close(); resolve("opened"); };
})"""


async def test_a_newer_fieldbook_in_another_tab_is_not_kept_waiting_and_the_older_one_says_so(
    open_page: OpenPage, company: Company
) -> None:
    page = await with_queue(await open_page("/labels", "manager"), company)
    other = await open_page("/labels", "manager", context=page.context)
    await expect(other.get_by_test_id("connection")).to_have_text("Live")
    assert await other.evaluate(OPEN_NEWER) == "opened"
    payload = {"contact": {"id": "contact-old", "first_name": "Ben"}}
    refused = await page.evaluate(REFUSED, ["contact_create", payload])
    assert refused["code"] == "storage"
    assert "Reload this page" in refused["message"]


async def expect_names(api: Any, wanted: list[str]) -> None:
    async def holds() -> bool:
        return await names(api) == wanted

    await until(holds, 30)
