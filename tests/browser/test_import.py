"""The import page: a file is chosen, looked at, corrected and imported."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from pathlib import Path

import asyncpg
from playwright.async_api import Locator, Page, Route, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.imports import (
    as_file,
    choose,
    counted,
    people,
    progress_seen,
    run,
    scrolls_sideways,
    settled,
    shows_state,
    table,
    watch_progress,
)
from tests.browser.support.pacing import paced
from tests.integration.support.servers import Company
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

HOSTILE = "<img src=x onerror=alert(1)>"
TEN_ROWS = table(people(10))


async def test_a_file_with_errors_is_looked_at_imported_and_taken_back(
    open_page: OpenPage, sign_in: SignIn, sql: asyncpg.Connection, company: Company
) -> None:
    manager = sign_in("manager")
    known = {"first_name": "Bo", "emails": [{"value": "bo@example.com"}], "department": "Office"}
    made = (await manager.post("/api/contacts", known)).json["contact"]
    await sign_in("agent").patch(f"/api/contacts/{made['id']}", {"department": "Sales"})
    rows = [
        *people(1_500),
        ("Bo", "bo@example.com", "Bo & Co"),
        ("Broken", "no address", "Kept"),
        ("Ruined", "1.41556E+10", ""),
    ]
    page = await open_page("/import")
    await choose(page, as_file(table(rows)))
    for label in ("Table (CSV)", "UTF-8", "Semicolon ;"):
        await expect(page.get_by_role("option", name=f"Recognised: {label}")).to_be_attached()
    assert await values_of(page, "Firma") == "Firma 0 · Firma 1 · Firma 2"
    await expect(field_of(page, "Firma")).to_have_value("company")

    await field_of(page, "Firma").select_option(label="Department")
    await expect(page.get_by_text("changed", exact=True)).to_be_visible()
    await settled(page)
    previewed = await counted(page)
    assert previewed == {
        "created": 1_500,
        "updated": 1,
        "unchanged": 0,
        "conflicts": 1,
        "errors": 2,
    }
    await expect(page.get_by_role("region", name="Errors")).to_contain_text("@-sign")
    await expect(page.locator(".differences")).to_contain_text("to Bo & Co")

    await watch_progress(page)
    async with paced(sql, company) as pace:
        job = await run(page)
        for _ in range(2):
            done = await pace.step(job)
            await expect(page.get_by_test_id("job-progress")).to_contain_text(f"{done:,} of")
    await shows_state(page, "done")
    assert await counted(page) == previewed
    steps = await progress_seen(page)
    assert len(steps) > 2
    assert steps == sorted(steps)
    assert steps[-1] == len(rows)
    departments = (await manager.get("/api/contacts?search=p7@example.com")).json["items"]
    assert [each["department"] for each in departments] == ["Firma 7"]
    await expect(page.get_by_role("region", name="Conflicts")).to_contain_text("Agent")

    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Download the rows that failed").click()
    download = await downloading.value
    assert download.suggested_filename == "clients.errors.csv"
    path = await download.path()
    failed = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig")), delimiter=";"))
    assert [list(row.values())[:3] for row in failed] == [list(row) for row in rows[-2:]]
    assert [(row["_row"], row["_field"]) for row in failed] == [
        ("1503", "E-mail"),
        ("1504", "E-mail"),
    ]
    assert "@-sign" in failed[0]["_error"]

    await page.get_by_role("button", name="Undo").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("1,500 contacts that it made are deleted")
    await dialog.get_by_role("button", name="Undo").click()
    await shows_state(page, "undone")
    await expect(page.get_by_test_id("count-undone")).to_have_text("1,501")
    assert (await manager.get("/api/contacts")).json["total"] == 1
    put_back = (await manager.get(f"/api/contacts/{made['id']}")).json
    assert put_back["department"] == "Sales"
    assert (await manager.get(f"/api/bulk/jobs/{job}")).json["undo"]["left"] == 0


async def test_a_wrong_file_says_why_and_where_and_stays_chosen(open_page: OpenPage) -> None:
    page = await open_page("/import")
    await choose(page, as_file('Name,Mail\nAnn,a@example.com\nBo,"b\n', "broken.csv"))
    refused = page.get_by_test_id("refused")
    await expect(refused).to_contain_text("Row 3, column 2")
    await expect(refused).to_contain_text("is never closed")
    await expect(page.get_by_test_id("chosen-file")).to_contain_text("broken.csv")

    await choose(page, as_file(b"\x89PNG\r\n\x1a\n" + bytes(100), "logo.png", "image/png"))
    await expect(refused).to_contain_text("is no file of contacts")

    japanese = table([("メアリー", "mary@example.jp", "山田商事")]).encode("shift_jis")
    await choose(page, as_file(japanese, "japanese.csv"))
    await expect(refused).to_contain_text("Choose the file's encoding yourself")
    await page.get_by_label("Encoding").select_option("shift_jis")
    await expect(refused).to_have_count(0)
    assert (await counted(page))["created"] == 1
    await expect(first_contacts(page)).to_contain_text("山田商事")


async def test_a_file_that_was_saved_anew_since_is_to_be_chosen_again(
    open_page: OpenPage, tmp_path: Path
) -> None:
    path = tmp_path / "clients.csv"
    path.write_text(TEN_ROWS)
    page = await open_page("/import")
    await page.get_by_test_id("file").set_input_files(path)
    await expect(page.get_by_test_id("count-created")).to_have_text("10")
    path.write_text(table(people(11)))
    await field_of(page, "Firma").select_option(label="Department")
    await expect(page.get_by_test_id("refused")).to_contain_text("Choose it again")
    await page.get_by_test_id("file").set_input_files(path)
    await expect(page.get_by_test_id("count-created")).to_have_text("11")


async def test_the_server_is_asked_anew_for_each_choice(open_page: OpenPage) -> None:
    page = await open_page("/import")
    text = "Name|Zip,City|Mail\nAnn|8001,Zürich|ann@example.com\n"
    await choose(page, as_file(text.encode("cp1250"), "pipes.txt", "text/plain"))
    await page.get_by_label("Between cells").select_option("comma")
    await expect(page.get_by_test_id("refused")).to_contain_text("Name|Zip, City|Mail")
    await page.get_by_label("Between cells").select_option("pipe")
    await field_of(page, "Zip,City").select_option(label="Address, in one cell")
    await expect(first_contacts(page)).to_contain_text("Zürich")
    await page.get_by_label("Encoding").select_option("cp437")
    await expect(first_contacts(page)).not_to_contain_text("Zürich")

    await page.get_by_text("How rows are taken").click()
    await page.get_by_label("Contacts that are there").select_option("update")
    await expect(page.get_by_test_id("count-errors")).to_have_text("1")
    await field_of(page, "Name").select_option(label="Another custom field…")
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name of the custom field").fill("Nick name")
    await dialog.get_by_role("button", name="Use it").click()
    await expect(field_of(page, "Name")).to_have_value("custom.Nick name")
    await settled(page)
    await page.get_by_role("button", name="As proposed").click()
    await expect(field_of(page, "Name")).to_have_value("name")


async def test_a_file_can_be_dropped_anywhere_on_the_page(open_page: OpenPage) -> None:
    page = await open_page("/import")
    await expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
    files = await page.evaluate_handle(
        """(text) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([text], "dropped.csv", { type: "text/csv" }));
            transfer.items.add(new File([text], "second.csv", { type: "text/csv" }));
            return transfer;
        }""",
        TEN_ROWS,
    )
    await page.dispatch_event("h1", "dragenter", {"dataTransfer": files})
    await expect(page.get_by_test_id("drop-over")).to_be_visible()
    await page.dispatch_event("nav[aria-label=Views]", "drop", {"dataTransfer": files})
    await expect(page.get_by_test_id("drop-over")).to_have_count(0)
    await expect(page.get_by_test_id("chosen-file")).to_contain_text("dropped.csv")
    await expect(page.get_by_test_id("toast")).to_contain_text("One file at a time")
    await settled(page)
    assert (await counted(page))["created"] == 10


async def test_hostile_names_and_cells_are_just_texts(open_page: OpenPage, sign_in: SignIn) -> None:
    rows = [(HOSTILE, f"a{n}@example.com", HOSTILE, HOSTILE) for n in range(3)]
    rows.append((HOSTILE, HOSTILE, HOSTILE, HOSTILE))
    header = ("Name", "E-mail", HOSTILE, "Tags")
    page = await open_page("/import")
    await choose(page, as_file(table(rows, header), f"{HOSTILE}.csv"))
    await expect(page.get_by_test_id("new-labels")).to_contain_text(HOSTILE)
    await expect(field_of(page, HOSTILE)).to_have_value(f"custom.{HOSTILE}")
    assert await page.locator("img[src=x]").count() == 0
    job = await run(page)
    await shows_state(page, "done")
    await expect(page.get_by_role("heading", level=1)).to_have_text(f"Import of {HOSTILE}.csv")
    assert HOSTILE in await page.title()
    assert await page.locator("img[src=x]").count() == 0
    async with page.expect_download() as downloading:
        await page.get_by_role("button", name="Download the rows that failed").click()
    await downloading.value
    await expect(page.get_by_test_id("toast")).to_contain_text("was saved")
    await page.get_by_role("link", name="All imports and edits").click()
    await expect(page.get_by_role("link", name=HOSTILE)).to_be_visible()
    assert await page.locator("img[src=x]").count() == 0
    assert (await sign_in("manager").get(f"/api/bulk/jobs/{job}")).json["counts"]["created"] == 3


async def test_a_chosen_file_waits_while_one_looks_elsewhere(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/import")
    await choose(page, as_file(TEN_ROWS))
    await page.get_by_role("link", name="Devices").click()
    await expect(page.get_by_role("heading", name="Devices", level=1)).to_be_visible()
    await page.get_by_role("link", name="Import").click()
    await expect(page.get_by_test_id("chosen-file")).to_contain_text("clients.csv")
    await expect(page.locator(".import-run")).to_be_enabled()
    manager = sign_in("manager")
    assert (await manager.get("/api/bulk/jobs")).json["total"] == 0
    assert (await manager.get("/api/contacts")).json["total"] == 0
    await page.get_by_role("button", name="Put it away").click()
    await expect(page.get_by_role("button", name="Choose a file")).to_be_focused()


async def test_an_upload_can_be_stopped_and_begun_again(
    open_page: OpenPage, sign_in: SignIn, sql: asyncpg.Connection, company: Company
) -> None:
    page = await open_page("/import")
    await expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
    network = await page.context.new_cdp_session(page)
    slowly = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": 40_000}
    await network.send("Network.emulateNetworkConditions", slowly)
    await page.get_by_test_id("file").set_input_files(as_file(table(people(20_000)), "large.csv"))
    await expect(page.get_by_text(re.compile(r"Sending the file: [1-9]"))).to_be_visible()
    await page.get_by_role("button", name="Stop").click()
    again = page.get_by_test_id("stopped").get_by_role("button", name="Look again")
    await expect(again).to_be_focused()
    await network.send("Network.emulateNetworkConditions", {**slowly, "uploadThroughput": -1})
    await again.click()
    await expect(page.get_by_test_id("preview-counts")).to_be_visible(timeout=60_000)
    assert (await counted(page))["created"] == 20_000
    assert (await sign_in("manager").get("/api/bulk/jobs")).json["total"] == 0
    parts = "SELECT count(*) FROM bulk_files WHERE tenant_id = $1"

    async def nothing_is_left() -> bool:
        left: int = await sql.fetchval(parts, company.tenant)
        return left == 0

    # The end of an upload may be noticed later than the next one is looked through.
    await until(nothing_is_left)


async def test_an_import_that_was_stopped_while_it_was_sent_is_begun_once(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/import")
    await choose(page, as_file(TEN_ROWS))
    asked: list[str] = []
    begun = asyncio.Event()

    async def hold(route: Route) -> None:
        # It comes to the server, but the page is told nothing.
        asked.append(route.request.headers["idempotency-key"])
        if len(asked) == 1:
            await route.fetch()
            begun.set()
        else:
            await route.continue_()

    await page.route("**/api/bulk/import?*", hold)
    await page.locator(".import-run").click()
    await begun.wait()
    await page.get_by_role("button", name="Stop").click()
    await expect(page.get_by_test_id("stopped")).to_contain_text("begins no second one")
    await page.get_by_role("button", name="Import it").click()
    await shows_state(page, "done")
    assert len(set(asked)) == 1
    assert (await sign_in("manager").get("/api/bulk/jobs")).json["total"] == 1


async def test_everything_is_done_by_the_keyboard_alone(open_page: OpenPage) -> None:
    page = await open_page("/import")
    # Playwright does not wait until Chromium hands it the choosers: what is asked as it begins to
    # listen may go to the browser's own.
    page.on("filechooser", lambda _: None)
    await expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
    await tab_to(page, "Choose a file")
    async with page.expect_file_chooser() as choosing:
        await page.keyboard.press("Enter")
    await (await choosing.value).set_files(as_file(TEN_ROWS))
    await expect(page.get_by_test_id("preview-counts")).to_be_visible()
    await settled(page)
    await tab_to(page, "Field of Firma")
    # One letter: of several, those that come late would begin anew.
    await page.keyboard.press("d")
    await expect(field_of(page, "Firma")).to_have_value("department")
    await expect(page.get_by_text("changed", exact=True)).to_be_visible()
    await settled(page)
    await tab_to(page, "Import 10 rows")
    await page.keyboard.press("Enter")
    await shows_state(page, "done")
    # A page that was gone to takes the focus once it has shown itself.
    await expect(page.locator("main h1:focus, main:focus")).to_have_count(1)
    await tab_to(page, "Undo")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await tab_to(page, "Undo")
    await page.keyboard.press("Enter")
    await shows_state(page, "undone")


async def test_a_phone_shows_it_all_without_scrolling_sideways(open_page: OpenPage) -> None:
    page = await open_page("/import", width=360, height=740)
    await expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
    assert not await scrolls_sideways(page)
    long = ("W" * 120, "not an address", "x" * 200)
    await choose(page, as_file(table([*people(3), long]), f"{'long ' * 20}{'n' * 80}.csv"))
    assert not await scrolls_sideways(page)
    await run(page)
    await shows_state(page, "done")
    assert not await scrolls_sideways(page)
    await page.get_by_role("link", name="All imports and edits").click()
    await expect(page.get_by_test_id("job-row")).to_have_count(1)
    assert not await scrolls_sideways(page)


async def test_only_those_who_may_import_see_the_page(open_page: OpenPage) -> None:
    for role in ("admin", "api"):
        page = await open_page("/import", role)
        await expect(page.get_by_role("button", name="Choose a file")).to_be_visible()
    page = await open_page("/import", "agent")
    await expect(page).to_have_url(re.compile("#/contacts$"))
    await expect(page.get_by_role("link", name="Contacts")).to_be_visible()
    await expect(page.get_by_role("link", name="Import")).to_have_count(0)


def first_contacts(page: Page) -> Locator:
    return page.get_by_role("region", name="The first contacts")


def field_of(page: Page, column: str) -> Locator:
    return page.get_by_label(f"Field of {column}", exact=True)


async def values_of(page: Page, column: str) -> str:
    row = page.get_by_role("row").filter(has=field_of(page, column))
    return " · ".join(await row.locator(".mapping-value").all_inner_texts())


async def tab_to(page: Page, name: str) -> None:
    """Presses Tab until what is called so has the focus."""
    called = """() => document.activeElement.ariaLabel ?? document.activeElement.innerText.trim()"""
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await page.evaluate(called) == name:
            return
    raise AssertionError(f"Tab never came to {name}.")
