"""What the tests of faults share: databases that may be killed, and servers that may hang."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.conftest import random_name
from tests.faults.support.stack import Databases, ServerProcess, running_databases, server_on

StartServer = Callable[..., ServerProcess]


@pytest.fixture(scope="module")
def databases() -> Iterator[Databases]:
    """A durable Postgres and a Redis of this file's own; leave them running and well."""
    with running_databases() as databases:
        yield databases


@pytest.fixture
async def fault_database_url(databases: Databases) -> str:
    """A fresh, migrated database on them."""
    return await databases.make_database(f"test_{random_name()}")


@pytest.fixture
async def make_server(
    databases: Databases, fault_database_url: str
) -> AsyncIterator[Callable[..., ServerProcess]]:
    """`make_server(**environment)` gives a server process; `await it.start()` starts it."""
    made: list[ServerProcess] = []

    def make(**environment: str) -> ServerProcess:
        made.append(server_on(databases, fault_database_url, **environment))
        return made[-1]

    yield make
    for server in made:
        await server.end()
