"""What we add to socketio: every event is answered, broken ones too, and acks keep their place.

Client events do not go through socketio's handler table: there, an event named `disconnect`
would call the server's own handler, and one that is unknown would never be answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import orjson
import socketio
from loguru import logger
from socketio import packet

from server.errors import FieldbookError, Internal
from server.transport import json
from server.transport.connection import Connection
from server.transport.engine import EngineServer
from server.transport.frames import Frame
from server.transport.json import Unreadable

Afterwards = Callable[[], Awaitable[None]]
CONNECT_SECONDS = 10.0
"""How long a connection may stay open without, or after a refused, CONNECT."""


class Handler(Protocol):
    """What the application gives the transport."""

    async def connect(self, connection: Connection, address: str, auth: Any) -> None:
        """A client connects. Raises `FieldbookError` to refuse it."""

    def connected(self, connection: Connection) -> None:
        """The client was told that it is connected; what follows may be sent to it."""

    async def event(
        self, connection: Connection, name: Any, arguments: list[Any]
    ) -> tuple[dict[str, Any], Afterwards | None]:
        """Answers a client's event: its ack, and what follows the ack. Never raises."""

    async def disconnected(self, sid: str) -> None:
        """A client is gone."""


class LenientPacket(packet.Packet):  # type: ignore[misc]
    """A Socket.IO packet whose data may be `Unreadable`, where the stock one raises.

    Only here: engineio tells texts from JSON by whether reading them raises.
    """

    json = json


class SocketServer(socketio.AsyncServer):  # type: ignore[misc]
    """Socket.IO over aiohttp for one application; build it, then `attach` it."""

    def __init__(self, handler: Handler, **options: Any) -> None:
        super().__init__(async_mode="aiohttp", serializer=LenientPacket, **options)
        self._application = handler
        self._connections: dict[str, Connection] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unanswered = 0
        self._all_answered = asyncio.Event()
        self._all_answered.set()
        self.on("connect", self._refuse_or_accept)
        self.on("disconnect", self._forget)

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    @property
    def connections(self) -> list[Connection]:
        """Every open connection."""
        return list(self._connections.values())

    def count_engine(self) -> int:
        """How many sockets Engine.IO holds, with those that have just ended."""
        return len(self.eio.sockets)

    async def answered(self) -> None:
        """Waits until every event that has arrived is answered."""
        await self._all_answered.wait()

    async def _refuse_or_accept(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        socket = self.eio.sockets[self.manager.eio_sid_from_sid(sid, "/")]
        connection = Connection(
            sid, socket, lambda callback: self.manager._generate_ack_id(sid, callback)
        )
        address = environ["aiohttp.request"].remote or ""
        try:
            await self._application.connect(connection, address, auth)
        except FieldbookError as error:
            raise _refused(error) from None
        except Exception:  # the last line of defence
            logger.exception("A client could not be let in")
            raise _refused(Internal()) from None
        if socket.closed:
            # It went while it was let in, when nobody knew of it yet.
            await self._application.disconnected(sid)
            return
        self._connections[sid] = connection

    async def _forget(self, sid: str, _reason: str) -> None:
        self._connections.pop(sid, None)
        await self._application.disconnected(sid)

    async def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:
        await super()._handle_eio_connect(eio_sid, environ)
        asyncio.get_running_loop().call_later(CONNECT_SECONDS, self._end_unconnected, eio_sid)

    def _end_unconnected(self, eio_sid: str) -> None:
        socket = self.eio.sockets.get(eio_sid)
        if socket and not self.manager.sid_from_eio_sid(eio_sid, "/"):
            self._keep(asyncio.create_task(socket.end(1000)))

    def _keep(self, task: asyncio.Task[None]) -> None:
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _handle_connect(self, eio_sid: str, namespace: str | None, data: Any) -> None:
        if namespace not in (None, "/"):
            await self._refuse_namespace(eio_sid, namespace)
            return
        if self.manager.sid_from_eio_sid(eio_sid, "/"):
            # A second CONNECT would make a second session of one socket.
            return
        await super()._handle_connect(eio_sid, namespace, data)
        connection = self._connections.get(self.manager.sid_from_eio_sid(eio_sid, "/"))
        if connection:
            self._application.connected(connection)

    async def _refuse_namespace(self, eio_sid: str, namespace: str | None) -> None:
        message = {"message": "There is only the namespace /.", "data": {"ok": False}}
        await self._send_packet(
            eio_sid,
            self.packet_class(packet.CONNECT_ERROR, data=message, namespace=namespace),
        )

    async def _handle_eio_message(self, eio_sid: str, data: Any) -> None:
        if not isinstance(data, str):
            # Attachments belong to an event that was already answered: none takes binary.
            return
        try:
            parsed = self.packet_class(encoded_packet=data)
        except (ValueError, IndexError, TypeError) as error:
            logger.debug("A packet that can't be read: {}", error)
            return
        if parsed.packet_type in (packet.BINARY_EVENT, packet.BINARY_ACK):
            contents = _with_empty_attachments(parsed)
            if parsed.packet_type == packet.BINARY_EVENT:
                await self._handle_event(eio_sid, parsed.namespace, parsed.id, contents)
        elif parsed.packet_type == packet.EVENT:
            await self._handle_event(eio_sid, parsed.namespace, parsed.id, parsed.data)
        elif parsed.packet_type == packet.ACK:
            if parsed.id is not None and isinstance(parsed.data, list):
                await self._handle_ack(eio_sid, parsed.namespace, parsed.id, parsed.data)
        elif parsed.packet_type in (packet.CONNECT, packet.DISCONNECT):
            await super()._handle_eio_message(eio_sid, data)

    async def _handle_event(
        self, eio_sid: str, namespace: str | None, id: int | None, data: Any
    ) -> None:
        sid = self.manager.sid_from_eio_sid(eio_sid, namespace or "/")
        connection = self._connections.get(sid)
        if connection is None:
            return
        # Tasks start in the order in which they are made, so handlers begin in the order of
        # arrival; what must stay in order after that, they order themselves.
        await connection.unanswered.acquire()
        self._unanswered += 1
        self._all_answered.clear()
        self._keep(asyncio.create_task(self._answer(connection, eio_sid, id, data)))

    async def _answer(
        self, connection: Connection, eio_sid: str, id: int | None, data: Any
    ) -> None:
        if isinstance(data, list) and data:
            name, arguments = data[0], data[1:]
        else:
            name, arguments = None, [data]
        try:
            payload, afterwards = await self._application.event(connection, name, arguments)
            socket = self.eio.sockets.get(eio_sid)
            if socket and id is not None:
                socket.push(Frame(b"3%d[%b]" % (id, orjson.dumps(payload))))
        finally:
            connection.unanswered.release()
            self._unanswered -= 1
            if not self._unanswered:
                self._all_answered.set()
        if socket and afterwards:
            try:
                await afterwards()
            except Exception:  # the last line of defence
                logger.exception("What follows an answer failed")


def _refused(error: FieldbookError) -> Exception:
    # An object, always: the Java client drops an event whose payload is a text.
    refusal: Exception = socketio.exceptions.ConnectionRefusedError(
        error.message, {"ok": False, "error": error.to_wire()}
    )
    return refusal


def _with_empty_attachments(parsed: packet.Packet) -> Any:
    """A binary event's data with empty bytes for its attachments, so that schemas name them."""
    try:
        attachments = [b""] * min(parsed.attachment_count, 64)
        return packet.Packet.reconstruct_binary(parsed.data, attachments)
    except (IndexError, TypeError, RecursionError):
        return Unreadable("its binary attachments do not fit")
