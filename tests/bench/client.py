"""The load: WebSockets that count what comes and take nothing apart.

python-socketio's client spends more on a message than the server does, and would be what is
measured. This one reads frames straight off the transport and knows of Socket.IO only what it
must say. Its mask is four zero bytes, which RFC 6455 allows and which saves masking.
"""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from typing import Any

from tests.acceptance.support.command_line import free_port

HOST = "127.0.0.1"
SERVER_PORT = free_port()
RAW_PORT = next(port for port in iter(free_port, None) if port != SERVER_PORT)
API_KEY = "fb_bench_0123456789abcdefghijklmnop"
ACK_SECONDS = 60.0
HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
UNMASKED = b"\x00\x00\x00\x00"
TEXT, CLOSE = 0x81, 0x88


def was_done(answer: bytes) -> bool:
    """Whether an ack says so, or that the server was busy; RuntimeError for any other.

    On a machine that stands still for seconds a write may be put off: it is no figure, nor a fault.
    """
    if answer.startswith(b'{"ok":true'):
        return True
    if b'"code":"unavailable"' not in answer:
        raise RuntimeError(answer.decode())
    return False


class WebSocket(asyncio.Protocol):
    """One connection; `on_message` is called with the bytes of each message.

    `closed` gives the close code once it has ended, None when it ended without a goodbye.
    """

    def __init__(self, path: str, on_message: Callable[[bytes], None]) -> None:
        self.on_message = on_message
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
        self._close_code: int | None = None
        self._path = path
        self._buffer = bytearray()

    @classmethod
    async def connect(cls, port: int, path: str, on_message: Callable[[bytes], None]) -> WebSocket:
        """A connection that has been upgraded. Raises OSError when it was not."""
        _, protocol = await asyncio.get_running_loop().create_connection(
            lambda: cls(path, on_message), HOST, port
        )
        await protocol.opened
        return protocol

    def send(self, text: str) -> None:
        """Sends one text message."""
        payload = text.encode()
        size = len(payload)
        if size < 126:
            head = struct.pack("!BB", TEXT, 0x80 | size)
        elif size < 65_536:
            head = struct.pack("!BBH", TEXT, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", TEXT, 0x80 | 127, size)
        self.transport.write(head + UNMASKED + payload)

    def close(self) -> None:
        """Closes the connection without a goodbye."""
        self.transport.abort()

    def stop_reading(self) -> None:
        """Takes nothing more off the connection, until `go_on_reading`."""
        self.transport.pause_reading()

    def go_on_reading(self) -> None:
        """Reads again."""
        self.transport.resume_reading()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(HANDSHAKE.format(path=self._path, host=HOST).encode())

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed.set_result(self._close_code)
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before it was open"))

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self.opened.done() and not self._read_answer():
            return
        start = 0
        while (end := self._frame_end(start)) is not None:
            start = end
        del self._buffer[:start]

    def _read_answer(self) -> bool:
        head, end, rest = self._buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        self._buffer = rest
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self.opened.set_exception(ConnectionError(head.decode(errors="replace")))
            return False
        self.opened.set_result(None)
        return True

    def _frame_end(self, start: int) -> int | None:
        """Hands on the frame that begins at `start` and gives where it ends, if it is all there."""
        buffer = self._buffer
        if len(buffer) < start + 2:
            return None
        size, begin = buffer[start + 1], start + 2
        if size == 126:
            begin += 2
        elif size == 127:
            begin += 8
        if len(buffer) < begin:
            return None
        if size > 125:
            size = int.from_bytes(buffer[start + 2 : begin])
        end = begin + size
        if len(buffer) < end:
            return None
        if buffer[start] != CLOSE:
            self.on_message(bytes(buffer[begin:end]))
        elif self._close_code is None:
            self._close_code = int.from_bytes(buffer[begin : begin + 2])
            # As RFC 6455 wants it answered: the server then ends the connection.
            self.transport.write(struct.pack("!BB", CLOSE, 0x80) + UNMASKED)
        return end


class Device:
    """A signed-in client: `call` waits for its ack, everything else goes to `on_event`.

    `on_event` gets a Socket.IO packet as it came, `2["changes",…]` or `2<id>["sync_response",…]`.
    """

    def __init__(self, on_event: Callable[[bytes], None]) -> None:
        self.on_event = on_event
        self.greeting: dict[str, Any] = {}
        self.socket: WebSocket
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._ids = 0
        self._greeted: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    @classmethod
    async def connect(
        cls,
        on_event: Callable[[bytes], None],
        device_id: str | None = None,
        *,
        batch: bool = True,
        port: int = SERVER_PORT,
        api_key: str = API_KEY,
    ) -> Device:
        """Connects and signs in. Raises OSError when nobody listens or the sign-in is refused."""
        device = cls(on_event)
        path = "/socket.io/?EIO=4&transport=websocket"
        device.socket = await WebSocket.connect(port, path, device.receive)
        device.socket.closed.add_done_callback(device._lost)
        auth = {"api_key": api_key, "batch": batch, "device_id": device_id}
        device.socket.send("40" + json.dumps(auth))
        packet = await asyncio.wait_for(device._greeted, ACK_SECONDS)
        if not packet.startswith(b'2["authenticated"'):
            raise ConnectionError(packet.decode())
        device.greeting = json.loads(packet[1:])[1]
        return device

    def close(self) -> None:
        """Closes the connection without a goodbye."""
        self.socket.close()

    async def call(self, event: str, payload: str) -> bytes:
        """Emits an event, whose payload is JSON text, and gives its ack: `{"ok":true,…}`.

        Raises ConnectionError when the connection ends before.
        """
        self._ids += 1
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._calls[self._ids] = answer
        self.socket.send(f'42{self._ids}["{event}",{payload}]')
        # No timeout here: a timer a write would be the load's largest cost. Callers set one.
        return await answer

    def acknowledge(self, packet: bytes) -> None:
        """Answers an event that asks for an ack."""
        number = packet[1 : packet.index(b"[")].decode()
        self.socket.send(f"43{number}[]")

    def _lost(self, _closed: asyncio.Future[int | None]) -> None:
        for waiting in (self._greeted, *self._calls.values()):
            if not waiting.done():
                waiting.set_exception(ConnectionError("closed before the answer came"))

    def receive(self, message: bytes) -> None:
        """Takes one Engine.IO message."""
        kind = message[:2]
        if kind == b"42":
            if self._greeted.done():
                self.on_event(message[1:])
            else:
                self._greeted.set_result(message[1:])
        elif kind == b"43":
            begin = message.index(b"[")
            self._calls.pop(int(message[2:begin])).set_result(message[begin + 1 : -1])
        elif kind == b"44":
            self._greeted.set_result(message[1:])
        elif kind[:1] == b"2":
            self.socket.send("3")
