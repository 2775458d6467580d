"""What the transport calls: a socket connects, says something, is gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.events.connection import SignIn
from server.events.dispatch import Afterwards, Dispatcher, Payload, Reply
from server.events.sessions import Channel, Session, Sessions

Left = Callable[[Session], None]


class Gateway:
    """Between the transport and the dispatcher: makes the session of each socket."""

    def __init__(
        self, sessions: Sessions, sign_in: SignIn, dispatcher: Dispatcher, left: Left
    ) -> None:
        """`left(session)` is told when a socket that was signed in is gone."""
        self._sessions = sessions
        self._sign_in = sign_in
        self._dispatcher = dispatcher
        self._left = left
        self._greetings: dict[str, tuple[Payload, Callable[[], None]]] = {}

    async def connect(self, channel: Channel, address: str, auth: Any) -> None:
        """A client connects, perhaps with `auth`'s payload. Raises what refuses it."""
        session = Session(channel, address)
        if auth is not None:
            self._greetings[channel.sid] = await self._sign_in.sign_in_at_connect(session, auth)
        self._sessions.add(session)

    def connected(self, channel: Channel) -> None:
        """The client knows that it is connected: it gets `authenticated`, or 10 s to sign in."""
        session = self._sessions.get(channel.sid)
        if session is None:
            return
        greeting = self._greetings.pop(channel.sid, None)
        if greeting:
            answer, join = greeting
            join()
            channel.send("authenticated", answer)
        else:
            self._sign_in.expect(session)

    async def event(
        self, channel: Channel, name: Any, arguments: list[Any]
    ) -> tuple[Payload, Afterwards | None]:
        """Answers an event: its ack, and what follows once the ack is on its way."""
        session = self._sessions.get(channel.sid)
        if session is None:
            session = Session(channel, "")
        answer = await self._dispatcher.answer(session, name, arguments)
        if isinstance(answer, Reply):
            return answer.payload, answer.afterwards
        return answer, None

    async def disconnected(self, sid: str) -> None:
        """A client is gone: what ran for it ends."""
        self._greetings.pop(sid, None)
        session = self._sessions.remove(sid)
        if session is None:
            return
        if session.deadline:
            session.deadline.cancel()
        if session.sync:
            session.sync.cancel()
        if session.actor:
            self._left(session)
