"""A server, companies and devices for every test that talks over sockets.

The tests of a file share a migrated database; each has a company of its own in it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest

from server.settings import Settings
from tests.integration.support.devices import Device
from tests.integration.support.raw import RawSocket
from tests.integration.support.servers import Company, Server, make_company, running_server

MakeDevice = Callable[..., Device]
OpenRaw = Callable[..., Awaitable[RawSocket]]


@pytest.fixture
def server_settings(module_database_url: str, tmp_path: Path) -> Settings:
    return Settings.from_environment(
        {
            "ENVIRONMENT": "test",
            "PORT": "0",
            "DATABASE_URL": module_database_url,
            "DATA_DIR": str(tmp_path / "data"),
        }
    )


@pytest.fixture
async def server(server_settings: Settings, redis_url: str) -> AsyncIterator[Server]:
    """A server on the file's database."""
    async with running_server(server_settings, redis_url) as server:
        yield server


@pytest.fixture
async def second_server(server_settings: Settings, redis_url: str) -> AsyncIterator[Server]:
    """Another server on the same database."""
    async with running_server(server_settings, redis_url) as server:
        yield server


@pytest.fixture
async def owner(module_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection as whoever owns the database, as psql has it: no tenant, no role."""
    connection = await asyncpg.connect(module_database_url)
    yield connection
    await connection.close()


@pytest.fixture
async def company(owner: asyncpg.Connection, server: Server) -> Company:
    """A tenant of this test alone."""
    return await make_company(owner, server.parts.auth)


@pytest.fixture
async def make_device(server: Server, company: Company) -> AsyncIterator[MakeDevice]:
    """`make_device(role="agent", server=…, company=…)`; afterwards nothing may have been amiss."""
    devices: list[Device] = []

    def make(role: str = "agent", *, on: Server = server, of: Company = company) -> Device:
        devices.append(Device(on, of, role))
        return devices[-1]

    yield make
    for device in devices:
        await device.close()
    assert [fault for device in devices for fault in device.faults] == []


@pytest.fixture
async def device(make_device: MakeDevice) -> Device:
    """An agent's device, connected and signed in."""
    device = await make_device().connect()
    assert (await device.sign_in())["ok"]
    return device


@pytest.fixture
async def second_device(make_device: MakeDevice) -> Device:
    """A manager's device, connected and signed in; it takes changes as sets."""
    device = await make_device("manager").connect()
    assert (await device.sign_in(batch=True))["ok"]
    return device


@pytest.fixture
async def open_raw(server: Server) -> AsyncIterator[OpenRaw]:
    """`await open_raw()` gives a socket that speaks Socket.IO by hand."""
    opened: list[RawSocket] = []

    async def open_socket(*, connect: bool = True) -> RawSocket:
        opened.append(await RawSocket.open(server, connect=connect))
        return opened[-1]

    yield open_socket
    for socket in opened:
        await socket.close()
