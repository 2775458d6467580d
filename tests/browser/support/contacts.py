"""What tests of contacts do again and again: make one, open it, edit it, look at it."""

from __future__ import annotations

from typing import Any

from nanoid import generate
from playwright.async_api import Locator, Page, expect

from tests.browser.support.lines import Line
from tests.integration.support.rest import Api
from tests.waiting import until

HOSTILE = "<img src=x onerror=alert(1)>"
DRAFTS = """() => new Promise((resolve, reject) => {
  const opening = indexedDB.open("fieldbook");
  opening.onerror = () => reject(opening.error);
  opening.onsuccess = () => {
    const reading = opening.result.transaction("drafts").objectStore("drafts").getAll();
    reading.onsuccess = () => resolve(JSON.stringify(reading.result));
    reading.transaction.oncomplete = () => opening.result.close();
  };
})"""


async def make_contact(api: Api, **fields: Any) -> str:
    """A contact by REST; gives its id."""
    contact_id = generate()
    answer = await api.post("/api/contacts", {"id": contact_id, **fields})
    assert answer.status == 201, answer.text
    return contact_id


async def read_contact(api: Api, contact_id: str) -> dict[str, Any]:
    """The contact as the server has it."""
    answer = await api.get(f"/api/contacts/{contact_id}")
    assert answer.status == 200, answer.text
    contact: dict[str, Any] = answer.json
    return contact


async def change_contact(api: Api, contact_id: str, **changes: Any) -> None:
    """An edit by REST."""
    answer = await api.patch(f"/api/contacts/{contact_id}", changes)
    assert answer.status == 200, answer.text


async def edit(page: Page) -> Locator:
    """Opens the form of the contact that is shown, and gives it."""
    await page.get_by_role("button", name="Edit", exact=True).click()
    form = page.get_by_role("form", name="Edit the contact")
    await expect(form.get_by_label("First name")).to_be_focused()
    return form


async def save(page: Page) -> None:
    """Saves the form, and waits until the contact is shown again."""
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_role("button", name="Edit", exact=True)).to_be_focused()


def fact(page: Page, term: str) -> Locator:
    """What the page says of the contact under a term."""
    row = page.locator(".contact-facts > div").filter(
        has=page.get_by_role("term").filter(has_text=term)
    )
    return row.get_by_role("definition")


def entries(page: Page) -> Locator:
    """The entries of the history that is shown, newest first."""
    return page.get_by_test_id("history").locator("> li")


def toast(page: Page, text: str) -> Locator:
    return page.get_by_test_id("toast").filter(has_text=text)


async def until_draft_holds(page: Page, text: str) -> None:
    """Waits until what is typed into a form stands in its draft, which is a moment later."""

    async def holds() -> bool:
        return text in await page.evaluate(DRAFTS)

    await until(holds)


async def offline(page: Page) -> Line:
    """Opens the page anew on a line, and cuts that."""
    line = await Line.of(page.context)
    await page.reload()
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await expect(page.locator(".contact-edit, .contact-form").first).to_be_visible()
    await line.cut()
    await expect(page.get_by_test_id("connection")).to_have_text("Offline")
    return line


async def write(page: Page, label: str, text: str) -> None:
    """Edits one field of the contact whose page is open, and saves that."""
    form = await edit(page)
    await form.get_by_label(label, exact=True).fill(text)
    await save(page)
