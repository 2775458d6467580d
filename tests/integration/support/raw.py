"""A WebSocket that speaks Socket.IO by hand, for what a client library would not send."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp

from tests.integration.support.answers import faults_of_answer
from tests.integration.support.servers import Server

SECONDS = 15.0


class RawSocket:
    """One connection of Engine.IO 4 over a WebSocket; `frames` keeps what nobody waited for."""

    def __init__(self, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse):
        self._session = session
        self.socket = socket
        self.frames: list[str | bytes] = []
        self._next_id = 0

    @classmethod
    async def open(cls, server: Server, *, connect: bool = True) -> RawSocket:
        """Opens a socket and, unless told not to, connects to the namespace `/`."""
        session = aiohttp.ClientSession()
        url = f"{server.url}/socket.io/?EIO=4&transport=websocket"
        raw = cls(session, await session.ws_connect(url, max_msg_size=0))
        assert (await raw.receive()).startswith("0{")
        if connect:
            await raw.send("40")
            assert (await raw.receive()).startswith("40{")
        return raw

    async def send(self, frame: str | bytes) -> None:
        if isinstance(frame, bytes):
            await self.socket.send_bytes(frame)
        else:
            await self.socket.send_str(frame)

    async def receive(self) -> Any:
        """The next frame's text or bytes. Raises `ConnectionResetError` when it is closed."""
        message = await self.socket.receive(SECONDS)
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise ConnectionResetError(f"{message.type.name} {message.data}")
        return message.data

    async def answer(self, ack_id: int) -> Any:
        """Waits for the ack of that id and gives what it holds."""
        while True:
            frame = await self.receive()
            if isinstance(frame, str) and frame.startswith(f"43{ack_id}["):
                given = json.loads(frame.removeprefix(f"43{ack_id}"))
                assert len(given) == 1, given
                return given[0]
            self.frames.append(frame)

    async def call(self, event: str, *payload: Any) -> Any:
        """Emits an event and gives its ack, which fits its schema."""
        self._next_id += 1
        await self.send(f"42{self._next_id}{json.dumps([event, *payload])}")
        answer = await self.answer(self._next_id)
        assert not (faults := faults_of_answer(event, answer)), faults
        return answer

    async def closed(self, within: float = SECONDS) -> int | None:
        """Waits until the server closes the socket and gives its close code."""
        async with asyncio.timeout(within):
            while True:
                message = await self.socket.receive()
                if message.type in (
                    aiohttp.WSMsgType.CLOSE,
                    aiohttp.WSMsgType.CLOSING,
                    aiohttp.WSMsgType.CLOSED,
                    aiohttp.WSMsgType.ERROR,
                ):
                    return self.socket.close_code
                self.frames.append(message.data)

    async def close(self) -> None:
        await self.socket.close()
        await self._session.close()


class PollingSocket:
    """One connection of Engine.IO by polling, which may become a WebSocket: all by hand.

    `packets` keeps what came in, in the order in which it came, whichever way.
    """

    def __init__(self, server: Server) -> None:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        self._server = server
        self._url = f"{server.url}/socket.io/?EIO=4"
        self.packets: list[str] = []
        self.socket: aiohttp.ClientWebSocketResponse | None = None

    async def open(self, auth: Any) -> None:
        await self.poll()
        sid = json.loads(self.packets.pop().removeprefix("0"))["sid"]
        self._url += f"&sid={sid}"
        assert await self.post(f"40{json.dumps(auth)}") == 200
        while not any(packet.startswith('42["authenticated",') for packet in self.packets):
            await self.poll()

    async def poll(self) -> None:
        async with self._session.get(f"{self._url}&transport=polling") as response:
            text = await response.text()
            assert response.status == 200, text
            self.packets += text.split("\x1e")

    async def post(self, *packets: str) -> int:
        url = f"{self._url}&transport=polling"
        async with self._session.post(url, data="\x1e".join(packets).encode()) as response:
            return response.status

    async def upgrade(self) -> None:
        """Becomes a WebSocket as the official clients do: probe, let the last poll end, upgrade."""
        polling = asyncio.create_task(self.poll())
        url = f"{self._url}&transport=websocket".replace("http", "ws", 1)
        self.socket = await self._session.ws_connect(url, max_msg_size=0)
        await self.socket.send_str("2probe")
        assert (await self.socket.receive(SECONDS)).data == "3probe"
        await polling
        await self.socket.send_str("5")

    async def read(self) -> None:
        """The next frame of the WebSocket."""
        assert self.socket is not None
        message = await self.socket.receive(SECONDS)
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise ConnectionResetError(f"{message.type.name} {message.data}")
        self.packets.append(message.data)

    async def close(self) -> None:
        if self.socket:
            await self.socket.close()
        await self._session.close()
