"""One connection that listens to Postgres, and every tenant's feed on this process."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
from loguru import logger

from server.db.pool import PASSING, Database
from server.db.queries import queries
from server.errors import Unavailable
from server.feed.feed import Feed
from server.services.changes import ChangeSet
from server.services.sync import Pages
from server.tasks import end

OnAccess = Callable[[str], Awaitable[None]]
Share = Callable[[bytes], None]
OnJob = Callable[[str, str], None]
CHECK_SECONDS = 1.0
NOTICE_SECONDS = 0.005
HEARTBEAT_SECONDS = 2.0


class Feeds:
    """The feeds of the tenants that have clients here; woken by NOTIFY, checked every second."""

    def __init__(
        self,
        database: Database,
        pages: Pages,
        url: str,
        *,
        on_access: OnAccess,
        on_job: OnJob,
        on_deaf: Callable[[], None],
        share: Share,
    ) -> None:
        """`on_access(tenant)` is called when somebody's access or settings changed, and
        `on_job(tenant, job)` when a bulk job was made or came forward; `on_deaf()` after a while
        in which nobody listened; `share(message)` hands a change set to the other processes.
        """
        self._database = database
        self._pages = pages
        self._url = url
        self._on_access = on_access
        self._on_job = on_job
        self._on_deaf = on_deaf
        self._share = share
        self._feeds: dict[str, Feed] = {}
        self._starting: dict[str, asyncio.Task[Feed]] = {}
        self._connection: asyncpg.Connection | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    async def start(self) -> None:
        """Begins to listen and to compare heads."""
        # Each by itself: a half-open LISTEN must not keep anybody from comparing.
        self._spawn(self._repeat(self._listen))
        self._spawn(self._repeat(self._check))

    async def stop(self) -> None:
        """Ends everything that runs here."""
        await end(*self._tasks, *self._starting.values())
        await asyncio.gather(*(feed.stop() for feed in self._feeds.values()))
        if self._connection:
            self._connection.terminate()

    async def of(self, tenant: str) -> Feed:
        """The tenant's feed, started when it is asked for first. Raises `Unavailable`."""
        feed = self._feeds.get(tenant)
        if feed:
            return feed
        starting = self._starting.get(tenant)
        if starting is None:
            starting = self._starting[tenant] = asyncio.create_task(self._start_feed(tenant))
        return await asyncio.shield(starting)

    async def _start_feed(self, tenant: str) -> Feed:
        try:
            feed = Feed(tenant, self._pages)
            await feed.start()
            self._feeds[tenant] = feed
            return feed
        finally:
            del self._starting[tenant]

    def publish(self, tenant: str, change_set: ChangeSet) -> None:
        """Takes a set from its committer, right after the commit."""
        feed = self._feeds.get(tenant)
        if feed:
            feed.offer(change_set)
        self._share(change_set.to_bytes(tenant))

    def hear(self, message: bytes) -> None:
        """Takes a set from another process; the feed judges whether it joins on."""
        tenant, change_set = ChangeSet.from_bytes(message)
        feed = self._feeds.get(tenant)
        if feed and change_set:
            feed.offer(change_set)

    def feeds(self) -> list[Feed]:
        """Every feed that runs here."""
        return list(self._feeds.values())

    async def _repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except (Unavailable, *PASSING) as error:
                logger.warning("The feed can't reach the database: {!r}", error)
            except Exception:  # the last line of defence
                logger.exception("The feeds can't be checked")
            await asyncio.sleep(CHECK_SECONDS)

    async def _listen(self) -> None:
        """Sees that a connection listens; one that does not answer is given up for another."""
        if self._connection and not self._connection.is_closed():
            try:
                await self._connection.execute("SELECT 1")
                return
            except TimeoutError:
                self._connection.terminate()
        self._connection = await asyncpg.connect(
            self._url,
            timeout=5,
            command_timeout=HEARTBEAT_SECONDS,
            server_settings={"application_name": "fieldbook feed"},
        )
        try:
            await self._connection.add_listener("contact_changes", self._on_change)
            await self._connection.add_listener("access_changes", self._on_access_notice)
            await self._connection.add_listener("job_changes", self._on_job_notice)
        except BaseException:
            # Half of it must not pass for one that listens.
            self._connection.terminate()
            raise
        # What was announced while nobody listened is looked up.
        for tenant in self._feeds:
            self._spawn(self._tell_access(tenant))
        self._on_deaf()

    async def _check(self) -> None:
        """Compares heads each second: a half-open LISTEN never errs, and never hears either."""
        if not self._feeds:
            return
        async with self._database.any_tenant(patience=HEARTBEAT_SECONDS) as connection:
            records = await connection.fetch(queries.sync.list_heads)
        for record in records:
            feed = self._feeds.get(record["tenant_id"])
            if feed:
                feed.compare(record["version"], record["epoch"])

    def _on_change(self, _connection: Any, _pid: int, _channel: str, payload: Any) -> None:
        tenant, _, version = str(payload).rpartition(" ")
        feed = self._feeds.get(tenant)
        if feed:
            # A moment later: a commit of this process offers its set meanwhile, and nothing
            # needs to be read.
            asyncio.get_running_loop().call_later(NOTICE_SECONDS, feed.notice, int(version))

    def _on_access_notice(self, _connection: Any, _pid: int, _channel: str, tenant: Any) -> None:
        self._spawn(self._tell_access(str(tenant)))

    def _on_job_notice(self, _connection: Any, _pid: int, _channel: str, payload: Any) -> None:
        tenant, _, job = str(payload).rpartition(" ")
        self._on_job(tenant, job)

    async def _tell_access(self, tenant: str) -> None:
        """Repeats until it was dealt with: a revoked key must not stay open for a lost query."""
        while True:
            try:
                await self._on_access(tenant)
                return
            except Unavailable:
                await asyncio.sleep(CHECK_SECONDS)

    def _spawn(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
