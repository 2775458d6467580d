"""The reference client in trouble that only a real network and a real database make."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from server.client.client import DeviceClient
from server.errors import Unavailable
from tests.faults.support.proxy import Line
from tests.faults.support.stack import ADMIN_KEY, START_SECONDS, Databases, ServerProcess

MakeServer = Callable[..., ServerProcess]
SECONDS = 60


@pytest.fixture
async def server(make_server: MakeServer) -> ServerProcess:
    server = make_server()
    await server.start()
    return server


@pytest.fixture
async def line(server: ServerProcess) -> AsyncIterator[Line]:
    line = await Line(lambda: server.port).open()
    yield line
    await line.close()


@pytest.fixture
async def client(line: Line) -> AsyncIterator[DeviceClient]:
    client = DeviceClient(
        line.url, ADMIN_KEY, answer_timeout_s=0.5, reconnect_s=0.05, longest_wait_s=0.2
    )
    yield client
    await client.disconnect()


@pytest.mark.parametrize("fault", ["half_open", "deaf"])
async def test_a_device_tries_again_when_nobody_answers_its_sign_in(
    client: DeviceClient, line: Line, fault: str
) -> None:
    line.suffer(fault)
    with pytest.raises(TimeoutError):
        await client.connect(timeout_s=2)
    client.answer_timeout_s = SECONDS
    line.heal()
    await client.connect(timeout_s=SECONDS)
    assert client.online


async def test_a_device_stays_signed_in_while_the_database_is_away(
    client: DeviceClient, databases: Databases
) -> None:
    client.answer_timeout_s = SECONDS
    await client.connect(timeout_s=SECONDS)
    await client.settle(SECONDS)
    session = client.session
    await asyncio.to_thread(databases.postgres.stop)
    try:
        with pytest.raises(Unavailable):
            await client.ping()
        write = client.create("contact", {"company": "Kestrel"})
        # Its own first ping is due within the second, and is refused too.
        await asyncio.sleep(1.5)
        assert client.session is session
        assert client.online
    finally:
        await asyncio.to_thread(databases.postgres.start, START_SECONDS)
    assert (await asyncio.wait_for(write, SECONDS))["ok"]
    await client.settle(SECONDS)
    assert client.session is session
