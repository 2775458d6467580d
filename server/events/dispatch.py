"""From an event to its ack: finds the handler, parses the payload, maps errors. Never silent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

from loguru import logger

from server.errors import (
    FieldbookError,
    Internal,
    Invalid,
    Unauthenticated,
    Unavailable,
    UnknownEvent,
)
from server.events.sessions import Session
from server.schemas.base import FieldbookSchema, parse

Payload = dict[str, Any]
Afterwards = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Reply:
    """A handler's answer when something follows it: `afterwards` runs once the ack is out."""

    payload: Payload
    afterwards: Afterwards


Handler = Callable[[Session, Any], Awaitable[Payload | Reply]]
OnRefused = Callable[[Session, str, FieldbookError], None]


@dataclass(frozen=True, slots=True)
class Event:
    """An event that clients send. Without a schema the handler parses the payload itself."""

    name: str
    schema: FieldbookSchema | None
    handler: Handler
    public: bool = False


def event(
    name: str, schema: FieldbookSchema | None, *, public: bool = False
) -> Callable[[Handler], Event]:
    """Makes an `Event` of the handler below; `public` ones need no sign-in."""

    def decorate(handler: Handler) -> Event:
        return Event(name, schema, handler, public)

    return decorate


class Dispatcher:
    """Answers every event exactly once."""

    def __init__(self, events: Iterable[Event], on_refused: OnRefused) -> None:
        """`on_refused(session, name, error)` is told of each event that was refused."""
        self._events = {each.name: each for each in events}
        self._on_refused = on_refused
        self.draining = False

    async def answer(self, session: Session, name: Any, arguments: list[Any]) -> Reply | Payload:
        """The ack of an event, whatever came in. Never raises."""
        try:
            return await self._handle(session, name, arguments)
        except FieldbookError as error:
            self._on_refused(session, str(name), error)
            return {"ok": False, "error": error.to_wire()}
        except Exception:  # the last line of defence
            logger.exception("The event {} failed", str(name)[:100])
            internal = Internal()
            self._on_refused(session, str(name), internal)
            return {"ok": False, "error": internal.to_wire()}

    async def _handle(self, session: Session, name: Any, arguments: list[Any]) -> Reply | Payload:
        # Hazard: until a handler has taken the session's `order`, nothing here may await, or
        # two mutations of one device could change places.
        known = self._events.get(name) if isinstance(name, str) else None
        if self.draining:
            raise Unavailable("The server is going down. Connect again in a moment.")
        if session.actor is None and not (known and known.public):
            raise Unauthenticated
        if not isinstance(name, str):
            _only_object(arguments)
            raise Invalid('An event is a list that begins with its name: ["ping", {}].')
        if known is None:
            names = ", ".join(self._events)
            raise UnknownEvent(f"There is no event {name[:50]}. The events are: {names}.")
        payload = _only_object(arguments)
        if known.schema is not None:
            payload = parse(known.schema, payload)
        return await known.handler(session, payload)


def _only_object(arguments: list[Any]) -> Any:
    if len(arguments) > 1:
        raise Invalid(f"Send one JSON object; these are {len(arguments)} arguments.")
    payload = arguments[0] if arguments else {}
    refuse_unreadable(payload)
    return payload


def refuse_unreadable(payload: Any) -> None:
    """Raises `Invalid` for what the transport puts in the place of JSON that can't be read."""
    reason = getattr(payload, "reason", None)
    if reason:
        raise Invalid(f"This can't be read as JSON: {reason}.")
