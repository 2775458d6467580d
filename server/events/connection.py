"""Connecting, signing in, and being signed out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from server.errors import Conflict, Unauthenticated
from server.events.dispatch import Event, Payload, event, refuse_unreadable
from server.events.journal import Journal
from server.events.sessions import Session, Sessions, our_clock
from server.events.turns import Turns
from server.schemas.auth import AUTH
from server.schemas.base import parse
from server.schemas.sync import MAX_PUSH
from server.schemas.times import rfc3339_now
from server.services.actors import Actor
from server.services.auth import Auth
from server.services.sync import PAGE_ROWS, Head, Pages

AUTH_SECONDS = 10.0
SIGN_INS_AT_ONCE = 8
"""Of all that wait. Each takes one of the pool's 16 connections, and writes need some too."""
PING_SECONDS = 25
PAYLOAD_BYTES = 1_000_000
LIMITS = {
    "page": PAGE_ROWS,
    "push": MAX_PUSH,
    "payload_bytes": PAYLOAD_BYTES,
    "ping_s": PING_SECONDS,
}

Join = Callable[[Session, Actor], Awaitable[Callable[[], None]]]
NoteFailure = Callable[[str], Awaitable[None]]


class SignIn:
    """Signs sockets in, by event or at CONNECT, and has those closed that may not stay."""

    def __init__(
        self,
        sessions: Sessions,
        auth: Auth,
        pages: Pages,
        *,
        join: Join,
        note_failure: NoteFailure,
        journal: Journal,
    ) -> None:
        """`join(session, actor)` prepares the tenant's feed and gives what adds the session to it;
        `note_failure(address)` counts a failed sign-in and raises `RateLimited` for too many.
        """
        self._sessions = sessions
        self._auth = auth
        self._pages = pages
        self._join = join
        self._note_failure = note_failure
        self._journal = journal
        self._access_changes = 0
        self._turns = Turns(SIGN_INS_AT_ONCE)

    def events(self) -> list[Event]:
        """The events of this module."""

        @event("auth", AUTH, public=True)
        async def auth(session: Session, payload: Payload) -> Payload:
            # One at a time: of two agents that sign in at once, the second meets the first.
            async with session.order:
                greeting, join = await self.sign_in(session, payload)
                # It may have gone while it was signed in; nobody would take it out of the feed.
                if self._sessions.get(session.sid) is session:
                    join()
                return greeting

        return [auth]

    def expect(self, session: Session) -> None:
        """Closes the socket unless it signs in within 10 s."""
        loop = asyncio.get_running_loop()
        session.deadline = loop.call_later(AUTH_SECONDS, self._give_up, session)

    def _give_up(self, session: Session) -> None:
        if session.order.locked():
            # It has sent `auth`, which waits for its turn, with a thousand others perhaps.
            loop = asyncio.get_running_loop()
            session.deadline = loop.call_later(1.0, self._give_up, session)
        elif session.actor is None:
            self._sessions.close_soon(session)

    async def sign_in_at_connect(
        self, session: Session, payload: Any
    ) -> tuple[Payload, Callable[[], None]]:
        """The same as the event, for CONNECT's `auth` payload."""
        refuse_unreadable(payload)
        return await self.sign_in(session, parse(AUTH, payload))

    async def sign_in(
        self, session: Session, payload: Payload
    ) -> tuple[Payload, Callable[[], None]]:
        """Signs a socket in. Gives the ack, and what joins it to the feed.

        It is joined before it syncs, so that nothing falls between; but at CONNECT not before it
        knows that it is connected: a client drops events that come earlier. Raises
        `Unauthenticated`, `Forbidden`, `Conflict`, `RateLimited`, `Unavailable`.
        """
        # Before the database is asked: its time would count as the device's skew.
        arrived = our_clock()
        first = session.actor is None
        async with self._turns.take():
            actor, join, head = await self._enter(session, payload)
        # Hazard: nothing may wait between the last look at the access and this.
        session.actor = actor
        session.batch = payload["batch"]
        session.note_clock(payload.get("clock"), arrived)
        if session.deadline:
            session.deadline.cancel()
        if first:
            self._journal.signed_in(session)
        greeting = {
            "ok": True,
            "agent": actor.to_wire(),
            "tenant": actor.tenant,
            "device_id": actor.device_id,
            "version": head.version,
            "epoch": head.epoch,
            "floor": head.floor,
            "server_time": rfc3339_now(),
            "limits": LIMITS,
        }
        return greeting, join

    async def _enter(
        self, session: Session, payload: Payload
    ) -> tuple[Actor, Callable[[], None], Head]:
        """What of a sign-in needs the database: who it is, the feed, the head, the history."""
        changes = -1
        logged = session.actor is not None
        while changes != self._access_changes:
            # Asked again when somebody's access changed meanwhile: it may be this one's, and
            # whoever is told of it does not know this socket yet.
            changes = self._access_changes
            actor = await self._actor(session, payload)
            join = await self._join(session, actor)
            head = await self._pages.head(actor.tenant)
            if not logged:
                logged = True
                await self._auth.log_sign_in(actor, session.address)
        return actor, join, head

    async def _actor(self, session: Session, payload: Payload) -> Actor:
        try:
            if "api_key" not in payload:
                raise Unauthenticated("Tokens are not accepted yet; send an api_key.")
            actor = await self._auth.authenticate(payload["api_key"])
        except Unauthenticated:
            await self._note_failure(session.address)
            raise
        device_id, details = payload.get("device_id"), payload.get("device") or {}
        writer_id = payload.get("writer_id")
        if session.actor is None:
            return await self._auth.on_device(actor, device_id, details, writer_id)
        # Before the device is entered: who is refused here must leave none behind.
        device_id = device_id or session.actor.device_id
        writer_id = None if device_id else writer_id or session.actor.writer_id
        again = replace(actor, device_id=device_id, writer_id=writer_id)
        if not _same_party(session.actor, again):
            raise Conflict("This socket belongs to another agent or device; open a new one.")
        if again.device_id is None:
            return again
        return await self._auth.on_device(actor, again.device_id, details)

    async def check_access(self, tenant: str) -> None:
        """Closes the sockets whose agent, key or device is shut out, and asks devices to sync.

        Who has another name or role than at the sign-in is told so. Called when the database says
        that one of them changed. Raises `Unavailable`.
        """
        self._access_changes += 1
        sessions = self._sessions.of_tenant(tenant)
        if not sessions:
            return
        actors = [session.signed_in for session in sessions]
        changes = -1
        while changes != self._access_changes:
            # Asked again when something changed meanwhile: what was read before is old by now, and
            # the later change may be told already.
            changes = self._access_changes
            present = await self._auth.as_they_are(tenant, actors)
        for session, now in zip(sessions, present, strict=True):
            was = session.signed_in
            if (was.name, was.role) != (now.name, now.role):
                # It may have signed in again meanwhile: only what changed is taken over.
                session.actor = replace(was, name=now.name, role=now.role)
                session.channel.send("agent_changed", {"agent": session.actor.to_wire()})
        notices = await self._auth.notices(tenant, actors)
        if not notices:
            return
        head = await self._pages.head(tenant)
        for session, actor in zip(sessions, actors, strict=True):
            ids = (("device", actor.device_id), ("key", actor.key_id), ("agent", actor.agent_id))
            reason = next((notices[each] for each in ids if each in notices), None)
            if reason:
                session.ended_by = reason
                session.channel.send("revoked", {"reason": reason})
                self._sessions.close_soon(session)
            elif ("sync", actor.device_id) in notices:
                session.channel.send("sync_available", {"version": head.version})


def _same_party(one: Actor, other: Actor) -> bool:
    keys = ("tenant", "agent_id", "device_id", "writer_id")
    return all(getattr(one, key) == getattr(other, key) for key in keys)
