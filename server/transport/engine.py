"""What we add to engineio: no compression, a writer whose state is known, bounded queues.

Private names of engineio are used here and in server.py, nowhere else; requirements.txt pins it
exactly, and tests/integration/test_transport.py proves the order of packets.
"""

from __future__ import annotations

import asyncio
from typing import Any

import engineio
from aiohttp import web
from engineio import async_socket, exceptions, packet
from engineio.async_drivers import aiohttp as aiohttp_driver

from server.transport.frames import BINARY, TEXT, Frame, websocket_frame

# Above this a client's live events are paused; above the next its connection is aborted.
PAUSE_BYTES = 256 * 1024
ABORT_BYTES = 2 * 1024 * 1024


class WebSocket(aiohttp_driver.WebSocket):  # type: ignore[misc]
    """engineio's WebSocket without permessage-deflate, which costs 114 kB a client."""

    async def __call__(self, environ: dict[str, Any]) -> web.WebSocketResponse:
        """Upgrades the request and runs the Engine.IO handler on it."""
        self._sock = web.WebSocketResponse(
            compress=False, max_msg_size=self.server.max_http_buffer_size
        )
        await self._sock.prepare(environ["aiohttp.request"])
        self.environ = environ
        await self.handler(self)
        return self._sock

    @property
    def response(self) -> web.WebSocketResponse:
        """The connection on the side of aiohttp."""
        return self._sock


class EngineSocket(async_socket.AsyncSocket):  # type: ignore[misc]
    """A client's Engine.IO socket that knows what it still has to send.

    engineio's writer may hold packets that it took off the queue. Only when it holds none, and
    the queue is empty, may a frame be written past it: then the order of packets is kept.
    """

    writing: bool
    queued_bytes: int
    websocket: WebSocket | None
    http: web.Request

    def adopt(self, environ: dict[str, Any]) -> None:
        """Fills in what engineio's constructor, which made this socket, does not know."""
        self.writing = False
        self.queued_bytes = 0
        self.websocket = None
        self.http = environ["aiohttp.request"]

    async def poll(self) -> list[packet.Packet]:
        """Waits for packets to send; until the next call they count as being written."""
        self.writing = False
        try:
            # Not wait_for(queue.get()): its inner task would hold a packet that is neither in
            # the queue nor counted as being written, and a frame could overtake it.
            async with asyncio.timeout(self.server.ping_interval + self.server.ping_timeout):
                packets = [await self.queue.get()]
        except (TimeoutError, asyncio.CancelledError):
            raise exceptions.QueueEmpty from None
        self.writing = True
        while not self.queue.empty() and packets[-1] is not None:
            packets.append(self.queue.get_nowait())
        for _ in packets:
            self.queue.task_done()
        if packets[-1] is None:
            if len(packets) > 1:
                self.queue.put_nowait(None)
            packets.pop()
        self.queued_bytes -= sum(_size(each) for each in packets)
        return packets

    async def send(self, pkt: packet.Packet) -> None:
        """Sends a packet by the stock way, counted."""
        self.queued_bytes += _size(pkt)
        await super().send(pkt)

    async def _websocket_handler(self, ws: WebSocket) -> None:
        self.websocket = ws
        self.http = ws.environ["aiohttp.request"]
        await super()._websocket_handler(ws)

    @property
    def backlog(self) -> int:
        """Bytes that wait for the client: in our queue, and in the connection's buffer."""
        transport = self.http.transport
        buffered = transport.get_write_buffer_size() if transport else 0
        return self.queued_bytes + buffered

    def push(self, data: str | bytes | Frame) -> bool:
        """Sends a Socket.IO packet at once where nothing is before it, else queues it.

        Gives False when the client is gone, or had to be cut off because it does not read.
        Never waits, so that the order of calls is the order on the wire.
        """
        transport = self.http.transport
        if self.closed or self.closing or transport is None or transport.is_closing():
            return False
        if self.backlog > ABORT_BYTES:
            self.abort()
            return False
        direct = self.websocket and self.upgraded and not self.upgrading and not self.writing
        if direct and self.queue.empty():
            transport.write(_to_frame(data))
        else:
            text = data.packet if isinstance(data, Frame) else data
            message = packet.Packet(packet.MESSAGE, text)
            self.queued_bytes += _size(message)
            self.queue.put_nowait(message)
        return True

    def abort(self) -> None:
        """Cuts the connection without a goodbye; what waits for the client is dropped."""
        if self.http.transport:
            self.http.transport.abort()


class EngineServer(engineio.AsyncServer):  # type: ignore[misc]
    """engineio's server, with our sockets and our WebSocket."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._async: dict[str, Any] = {**aiohttp_driver._async, "websocket": WebSocket}

    async def _trigger_event(self, event: str, *arguments: Any, **options: Any) -> Any:
        if event == "connect":
            sid, environ = arguments
            # engineio names its socket class in the middle of a long function; the socket has
            # only its OPEN packet queued as yet, so it can still become one of ours.
            socket = self.sockets[sid]
            socket.__class__ = EngineSocket
            socket.adopt(environ)
        return await super()._trigger_event(event, *arguments, **options)


def _to_frame(data: str | bytes | Frame) -> bytes:
    if isinstance(data, Frame):
        return data.websocket
    if isinstance(data, bytes):
        return websocket_frame(BINARY, data)
    return websocket_frame(TEXT, b"4" + data.encode())


def _size(pkt: packet.Packet | None) -> int:
    return len(pkt.data) if pkt is not None and isinstance(pkt.data, str | bytes) else 0
