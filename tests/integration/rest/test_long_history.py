"""What managers ask of a long history is answered from a small part of it.

Pages of the database are counted, not seconds: a busy machine reads no more of them.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import asyncpg
import orjson
import pytest

from server.db.pool import Database
from server.db.queries import queries
from server.services.statistics import keep_days
from tests.integration.support.servers import Company

ENTRIES = 30_000
DAYS = 300
RARE = [
    {"agent_id": "nobody-at-all"},
    {"agent_id": "who-left-the-company"},
    {"device_id": "device-long-ago"},
    {"op": "export"},
    {"entity": "tag"},
    {"outcome": "refused"},
    {"field": "birthday"},
    {"field": "no_such_field"},
    {"field": "birthday", "agent_id": "agent-3"},
    {"origin": "sql"},
    {"entity": "contact", "entity_id": "row-77"},
    {"since": 0, "until": 1},
]


async def pages_read(connection: Any, query: str, *values: Any) -> int:
    """How many pages a query looks at, once what it needs to know of the tables is at hand.

    The least of three times: what is known is looked up anew when another connection analyses them.
    """
    explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}"
    plans = [orjson.loads(await connection.fetchval(explain, *values))[0]["Plan"] for _ in range(3)]
    return min(int(plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]) for plan in plans)


@pytest.fixture
async def pages(owner: asyncpg.Connection, company: Company) -> int:
    """A history of most of a year, of which the rare happened in the first days: its pages."""
    await owner.execute(
        """INSERT INTO audit_log (tenant_id, at, entity, entity_id, op, agent_id, device_id, origin,
                                  outcome, before, after)
           SELECT $1, now() - ($2 - n) * ($3 * interval '1 day') / $2,
                  CASE n WHEN 5 THEN 'tag' ELSE 'contact' END, 'row-' || n % 1000,
                  CASE n WHEN 6 THEN 'export' ELSE 'update' END,
                  CASE n WHEN 7 THEN 'who-left-the-company' ELSE 'agent-' || n % 20 END,
                  CASE n WHEN 8 THEN 'device-long-ago' ELSE 'device-' || n % 20 END,
                  CASE n WHEN 9 THEN 'sql' ELSE 'socket' END,
                  CASE n WHEN 10 THEN 'refused' ELSE 'applied' END,
                  CASE n WHEN 11 THEN NULL ELSE '{"notes": "some words"}'::jsonb END,
                  CASE n WHEN 11 THEN '{"birthday": "--02-29"}'
                         ELSE '{"notes": "some other words"}'::jsonb END
           FROM generate_series(1, $2) AS n""",
        *(company.tenant, ENTRIES, DAYS),
    )
    await owner.execute("SELECT brin_summarize_new_values('audit_log_summary')")
    await owner.execute("ANALYZE audit_log")
    pages: int = await owner.fetchval(
        "SELECT pg_relation_size('audit_log') / current_setting('block_size')::int"
    )
    return pages


async def test_what_is_rare_is_found_without_reading_the_history(
    module_database_url: str, company: Company, pages: int
) -> None:
    database = await Database.connect(module_database_url, size=2)
    await keep_days(database, company.tenant)
    async with database.tenant(company.tenant) as connection:
        for asked in RARE:
            read = await pages_read(
                *(connection, queries.history.list_audit, company.tenant),
                *(orjson.dumps(asked).decode(), None, 26, "{}"),
            )
            assert read < pages / 2, f"{asked}: {read} of {pages} pages"
    await database.close()


async def test_a_year_s_statistics_read_the_last_days_of_the_history(
    module_database_url: str, company: Company, pages: int
) -> None:
    database = await Database.connect(module_database_url, size=2)
    await keep_days(database, company.tenant)
    async with database.tenant(company.tenant) as connection:
        today: date = await connection.fetchval("SELECT (now() AT TIME ZONE 'UTC')::date")
        read = await pages_read(
            *(connection, queries.statistics.list_days, company.tenant),
            *(today - timedelta(days=365), today),
        )
    await database.close()
    assert read < pages / 2, f"{read} of {pages} pages"
