"""Exports to clients that are slow, go away, or are too many; and what becomes of the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import aiohttp
import asyncpg
import psutil
import pytest

from server.services.exports import Export
from tests.integration.rest.conftest import SignIn
from tests.integration.support.rest import Api, RestServer
from tests.integration.support.servers import Company
from tests.waiting import until

CONTACTS = 1_500
# More in all than what sockets and buffers between two processes hold.
NOTES = 20_000
SLOW = "/api/bulk/export?format=csv"

OpenSlow = Callable[[], Coroutine[Any, Any, asyncio.StreamReader]]


@pytest.fixture
async def many(owner: asyncpg.Connection, company: Company) -> None:
    """Contacts that make a file of 30 MB."""
    async with owner.transaction():
        await owner.execute("SELECT set_config('app.tenant', $1, true)", company.tenant)
        await owner.execute(
            """INSERT INTO contacts (tenant_id, id, first_name, notes)
               SELECT $1, 'contact-' || n, 'Ann', repeat('x', $2)
               FROM generate_series(1, $3) AS n""",
            *(company.tenant, NOTES, CONTACTS),
        )


@pytest.fixture
async def open_slow(server: RestServer, company: Company) -> AsyncIterator[OpenSlow]:
    """`await open_slow()` gives an export of which only the beginning was read."""
    writers: list[asyncio.StreamWriter] = []

    async def open_one() -> asyncio.StreamReader:
        host, port = server.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port), limit=2**16)
        writers.append(writer)
        key = company.keys["agent"]
        writer.write(f"GET {SLOW} HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
        assert b" 200 " in await reader.readline()
        return reader

    yield open_one
    for writer in writers:
        writer.transport.abort()
    await all_connections_back(server)


async def all_connections_back(server: RestServer) -> None:
    pool = server.database.pool
    await until(lambda: pool.get_idle_size() == pool.get_size())


class Counter:
    """A receiver that keeps nothing."""

    def __init__(self) -> None:
        self.export: Export | None = None
        self.sizes: list[int] = []

    async def begin(self, export: Export) -> None:
        self.export = export

    async def write(self, piece: bytes) -> None:
        self.sizes.append(len(piece))


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("name", ["csv", "google", "json", "vcf"])
async def test_memory_is_flat(server: RestServer, company: Company, name: str) -> None:
    process = psutil.Process()
    before = process.memory_info().rss
    counter = Counter()

    await server.services.exports.write(company.tenant, {"format": name}, counter, actor=None)

    assert counter.export is not None
    assert counter.export.total == CONTACTS
    assert sum(counter.sizes) > CONTACTS * NOTES
    assert max(counter.sizes) < 1_000_000
    assert process.memory_info().rss - before < 15_000_000


@pytest.mark.usefixtures("many")
async def test_a_client_that_goes_away_frees_its_connection(
    server: RestServer, open_slow: OpenSlow, agent: Api, owner: asyncpg.Connection, company: Company
) -> None:
    reader = await open_slow()
    await reader.readexactly(1_000)
    assert server.database.pool.get_idle_size() < server.database.pool.get_size()

    transport = reader._transport  # type: ignore[attr-defined]
    transport.abort()

    await all_connections_back(server)
    assert (await agent.get("/api/contacts?limit=1")).status == 200
    # What left is in the history, though it was broken off.
    assert await owner.fetchval(
        """SELECT after -> 'count' = to_jsonb($2::int) FROM audit_log
           WHERE tenant_id = $1 AND op = 'export'""",
        *(company.tenant, CONTACTS),
    )


@pytest.mark.usefixtures("many")
async def test_two_run_at_once_and_the_third_is_told_when_to_come_back(
    open_slow: OpenSlow, agent: Api, server: RestServer
) -> None:
    await open_slow()
    second = await open_slow()

    refused = await agent.get(SLOW)

    assert (refused.status, refused.code) == (429, "rate_limited")
    assert refused.headers["Retry-After"] == "5"
    assert (await agent.get("/api/contacts?limit=1")).status == 200
    second._transport.abort()  # type: ignore[attr-defined]

    async def has_room() -> bool:
        return (await agent.get("/api/bulk/export?search=nobody")).status != 429

    await until(has_room)


@pytest.mark.usefixtures("many")
async def test_a_file_that_the_database_cut_off_is_no_whole_one(
    sign_in: SignIn, server: RestServer, owner: asyncpg.Connection
) -> None:
    agent = sign_in("agent")
    async with agent.session.get(f"{server.url}{SLOW}", headers=agent.headers) as response:
        assert response.status == 200
        await response.content.readexactly(10_000)
        assert await owner.fetchval(
            """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE datname = current_database() AND query LIKE 'COPY (%'"""
        )
        with pytest.raises(aiohttp.ClientError):
            await response.read()
    assert (await agent.get("/api/bulk/export?search=nobody")).status == 200


@pytest.mark.usefixtures("many")
async def test_a_server_that_stops_cuts_off_what_is_under_way(
    sign_in: SignIn, server: RestServer
) -> None:
    agent = sign_in("agent")
    async with agent.session.get(f"{server.url}{SLOW}", headers=agent.headers) as response:
        await response.content.readexactly(10_000)

        server.services.exports.stop()

        await all_connections_back(server)
        with pytest.raises(aiohttp.ClientError):
            await response.read()
