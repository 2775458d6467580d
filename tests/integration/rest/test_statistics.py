from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.jobs.purge import purge_logs
from tests.integration.rest.conftest import SignIn
from tests.integration.support.fleet import note_work
from tests.integration.support.rest import Api, RestServer
from tests.integration.support.servers import Company, make_company

# A hundred days ago, when what is asked is over for good.
DAY = datetime.now(UTC).date() - timedelta(days=100)
NOON = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=UTC)


pytestmark = pytest.mark.usefixtures("within_a_day")


async def today(sql: asyncpg.Connection) -> date:
    day: date = await sql.fetchval("SELECT (now() AT TIME ZONE 'UTC')::date")
    return day


async def days_of(api: Api, query: str = "") -> list[dict[str, Any]]:
    answer = await api.get(f"/api/statistics{query}")
    assert answer.status == 200, answer.text
    days: list[dict[str, Any]] = answer.json["days"]
    return days


def day_of(number: int) -> str:
    return str(DAY + timedelta(days=number))


async def note_changes(
    sql: asyncpg.Connection, company: Company, at: datetime, op: str, count: int, **columns: Any
) -> None:
    """Entries of the history as they were written at that time."""
    values = {"agent_id": company.agents["agent"], "entity": "contact", "outcome": "applied"}
    values |= columns
    await sql.execute(
        "INSERT INTO audit_log (tenant_id, at, op, agent_id, entity, outcome, origin, entity_id)"
        " SELECT $1, $2, $3, $4, $5, $6, 'socket', 'row-' || number"
        " FROM generate_series(1, $7) AS number",
        *(company.tenant, at, op, *values.values(), count),
    )


async def test_each_change_of_a_contact_counts_on_its_day_for_who_made_it(
    agent: Api, manager: Api, owner: asyncpg.Connection, company: Company
) -> None:
    ids = []
    for _ in range(3):
        made = await agent.post("/api/contacts", {"first_name": "Ann"})
        ids.append(made.json["contact"]["id"])
    for name in ("Bea", "Cleo"):
        await manager.patch(f"/api/contacts/{ids[0]}", {"first_name": name})
    await manager.delete(f"/api/contacts/{ids[0]}")
    await manager.delete(f"/api/contacts/{ids[1]}")
    await agent.post(f"/api/contacts/{ids[0]}/restore")
    await owner.execute("UPDATE contacts SET company = 'Lee' WHERE id = $1", ids[2])
    # Neither labels count, nor what was refused.
    await manager.post("/api/tags", {"name": "VIP"})
    refused = await agent.patch(f"/api/contacts/{ids[1]}", {"company": "Lee"})
    assert refused.code == "gone"

    days = await days_of(manager)

    assert len(days) == 30
    assert [day["day"] for day in days] == sorted({day["day"] for day in days})
    *before, last = days
    assert last["day"] == (await today(owner)).isoformat()
    counts = {key: last[key] for key in ("contacts", "created", "updated", "deleted", "restored")}
    assert counts == {"contacts": 2, "created": 3, "updated": 3, "deleted": 2, "restored": 1}
    busiest = sorted([company.agents["agent"], company.agents["manager"]])
    assert last["agents"] == [
        *({"agent": agent_id, "changes": 4} for agent_id in busiest),
        {"agent": None, "changes": 1},
    ]
    assert {(day["contacts"], day["created"], len(day["agents"])) for day in before} == {(0, 0, 0)}


async def test_contacts_are_counted_back_from_those_that_are_there(
    manager: Api, owner: asyncpg.Connection, company: Company
) -> None:
    await note_changes(owner, company, NOON - timedelta(days=40), "create", 5)
    await note_changes(owner, company, NOON - timedelta(days=10), "delete", 2)
    await note_changes(owner, company, NOON - timedelta(days=10), "create", 9, entity="tag")
    await note_changes(owner, company, NOON - timedelta(days=9), "restore", 1, agent_id=None)
    await note_changes(owner, company, NOON, "create", 3)
    await note_changes(owner, company, NOON + timedelta(hours=12), "delete", 1)
    await note_changes(owner, company, NOON + timedelta(hours=12), "delete", 1, outcome="lost")
    await owner.execute(
        "UPDATE global_version SET checksum = $2 WHERE tenant_id = $1",
        *(company.tenant, '{"contacts": {"count": 6, "sum": 0}}'),
    )

    days = await days_of(manager, f"?from={day_of(-41)}&to={day_of(1)}")
    month = await days_of(manager, f"?to={day_of(0)}")

    assert [day["day"] for day in days] == [day_of(number) for number in range(-41, 2)]
    at_end = [day["contacts"] for day in days]
    assert at_end == [0, *30 * [5], 3, *9 * [4], 7, 6]
    assert month == days[-31:-1]
    assert days[-11]["agents"] == [{"agent": None, "changes": 1}]
    assert (days[-2]["created"], days[-1]["deleted"]) == (3, 1)


async def test_a_day_tells_what_devices_did(
    manager: Api, owner: asyncpg.Connection, company: Company
) -> None:
    for milliseconds in (100, 200, 900):
        ended = NOON + timedelta(milliseconds=milliseconds)
        await note_work(owner, company, "sync", NOON, ended=ended, rows=4, bytes=50)
    await note_work(owner, company, "push", NOON, error_code="unavailable")
    await note_work(owner, company, "connection", NOON)
    await note_work(owner, company, "refused", NOON)
    await note_work(owner, company, "sync", NOON + timedelta(days=1))
    for minute, online in ((0, 3), (1, 5), (2, None)):
        await note_work(
            *(owner, company, "minute", NOON + timedelta(minutes=minute, seconds=1)),
            devices_online=online,
            greatest_lag=None if online is None else 10 - online,
        )

    day, next_day = await days_of(manager, f"?from={DAY}&to={day_of(1)}")
    minutes = await manager.get(f"/api/statistics/day?day={DAY}")

    wanted = {"connections": 1, "syncs": 3, "pushes": 1, "failures": 1, "refused": 1}
    wanted |= {"rows": 12, "bytes": 150, "median_sync_ms": 200}
    assert wanted | {"most_devices_online": 5, "greatest_lag": 7} == {
        name: day[name] for name in (*wanted, "most_devices_online", "greatest_lag")
    }
    assert (next_day["syncs"], next_day["median_sync_ms"], next_day["greatest_lag"]) == (1, None, 0)
    assert minutes.json == {
        "day": str(DAY),
        "minutes": [
            {"at": f"{DAY}T12:00:00.000Z", "devices_online": 3, "greatest_lag": 7},
            {"at": f"{DAY}T12:01:00.000Z", "devices_online": 5, "greatest_lag": 5},
        ],
    }
    now = (await manager.get("/api/statistics/day")).json
    assert now == {"day": (await today(owner)).isoformat(), "minutes": []}


async def test_what_devices_did_is_still_told_when_its_log_is_purged(
    manager: Api, owner: asyncpg.Connection, company: Company, server: RestServer
) -> None:
    await note_work(owner, company, "sync", NOON, ended=NOON + timedelta(seconds=1))
    await note_changes(owner, company, NOON, "update", 2)

    await purge_logs(server.database, asyncio.Event())

    left = "SELECT count(*) FROM sync_log WHERE tenant_id = $1"
    assert await owner.fetchval(left, company.tenant) == 0
    (day,) = await days_of(manager, f"?from={DAY}&to={DAY}")
    assert (day["syncs"], day["median_sync_ms"], day["updated"]) == (1, 1000, 2)
    # Every day from the one before the first on, up to the day before yesterday, and each once.
    await purge_logs(server.database, asyncio.Event())
    kept = "SELECT count(*) FROM daily_statistics WHERE tenant_id = $1"
    assert await owner.fetchval(kept, company.tenant) in (100, 101)


async def test_a_day_is_not_closed_before_it_has_been_over_for_a_day(
    manager: Api, owner: asyncpg.Connection, company: Company
) -> None:
    yesterday = await today(owner) - timedelta(days=1)
    noon = datetime(yesterday.year, yesterday.month, yesterday.day, 12, tzinfo=UTC)
    for count in (1, 2):
        await note_changes(owner, company, noon, "update", 1)
        (day,) = await days_of(manager, f"?from={yesterday}&to={yesterday}")
        assert day["updated"] == count


async def test_no_day_lies_in_the_future(manager: Api, owner: asyncpg.Connection) -> None:
    now = await today(owner)
    days = await days_of(manager, f"?from={now - timedelta(days=1)}&to={now + timedelta(days=9)}")
    assert [day["day"] for day in days] == [str(now - timedelta(days=1)), str(now)]
    assert await days_of(manager, "?from=9999-12-01&to=9999-12-31") == []


async def test_only_managers_and_admins_see_the_statistics_of_their_company(
    agent: Api, admin: Api, outsider: Api, sign_in: SignIn
) -> None:
    await agent.post("/api/contacts", {"first_name": "Ann"})
    for path in ("/api/statistics", "/api/statistics/day"):
        for api in (agent, sign_in("api")):
            assert (await api.get(path)).code == "forbidden"
    assert (await days_of(admin))[-1]["contacts"] == 1
    assert (await days_of(outsider))[-1]["contacts"] == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("?from=yesterday", "invalid from"),
        ("?to=2026-02-30", "invalid to"),
        ("?to=1969-12-31", "invalid to"),
        ("?from=2026-03-02&to=2026-03-01", "invalid from"),
        ("?from=2025-03-01&to=2026-03-02", "invalid from"),
        ("?from=1970-01-01", "invalid from"),
        ("/day?day=2026-3-1", "invalid day"),
        ("/day?from=2026-03-01", "invalid from"),
    ],
)
async def test_a_bad_question_names_its_parameter(manager: Api, query: str, code: str) -> None:
    answer = await manager.get(f"/api/statistics{query}")
    assert (answer.status, answer.code) == (422, code)


async def test_a_leap_year_is_answered(manager: Api) -> None:
    assert len(await days_of(manager, "?from=2024-01-01&to=2024-12-31")) == 366


@given(
    hours=st.lists(st.integers(0, 2_000), max_size=30).map(sorted),
    late=st.integers(0, 23),
    asked=st.integers(-50, 2_050),
)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_the_history_of_a_span_is_read_from_its_first_entry_or_a_little_before(
    owner: asyncpg.Connection, server: Any, hours: list[int], late: int, asked: int
) -> None:
    """Entries of a long statement are numbered at its end: every third one here."""
    company = await make_company(owner, server.auth)
    for number, hour in enumerate(hours):
        at = NOON + timedelta(hours=hour - (late if number % 3 == 0 else 0))
        await note_changes(owner, company, at, "update", 1)
    moment = NOON + timedelta(hours=asked)

    first = await owner.fetchval("SELECT find_entry_at($1, $2)", company.tenant, moment)

    entries = await owner.fetch("SELECT id, at FROM audit_log WHERE tenant_id = $1", company.tenant)
    assert [entry["id"] for entry in entries if entry["at"] >= moment and entry["id"] < first] == []
    passed = [entry["id"] for entry in entries if entry["at"] < moment - timedelta(days=2)]
    assert all(number < first for number in passed)
