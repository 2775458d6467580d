"""One life of a socket: connect, sign in, call and hear, until it ends. Never used twice."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Literal

import aiohttp
import orjson
import socketio

from server.client.wire import Payload
from server.errors import FieldbookError, Internal

Hear = Callable[[str, Payload], None]
SignIn = Literal["connect", "event"]

# Python-socketio logs each lost connection; whoever wants to see them lowers this level.
LOGGER = logging.getLogger("fieldbook.client")
LOGGER.setLevel(logging.CRITICAL)

_ERRORS = {kind.code: kind for kind in FieldbookError.__subclasses__()}


class ConnectionLost(Exception):
    """The connection could not be made, or it ended before the answer came."""


def error_of(wire: object) -> FieldbookError:
    """The `error` object of an ack as the exception of its code."""
    details = dict(wire) if isinstance(wire, dict) else {}
    kind = _ERRORS.get(details.pop("code", ""), Internal)
    return kind(
        details.pop("message", None),
        fields=details.pop("fields", None),
        retry_after_ms=details.pop("retry_after_ms", None),
        **details,
    )


class FastJson:
    """Reads four times as fast as the standard library; writes whatever text a user typed."""

    @staticmethod
    def loads(text: str | bytes, **_options: Any) -> Any:
        """The value. Raises ValueError."""
        return orjson.loads(text)

    @staticmethod
    def dumps(value: Any, **_options: Any) -> str:
        """Compact JSON, lone surrogates too, which orjson refuses: the server shall answer."""
        return json.dumps(value, separators=(",", ":"))


class FastPacket(socketio.packet.Packet):  # type: ignore[misc]
    """A Socket.IO packet with JSON of its own, so that no other client's is changed."""

    json = FastJson


class QuietClient(socketio.AsyncClient):  # type: ignore[misc]
    """A client that hears nothing more once `deaf` is set.

    A cut between a packet and its binary attachment makes the stock one read the attachment as
    a packet.
    """

    deaf = False

    async def _handle_eio_message(self, data: Any) -> None:
        if not self.deaf:
            await super()._handle_eio_message(data)


class Connection:
    """A Socket.IO connection whose events go to `hear(event, payload)`, in order of arrival.

    A new one is made for every attempt, so that nothing of a broken one lives on. Nothing is
    buffered: `call` raises when the connection is not there.
    """

    def __init__(
        self, url: str, hear: Hear, transports: Sequence[str], answer_timeout_s: float
    ) -> None:
        self._url = url
        self._hear = hear
        self._transports = list(transports)
        self._timeout_s = answer_timeout_s
        loop = asyncio.get_running_loop()
        self._ended: asyncio.Future[None] = loop.create_future()
        self._welcome: asyncio.Future[Payload] = loop.create_future()
        self._waiting: set[asyncio.Future[Payload]] = set()
        self._sockets: list[socket.socket] = []
        self._http: aiohttp.ClientSession | None = None
        self._closing: asyncio.Task[None] | None = None
        self._client = QuietClient(
            reconnection=False, handle_sigint=False, logger=LOGGER, engineio_logger=LOGGER,
            http_session=self._make_http, request_timeout=answer_timeout_s, serializer=FastPacket,
        )  # fmt: skip
        self._client.on("*", self._on_event)
        self._client.on("connect", self._on_connect)
        self._client.on("connect_error", self._on_refused)

    @property
    def ended(self) -> bool:
        """Whether it has ended, for whatever reason."""
        return self._ended.done()

    async def open(self, auth: Payload, sign_in: SignIn) -> Payload:
        """Connect and sign in, with `auth` in CONNECT or as an event; gives the answer.

        Raises ConnectionLost, or the server's refusal as its FieldbookError.
        """
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._client.connect(
                    self._url,
                    auth=auth if sign_in == "connect" else None,
                    transports=self._transports,
                    wait=False,
                )
                self._client.eio.read_loop_task.add_done_callback(lambda _: self._end())
                answer = await self._unless_ended(self._welcome)
            return await self.call("auth", auth) if sign_in == "event" else answer
        except FieldbookError:
            await self.close()
            raise
        except (
            TimeoutError, OSError, aiohttp.ClientError, socketio.exceptions.SocketIOError,
            # A socket that closes during the handshake makes engineio read its close code.
            TypeError, ValueError,
        ) as error:  # fmt: skip
            self.cut()
            raise ConnectionLost(f"No connection to {self._url}: {error or 'timeout'}") from error
        except BaseException:
            self.cut()
            raise

    async def call(self, event: str, payload: Payload) -> Payload:
        """Emit an event and give its ack.

        Raises the refusal as its FieldbookError. Without an answer in time the connection
        counts as dead, is cut, and ConnectionLost is raised, as when it ends.
        """
        if self.ended or "/" not in self._client.namespaces:
            raise ConnectionLost("There is no connection.")
        answer: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
        await self._client.emit(event, payload, callback=lambda *acks: _resolve(answer, acks))
        try:
            async with asyncio.timeout(self._timeout_s):
                ack = await self._unless_ended(answer)
        except TimeoutError:
            self.cut()
            raise ConnectionLost(f"No answer to {event} in {self._timeout_s:g} s.") from None
        if not ack.get("ok"):
            raise error_of(ack.get("error"))
        return ack

    async def wait_ended(self) -> None:
        """Wait until the connection ends: raises ConnectionLost, or what `hear` raised."""
        await asyncio.shield(self._ended)
        raise ConnectionLost("The connection ended.")

    async def close(self) -> None:
        """Say goodbye and close; after 2 s without an answer, cut."""
        with suppress(TimeoutError, OSError, aiohttp.ClientError):
            async with asyncio.timeout(2):
                await self._client.disconnect()
        self.cut()
        await self.wait_closed()

    def cut(self) -> None:
        """Abort the transport at once, without a word to the server."""
        for each in self._sockets:
            with suppress(OSError):  # it may be closed already
                each.shutdown(socket.SHUT_RDWR)
        self._sockets = []
        self._end()

    async def wait_closed(self) -> None:
        """Wait until its HTTP session is gone too; only after `close`, `cut` or its end."""
        if self._closing is not None:
            await asyncio.shield(self._closing)

    async def _unless_ended(self, future: asyncio.Future[Payload]) -> Payload:
        self._waiting.add(future)
        if self.ended:
            self._fail_waiting()
        try:
            return await future
        finally:
            self._waiting.discard(future)

    def _fail_waiting(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_exception(ConnectionLost("The connection ended."))

    def _end(self, error: Exception | None = None) -> None:
        if not self._ended.done():
            if error is None:
                self._ended.set_result(None)
            else:
                self._ended.set_exception(error)
            self._client.deaf = True
            self._closing = asyncio.create_task(self._close_http())
            if self._welcome.done() and not self._welcome.cancelled():
                self._welcome.exception()  # a refusal that nobody waits for any more
        self._fail_waiting()

    async def _close_http(self) -> None:
        # The library's loops end by themselves once the socket is shut.
        loops = [self._client.eio.read_loop_task, self._client.eio.write_loop_task]
        running = [each for each in loops if each is not None]
        if running:
            await asyncio.wait(running, timeout=2)
        with suppress(TimeoutError, OSError, aiohttp.ClientError):
            async with asyncio.timeout(1):
                if self._client.eio.ws is not None:
                    await self._client.eio.ws.close()
        if self._http is not None:
            await self._http.close()

    async def _make_http(self) -> aiohttp.ClientSession:
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(socket_factory=self._make_socket)
        )
        return self._http

    def _make_socket(self, address: Any) -> socket.socket:
        family, kind, protocol = address[:3]
        made = socket.socket(family, kind, protocol)
        self._sockets.append(made)
        return made

    # The library starts one task a message, in order. These handlers never await, so that the
    # next message finds the work of the one before it done.

    def _on_connect(self) -> None:
        if self._client.connection_auth is None and not self._welcome.done():
            self._welcome.set_result({})

    def _on_refused(self, data: Any = None) -> None:
        if not self._welcome.done():
            inner = data.get("data") if isinstance(data, dict) else None
            wire = inner.get("error") if isinstance(inner, dict) else None
            if wire is None:
                self._welcome.set_exception(ConnectionLost(f"The server refused: {data}"))
            else:
                self._welcome.set_exception(error_of(wire))

    def _on_event(self, event: str, payload: Any = None, *_more: Any) -> None:
        if not isinstance(payload, dict):
            return
        if event == "authenticated" and not self._welcome.done():
            self._welcome.set_result(payload)
        try:
            self._hear(event, payload)
        except Exception as error:
            # What can't be applied must not be passed over: whoever waits gets to see it.
            self._end(error)
            raise


def _resolve(answer: asyncio.Future[Payload], acks: tuple[Any, ...]) -> None:
    if not answer.done():
        answer.set_result(acks[0] if acks and isinstance(acks[0], dict) else {"ok": False})
