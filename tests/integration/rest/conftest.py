"""REST alone, over HTTP, and a company of each test's own.

`server` and `company` stand in here for those of the tests over sockets.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import asyncpg
import pytest

from tests.integration.support.rest import Api, RestServer, running_rest
from tests.integration.support.servers import Company, make_company
from tests.waiting import PATIENCE

SignIn = Callable[..., Api]
DAY_SECONDS = 86_400


@pytest.fixture
async def within_a_day() -> None:
    """For tests of what happened today: none begins so late that it would end tomorrow."""
    left = DAY_SECONDS - time.time() % DAY_SECONDS
    if left < PATIENCE:
        await asyncio.sleep(left + 0.1)


@pytest.fixture
def server_options() -> dict[str, Any]:
    """What a file's tests want of their server; `works` has it run its jobs, too."""
    return {}


@pytest.fixture
async def server(
    module_database_url: str, redis_url: str, server_options: dict[str, Any]
) -> AsyncIterator[RestServer]:
    """A server on the file's database; afterwards every answer must have been as documented."""
    async with running_rest(module_database_url, redis_url, **server_options) as server:
        yield server
    assert server.faults == []


@pytest.fixture
async def company(owner: asyncpg.Connection, server: RestServer) -> Company:
    """A tenant of this test alone."""
    return await make_company(owner, server.auth)


@pytest.fixture
async def other_company(owner: asyncpg.Connection, server: RestServer) -> Company:
    """Another tenant on the same server."""
    return await make_company(owner, server.auth)


@pytest.fixture
async def stranger(server: RestServer) -> AsyncIterator[Api]:
    """Somebody without a key."""
    async with aiohttp.ClientSession() as session:
        yield Api(session, server.url)


@pytest.fixture
def sign_in(stranger: Api, company: Company) -> SignIn:
    """`sign_in("manager", If_Match=…, of=company)`: an API as somebody of a company."""

    def sign(code: str, *, of: Company = company, **headers: str) -> Api:
        return stranger.signed_in(of.keys[code], **headers)

    return sign


@pytest.fixture
def admin(sign_in: SignIn) -> Api:
    return sign_in("admin")


@pytest.fixture
def manager(sign_in: SignIn) -> Api:
    return sign_in("manager")


@pytest.fixture
def agent(sign_in: SignIn) -> Api:
    return sign_in("agent")


@pytest.fixture
def outsider(sign_in: SignIn, other_company: Company) -> Api:
    """The admin of another company."""
    return sign_in("admin", of=other_company)
