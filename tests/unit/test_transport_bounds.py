"""What a socket keeps for a client that does not read: all of it is counted, and bounded."""

from __future__ import annotations

import pytest

from server.transport.engine import ABORT_BYTES, HELD_BYTES, EngineServer, EngineSocket
from server.transport.frames import event_frame

PAGE = event_frame("sync_response", f'{{"page":"{"é" * 25_000}"}}')


@pytest.fixture
async def polling() -> EngineSocket:
    """The socket of a client that polls now and then."""
    socket = EngineSocket(EngineServer(async_mode="aiohttp"), "sid")
    socket.adopt()
    return socket


async def test_what_is_being_written_counts_until_the_client_asks_for_more(
    polling: EngineSocket,
) -> None:
    for _ in range(8):
        assert polling.push(PAGE)
    kept = polling.backlog
    assert kept == 8 * len(PAGE.packet)
    taken = await polling.poll()
    assert polling.backlog == kept, "what the writer holds was forgotten"
    assert sum(len(each.encode().encode()) for each in taken) < HELD_BYTES + 2 * len(PAGE.packet)
    await polling.poll()
    assert polling.backlog == kept - len(taken) * len(PAGE.packet)


async def test_no_more_is_ever_kept_than_the_bound(polling: EngineSocket) -> None:
    taken = 0
    while polling.push(PAGE):
        assert polling.backlog <= ABORT_BYTES
        if taken < 3:
            # Some are taken to be written, and the client never reads them.
            await polling.poll()
            taken += 1
    assert polling.backlog + len(PAGE.packet) > ABORT_BYTES


async def test_the_queues_of_many_clients_share_one_copy(polling: EngineSocket) -> None:
    polling.push(PAGE)
    (taken,) = await polling.poll()
    assert taken.frame is PAGE
    assert taken.encode() == "4" + PAGE.packet.decode()
