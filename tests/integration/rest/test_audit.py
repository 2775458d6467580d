from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import asyncpg
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.rest.conftest import SignIn
from tests.integration.support.fleet import insert_device
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company

ENTRIES = 120
# Of the first entry; one a day follows, up to today.
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(
    days=ENTRIES - 1
)
Entry = dict[str, Any]

VALUES = {
    "entity": ("contact", "contact", "tag", "device", "export"),
    "op": ("create", "update", "update", "revoke", "sign_in"),
    "agent": ("agent-number-1", "agent-number-2", None),
    "device": ("device-number-1", "device-number-2", None),
    "outcome": ("applied", "applied", "lost", "refused"),
    "origin": ("socket", "rest", "import", "job", "sql"),
    "field": ("company", "custom", "custom.size", "customer", "deleted"),
}
# What a filter asks of an entry beyond that it holds the very value.
MEANINGS: dict[str, Callable[[Entry, Any], bool]] = {
    "field": lambda entry, name: any(
        key == name or (entry["outcome"] != "applied" and key.startswith(f"{name}."))
        for key in entry["changes"]
    ),
    "since": lambda entry, moment: bool(entry["at"] >= moment),
    "until": lambda entry, moment: bool(entry["at"] < moment),
}
TIMES = st.integers(-30, 24 * ENTRIES).map(
    lambda hours: (NOON + timedelta(hours=hours)).isoformat().replace("+00:00", ".000Z")
)
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        **{name: st.sampled_from([value for value in VALUES[name] if value]) for name in VALUES},
        "since": TIMES,
        "until": TIMES,
    },
)


async def read(api: Api, **query: Any) -> list[Entry]:
    answer = await api.get(f"/api/audit?{urlencode(query)}")
    assert answer.status == 200, answer.text
    items: list[Entry] = answer.json["items"]
    return items


async def enter(sql: asyncpg.Connection, company: Company, entry: Entry) -> None:
    """An entry as a trigger would write it."""
    await sql.execute(
        "INSERT INTO audit_log (tenant_id, at, entity, op, agent_id, device_id, outcome, origin,"
        " before, after, entity_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'row-1')",
        *(company.tenant, entry["at"]),
        *(entry[name] for name in ("entity", "op", "agent", "device", "outcome", "origin")),
        *(orjson.dumps({entry["field"]: text}).decode() for text in ("was", "is")),
    )


@pytest.fixture
async def entries(owner: asyncpg.Connection, company: Company, manager: Api) -> list[Entry]:
    """What the whole log says of them; every fourth is of a statement that took long."""
    chance = random.Random(1)
    for number in range(ENTRIES):
        at = NOON + timedelta(days=number, hours=-23 if number % 4 == 0 else 0)
        entry = {name: chance.choice(values) for name, values in VALUES.items()}
        await enter(owner, company, {**entry, "at": at})
    return await read(manager, limit=500)


@given(data=st.data())
@settings(
    max_examples=5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_a_filter_gives_those_of_all_entries_that_it_names(
    manager: Api, entries: list[Entry], data: st.DataObject
) -> None:
    for query in data.draw(st.lists(FILTERS, min_size=10, max_size=10)):
        wanted = [
            entry
            for entry in entries
            if all(
                MEANINGS[name](entry, value) if name in MEANINGS else entry[name] == value
                for name, value in query.items()
            )
        ]
        assert await read(manager, limit=500, **query) == wanted, query


async def test_a_filtered_log_is_read_page_by_page(manager: Api, entries: list[Entry]) -> None:
    wanted = [entry["id"] for entry in entries if entry["op"] == "update"]
    seen: list[str] = []
    cursor = ""
    while cursor is not None:
        page = (await manager.get(f"/api/audit?op=update&limit=7&cursor={cursor}")).json
        seen += [entry["id"] for entry in page["items"]]
        cursor = page["next_cursor"]
    assert seen == wanted
    assert len(wanted) > 14


async def test_what_was_done_on_a_device_is_found(
    sign_in: SignIn, manager: Api, company: Company
) -> None:
    phone = sign_in("agent", X_Device_Id="anns-own-phone")
    made = await phone.post("/api/contacts", {"first_name": "Ann"})
    await sign_in("agent").post("/api/contacts", {"first_name": "Ben"})
    (entry,) = await read(manager, device="anns-own-phone", entity="contact")
    assert entry["entity_id"] == made.json["contact"]["id"]
    assert await read(manager, device="bens-own-phone") == []


async def test_each_entry_has_the_name_of_what_it_is_about(
    agent: Api, manager: Api, admin: Api, owner: asyncpg.Connection, company: Company
) -> None:
    contact = (await agent.post("/api/contacts", {"company": "Lee"})).json["contact"]["id"]
    await agent.patch(f"/api/contacts/{contact}", {"first_name": "Ann", "last_name": "Lee"})
    gone = (await agent.post("/api/contacts", {"email": "ben@example.com"})).json["contact"]["id"]
    await agent.delete(f"/api/contacts/{gone}")
    tag = (await manager.post("/api/tags", {"name": "VIP"})).json["tag"]["id"]
    await manager.patch(f"/api/tags/{tag}", {"name": "Very important"})
    device = await insert_device(owner, company, name="Ann's phone")
    await owner.execute(
        "SELECT set_config('app.tenant', $1, false), log_action('revoke', 'device', $2,"
        " NULL, NULL, 'sql', '{}'), log_action('register', 'agent', $3, NULL, NULL, 'sql', '{}')",
        *(company.tenant, device, company.agents["agent"]),
    )
    await admin.patch("/api/tenant", {"max_tags": 7})

    async def labels() -> list[tuple[str, str | None]]:
        return [(entry["op"], entry["label"]) for entry in await read(manager)]

    expected = [
        ("settings", None),
        ("register", "Agent"),
        ("revoke", "Ann's phone"),
        *(("update", "Very important"), ("create", "Very important")),
        *(("delete", "ben@example.com"), ("create", "ben@example.com")),
        *(("update", "Ann Lee"), ("create", "Ann Lee")),
    ]
    assert await labels() == expected

    # Once purged, it is called as the history has it.
    await agent.patch(f"/api/contacts/{contact}", {"first_name": None})
    await agent.delete(f"/api/contacts/{contact}")
    await manager.delete(f"/api/tags/{tag}")
    async with owner.transaction():
        await owner.execute("SET LOCAL app.purge = 'on'")
        for table in ("contacts", "tags"):
            await owner.execute(
                f"DELETE FROM {table} WHERE tenant_id = $1 AND deleted_at IS NOT NULL",
                company.tenant,
            )
    renamed = [(op, "Lee" if label == "Ann Lee" else label) for op, label in expected]
    assert await labels() == [
        *(("delete", "Very important"), ("delete", "Lee"), ("update", "Lee")),
        *renamed,
    ]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("device=x", "invalid device"),
        ("outcome=won", "invalid outcome"),
        ("origin=web", "invalid origin"),
        ("since=yesterday", "invalid since"),
        ("until=2026-02-30", "invalid until"),
        ("field=%00", "invalid field"),
    ],
)
async def test_a_bad_filter_is_named(manager: Api, query: str, code: str) -> None:
    answer = await manager.get(f"/api/audit?{query}")
    assert (answer.status, answer.code) == (422, code)


async def test_a_quote_in_a_filter_is_a_letter_like_any_other(manager: Api) -> None:
    for name in ("entity", "entity_id", "op", "field"):
        assert await read(manager, **{name: "'; DROP TABLE agents; --\\"}) == []
