"""Catching up: pages on request or in a stream, and the heartbeat that tells what was missed."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import orjson
from loguru import logger

from server.errors import FieldbookError, Internal, Unavailable
from server.events.dispatch import Event, Payload, Reply, event
from server.events.journal import Journal, SyncRun
from server.events.sessions import Session, our_clock
from server.schemas.sync import PING, SYNC_REQUEST
from server.schemas.times import rfc3339_now
from server.services.sync import Pages, Step

UNACKNOWLEDGED = 4
ACK_SECONDS = 30.0
RETRY_SECONDS = 1.0
FEED_SECONDS = 1.0


Reached = Callable[[str, int, float], Awaitable[None]]


def sync_events(pages: Pages, journal: Journal, reached: Reached) -> list[Event]:
    """`sync_request` and `ping`.

    `reached(tenant, version, seconds)` waits until the feed has emitted a version.
    """

    @event("sync_request", SYNC_REQUEST)
    async def sync_request(session: Session, payload: Payload) -> Reply:
        session.syncs += 1
        number = session.syncs
        await _end_running(session)
        tenant = session.signed_in.tenant
        run = SyncRun(time.time(), payload["since"])
        step = await pages.first(
            tenant,
            payload["since"],
            payload.get("epoch"),
            payload.get("resume"),
            payload["limit"],
        )
        stream = Stream(pages, session, payload, run)

        async def send_pages() -> None:
            # Only now: what streams must not be sent before its own ack.
            if session.syncs != number:
                run.outcome = "overtaken"
                journal.synced(session, run)
                return
            session.sync = asyncio.current_task()
            try:
                await stream.send(step)
            finally:
                session.sync = None
                journal.synced(session, run)

        request_id = payload.get("request_id")
        head, total = step.page.head, step.to_come
        answer = {"ok": True, "request_id": request_id, "version": head, "total": total}
        return Reply(answer, send_pages)

    @event("ping", PING)
    async def ping(session: Session, payload: Payload) -> Payload:
        session.note_clock(payload.get("clock"), our_clock())
        journal.pinged(session, payload)
        tenant = session.signed_in.tenant
        head = await pages.head(tenant)
        # A device that hears of a version before the change itself would sync for nothing.
        await reached(tenant, head.version, FEED_SECONDS)
        return {
            "ok": True,
            "server_time": rfc3339_now(),
            "version": head.version,
            "epoch": head.epoch,
            "checksum": head.checksum,
            "skew_ms": session.skew // 1_000,
        }

    return [sync_request, ping]


async def _end_running(session: Session) -> None:
    """A new request ends the one that is running."""
    if session.sync:
        session.sync.cancel()
        await asyncio.wait([session.sync])


@dataclass(slots=True)
class Stream:
    """Sends the pages of one `sync_request`: one page, or with `stream` all that follow."""

    pages: Pages
    session: Session
    payload: Payload
    run: SyncRun

    async def send(self, step: Step) -> None:
        """Sends pages until the last, or until the client no longer acknowledges them."""
        streaming = self.payload["stream"]
        unacknowledged: deque[asyncio.Future[None]] = deque()
        while True:
            # The database reads the next page while this one is encoded and sent.
            following = None
            if streaming and step.page.has_more:
                following = asyncio.create_task(self._read_after(step))
            try:
                payload, attachment = await self._message(step)
                if not streaming:
                    self.session.channel.send("sync_response", payload, attachment)
                else:
                    unacknowledged.append(
                        self.session.channel.send_acknowledged("sync_response", payload, attachment)
                    )
                if following is None:
                    self._end(step)
                    return
                if not await self._may_go_on(unacknowledged):
                    return
                step = await following
            except FieldbookError as error:
                self._give_up(step, error)
                return
            except Exception:  # the last line of defence
                logger.exception("A stream of pages failed")
                self._give_up(step, Internal())
                return
            finally:
                if following is not None:
                    following.cancel()

    def _give_up(self, step: Step, error: FieldbookError) -> None:
        # The stream has no ack left to answer with: the client learns that there is more, asks
        # again with its last `resume`, and is answered then.
        self.run.outcome, self.run.error_code = "failed", error.code
        self.session.channel.send("sync_available", {"version": step.page.head})

    async def _read_after(self, step: Step) -> Step:
        """The next page; while the database is away, the stream waits for it as for a client."""
        tenant, rows = self.session.signed_in.tenant, self.payload["limit"]
        patience = time.monotonic() + ACK_SECONDS
        while True:
            try:
                return await self.pages.next(tenant, step.position, rows)
            except Unavailable:
                if time.monotonic() > patience:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def _may_go_on(self, unacknowledged: deque[asyncio.Future[None]]) -> bool:
        """Whether the client keeps up: waits for its oldest ack where four are missing."""
        if len(unacknowledged) < UNACKNOWLEDGED:
            return True
        done, _ = await asyncio.wait([unacknowledged.popleft()], timeout=ACK_SECONDS)
        if not done:
            self.run.outcome = "unacknowledged"
        return bool(done)

    def _end(self, step: Step) -> None:
        if step.page.has_more:
            self.run.outcome = "page"
        else:
            self._send_complete(step)

    async def _message(self, step: Step) -> tuple[Payload, bytes | None]:
        """`sync_response` and, where the client asked for gzip, its attachment."""
        page = step.page
        payload = step.envelope(self.payload.get("request_id"))
        attachment = None
        if self.payload.get("compress") == "gzip":
            # Compressing a page takes some milliseconds, which zlib spends outside of the GIL.
            attachment = await asyncio.to_thread(gzip.compress, orjson.dumps(page.members), 1)
        else:
            payload |= page.members
        self.run.until = page.until
        self.run.rows += page.count
        self.run.size += page.size if attachment is None else len(attachment)
        return payload, attachment

    def _send_complete(self, step: Step) -> None:
        self.run.outcome = "complete"
        page = step.page
        self.session.channel.send(
            "sync_complete",
            {
                "request_id": self.payload.get("request_id"),
                "version": page.until,
                "epoch": page.epoch,
                "server_time": rfc3339_now(),
                "checksum": page.checksum,
            },
        )
