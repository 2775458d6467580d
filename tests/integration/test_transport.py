"""The order of packets, clients that do not read, and the end of a server."""

from __future__ import annotations

import asyncio
import json
import random
import socket
import time
from typing import Any

import aiohttp
import asyncpg
import pytest
import socketio
from aiohttp import web
from nanoid import generate
from socketio import packet

from server.app import ANSWER_SECONDS
from server.commands.answering import SECONDS_TO_DRAIN
from server.settings import Settings
from server.transport.connection import Connection
from server.transport.engine import ABORT_BYTES, PAUSE_BYTES
from server.transport.server import Afterwards, LenientPacket, SocketServer
from tests.integration.conftest import ON_THE_SERVERS_LOOP, MakeDevice, OpenRaw
from tests.integration.support.devices import SECONDS, Device, Payload
from tests.integration.support.raw import PollingSocket, RawSocket
from tests.integration.support.replicas import Replica
from tests.integration.support.servers import Company, Server, running_server, start_server
from tests.waiting import until

pytestmark = ON_THE_SERVERS_LOOP

WRITE_WAITS = (
    "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted)"
)


class Burst:
    """An application that answers `burst` by numbered packets, some of each way to send."""

    sockets: SocketServer

    def __init__(self, numbers: int, size: int) -> None:
        self.numbers, self.size = numbers, size

    async def connect(self, connection: Connection, address: str, auth: Any) -> None:
        pass

    def connected(self, connection: Connection) -> None:
        # So that the writer often has to wait with packets in its hands.
        end = connection._socket._transport.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)

    async def disconnected(self, sid: str) -> None:
        pass

    async def event(
        self, connection: Connection, name: Any, arguments: list[Any]
    ) -> tuple[dict[str, Any], Afterwards | None]:
        chance = random.Random(5)
        eio_sid = connection._socket.sid
        for number in range(self.numbers):
            payload = {"number": number, "more": "x" * chance.randrange(self.size)}
            if chance.random() < 0.2:
                # The way of whatever socketio and engineio send of themselves.
                stock = LenientPacket(packet.EVENT, data=["packet", payload], namespace="/")
                await self.sockets._send_packet(eio_sid, stock)
            else:
                connection.send("packet", payload)
            if chance.random() < 0.2:
                await asyncio.sleep(chance.choice([0, 0, 0, 0.001]))
        return {"ok": True}, None


@pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
@pytest.mark.parametrize("size", [10, 6_000])
async def test_packets_sent_past_the_queue_and_through_it_arrive_in_order(
    transports: list[str], size: int
) -> None:
    """A frame goes straight to the socket only where nothing is before it."""
    burst = Burst(600, size)
    burst.sockets = SocketServer(burst)
    app = web.Application()
    burst.sockets.attach(app)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    received: list[int] = []
    client = socketio.AsyncClient(reconnection=False)
    client.on("packet", lambda payload: received.append(payload["number"]))
    await client.connect(f"http://{host}:{port}", transports=transports, wait_timeout=SECONDS)
    await client.call("burst", {}, timeout=SECONDS)
    # The ack comes after all of them, too.
    assert received == list(range(600))
    await client.disconnect()
    await runner.cleanup()


async def test_acks_and_live_events_of_many_pushes_at_once_are_in_order(
    make_device: MakeDevice, company: Company, open_raw: OpenRaw
) -> None:
    raw = await open_raw()
    await raw.call("auth", {"api_key": company.keys["manager"], "batch": True})
    writers = [await make_device("manager").connect() for _ in range(4)]
    for writer in writers:
        await writer.sign_in()
    for number in range(40):
        # Together little enough to be pushed, however many are committed at once.
        contact = {"company": "A", "notes": "x" * 200}
        mutations = [
            {"op": "contact_create", "mutation_id": generate(), "contact": contact}
            for _ in range(5)
        ]
        await raw.send(f"42{number}{json.dumps(['sync_push', {'mutations': mutations}])}")
    await asyncio.gather(*(writer.create() for writer in writers for _ in range(10)))
    acks, replica = [], Replica()
    while len(acks) < 40 or replica.cursor < (max(acks, key=lambda ack: ack[1]))[1]:
        frame = await raw.receive()
        if frame.startswith("42["):
            replica.take_live(*json.loads(frame.removeprefix("42")))
        elif frame.startswith("43"):
            number, _, body = frame.removeprefix("43").partition("[")
            acks.append((int(number), json.loads(f"[{body}")[0]["version"]))
    # One device's pushes are applied, and answered, in the order in which they were sent.
    assert [number for number, _ in acks] == list(range(40))
    assert acks == sorted(acks, key=lambda ack: ack[1])


@pytest.mark.parametrize("attempt", range(3))
async def test_a_polling_client_becomes_a_websocket_without_losing_or_turning_live_events(
    server: Server, device: Device, company: Company, attempt: int
) -> None:
    polling = PollingSocket(server)
    await polling.open({"api_key": company.keys["manager"], "batch": True})
    writing = asyncio.create_task(write_until(device, 60))
    for _ in range(attempt * 2):
        await polling.poll()
    await polling.upgrade()
    last = await writing
    replica = Replica()
    while replica.cursor < last:
        for frame in polling.packets:
            if frame.startswith("42["):
                replica.take_live(*json.loads(frame.removeprefix("42")))
        polling.packets.clear()
        if replica.cursor < last:
            await polling.read()
    assert len(replica.rows["contacts"]) == 60
    await polling.close()


async def write_until(device: Device, number: int) -> int:
    """Makes contacts one after another; gives the last version."""
    for _ in range(number):
        version: int = (await device.create(company="A"))["version"]
    return version


async def test_an_upgrade_that_fails_leaves_the_client_polling(
    server: Server, device: Device, company: Company
) -> None:
    """As behind a proxy that lets a WebSocket be opened and then nothing through."""
    polling = PollingSocket(server)
    await polling.open({"api_key": company.keys["manager"], "batch": True})
    url = f"{polling._url}&transport=websocket".replace("http", "ws", 1)
    for words in ((), ("2probe",), ("2probe", "4nonsense")):
        opened = await polling._session.ws_connect(url)
        for word in words:
            await opened.send_str(word)
        await asyncio.sleep(0.05)
        await opened.close()
    polling.packets.clear()
    contact = await device.create()
    async with asyncio.timeout(SECONDS):
        while not any(contact["id"] in frame for frame in polling.packets):
            await polling.poll()
    assert await polling.post('427["ping",{}]') == 200
    async with asyncio.timeout(SECONDS):
        while not any(frame.startswith('437[{"ok":true') for frame in polling.packets):
            await polling.poll()
    await polling.close()


async def test_no_compression_is_negotiated(server: Server) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{server.url}/socket.io/?EIO=4&transport=websocket"
        async with session.ws_connect(url, compress=15) as opened:
            assert not opened.compress


async def open_deaf(
    open_raw: OpenRaw, server: Server, company: Company
) -> tuple[RawSocket, Connection]:
    """A socket whose buffers are small on both sides, and the server's end of it."""
    raw = await open_raw()
    known = set(server.parts.sockets.connections)
    answer = await raw.call("auth", {"api_key": company.keys["api"], "batch": True})
    assert answer["ok"]
    (session,) = [
        each
        for each in server.parts.sessions
        if each.actor and each.actor.tenant == company.tenant and each.actor.role == "api"
    ]
    connection = session.channel
    assert isinstance(connection, Connection)
    assert connection in known
    for end in (raw.socket.get_extra_info("socket"), connection._socket._transport
                .get_extra_info("socket")):  # fmt: skip
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32_768)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32_768)
    return raw, connection


async def stop_reading(raw: RawSocket) -> None:
    """The client's side takes nothing more off its socket, until `go_on_reading`."""
    raw.socket._response.connection.transport.pause_reading()


async def go_on_reading(raw: RawSocket) -> None:
    raw.socket._response.connection.transport.resume_reading()


async def test_a_client_that_stops_reading_is_paused_and_told_later_what_it_missed(
    open_raw: OpenRaw,
    server: Server,
    company: Company,
    device: Device,
    second_device: Device,
) -> None:
    raw, connection = await open_deaf(open_raw, server, company)
    await stop_reading(raw)
    for _ in range(40):
        contact = await device.create(notes="x" * 19_000)
        # Nobody else is held up; and what is sent at once is never more than one.
        changes = await second_device.expect("changes")
        assert changes["contacts"]["put"] == [contact]
    assert connection.paused
    # It was paused, not sent all of it: what waits is bounded.
    waiting = connection._socket.backlog
    assert PAUSE_BYTES < waiting < PAUSE_BYTES + 64 * 1024

    await go_on_reading(raw)
    replica = Replica()
    async with asyncio.timeout(SECONDS):
        while True:
            event, payload = await next_event(raw)
            if event == "sync_available":
                break
            replica.take_live(event, payload)
    assert replica.cursor < payload["version"]
    # Live events go on from exactly that version.
    contact = await device.create()
    event, changes = await next_event(raw)
    assert (event, changes["since"]) == ("changes", payload["version"])
    assert changes["contacts"]["put"] == [contact]


async def next_event(raw: RawSocket) -> tuple[str, Payload]:
    """The next event that came in, acks and pings passed over."""
    while True:
        frame = await raw.receive()
        if frame.startswith("42["):
            name, payload = json.loads(frame.removeprefix("42"))
            return name, payload


async def test_a_client_that_only_asks_and_never_reads_is_cut_off_at_the_bound(
    open_raw: OpenRaw, server: Server, company: Company, device: Device
) -> None:
    for _ in range(12):
        await device.create(notes="x" * 19_000)
    raw, connection = await open_deaf(open_raw, server, company)
    await stop_reading(raw)
    most = 0

    def cut_off() -> bool:
        return connection not in server.parts.sockets.connections

    for number in range(30):
        before = connection._socket.backlog
        await raw.send(f'42{number}["sync_request",{{"since":0}}]')
        await until(lambda than=before: cut_off() or connection._socket.backlog > than)
        most = max(most, connection._socket.backlog)
        if cut_off():
            break
    assert cut_off()
    assert ABORT_BYTES // 2 < most < ABORT_BYTES + 512 * 1024
    await until(lambda: all(each.channel is not connection for each in server.parts.sessions))
    await device.flush()
    await go_on_reading(raw)
    await raw.closed()


async def test_a_client_that_never_polls_is_cut_off_at_the_bound(
    server: Server, company: Company, device: Device
) -> None:
    for _ in range(12):
        await device.create(notes="x" * 19_000)
    polling = PollingSocket(server)
    await polling.open({"api_key": company.keys["manager"]})
    (connection,) = [
        each.channel
        for each in server.parts.sessions
        if each.actor and each.actor.agent_id == company.agents["manager"]
    ]
    assert isinstance(connection, Connection)

    def cut_off() -> bool:
        return connection not in server.parts.sockets.connections

    for number in range(30):
        before = connection._socket.backlog
        if await polling.post(f'42{number}["sync_request",{{"since":0}}]') != 200:
            break
        # A request that comes before the page of the last is sent would be answered in its place.
        await until(lambda than=before: cut_off() or connection._socket.backlog > than)
    await until(cut_off)
    await until(lambda: all(each.channel is not connection for each in server.parts.sessions))
    await polling.close()


async def test_a_thousand_events_at_once_of_one_client_are_answered(
    open_raw: OpenRaw, company: Company
) -> None:
    raw = await open_raw()
    await raw.call("auth", {"api_key": company.keys["agent"]})
    for number in range(1_000):
        await raw.send(f'42{number + 10}["ping",{{}}]')
    answered = set()
    while len(answered) < 1_000:
        frame = await raw.receive()
        answered.add(frame.partition("[")[0])
    assert len(answered) == 1_000


async def test_a_server_with_fifty_clients_is_down_within_two_seconds(
    server_settings: Settings, make_device: MakeDevice, company: Company, sql: asyncpg.Connection
) -> None:
    own = await start_server(server_settings)
    raws = [await RawSocket.open(own) for _ in range(40)]
    for raw in raws:
        assert (await raw.call("auth", {"api_key": company.keys["manager"]}))["ok"]
    never_connected = await RawSocket.open(own, connect=False)
    polling = [make_device("agent", on=own) for _ in range(5)]
    for each in polling:
        await each.connect(each.credentials(), transports=["polling"])
        await each.expect("authenticated")
    deaf = await RawSocket.open(own)
    await stop_reading(deaf)
    # Writes are under way, too: whatever is acknowledged was stored.
    for raw in raws[:10]:
        await raw.send('427["contact_create",{"contact":{"company":"A"}}]')
    ends = [asyncio.create_task(raw.closed()) for raw in raws]
    began = time.monotonic()
    await own.stop()
    # Left to itself, one who does not read takes ten seconds, and one who polls 45.
    assert time.monotonic() - began < 9
    assert await asyncio.gather(*ends) == [1001] * len(raws)
    acks = [frame for raw in raws for frame in raw.frames if frame.startswith("437")]
    acknowledged = [json.loads(ack.removeprefix("437"))[0] for ack in acks]
    stored = await sql.fetchval(
        "SELECT count(*) FROM contacts WHERE tenant_id = $1", company.tenant
    )
    assert stored >= sum(answer["ok"] for answer in acknowledged)
    refused = {answer["error"]["code"] for answer in acknowledged if not answer["ok"]}
    assert refused <= {"unavailable"}
    for raw in raws:
        draining = [frame for frame in raw.frames if frame.startswith('42["draining"')]
        assert len(draining) == 1
        delay = json.loads(draining[0].removeprefix("42"))[1]["retry_after_ms"]
        assert 1_000 <= delay <= 5_000
    for each in polling:
        await asyncio.wait_for(each.disconnected.wait(), SECONDS)
        assert each.take("draining")
    await go_on_reading(deaf)
    for raw in (*raws, never_connected, deaf):
        await raw.close()


async def test_a_server_tells_goodbye_even_while_a_write_waits(
    server_settings: Settings, company: Company, sql: asyncpg.Connection
) -> None:
    # What it waits for before it tells goodbye is within its time.
    assert ANSWER_SECONDS < SECONDS_TO_DRAIN
    own = await start_server(server_settings)
    raw = await RawSocket.open(own)
    await raw.call("auth", {"api_key": company.keys["manager"]})
    async with sql.transaction():
        await sql.execute("SELECT lock_versions()")
        await raw.send('427["contact_create",{"contact":{"company":"A"}}]')
        await until(lambda: sql.fetchval(WRITE_WAITS))
        stopping = asyncio.create_task(own.stop())
        assert await raw.closed() == 1001
        # Nobody waited for the write, which was not answered.
        assert await sql.fetchval(WRITE_WAITS)
        assert [frame for frame in raw.frames if frame.startswith("437")] == []
    await stopping
    await raw.close()


async def test_while_it_drains_a_server_takes_nothing_new(
    server_settings: Settings, make_device: MakeDevice
) -> None:
    async with running_server(server_settings) as own:
        device = await make_device(on=own).connect()
        await device.sign_in()
        own.parts.dispatcher.draining = True
        for event in ("contact_create", "sync_request", "ping", "auth"):
            answer = await device.call(event, {})
            assert answer["error"]["code"] == "unavailable"
        await device.close()
