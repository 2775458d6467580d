"""Bulk jobs in the test's own process: the code of a job's without the second that it starts."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from nanoid import generate

from server.db.pool import Database
from server.db.queries import queries
from server.jobs.bulk.process import EXIT_DONE, run_assignment

Finding = tuple[int | None, str | None, str | None]
AGENT = "agent-admin-01"
PEOPLE = """
Customer ID | First name | Last name | E-mail           | Phone         | Company
C1          | Ann        | Lee       | ann@example.com  | 044 668 18 00 | Lee & Sons
C2          | Bob        | Ray       | BOB@Example.com  | 044 668 18 01 | Ray Ltd
C3          | Cat        | Poe       |                  | 044 668 18 02 |
"""
COUNTS = ("rows", "created", "updated", "unchanged", "conflicts", "errors")
MAPPING = {"Customer ID": "external_id"}
OPTIONS = {"mode": "upsert", "match": ["external_id", "email", "phone"], "on_empty": "keep"}
# Each statement that makes contacts takes 50 ms, and a job's chunks are then small: thousands of
# rows take longer than whoever waits for the middle of the job may be held up.
SLOW_WRITES = """
CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(0.05); RETURN NULL; END $$;
CREATE TRIGGER dawdle BEFORE INSERT ON contacts FOR EACH STATEMENT EXECUTE FUNCTION dawdle()
"""
QUICK_WRITES = "DROP TRIGGER dawdle ON contacts; DROP FUNCTION dawdle()"


@dataclass
class Bulk:
    """A tenant of one test, its contacts, and its jobs."""

    url: str
    database: Database
    sql: asyncpg.Connection
    tenant: str = field(default_factory=lambda: f"tenant-{generate(size=10)}")

    async def set_up(self) -> Bulk:
        await self.sql.execute(
            "INSERT INTO tenants (id, name, region) VALUES ($1, $1, 'CH')", self.tenant
        )
        for code, role in (("admin", "admin"), ("ann", "agent")):
            await self.sql.execute(
                "INSERT INTO agents (tenant_id, id, code, name, role) VALUES ($1, $2, $3, $3, $4)",
                *(self.tenant, AGENT if code == "admin" else f"agent-{code}-01", code, role),
            )
        return self

    async def start(self, kind: str, options: dict[str, Any], content: bytes | None = None) -> str:
        """Enters a job, as the service does, for `run`."""
        job = generate()
        async with self.database.tenant(self.tenant) as connection:
            if content is not None:
                await self._upload(connection, job, content)
            await connection.execute(
                queries.bulk.insert_job,
                *(self.tenant, job, kind, AGENT, None, "contacts.csv", None, json.dumps(options)),
            )
        return job

    async def _upload(self, connection: Any, job: str, content: bytes) -> None:
        for part, begin in enumerate(range(0, len(content), 1_000_000)):
            await connection.execute(
                queries.bulk.insert_part,
                *(self.tenant, job, part, content[begin : begin + 1_000_000]),
            )

    async def run(self, job: str, stopping: asyncio.Event | None = None) -> dict[str, Any]:
        """Runs a job until it is over, or `stopping` is set; gives its row."""
        run = generate()
        async with self.database.tenant(self.tenant) as connection:
            await connection.fetchrow(queries.bulk.begin_run, self.tenant, job, run)
        await run_assignment(self._assignment(job=job, run=run), stopping or asyncio.Event())
        return await self.job(job)

    def _assignment(self, **more: Any) -> dict[str, Any]:
        return {"database_url": self.url, "default_region": "US", "tenant": self.tenant, **more}

    async def job(self, job: str) -> dict[str, Any]:
        async with self.database.tenant(self.tenant) as connection:
            record = await connection.fetchrow(queries.bulk.read_job, self.tenant, job)
        assert record is not None
        row = dict(record)
        for name in ("counts", "undo_counts", "mapping", "detected"):
            row[name] = json.loads(row[name]) if row[name] else {}
        return row

    async def load(self, rows: str | list[list[str]], **options: Any) -> dict[str, Any]:
        """Imports rows, the header first, and gives the job's row."""
        job = await self.start("import", {**OPTIONS, **options}, to_csv(rows))
        return await self.run(job)

    async def preview(
        self, rows: str | list[list[str]], capture: Any, **options: Any
    ) -> dict[str, Any]:
        """What an import would do; `capture` is pytest's `capfdbinary`."""
        job = generate()
        async with self.database.tenant(self.tenant) as connection:
            await self._upload(connection, job, to_csv(rows))
        asked = {
            "id": job,
            "kind": "import",
            "undoing": False,
            "agent_id": AGENT,
            "device_id": None,
            "file_name": "contacts.csv",
            "content_type": None,
            "options": {**OPTIONS, **options},
        }
        capture.readouterr()
        assert await run_assignment(self._assignment(preview=asked), asyncio.Event()) == EXIT_DONE
        answer: dict[str, Any] = json.loads(capture.readouterr().out.splitlines()[-1])
        return answer

    async def undo(self, job: str) -> dict[str, Any]:
        """Takes a job back."""
        async with self.database.tenant(self.tenant) as connection:
            assert await connection.fetchval(queries.bulk.begin_undo, self.tenant, job)
        return await self.run(job)

    async def contacts(self) -> list[dict[str, Any]]:
        """The live contacts' JSON, by their versions."""
        return [
            json.loads(record["wire"])
            for record in await self.sql.fetch(
                "SELECT wire FROM contacts WHERE tenant_id = $1 AND deleted_at IS NULL "
                "ORDER BY version",
                self.tenant,
            )
        ]

    async def until(self, condition: str, seconds: float = 20) -> None:
        """Waits until a SQL condition holds."""
        deadline = time.monotonic() + seconds
        while not await self.sql.fetchval(f"SELECT {condition}"):
            assert time.monotonic() < deadline, condition
            await asyncio.sleep(0.005)

    @asynccontextmanager
    async def slow_writes(self) -> AsyncIterator[None]:
        """Makes jobs slow, so that their middle can't be missed."""
        await self.sql.execute(SLOW_WRITES)
        try:
            yield
        finally:
            await self.sql.execute(QUICK_WRITES)

    async def findings(self, job: str, kind: str) -> list[Finding]:
        """`(row, field, message)` of a job's findings."""
        records = await self.sql.fetch(
            "SELECT row, field, message FROM bulk_findings "
            "WHERE tenant_id = $1 AND job_id = $2 AND kind = $3 ORDER BY id",
            *(self.tenant, job, kind),
        )
        return [tuple(record) for record in records]

    async def head(self) -> int:
        version: int = await self.sql.fetchval(
            "SELECT version FROM global_version WHERE tenant_id = $1", self.tenant
        )
        return version

    async def edit(self, contact_id: str, **fields: Any) -> None:
        """Changes a contact as an agent's device does, now."""
        names = ", ".join(f"{name} = ${at}" for at, name in enumerate(fields, start=3))
        await self.sql.execute(
            f"UPDATE contacts SET {names} WHERE tenant_id = $1 AND id = $2",
            *(self.tenant, contact_id, *fields.values()),
        )


def to_csv(rows: str | list[list[str]]) -> bytes:
    """A CSV of rows, or of lines of text with `|` between the cells."""
    if isinstance(rows, str):
        rows = [[cell.strip() for cell in line.split("|")] for line in rows.strip().splitlines()]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def counts(job: dict[str, object]) -> tuple[int, ...]:
    told: dict[str, int] = job["counts"]  # type: ignore[assignment]
    return tuple(told.get(name, 0) for name in COUNTS)
