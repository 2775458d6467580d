"""The feed of one tenant on one process: what was committed, in version order, without a gap."""

from __future__ import annotations

import asyncio
from collections import deque

import orjson
from loguru import logger

from server.errors import Unavailable
from server.feed.broadcaster import Broadcaster, Listener
from server.services.changes import ChangeSet, Page
from server.services.mutations import BULK_MUTATIONS
from server.services.sync import Pages
from server.tasks import end

PUSHED_ROWS = 500
PUSHED_BYTES = 250_000
PUSHED_BULK_ROWS = 50
"""Of bulk jobs, in a second; they come in chunks, one after the other, each of a few when the
machine is busy."""
QUIET_SECONDS = 1.0
"""After `sync_available` nothing is sent for this long: at most one a second."""
OFFERED = 1_000


class Feed:
    """Emits every change of a tenant once, in order, to this process's clients.

    It keeps only the head that it last emitted. A set that joins on to that head is emitted as
    it is; for anything else the table is read from there, so a lost message costs nothing.
    """

    def __init__(self, tenant: str, pages: Pages) -> None:
        self.tenant = tenant
        self.broadcaster = Broadcaster()
        self.head = 0
        self.epoch = ""
        self._pages = pages
        self._offered: deque[ChangeSet] = deque(maxlen=OFFERED)
        self._behind = False
        self._wake = asyncio.Event()
        self._moved = asyncio.Condition()
        self._quiet_until = 0.0
        self._bulk_rows, self._bulk_second = 0, 0.0
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Reads where the tenant stands and begins to emit. Raises `Unavailable`."""
        head = await self._pages.head(self.tenant)
        self.head, self.epoch = head.version, head.epoch
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends the feed's task."""
        if self._task:
            await end(self._task)

    def join(self, listener: Listener) -> None:
        """Adds a client, which gets every change after the present head."""
        self.broadcaster.listeners[listener.connection.sid] = listener

    def leave(self, sid: str) -> None:
        """Removes a client."""
        self.broadcaster.listeners.pop(sid, None)

    def offer(self, change_set: ChangeSet) -> None:
        """Takes a committed set from its committer, in the hope that it joins on to the head."""
        self._offered.append(change_set)
        self._wake.set()

    def wake(self) -> None:
        """Has the table read from the head on."""
        self._behind = True
        self._wake.set()

    def notice(self, version: int) -> None:
        """Something was committed, by whomever; mostly its committer has offered it already."""
        if version > self.head:
            self.wake()

    def compare(self, version: int, epoch: str) -> None:
        """Holds the feed against the database's head; wakes it when it is behind."""
        self.broadcaster.resume_drained(self.head)
        if (version, epoch) != (self.head, self.epoch):
            self.wake()

    async def reached(self, version: int, within: float) -> None:
        """Waits until `version` was emitted, at most `within` seconds."""
        async with self._moved:
            waiting = self._moved.wait_for(lambda: self.head >= version)
            try:
                await asyncio.wait_for(waiting, within)
            except TimeoutError:
                logger.debug("The feed of {} has not reached {}", self.tenant, version)

    async def _run(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._emit_offered()
                await self._emit_from_table()
            except Unavailable:
                # The next comparison of heads, within a second, wakes the feed again.
                logger.warning("The feed of {} waits for the database", self.tenant)
            except Exception:  # the last line of defence
                logger.exception("The feed of {} stumbled", self.tenant)
                await asyncio.sleep(QUIET_SECONDS)
                self.wake()

    async def _emit_offered(self) -> None:
        while self._offered:
            change_set = self._offered.popleft()
            if change_set.epoch == self.epoch and change_set.until <= self.head:
                continue
            joins = change_set.epoch == self.epoch and change_set.since == self.head
            if not joins or self._quiet() or _too_large(change_set):
                self._offered.clear()
                self._behind = True
                return
            self.broadcaster.send_changes(change_set)
            await self._move(change_set.until, change_set.epoch)

    async def _emit_from_table(self) -> None:
        """Reads from the head until nothing is left; too much is announced, not pushed."""
        while self._behind:
            pause = self._quiet_until - asyncio.get_running_loop().time()
            if pause > 0:
                await asyncio.sleep(pause)
            # Before the read: what is announced while it runs has it read again.
            self._behind = False
            page = await self._pages.read(
                self.tenant, self.head, rows=PUSHED_ROWS, size=PUSHED_BYTES, detail=True
            )
            new_life = page.epoch != self.epoch or page.head < self.head
            # Above the head but below the floor, tombstones were purged that nobody here had heard
            # of: only a sync, which is refused as `expired`, tells a device so.
            if page.has_more or new_life or page.floor > self.head or self._much_of_jobs(page):
                await self._announce(page)
            elif page.until > self.head:
                self.broadcaster.send_changes(page.change_set)
                await self._move(page.until, page.epoch)

    async def _announce(self, page: Page) -> None:
        self.broadcaster.send_available(page.head)
        self._quiet_until = asyncio.get_running_loop().time() + QUIET_SECONDS
        await self._move(page.head, page.epoch)

    async def _move(self, head: int, epoch: str) -> None:
        self.head, self.epoch = head, epoch
        async with self._moved:
            self._moved.notify_all()

    def _much_of_jobs(self, page: Page) -> bool:
        """Whether imports and the like wrote more in this second than is worth pushing: devices
        sync then, when it suits them.
        """
        now = asyncio.get_running_loop().time()
        if now - self._bulk_second >= QUIET_SECONDS:
            self._bulk_rows, self._bulk_second = 0, now
        self._bulk_rows += _bulk_rows(page)
        return self._bulk_rows > PUSHED_BULK_ROWS

    def _quiet(self) -> bool:
        return asyncio.get_running_loop().time() < self._quiet_until


def _too_large(change_set: ChangeSet) -> bool:
    return len(change_set.rows) > PUSHED_ROWS or change_set.size > PUSHED_BYTES


def _bulk_rows(page: Page) -> int:
    mutations = [str(orjson.loads(row.author).get("mutation_id")) for row in page.rows]
    return sum(each.startswith(BULK_MUTATIONS) for each in mutations)
