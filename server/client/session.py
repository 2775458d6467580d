"""What a signed-in device does on one connection: sends its queue, syncs, listens, pings."""

from __future__ import annotations

import asyncio
import gzip
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from loguru import logger

from server.client.connection import Connection, ConnectionLost
from server.client.queue import new_id
from server.client.sender import Sender
from server.client.wire import Limits, Payload, backoff_s, change_set_of, rfc3339
from server.errors import FieldbookError, Invalid, ResyncRequired, Unauthenticated

if TYPE_CHECKING:
    from server.client.client import DeviceClient

MISMATCH_RESYNC_MS = 3_600_000
# How long the live changes that a ping's answer tells of may take to arrive after it.
OVERTAKEN_S = 1.0


@dataclass
class RunningSync:
    """A `sync_request` under way; `progress` counts what arrived for it."""

    request_id: str
    finished: asyncio.Future[bool] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    progress: int = 0


class Session:
    """One connection of `device` from sign-in to its end."""

    def __init__(self, device: DeviceClient) -> None:
        self.device = device
        self.connection = Connection(
            device.url, self.hear, device.transports, device.answer_timeout_s
        )
        self.limits = Limits()
        self.epoch: str | None = None
        self.revoked: str | None = None
        self.retry_after_ms = 0
        self.opened = False
        self.ready = False
        self.sync_wanted = asyncio.Event()
        self.queued = asyncio.Event()
        self._running: RunningSync | None = None

    async def open(self) -> None:
        """Connect and sign in. Raises ConnectionLost or the server's refusal."""
        device = self.device
        auth: Payload = {
            **device.credentials,
            "device_id": device.device_id,
            "device": device.details,
            "clock": device.now(),
            "protocol": 1,
            "batch": device.batch,
        }
        answer = await self.connection.open(auth, device.sign_in)
        limits = answer.get("limits", {})
        self.limits = Limits(**{name: limits[name] for name in vars(Limits()) if name in limits})
        device.signed_in(answer)
        self.hear_epoch(answer["epoch"])
        self.opened = self.ready = True

    async def run(self) -> None:
        """Serve until the connection ends. Raises ConnectionLost or Unauthenticated."""
        # The queue goes first: what was not acknowledged is sent before all else.
        work = (Sender(self.device, self).run(), self._keep_synced(), self._keep_pinging())
        tasks = [asyncio.create_task(each) for each in (*work, self.connection.wait_ended())]
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            errors = [error for each in ended if (error := each.exception())]
            # Of several, the one that says more than that the connection is gone.
            raise min(errors, key=lambda error: isinstance(error, ConnectionLost))
        finally:
            self.ready = False
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.device.store.abort_sync()

    # Listening. These run in order of arrival and never await.

    def hear(self, event: str, payload: Payload) -> None:
        """Take an event from the server."""
        if self is not self.device.session:
            return
        if event == "changes":
            self._hear_live(payload)
        elif event == "sync_response":
            self._hear_page(payload)
        elif event == "sync_complete":
            self._hear_complete(payload)
        elif event == "sync_available":
            self.sync_wanted.set()
        elif event == "revoked":
            self.revoked = payload.get("reason")
        elif event == "draining":
            self.retry_after_ms = payload.get("retry_after_ms", 0)
        elif event.endswith(("_created", "_updated", "_deleted")):
            self._hear_live(change_set_of(event, payload))
        self.device.heard(event, payload)

    def _hear_live(self, change_set: Payload) -> None:
        self.device.counters.live_sets += 1
        if self.device.store.apply_live(change_set):
            self.device.counters.gaps += 1
            self.sync_wanted.set()

    def _hear_page(self, page: Payload) -> None:
        running = self._running
        if running is None or page.get("request_id") != running.request_id:
            return
        packed = page.pop("gzip", None)
        if packed is not None:
            page.update(orjson.loads(gzip.decompress(packed)))
        self.device.store.apply_page(page)
        running.progress += 1
        if page.get("has_more") and not self.device.stream and not running.finished.done():
            running.finished.set_result(False)

    def _hear_complete(self, answer: Payload) -> None:
        running = self._running
        if running is None or answer.get("request_id") != running.request_id:
            return
        counters, store = self.device.counters, self.device.store
        if store.syncing == "first":
            counters.first_syncs += 1
        else:
            counters.catch_ups += 1
        completion = store.complete(answer["version"], answer["epoch"], answer.get("checksum"))
        if completion.gap:
            counters.gaps += 1
            self.sync_wanted.set()
        self._hear_mismatch(completion.mismatch)
        if not running.finished.done():
            running.finished.set_result(store.syncing is None and not completion.gap)

    def hear_epoch(self, epoch: str) -> None:
        """The server named its epoch; on a new one, acknowledged mutations are sent again."""
        if self.epoch == epoch:
            return
        self.epoch = epoch
        if self.device.queue.new_epoch(epoch, self.device.now()):
            self.queued.set()

    def _hear_mismatch(self, mismatch: dict[str, Any]) -> None:
        if not mismatch:
            return
        device = self.device
        device.counters.mismatches += 1
        logger.error(
            "Device {} differs from the server at version {}: {}",
            device.device_id, device.store.cursor, mismatch,
        )  # fmt: skip
        last = device.mismatch_resynced_at
        if last is None or abs(device.now() - last) >= MISMATCH_RESYNC_MS:
            device.mismatch_resynced_at = device.now()
            device.store.begin_first_sync()
            self.sync_wanted.set()

    # Syncing

    async def _keep_synced(self) -> None:
        self.sync_wanted.set()
        while True:
            await self.sync_wanted.wait()
            self.sync_wanted.clear()
            ordinal = self.device.sync_started()
            if await self._sync():
                self.device.sync_finished(ordinal)

    async def _sync(self) -> bool:
        """Sync until it completes; False when something is still missing."""
        store, failures = self.device.store, 0
        while True:
            request = store.begin_sync()
            try:
                return await self._request_pages(request)
            except ResyncRequired as error:
                self.device.counters.resyncs += 1
                store.begin_first_sync()
                if error.details.get("epoch"):
                    self.hear_epoch(error.details["epoch"])
            except FieldbookError as error:
                if isinstance(error, Unauthenticated):
                    raise
                if isinstance(error, Invalid) and "resume" in request:
                    store.forget_resume()
                    continue
                self.device.last_error = error
                failures += 1
                refusal = {"error": error.to_wire()}
                await asyncio.sleep(backoff_s(failures, [refusal], self.device.longest_wait_s))

    async def _request_pages(self, request: Payload) -> bool:
        """Ask for pages until `sync_complete`; one page at a time when not streaming."""
        device = self.device
        while True:
            running = self._running = RunningSync(new_id())
            asked = {**request, "request_id": running.request_id, "stream": device.stream}
            if device.compress:
                asked["compress"] = "gzip"
            if device.page_limit:
                asked["limit"] = device.page_limit
            await self.connection.call("sync_request", asked)
            await self._wait_for(running)
            self._running = None
            if device.store.syncing is None or running.finished.result() or device.stream:
                return running.finished.result()
            request = device.store.begin_sync()

    async def _wait_for(self, running: RunningSync) -> None:
        seen = -1
        while not running.finished.done():
            if running.progress == seen:
                self.connection.cut()
                raise ConnectionLost("The pages of a sync stopped coming.")
            seen = running.progress
            await asyncio.wait([running.finished], timeout=self.device.answer_timeout_s)

    # Pinging

    async def _keep_pinging(self) -> None:
        await asyncio.sleep(min(1.0, self.limits.ping_s) * random.uniform(0.5, 1))
        while True:
            wait_s = self.limits.ping_s * random.uniform(0.8, 1)
            try:
                await self.ping()
            except Unauthenticated:
                raise
            except FieldbookError as error:
                # The database is away, say: what a ping would have told is asked for again soon.
                self.device.last_error = error
                wait_s = min(wait_s, backoff_s(0, [{"error": error.to_wire()}]) + OVERTAKEN_S)
            await asyncio.sleep(wait_s)

    async def ping(self) -> Payload:
        """Tell the server how the device is, and see whether something was missed."""
        device, store = self.device, self.device.store
        queue: Payload = {"size": len(device.queue)}
        if device.queue.oldest_at is not None:
            queue["oldest_at"] = rfc3339(device.queue.oldest_at)
        answer = await self.connection.call("ping", {
            "clock": device.now(), "cursor": store.cursor, "queue": queue, **device.condition,
        })  # fmt: skip
        self.hear_epoch(answer["epoch"])
        if answer["epoch"] != store.epoch:
            self.sync_wanted.set()
            return answer
        if "checksum" in answer:
            self._hear_mismatch(store.compare(answer["version"], answer["checksum"]))
        # The answer may have overtaken the live changes that it tells of.
        asyncio.get_running_loop().call_later(OVERTAKEN_S, self._sync_if_behind, answer["version"])
        return answer

    def _sync_if_behind(self, version: int) -> None:
        store = self.device.store
        if self.ready and store.syncing is None and store.cursor < version:
            self.device.counters.gaps += 1
            self.sync_wanted.set()
