"""Whatever is in the files: a dry run tells what the run does, and an undo takes it back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from server.db.pool import Database
from tests.integration.support.bulk import Bulk, counts

HEADER = ["external_id", "first_name", "E-mail", "Phone", "Notes", "Labels", "Size", "Whose",
          "By e-mail", "Born", "City"]  # fmt: skip
MAPPING = {"Labels": "tags", "Whose": "owner", "By e-mail": "preferences.email", "Born": "birthday"}
# Few values, so that rows meet.
ROWS = st.lists(
    st.tuples(
        st.sampled_from(["", "", "X1", "X2", "X3"]),
        st.sampled_from(["", "Ann", "Bob", "ann"]),
        st.sampled_from(["", "a@example.com", "b@example.com", "a@example.com;c@example.com", "?"]),
        st.sampled_from(["", "044 668 18 00", "+41446681800", "044 668 18 01", "reception"]),
        st.sampled_from(["", "Tall", "Short"]),
        st.sampled_from(["", "VIP", "vip ::: New"]),
        st.sampled_from(["", "1", "2"]),
        st.sampled_from(["", "", "ann", "ADMIN", "nobody"]),
        st.sampled_from(["", "", "no", "yes"]),
        st.sampled_from(["", "", "12.4.1990", "--04-12", "soon"]),
        st.sampled_from(["", "", "Bern"]),
    ),
    min_size=1,
    max_size=12,
)
OPTIONS = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["upsert", "upsert", "create", "update", "skip"]),
        "match": st.sampled_from(
            [["external_id", "email", "phone"], ["email"], ["phone", "email"], ["external_id"]]
        ),
        "on_empty": st.sampled_from(["keep", "clear"]),
    }
)
SERVERS = ("version", "updated_at", "updated_by")
# Scores of imports each: that they are many says nothing about any of them.
pytestmark = pytest.mark.timeout(240)


def table(rows: list[tuple[str, ...]]) -> list[list[str]]:
    # A first name everywhere would hide what has no identity; the header is always whole.
    return [HEADER, *(list(row) for row in rows if any(row))]


async def stand(bulk: Bulk) -> dict[str, dict[str, Any]]:
    """The contacts by id, without what any write changes."""
    return {
        contact["id"]: {name: contact[name] for name in contact if name not in SERVERS}
        for contact in await bulk.contacts()
    }


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that rows that mean the same contact stand in several chunks, too."""
    monkeypatch.setattr("server.jobs.bulk.chunks.COLD_ROWS", 1)
    monkeypatch.setattr("server.jobs.bulk.chunks.FIRST_ROWS", 2)
    monkeypatch.setattr("server.jobs.bulk.chunks.LEAST_ROWS", 1)
    monkeypatch.setattr("server.jobs.bulk.chunks.MOST_ROWS", 3)


Check = Callable[[Bulk], Awaitable[None]]


async def delete_some(bulk: Bulk, gone: int) -> None:
    """Deletes every third contact but `gone`."""
    for at, contact in enumerate(await bulk.contacts()):
        if gone and at % 3 == gone - 1:
            await bulk.sql.execute(
                "DELETE FROM contacts WHERE tenant_id = $1 AND id = $2",
                *(bulk.tenant, contact["id"]),
            )


def on_a_company(
    loop: asyncio.AbstractEventLoop,
    url: str,
    before: list[tuple[str, ...]],
    check: Check,
    gone: int = 0,
) -> None:
    """Runs `check` on a new company with the contacts of `before`, without some if `gone`."""

    async def run() -> None:
        sql = await asyncpg.connect(url)
        database = await Database.connect(url, size=4)
        try:
            bulk = await Bulk(url, database, sql).set_up()
            if len(table(before)) > 1:
                await bulk.load(table(before), mapping=MAPPING)
                await delete_some(bulk, gone)
            await check(bulk)
        finally:
            await database.close()
            await sql.close()

    loop.run_until_complete(run())


@settings(
    max_examples=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=ROWS, rows=ROWS, options=OPTIONS, gone=st.integers(0, 3))
@pytest.mark.usefixtures("small_chunks")
def test_a_dry_run_tells_what_the_run_does_and_an_undo_takes_it_back(
    module_database_url: str,
    loop: asyncio.AbstractEventLoop,
    capfdbinary: pytest.CaptureFixture[bytes],
    before: list[tuple[str, ...]],
    rows: list[tuple[str, ...]],
    options: dict[str, Any],
    gone: int,
) -> None:
    async def check(bulk: Bulk) -> None:
        if len(table(rows)) == 1:
            return
        was, head = await stand(bulk), await bulk.head()
        told = await bulk.preview(table(rows), capfdbinary, mapping=MAPPING, **options)
        assert await bulk.head() == head
        job = await bulk.load(table(rows), mapping=MAPPING, **options)
        assert job["state"] == "done", job["error"]
        assert counts(job) == counts(told)
        rows_of = job["counts"]
        assert (
            rows_of["rows"]
            == len(table(rows)) - 1
            == sum(rows_of.get(name, 0) for name in ("created", "updated", "unchanged", "errors"))
        )
        # Every row that is not in an error finding is there or was no change; none is dropped.
        errors = await bulk.findings(job["id"], "error")
        assert len({row for row, _, _ in errors}) == rows_of.get("errors", 0)
        undone = await bulk.undo(job["id"])
        assert undone["state"] == "undone"
        assert undone["undo_counts"].get("left", 0) == 0
        assert await stand(bulk) == was

    on_a_company(loop, module_database_url, before, check, gone)


@settings(
    max_examples=20,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(before=ROWS, row=ROWS, options=OPTIONS)
def test_a_row_that_was_imported_changes_nothing_when_it_comes_again(
    module_database_url: str,
    loop: asyncio.AbstractEventLoop,
    before: list[tuple[str, ...]],
    row: list[tuple[str, ...]],
    options: dict[str, Any],
) -> None:
    async def check(bulk: Bulk) -> None:
        if len(table(row[:1])) == 1:
            return
        await bulk.load(table(row[:1]), mapping=MAPPING, **options)
        head = await bulk.head()
        again = await bulk.load(table(row[:1]), mapping=MAPPING, **options)
        assert await bulk.head() == head
        assert not {"created", "updated"} & again["counts"].keys()

    on_a_company(loop, module_database_url, before, check)


SINCE = st.lists(
    st.tuples(st.integers(0, 11), st.sampled_from(["edit", "delete", "restore", "same", "label"])),
    max_size=4,
)


@settings(
    max_examples=15,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
# The file takes the label, it is deleted, and so the undo can't bring it back.
@example(
    before=[("", "Ann", "a@example.com", "", "", "VIP", "", "", "", "", "")],
    rows=[("", "Ann", "a@example.com", "", "", "", "", "", "", "", "Bern")],
    second=[],
    since=[(0, "label")],
    options={"mode": "update", "match": ["email"], "on_empty": "clear"},
)
@given(before=ROWS, rows=ROWS, second=ROWS, since=SINCE, options=OPTIONS)
@pytest.mark.usefixtures("small_chunks")
def test_an_undo_leaves_just_what_was_changed_since(
    module_database_url: str,
    loop: asyncio.AbstractEventLoop,
    before: list[tuple[str, ...]],
    rows: list[tuple[str, ...]],
    second: list[tuple[str, ...]],
    since: list[tuple[int, str]],
    options: dict[str, Any],
) -> None:
    async def check(bulk: Bulk) -> None:
        if len(table(rows)) == 1:
            return
        was = await whole(bulk)
        job = await bulk.load(table(rows), mapping=MAPPING, **options)
        became = await whole(bulk)
        touched = {each for each in became if became[each] != was.get(each)}
        for number, what in since:
            await change(bulk, list(became)[number % len(became)] if became else "", what)
        if len(table(second)) > 1 and len(since) > 2:
            await bulk.load(table(second), mapping=MAPPING)
        stood = await whole(bulk)
        versions = {each: became[each]["version"] for each in touched}
        free = {each for each in touched if stood[each]["version"] == versions[each]}
        if not touched:
            return
        undone = await bulk.undo(job["id"])
        assert undone["state"] == "undone", undone["error"]
        counted = undone["undo_counts"]
        assert (counted.get("undone", 0), counted.get("left", 0)) == (
            len(free),
            len(touched - free),
        )
        assert len(await bulk.findings(job["id"], "left")) == len(touched - free)
        now, gone = await whole(bulk), await deleted_tags(bulk)
        for each in now:
            if each not in free:
                assert now[each] == stood[each]
            elif each in was:
                assert shown(now[each]) == without(was[each], gone - tags_of(became[each]))
            else:
                assert now[each]["deleted"]

    on_a_company(loop, module_database_url, before, check)


async def whole(bulk: Bulk) -> dict[str, dict[str, Any]]:
    """All contacts by id, deleted ones too, in the order of their versions: ids are random."""
    records = await bulk.sql.fetch(
        "SELECT id, wire, deleted_at IS NOT NULL AS deleted FROM contacts WHERE tenant_id = $1 "
        "ORDER BY version",
        bulk.tenant,
    )
    return {
        record["id"]: {**json.loads(record["wire"]), "deleted": record["deleted"]}
        for record in records
    }


def shown(contact: dict[str, Any]) -> dict[str, Any]:
    return {name: contact[name] for name in contact if name not in SERVERS}


def without(contact: dict[str, Any], tags: set[str]) -> dict[str, Any]:
    """What is shown of a contact that has these tags no more; nothing is shown of none."""
    fields = shown(contact)
    left = [each for each in fields.pop("tag_ids", ()) if each not in tags]
    return {**fields, "tag_ids": left} if left else fields


def tags_of(contact: dict[str, Any]) -> set[str]:
    return set(contact.get("tag_ids", ()))


async def deleted_tags(bulk: Bulk) -> set[str]:
    """The tags that can't be brought back to who carried them."""
    records = await bulk.sql.fetch(
        "SELECT id FROM tags WHERE tenant_id = $1 AND deleted_at IS NOT NULL", bulk.tenant
    )
    return {record["id"] for record in records}


async def change(bulk: Bulk, contact_id: str, what: str) -> None:
    """What may happen to a contact between an import and its undo."""
    if what == "label":
        await bulk.sql.execute(
            "DELETE FROM tags WHERE tenant_id = $1 AND name = 'VIP'", bulk.tenant
        )
    else:
        done = {
            "edit": "notes = 'edited since'",
            "delete": "deleted_at = clock_timestamp()",
            "restore": "deleted_at = NULL",
            "same": "notes = notes",
        }[what]
        await bulk.sql.execute(
            f"UPDATE contacts SET {done} WHERE tenant_id = $1 AND id = $2",
            *(bulk.tenant, contact_id),
        )
