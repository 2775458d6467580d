"""A server, companies and devices for every test that talks over sockets.

The tests of a file share a server and its database; each has a company of its own there. As the
server lives on the file's event loop, so must they: `pytestmark = ON_THE_SERVERS_LOOP`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import aiohttp
import asyncpg
import pytest
import pytest_asyncio

from server.db.embedded import EmbeddedRedis
from server.db.pool import Database
from server.ephemeral.connection import RedisConnection
from server.settings import Settings
from tests.integration.support.bulk import Bulk
from tests.integration.support.devices import Device, Payload
from tests.integration.support.raw import RawSocket
from tests.integration.support.rest import Api
from tests.integration.support.servers import Company, Server, make_company, running_server
from tests.integration.support.syncing import MADE, make_contacts
from tests.waiting import PATIENCE

MakeDevice = Callable[..., Device]
SignIn = Callable[..., Api]
OpenRaw = Callable[..., Awaitable[RawSocket]]
ON_THE_SERVERS_LOOP = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Has servers wait for the Redis of a busy machine: without it they go on alone."""
    monkeypatch.setattr("server.ephemeral.connection.WAIT_SECONDS", PATIENCE)


@pytest.fixture
def rest_seconds() -> float:
    """For how long a Redis that was down is left alone."""
    return 30


@pytest.fixture
async def hasty(redis_url: str, rest_seconds: float) -> AsyncIterator[list[RedisConnection]]:
    """Of two processes, each of which goes on without Redis after a second."""
    made = [RedisConnection(redis_url, rest_seconds=rest_seconds) for _ in range(2)]
    yield made
    for connection in made:
        await connection.close()


@pytest.fixture
def connections(patience: None, hasty: list[RedisConnection]) -> list[RedisConnection]:
    """The same, but they wait for a machine that is busy for more than a second."""
    return hasty


@pytest.fixture(scope="session", autouse=True)
def patient_pings() -> Iterator[None]:
    """A ping waits a second for the changes before it; here as long as a busy machine needs.

    So that whoever has its answer has them too (`Device.flush`).
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("server.events.sync.FEED_SECONDS", PATIENCE / 2)
        yield


@pytest.fixture
async def owner(module_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as whoever owns the database, as psql has it: no tenant, no role."""
    connection = await asyncpg.connect(module_database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def bulk(module_database_url: str, owner: asyncpg.Connection) -> AsyncIterator[Bulk]:
    """A company of this test alone, for jobs that run in the test's own process."""
    database = await Database.connect(module_database_url, size=4)
    yield await Bulk(module_database_url, database, owner).set_up()
    await database.close()


@pytest.fixture(scope="module")
def server_settings(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings.from_environment(
        {
            "ENVIRONMENT": "test",
            "PORT": "0",
            "DATABASE_URL": module_database_url,
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        }
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(server_settings: Settings, redis: EmbeddedRedis) -> AsyncIterator[Server]:
    """The file's server; what a test would stop, it starts itself."""
    async with running_server(server_settings, redis.redis_url) as server:
        yield server


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def second_server(server_settings: Settings, redis: EmbeddedRedis) -> AsyncIterator[Server]:
    """Another server on the same database."""
    async with running_server(server_settings, redis.redis_url) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def sql(module_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as whoever owns the database, on the server's loop."""
    connection = await asyncpg.connect(module_database_url)
    yield connection
    await connection.close()


@pytest_asyncio.fixture(loop_scope="module")
async def company(sql: asyncpg.Connection, server: Server, redis_url: str) -> Company:
    """A tenant of this test alone, and a Redis that remembers nobody's failures."""
    return await make_company(sql, server.parts.auth)


@pytest_asyncio.fixture(loop_scope="module")
async def other_company(sql: asyncpg.Connection, server: Server) -> Company:
    """Another tenant on the same server."""
    return await make_company(sql, server.parts.auth)


@pytest_asyncio.fixture(loop_scope="module")
async def sign_in(server: Server, company: Company) -> AsyncIterator[SignIn]:
    """`sign_in("manager")`: REST as somebody of the company."""
    async with aiohttp.ClientSession() as session:
        yield lambda code, of=company: Api(session, server.url, {"X-API-Key": of.keys[code]})


@pytest_asyncio.fixture(loop_scope="module")
async def manager(sign_in: SignIn) -> Api:
    return sign_in("manager")


@pytest_asyncio.fixture(loop_scope="module")
async def make_device(server: Server, company: Company) -> AsyncIterator[MakeDevice]:
    """`make_device(role="agent", on=server, of=company)`; afterwards nothing may be amiss."""
    devices: list[Device] = []

    def make(role: str = "agent", *, on: Server = server, of: Company = company) -> Device:
        devices.append(Device(on, of, role))
        return devices[-1]

    yield make
    for device in devices:
        await device.close()
    assert [fault for device in devices for fault in device.faults] == []


@pytest_asyncio.fixture(loop_scope="module")
async def device(make_device: MakeDevice) -> Device:
    """An agent's device, connected and signed in."""
    device = await make_device().connect()
    assert (await device.sign_in())["ok"]
    return device


@pytest_asyncio.fixture(loop_scope="module")
async def second_device(make_device: MakeDevice) -> Device:
    """A manager's device, connected and signed in; it takes changes as sets."""
    device = await make_device("manager").connect()
    assert (await device.sign_in(batch=True))["ok"]
    return device


@pytest_asyncio.fixture(loop_scope="module")
async def open_raw(server: Server) -> AsyncIterator[OpenRaw]:
    """`await open_raw()` gives a socket that speaks Socket.IO by hand."""
    opened: list[RawSocket] = []

    async def open_socket(*, connect: bool = True) -> RawSocket:
        opened.append(await RawSocket.open(server, connect=connect))
        return opened[-1]

    yield open_socket
    for socket in opened:
        await socket.close()


@pytest_asyncio.fixture(loop_scope="module")
async def made(second_device: Device) -> list[Payload]:
    """Sixty contacts, made by another device."""
    return await make_contacts(second_device, MADE)
