"""Tags, groups and types: made, changed, counted, deleted with undo, merged; live and offline."""

from __future__ import annotations

import re
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import ON_THE_SERVERS_LOOP, OpenPage, SignIn
from tests.browser.support.lines import Line
from tests.integration.support.rest import Api
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP


# A page that ends without a word, as when the browser is killed or there is no network.
SILENT_END = (
    "addEventListener('pagehide', (event) => event.stopImmediatePropagation(), { capture: true })"
)


async def make_tag(api: Api, name: str, contacts: int = 0, **fields: Any) -> str:
    """A tag that so many new contacts have; its id."""
    answer = await api.post("/api/tags", {"name": name, **fields})
    tag_id: str = answer.json["tag"]["id"]
    for number in range(contacts):
        contact = {"first_name": f"{name} {number}", "tag_ids": [tag_id]}
        assert (await api.post("/api/contacts", contact)).status == 201
    return tag_id


def row_of(page: Page, name: str) -> Locator:
    return page.get_by_test_id("labels").get_by_role("row", name=re.compile(f"^{name}"))


async def delete(page: Page, name: str) -> None:
    """Deletes a label; as the pointer is on the message that offers to undo it, that stays."""
    await page.get_by_role("button", name=f"Delete {name}").click()
    await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    await expect(row_of(page, name)).to_have_count(0)
    # It is said once it is kept: not before may the page be left.
    await page.get_by_test_id("toast").filter(has_text=f"“{name}” is deleted").hover()


async def until_deleted(api: Api, tag_id: str) -> None:
    """Waits until the server has deleted a tag."""

    async def deleted() -> bool:
        return (await api.get(f"/api/tags/{tag_id}")).status == 410

    await until(deleted, 30)


async def saved(page: Page) -> None:
    """Waits until the server has what was entered in a dialog, which is open until then."""
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(page.get_by_test_id("waiting")).to_have_count(0)


async def tags_of(api: Api) -> dict[str, dict[str, Any]]:
    items = (await api.get("/api/tags?limit=500")).json["items"]
    return {tag["name"]: tag for tag in items}


async def test_a_tag_is_made_changed_and_cleared(open_page: OpenPage, sign_in: SignIn) -> None:
    page = await open_page("/labels", "agent")
    await expect(page.get_by_test_id("nothing-yet")).to_contain_text("There is no tag yet")
    await page.get_by_role("button", name="New tag").click()
    dialog = page.get_by_role("dialog", name="New tag")
    await dialog.get_by_label("Name").fill("VIP")
    await dialog.get_by_label("Green").check()
    await dialog.get_by_label("Category").fill("Priority")
    await page.keyboard.press("Enter")
    await expect(row_of(page, "VIP")).to_contain_text("Priority")
    # It is shown before it is sent.
    await saved(page)
    tag = (await tags_of(sign_in("agent")))["VIP"]
    assert (tag["color"], tag["category"]) == ("#15803d", "Priority")

    await page.get_by_role("button", name="Change VIP").click()
    dialog = page.get_by_role("dialog", name="Change “VIP”")
    await expect(dialog.get_by_label("Green")).to_be_checked()
    await dialog.get_by_label("Name").fill("Very important")
    await dialog.get_by_label("None").check()
    await dialog.get_by_label("Another colour").fill("#123456")
    await dialog.get_by_label("None").check()
    await dialog.get_by_label("Category").fill("")
    await dialog.get_by_role("button", name="Save").click()
    await expect(row_of(page, "Very important")).to_be_visible()
    await saved(page)
    tag = (await tags_of(sign_in("agent")))["Very important"]
    assert "color" not in tag
    assert "category" not in tag


async def test_a_name_that_is_taken_stands_at_its_field(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    await make_tag(sign_in(), "VIP")
    page = await open_page("/labels")
    await page.get_by_role("button", name="New tag").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name").fill("vip")
    await page.keyboard.press("Enter")
    await expect(dialog).to_contain_text("There is already one called “VIP”")
    await expect(dialog.get_by_label("Name")).to_have_attribute("aria-invalid", "true")
    await page.keyboard.press("Escape")
    await expect(row_of(page, "vip")).to_have_count(0)


async def test_counts_and_names_follow_what_others_do(open_page: OpenPage, sign_in: SignIn) -> None:
    api = sign_in("agent")
    vip = await make_tag(api, "VIP", contacts=2)
    page = await open_page("/labels?kind=tag", "manager")
    count = row_of(page, "VIP").get_by_role("link")
    await expect(count).to_have_text("2")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await api.post("/api/contacts", {"first_name": "Third", "tag_ids": [vip]})
    await expect(count).to_have_text("3")
    await api.patch(f"/api/tags/{vip}", {"name": "Very important"})
    await make_tag(api, "New one")
    await expect(row_of(page, "Very important")).to_be_visible()
    await expect(row_of(page, "New one").get_by_role("link")).to_have_text("0")
    # The number leads to those contacts.
    await row_of(page, "Very important").get_by_role("link").click()
    await expect(page).to_have_url(re.compile(f"#/contacts\\?tag={vip}"))


async def test_groups_and_types_have_descriptions_and_an_address(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/labels", "manager")
    await page.get_by_role("link", name="Groups").click()
    await page.get_by_role("button", name="New group").click()
    dialog = page.get_by_role("dialog", name="New group")
    await dialog.get_by_label("Name").fill("North")
    await dialog.get_by_label("Description").fill("Above Zürich")
    await dialog.get_by_role("button", name="Make it").click()
    await expect(row_of(page, "North")).to_contain_text("Above Zürich")
    await saved(page)
    await page.get_by_label("Find").fill("zurich")
    await expect(row_of(page, "North")).to_be_visible()
    await page.get_by_label("Find").fill("nothing like it")
    await expect(page.get_by_test_id("nothing-found")).to_be_visible()
    await page.reload()
    await expect(page.get_by_test_id("nothing-found")).to_be_visible()
    await page.get_by_role("button", name="Clear").click()
    await expect(row_of(page, "North")).to_be_visible()
    groups = (await sign_in().get("/api/groups")).json["items"]
    assert [group["description"] for group in groups] == ["Above Zürich"]


async def test_labels_are_sorted_by_their_contacts(open_page: OpenPage, sign_in: SignIn) -> None:
    api = sign_in()
    for name, contacts in (("Ash", 1), ("Birch", 3), ("Cedar", 2)):
        await make_tag(api, name, contacts)
    page = await open_page("/labels?sort=-contacts")
    names = page.get_by_test_id("labels").locator("tbody th")
    await expect(names).to_contain_text(["Birch", "Cedar", "Ash"])
    column = page.get_by_role("columnheader", name="Contacts")
    await expect(column).to_have_attribute("aria-sort", "descending")
    await column.get_by_role("button").click()
    await expect(names).to_contain_text(["Ash", "Cedar", "Birch"])
    await expect(page).to_have_url(re.compile("sort=contacts"))


async def test_a_deleted_label_comes_back_whole_by_undo(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    vip = await make_tag(api, "VIP", contacts=2)
    page = await open_page("/labels")
    await expect(row_of(page, "VIP").get_by_role("link")).to_have_text("2")
    await page.get_by_role("button", name="Delete VIP").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("2 contacts have it, and lose it")
    await dialog.get_by_role("button", name="Delete").click()
    await page.get_by_test_id("toast").hover()
    await expect(row_of(page, "VIP")).to_have_count(0)
    # The button that had the focus is gone.
    heading = page.get_by_role("heading", level=1)
    await expect(heading).to_be_focused()
    await page.get_by_test_id("toast").get_by_role("button", name="Undo").click()
    await expect(heading).to_be_focused()
    await expect(row_of(page, "VIP").get_by_role("link")).to_have_text("2")
    assert (await api.get(f"/api/contacts?tag={vip}")).json["total"] == 2

    await delete(page, "VIP")
    # When the offer to undo it is gone, so is the label; also when the page is.
    await page.get_by_role("link", name="Contacts", exact=True).click()
    await page.get_by_role("button", name="Close this message").click()
    await expect(page.get_by_test_id("toast")).to_have_count(0)
    await page.get_by_role("link", name="Labels").click()
    await expect(page.get_by_test_id("nothing-yet")).to_be_visible()
    await expect(page.get_by_test_id("waiting")).to_have_count(0)
    await until_deleted(api, vip)


async def test_a_label_that_was_deleted_as_the_page_was_left_is_deleted(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    vip = await make_tag(api, "VIP")
    page = await open_page("/labels")
    await delete(page, "VIP")
    assert (await api.get(f"/api/tags/{vip}")).status == 200
    await page.reload()
    await expect(page.get_by_test_id("nothing-yet")).to_be_visible()
    await expect(page.get_by_test_id("waiting")).to_have_count(0)
    await until_deleted(api, vip)


async def test_a_label_that_was_deleted_without_a_network_is_deleted_after_a_reload(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    vip = await make_tag(api, "VIP")
    page = await open_page("/labels")
    line = await Line.of(page.context)
    await page.context.add_init_script(SILENT_END)
    await page.reload()
    await expect(row_of(page, "VIP")).to_be_visible()
    await line.cut()
    await delete(page, "VIP")
    await page.reload()
    await expect(page.get_by_test_id("nothing-yet")).to_be_visible()
    assert (await api.get(f"/api/tags/{vip}")).status == 200
    line.mend()
    await until_deleted(api, vip)
    await expect(page.get_by_test_id("waiting")).to_have_count(0)


async def test_a_label_deleted_in_a_tab_that_is_closed_goes_by_another_and_undo_keeps_it(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    kept, gone = await make_tag(api, "Kept", contacts=1), await make_tag(api, "Gone", contacts=1)
    one = await open_page("/labels")
    await one.context.add_init_script(SILENT_END)
    await one.reload()
    two = await open_page("/labels", context=one.context)
    for name in ("Kept", "Gone"):
        await expect(row_of(two, name)).to_be_visible()
        await delete(one, name)
        # Both tabs saw it go, and neither may send it while it can be had back.
        await expect(row_of(two, name)).to_have_count(0)
    await one.get_by_test_id("toast").filter(has_text="Kept").get_by_text("Undo").click()
    for page in (one, two):
        await expect(row_of(page, "Kept")).to_be_visible()
    assert (await api.get(f"/api/tags/{gone}")).status == 200
    await one.close()
    await until_deleted(api, gone)
    await expect(row_of(two, "Kept").get_by_role("link")).to_have_text("1")
    assert (await api.get(f"/api/contacts?tag={kept}")).json["total"] == 1


async def test_a_label_stays_deletable_as_long_as_the_pointer_is_on_undo(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    vip = await make_tag(api, "VIP", contacts=1)
    page = await open_page("/labels")
    await delete(page, "VIP")
    # Longer than it is offered without the pointer, and later longer than a deletion is held back.
    undo = page.get_by_test_id("toast").get_by_role("button", name="Undo")
    await undo.hover()
    await page.wait_for_timeout(10_000)
    assert (await api.get(f"/api/tags/{vip}")).status == 200
    await undo.click()
    await expect(row_of(page, "VIP").get_by_role("link")).to_have_text("1")
    await page.wait_for_timeout(7_000)
    assert (await api.get(f"/api/contacts?tag={vip}")).json["total"] == 1


async def test_a_label_that_was_deleted_before_signing_out_is_deleted(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    vip = await make_tag(api, "VIP")
    page = await open_page("/labels")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await delete(page, "VIP")
    await page.get_by_role("button", name="Sign out").click()
    # A server that is too busy to answer within 2 s is worth a question.
    asked = page.get_by_role("dialog", name="1 change is not sent yet")
    key = page.get_by_label("API key")
    await expect(key.or_(asked)).to_be_visible()
    if await asked.is_visible():
        await expect(page.get_by_test_id("waiting")).to_have_count(0)
        await asked.get_by_role("button", name="Sign out all the same").click()
    await expect(key).to_be_visible()
    assert (await api.get(f"/api/tags/{vip}")).status == 410


async def test_a_label_made_offline_is_sent_when_the_connection_is_back(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    page = await open_page("/labels", "agent")
    await expect(page.get_by_test_id("connection")).to_have_text("Live")
    await expect(page.get_by_role("button", name="New tag")).to_be_visible()
    await page.context.set_offline(True)
    await expect(page.get_by_test_id("offline-banner")).to_be_visible(timeout=60_000)
    await page.get_by_role("button", name="New tag").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("Offline")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("toast")).to_contain_text("sent when the connection is back")
    row = row_of(page, "Offline")
    await expect(row).to_contain_text("unsent")
    await expect(row.get_by_role("link")).to_have_text("0")
    await page.get_by_role("button", name="Change Offline").click()
    await page.get_by_role("dialog").get_by_label("Name").fill("Renamed offline")
    await page.keyboard.press("Enter")
    await expect(row_of(page, "Renamed offline")).to_contain_text("unsent")
    await page.context.set_offline(False)
    await expect(page.get_by_test_id("connection")).to_have_text("Live", timeout=30_000)
    await expect(row_of(page, "Renamed offline")).not_to_contain_text("unsent", timeout=30_000)
    assert list(await tags_of(sign_in())) == ["Renamed offline"]


async def test_one_tag_is_merged_into_another_by_a_job_and_back_again(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    api = sign_in()
    lead, vip = await make_tag(api, "Lead", contacts=3), await make_tag(api, "VIP", contacts=1)
    page = await open_page("/labels")
    await page.get_by_role("button", name="Merge Lead into another").click()
    dialog = page.get_by_role("dialog", name="Merge “Lead” into another tag")
    merge = dialog.get_by_role("button", name="Merge")
    await expect(merge).to_be_disabled()
    await dialog.get_by_label("The tag that stays").select_option("VIP")
    await expect(page.get_by_test_id("merge-preview")).to_contain_text(
        "3 contacts have “Lead”, and get “VIP” in its place. Then “Lead” is deleted."
    )
    assert (await api.get(f"/api/contacts?tag={vip}")).json["total"] == 1
    await merge.click()
    await expect(dialog.get_by_test_id("job-state")).to_have_text("Done", timeout=60_000)
    await expect(dialog.get_by_test_id("count-updated")).to_have_text("3")
    assert (await api.get(f"/api/contacts?tag={vip}")).json["total"] == 4
    assert (await api.get(f"/api/tags/{lead}")).status == 410

    await dialog.get_by_role("button", name="Undo").click()
    await (
        page.get_by_role("dialog", name="Undo this edit?")
        .get_by_role("button", name="Undo")
        .click()
    )
    await expect(dialog.get_by_test_id("job-state")).to_have_text("Undone", timeout=60_000)
    await dialog.get_by_role("button", name="Close").click()
    await expect(row_of(page, "Lead").get_by_role("link")).to_have_text("3")
    await expect(row_of(page, "VIP").get_by_role("link")).to_have_text("1")


async def test_agents_are_not_offered_what_they_may_not_do(
    open_page: OpenPage, sign_in: SignIn
) -> None:
    for name in ("Lead", "VIP"):
        await make_tag(sign_in(), name)
    page = await open_page("/labels", "agent")
    await expect(page.get_by_role("button", name="Delete VIP")).to_be_visible()
    await expect(page.get_by_role("button", name=re.compile("^Merge"))).to_have_count(0)
