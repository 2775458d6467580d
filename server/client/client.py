"""`DeviceClient`: a device that syncs. The reference for clients in other languages.

    client = DeviceClient("http://127.0.0.1:3000", api_key)
    await client.connect()
    await client.sync()
    ack = await client.create("contact", {"first_name": "Ann"})

Edits are enqueued at once, online or not, show at once in `rows`, and are sent in order.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from server.client.connection import ConnectionLost, SignIn
from server.client.counters import Counters
from server.client.queue import TRANSIENT_CODES, Mutation, OfflineQueue, new_id
from server.client.replica import Row
from server.client.session import Session
from server.client.store import Keep, Store
from server.client.wire import MAX_BACKOFF_S, Ack, Payload, jittered, plural_of
from server.errors import FieldbookError, Forbidden, Unauthenticated


def device_clock() -> int:
    """Epoch milliseconds by this machine's clock."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, eq=False)
class Write:
    """A write under way: awaiting it gives its ack, an error's too, once it is settled."""

    mutation: Mutation
    outcome: asyncio.Future[Ack]

    @property
    def id(self) -> str:
        """The id of the row that it writes."""
        return self.mutation.row_id

    def __await__(self) -> Generator[Any, None, Ack]:
        return self.outcome.__await__()


class DeviceClient:
    """One device: its rows in `store`, its unsent edits in `queue`, its counts in `counters`.

    `sign_in`: "connect" puts `auth` into CONNECT, "event" sends it as an event. `clock` gives
    the device's epoch milliseconds. `condition` is what pings tell besides: battery, network,
    app_version. `reconnect_s` is the first wait after a lost connection, None for never again;
    `longest_wait_s` is the longest between two tries, to connect or to be heard.
    `on_event(event, payload)` hears every event after it was applied.
    """

    def __init__(
        self,
        url: str,
        api_key: str | None = None,
        device_id: str | None = None,
        *,
        token: str | None = None,
        batch: bool = True,
        transports: Sequence[str] = ("websocket",),
        sign_in: SignIn = "connect",
        stream: bool = True,
        compress: bool = False,
        page_limit: int | None = None,
        details: Mapping[str, str] | None = None,
        answer_timeout_s: float = 20.0,
        reconnect_s: float | None = 0.5,
        longest_wait_s: float = MAX_BACKOFF_S,
        clock: Callable[[], int] = device_clock,
        keep: Keep | None = None,
        on_event: Callable[[str, Payload], None] | None = None,
    ) -> None:
        self.url = url
        self.credentials: Payload = {"token": token} if token else {"api_key": api_key}
        # Made here, not by the server: were the first answer lost, the next sign-in would be
        # another device, and what was sent would not be known again.
        self.device_id = device_id or new_id()
        self.batch = batch
        self.transports = transports
        self.sign_in: SignIn = sign_in
        self.stream = stream
        self.compress = compress
        self.page_limit = page_limit
        self.details: Payload = dict(details or {})
        self.answer_timeout_s = answer_timeout_s
        self.reconnect_s = reconnect_s
        self.longest_wait_s = longest_wait_s
        self.now = clock
        self.on_event = on_event
        self.condition: Payload = {}
        self.store = Store(keep)
        self.queue = OfflineQueue()
        self.counters = Counters()
        self.agent: Payload | None = None
        self.tenant: str | None = None
        self.session: Session | None = None
        self.refused: FieldbookError | None = None
        self.last_error: Exception | None = None
        self.mismatch_resynced_at: int | None = None
        self._wanted = False
        self._came_online = False
        self._runner: asyncio.Task[None] | None = None
        self._outcomes: dict[str, asyncio.Future[Ack]] = {}
        self._changed = asyncio.Event()
        self._syncs_started = 0
        self._sync_finished = 0

    # Coming and going

    @property
    def online(self) -> bool:
        """Whether it is signed in on a living connection."""
        return self.session is not None and self.session.ready and not self.session.connection.ended

    async def connect(self, timeout_s: float | None = None) -> None:
        """Come online and stay so, reconnecting by itself; returns when signed in.

        Raises what the server refuses the sign-in with, TimeoutError (it then goes on trying),
        or, when it is not to reconnect, ConnectionLost.
        """
        if self._runner is None or self._runner.done():
            self.refused = None
            self._wanted = True
            self._runner = asyncio.create_task(self._stay_connected())
            self._runner.add_done_callback(lambda _: self._notify())
        await self.wait_until(lambda: self.online, timeout_s)

    async def disconnect(self) -> None:
        """Say goodbye and stay offline until `connect`. Edits made meanwhile are kept."""
        self._wanted = False
        if self.session is not None:
            await self.session.connection.close()
        await self._stop()

    async def cut(self) -> None:
        """Lose the connection without a word, as in a tunnel; stays offline until `connect`."""
        self._wanted = False
        if self.session is not None:
            self.session.connection.cut()
        await self._stop()

    async def _stop(self) -> None:
        runner, self._runner = self._runner, None
        if runner is None:
            return
        runner.cancel()
        await asyncio.wait([runner])
        if not runner.cancelled() and (error := runner.exception()):
            raise error

    async def _stay_connected(self) -> None:
        failures = 0
        while self._stays():
            session = self.session = Session(self)
            try:
                await self._live(session)
            finally:
                session.connection.cut()
                await session.connection.wait_closed()
                self.session = None
                self._notify()
            self._heed(session)
            if self.reconnect_s is None or not self._stays():
                return
            failures = 0 if session.opened else failures + 1
            backoff_s = min(self.longest_wait_s, self.reconnect_s * 2 ** min(failures, 10))
            asked_s = session.retry_after_ms / 1000
            await asyncio.sleep(jittered(asked_s) + backoff_s * random.uniform(0.2, 1))

    def _stays(self) -> bool:
        return self._wanted and self.refused is None

    async def _live(self, session: Session) -> None:
        """Sign in and serve until the connection ends, for whatever reason."""
        try:
            try:
                await session.open()
            except FieldbookError as error:
                self._sign_in_refused(session, error)
                return
            self.counters.reconnects += self._came_online
            self._came_online = True
            self._notify()
            await session.run()
        except (ConnectionLost, Unauthenticated) as error:
            self.last_error = error

    def _sign_in_refused(self, session: Session, error: FieldbookError) -> None:
        self.last_error = error
        if error.code in TRANSIENT_CODES - {Unauthenticated.code}:
            session.retry_after_ms = error.retry_after_ms or 0
            return
        self.refused = error
        if error.details.get("reason") == "device_revoked":
            self.wipe()

    def _heed(self, session: Session) -> None:
        """Act on `revoked`: only `expired` is worth signing in again."""
        if session.revoked == "device_revoked":
            self.wipe()
            self.refused = Forbidden("This device was revoked. Its rows are wiped.")
        elif session.revoked not in (None, "expired"):
            self.refused = Unauthenticated(f"Signed out by the server: {session.revoked}.")

    def wipe(self) -> None:
        """Forget all rows and unsent edits, and be another device from now on."""
        self.store.wipe()
        self.queue.wipe()
        self.device_id = new_id()
        for outcome in self._outcomes.values():
            outcome.cancel()
        self._outcomes = {}

    # Writing

    def create(self, entity: str, content: Mapping[str, Any], row_id: str | None = None) -> Write:
        """Make a row of `entity` ("contact", "tag", …); its id is made here when not given."""
        return self._write(entity, "create", row_id or new_id(), content)

    def update(self, entity: str, row_id: str, changes: Mapping[str, Any]) -> Write:
        """Change fields of a row; null clears one."""
        return self._write(entity, "update", row_id, changes)

    def delete(self, entity: str, row_id: str) -> Write:
        """Delete a row."""
        return self._write(entity, "delete", row_id, {})

    def restore(self, entity: str, row_id: str) -> Write:
        """Bring a deleted row back."""
        return self._write(entity, "restore", row_id, {})

    def _write(
        self,
        entity: str,
        action: Literal["create", "update", "delete", "restore"],
        row_id: str,
        content: Mapping[str, Any],
    ) -> Write:
        held = self.store.row(plural_of(entity), row_id)
        mutation = self.queue.add(
            entity, action, content, row_id=row_id, now=self.now(),
            base_version=held["version"] if held else None,
        )  # fmt: skip
        outcome = asyncio.get_running_loop().create_future()
        self._outcomes[mutation.mutation_id] = outcome
        self.counters.writes += 1
        if self.session is not None:
            self.session.queued.set()
        self._notify()
        return Write(mutation, outcome)

    # Reading

    def row(self, entity: str, row_id: str) -> Row | None:
        """A row as the user sees it: the server's, with unsent edits over it."""
        return self.queue.overlay(entity, row_id, self.store.row(plural_of(entity), row_id))

    def rows(self, entity: str) -> Iterator[Row]:
        """All rows of an entity as the user sees them."""
        laid = self.queue.laid_over(entity)
        for row in self.store.rows(plural_of(entity)):
            if row["id"] not in laid:
                yield row
        for row_id in laid:
            row_now = self.row(entity, row_id)
            if row_now is not None:
                yield row_now

    # Syncing

    async def sync(self, timeout_s: float | None = None) -> None:
        """Sync now; returns when a sync that began after this call has completed."""
        target = self._syncs_started
        if self.session is not None:
            self.session.sync_wanted.set()
        await self.wait_until(lambda: self._sync_finished > target, timeout_s)

    async def ping(self) -> Payload:
        """Ping the server now; gives its answer. Raises ConnectionLost when offline."""
        if self.session is None or not self.online:
            raise ConnectionLost("The device is offline.")
        return await self.session.ping()

    async def settle(self, timeout_s: float | None = None) -> None:
        """Wait until it is online, its queue is empty and a sync has completed since."""
        await self.wait_until(lambda: self.online and len(self.queue) == 0, timeout_s)
        await self.sync(timeout_s)

    async def wait_until(
        self, condition: Callable[[], bool], timeout_s: float | None = None
    ) -> None:
        """Wait until `condition` holds; it is looked at after whatever happens to the device.

        Raises TimeoutError, and what ended the connection when it does not come back.
        """
        async with asyncio.timeout(timeout_s):
            while not condition():
                self._raise_failure()
                await self._changed.wait()

    def _raise_failure(self) -> None:
        if self._runner is not None and self._runner.done():
            if not self._runner.cancelled() and (error := self._runner.exception()):
                raise error
            raise self.refused or self.last_error or ConnectionLost("The device is offline.")

    def _notify(self) -> None:
        # Whoever waits holds the old event, wakes, looks, and waits for the new one.
        self._changed.set()
        self._changed = asyncio.Event()

    # What the session tells

    def signed_in(self, answer: Payload) -> None:
        """Take what `auth` answered. Rows of another tenant are dropped."""
        if self.tenant not in (None, answer["tenant"]):
            self.store.wipe()
        self.tenant = answer["tenant"]
        self.agent = answer["agent"]
        self.queue.sign_in(answer["agent"]["id"])

    def heard(self, event: str, payload: Payload) -> None:
        """An event was applied."""
        self.queue.seen(self.store.cursor, self.store.epoch)
        if self.on_event is not None:
            self.on_event(event, payload)
        self._notify()

    def sync_started(self) -> int:
        """A sync begins; gives its ordinal."""
        self._syncs_started += 1
        return self._syncs_started

    def sync_finished(self, ordinal: int) -> None:
        """The sync of that ordinal is complete."""
        self._sync_finished = ordinal
        self._notify()

    def settled(self, mutation: Mutation, ack: Ack, took_ms: float) -> bool:
        """An answer came; False when it leaves the mutation waiting."""
        if self.queue.settle(mutation.mutation_id, ack, self.now()) is None:
            return False
        self.counters.acks += 1
        self.counters.latencies_ms.append(took_ms)
        self.counters.refused += mutation.state == "refused"
        self.counters.duplicates += mutation.status == "duplicate"
        self.counters.conflicts += len(ack.get("conflicts", ()))
        self.queue.seen(self.store.cursor, self.store.epoch)
        outcome = self._outcomes.pop(mutation.mutation_id, None)
        if outcome is not None and not outcome.done():
            outcome.set_result(ack)
        self._notify()
        return True

    # Keeping it

    def dump(self) -> Payload:
        """Everything that outlives the app, as one JSON object, for `load`."""
        return {
            "device_id": self.device_id,
            "tenant": self.tenant,
            "agent": self.agent,
            "mismatch_resynced_at": self.mismatch_resynced_at,
            "store": self.store.dump(),
            "queue": self.queue.dump(),
        }

    def load(self, dumped: Payload) -> None:
        """Take over what `dump` gave, before `connect`."""
        self.device_id = dumped["device_id"]
        self.tenant = dumped["tenant"]
        self.agent = dumped["agent"]
        self.mismatch_resynced_at = dumped["mismatch_resynced_at"]
        self.store.load(dumped["store"])
        self.queue.load(dumped["queue"])
        self.queue.seen(self.store.cursor, self.store.epoch)
