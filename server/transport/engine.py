"""What we add to engineio: no compression, a writer whose state is known, bounded queues.

Private names of engineio are used here and in server.py, nowhere else; requirements.txt pins it
exactly, and tests/integration/test_transport.py proves the order of packets.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from typing import Any

import engineio
from aiohttp import WSMsgType, web
from engineio import async_socket, exceptions, packet
from engineio.async_drivers import aiohttp as aiohttp_driver

from server.transport.frames import BINARY, Frame, websocket_frame

# Above this a client's live events are paused; above the next its connection is aborted.
PAUSE_BYTES = 256 * 1024
ABORT_BYTES = 2 * 1024 * 1024
GOODBYE_SECONDS = 1.0
"""How long a client may take to fetch what was sent to it before its connection is closed."""
POLLED_PACKETS = 16
"""Packets in the answer to one poll: python-socketio's client gives up at more."""
HELD_BYTES = 64 * 1024
"""The writer takes no more off the queue at once, but for a packet that is larger."""

# What a client has to say in Engine.IO: close, pong, upgrade, its probe, and Socket.IO's packets.
# engineio ends the connection for anything else, JSON that is nested too deep included.
READABLE = re.compile(r"4[0-9]|[135]$|2probe$")


class WebSocket(aiohttp_driver.WebSocket):  # type: ignore[misc]
    """engineio's WebSocket without permessage-deflate, which costs 114 kB a client."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Upgrades the request and runs the Engine.IO handler on it."""
        self._sock = web.WebSocketResponse(
            compress=False, max_msg_size=self.server.max_http_buffer_size, decode_text=False
        )
        await self._sock.prepare(environ["aiohttp.request"])
        self.environ = environ
        await self.handler(self)
        return self._sock

    async def wait(self) -> str | bytes:
        """The next message that is one. Raises OSError when the connection is closed."""
        while True:
            message = await self._sock.receive()
            if message.type is WSMsgType.BINARY:
                data: bytes = message.data
                return data
            if message.type is not WSMsgType.TEXT:
                raise OSError
            text = decode(message.data)
            if READABLE.match(text):
                return text

    @property
    def response(self) -> web.WebSocketResponse:
        """The connection on the side of aiohttp."""
        return self._sock


class FramePacket(packet.Packet):  # type: ignore[misc]
    """A frame in a queue: one copy for all who wait for it, and a text only once it is written."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(packet.MESSAGE)
        self.frame = frame

    def encode(self, b64: bool = False) -> str:
        """The packet as engineio sends it."""
        return "4" + self.frame.packet.decode()


class EngineSocket(async_socket.AsyncSocket):  # type: ignore[misc]
    """A client's Engine.IO socket that knows what it still has to send.

    engineio's writer may hold packets that it took off the queue. Only when it holds none, and
    the queue is empty, may a frame be written past it: then the order of packets is kept.
    """

    writing: bool
    queued_bytes: int
    held_bytes: int
    websocket: WebSocket | None
    _line: asyncio.Transport | None
    _poll_line: asyncio.Transport | None
    _ending: asyncio.Task[None]

    def adopt(self) -> None:
        """Fills in what engineio's constructor, which made this socket, does not know."""
        self.writing = False
        self.queued_bytes = 0
        self.held_bytes = 0
        self.websocket = None
        self._line = None
        self._poll_line = None

    async def poll(self) -> list[packet.Packet]:
        """Waits for packets to send; until the next call they count as being written."""
        self.writing = False
        self.held_bytes = 0
        try:
            # Not wait_for(queue.get()): its inner task would hold a packet that is neither in
            # the queue nor counted as being written, and a frame could overtake it.
            async with asyncio.timeout(self.server.ping_interval + self.server.ping_timeout):
                packets = [await self.queue.get()]
        except (TimeoutError, asyncio.CancelledError):
            raise exceptions.QueueEmpty from None
        self.writing = True
        size = _size(packets[0])
        while packets[-1] is not None and not self.queue.empty() and size < HELD_BYTES:
            if not self.upgraded and len(packets) == POLLED_PACKETS:
                break
            packets.append(self.queue.get_nowait())
            size += _size(packets[-1])
        for _ in packets:
            self.queue.task_done()
        if packets[-1] is None:
            if len(packets) > 1:
                self.queue.put_nowait(None)
            packets.pop()
        self.queued_bytes -= size
        # They wait for the client until the next call, which says that they were written.
        self.held_bytes = size
        return packets

    async def send(self, pkt: packet.Packet) -> None:
        """Sends a packet by the stock way, counted."""
        self.queued_bytes += _size(pkt)
        await super().send(pkt)

    async def handle_get_request(self, environ: dict[str, Any]) -> Any:
        """Answers a poll, and remembers the way of its answer."""
        self._poll_line = environ["aiohttp.request"].transport
        return await super().handle_get_request(environ)

    async def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Takes the packets of a poll's POST, each by itself and however many they are.

        Reads to the end of the body: engineio reads once, which gives what has arrived by then.
        """
        body = bytearray()
        async for chunk in environ["aiohttp.request"].content.iter_any():
            body += chunk
            if len(body) > self.server.max_http_buffer_size:
                raise exceptions.ContentTooLongError
        for text in decode(bytes(body)).split("\x1e"):
            if READABLE.match(text):
                await self.receive(packet.Packet(encoded_packet=text))

    async def close(self, wait: bool = True, abort: bool = False, reason: Any = None) -> None:
        """Closes the socket. A poll that waits is answered, which engineio leaves for 45 s.

        What a client does not read would keep its connection, and all that waits for it, for as
        long as its machine runs: a moment later the connection is cut.
        """
        await super().close(wait=wait, abort=abort, reason=reason)
        if abort and not self.upgraded:
            self.queue.put_nowait(packet.Packet(packet.NOOP))
        asyncio.get_running_loop().call_later(GOODBYE_SECONDS, self._cut)

    def _cut(self) -> None:
        if self._transport:
            self._transport.abort()
        elif self._poll_line and self._poll_line.get_write_buffer_size():
            self._poll_line.abort()

    async def _websocket_handler(self, ws: WebSocket) -> None:
        self.websocket = ws
        self._line = ws.environ["aiohttp.request"].transport
        await super()._websocket_handler(ws)

    @property
    def waiting(self) -> int:
        """Bytes that the client is behind: in our queue, and in the connection's buffer."""
        transport = self._transport
        return self.queued_bytes + (transport.get_write_buffer_size() if transport else 0)

    @property
    def backlog(self) -> int:
        """Bytes that are kept for the client, at most: those too that are just being written."""
        return self.waiting + self.held_bytes

    @property
    def _transport(self) -> asyncio.Transport | None:
        """The WebSocket's. While a client polls, its requests come over whichever they like."""
        return self._line if self.upgraded else None

    def push(self, data: Frame | bytes) -> bool:
        """Sends a Socket.IO packet at once where nothing is before it, else queues it.

        Bytes are the binary attachment of the packet before them. Gives False when the client is
        gone, or had to be cut off because it does not read. Never waits, so that the order of
        calls is the order on the wire.
        """
        transport = self._transport
        if self.closed or self.closing:
            return False
        if self.upgraded and (transport is None or transport.is_closing()):
            return False
        size = len(data.packet) if isinstance(data, Frame) else len(data)
        if self.backlog + size > ABORT_BYTES:
            self.abort()
            return False
        if transport and not self.upgrading and not self.writing and self.queue.empty():
            transport.write(_to_frame(data))
        else:
            self.queued_bytes += size
            self.queue.put_nowait(_to_packet(data))
        return True

    def abort(self) -> None:
        """Cuts the connection without a goodbye; what waits for the client is dropped."""
        if self._transport:
            self._transport.abort()
        elif not self.closed:
            self._ending = asyncio.create_task(self.close(wait=False, abort=True))

    async def end(self, code: int) -> None:
        """Closes the connection, by a WebSocket close code, once the client was sent everything."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.queue.join(), GOODBYE_SECONDS)
        if self.upgraded and self.websocket:
            await self.websocket.response.close(code=code)
        elif not self.closed:
            await self.close(wait=False)


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]
    """engineio's server, with our sockets and our WebSocket."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._async: dict[str, Any] = {**aiohttp_driver._async, "websocket": WebSocket}

    async def _trigger_event(self, event: str, *arguments: Any, **options: Any) -> Any:
        if event == "connect":
            sid, _environ = arguments
            # engineio names its socket class in the middle of a long function; the socket has
            # only its OPEN packet queued as yet, so it can still become one of ours.
            socket = self.sockets[sid]
            socket.__class__ = EngineSocket
            socket.adopt()
        return await super()._trigger_event(event, *arguments, **options)


def decode(data: bytes) -> str:
    """The text. Where it is no UTF-8 it gets half characters, which its JSON is then refused for.

    RFC 6455 would have the connection closed, but no device may lose its line to one bad event.
    """
    return data.decode(errors="surrogateescape")


def _to_frame(data: Frame | bytes) -> bytes:
    return data.websocket if isinstance(data, Frame) else websocket_frame(BINARY, data)


def _to_packet(data: Frame | bytes) -> packet.Packet:
    return FramePacket(data) if isinstance(data, Frame) else packet.Packet(packet.MESSAGE, data)


def _size(pkt: packet.Packet | None) -> int:
    if isinstance(pkt, FramePacket):
        return len(pkt.frame.packet)
    return len(pkt.data) if pkt is not None and isinstance(pkt.data, str | bytes) else 0
