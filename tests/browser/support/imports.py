"""What tests of imports have in common: files, what the page counts, jobs that are over."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from playwright.async_api import FilePayload, Locator, Page, expect

from tests.integration.support.rest import Api

COUNTS = ("created", "updated", "unchanged", "conflicts", "errors")
HEADER = ("Name", "E-mail", "Firma")
OVER = ("done", "failed", "cancelled", "undone")
# Patient, as the machine may be busy.
JOB_MS = 60_000


def table(rows: Iterable[Iterable[str]], header: Iterable[str] = HEADER) -> str:
    """A CSV with semicolons."""
    return "".join(";".join(row) + "\n" for row in (header, *rows))


def people(count: int, prefix: str = "p") -> list[tuple[str, ...]]:
    """Rows of contacts that are not there yet."""
    return [(f"Person {n}", f"{prefix}{n}@example.com", f"Firma {n}") for n in range(count)]


def as_file(text: str | bytes, name: str = "clients.csv", kind: str = "text/csv") -> FilePayload:
    """A file to choose."""
    return {
        "name": name,
        "mimeType": kind,
        "buffer": text.encode() if isinstance(text, str) else text,
    }


async def choose(page: Page, file: FilePayload) -> None:
    """Chooses a file and waits for what the server says of it."""
    await page.get_by_test_id("file").set_input_files(file)
    said = page.get_by_test_id("preview-counts").or_(page.get_by_test_id("refused"))
    await expect(said).to_be_visible()
    await settled(page)


async def settled(page: Page) -> None:
    """Waits until nothing is asked any more."""
    await expect(page.locator(".import-progress progress")).to_have_count(0)


async def counted(page: Page) -> dict[str, int]:
    """The counts that the page shows, of a preview or of a job."""
    return {name: await _number(page.get_by_test_id(f"count-{name}")) for name in COUNTS}


async def _number(place: Locator) -> int:
    return int((await place.inner_text()).replace(",", ""))


async def run(page: Page) -> str:
    """Imports what is shown; the id of the job, whose page is shown then."""
    await page.locator(".import-run").click()
    await page.wait_for_url("**/#/jobs/*")
    return page.url.rpartition("/")[2]


async def shows_state(page: Page, state: str) -> None:
    """Waits until the job's page says so."""
    await expect(page.locator(f"[data-test=job][data-state={state}]")).to_be_visible(timeout=JOB_MS)


async def watch_progress(page: Page) -> None:
    """Keeps each text that the progress has from now on, for `progress_seen`."""
    await page.evaluate("""() => {
        window.progressSeen = [];
        new MutationObserver(() => {
            const text = document.querySelector("[data-test=job-progress]")?.innerText;
            if (text && text !== window.progressSeen.at(-1)) window.progressSeen.push(text);
        }).observe(document.body, { subtree: true, childList: true, characterData: true });
    }""")


async def progress_seen(page: Page) -> list[int]:
    """How many rows were done, each time that the page showed another number."""
    texts: list[str] = await page.evaluate("window.progressSeen")
    numbers = [int(text.partition(" ")[0].replace(",", "")) for text in texts if text[0].isdigit()]
    return list(dict.fromkeys(numbers))


async def start(manager: Api, text: str, name: str = "clients.csv") -> str:
    """Imports a file without the page: the job's id."""
    answer = await manager.call(
        "POST", f"/api/bulk/import?file_name={name}", raw=text.encode(), Content_Type="text/csv"
    )
    assert answer.status == 201, answer.text
    job: str = answer.json["id"]
    return job


async def ended(manager: Api, job: str) -> Mapping[str, Any]:
    """The job, once it is over."""
    while True:
        found: Mapping[str, Any] = (await manager.get(f"/api/bulk/jobs/{job}")).json
        if found["state"] in OVER:
            return found
        await asyncio.sleep(0.1)


async def scrolls_sideways(page: Page) -> bool:
    """Whether the page, or the view within it, is wider than the screen."""
    wider: bool = await page.evaluate("""() =>
        [document.documentElement, document.querySelector("#view")]
            .some((element) => element.scrollWidth > element.clientWidth)""")
    return wider
