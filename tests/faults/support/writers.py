"""Devices that write through trouble, and whoever asks meanwhile: what each was answered."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import asyncpg
from nanoid import generate

from tests.faults.support.stack import ADMIN_KEY, ServerProcess
from tests.integration.support.devices import Device, Refused
from tests.waiting import until

ANSWERED_SECONDS = 18.0
"""Ten and a bit on a quiet machine."""
SECONDS = 60.0
RETRY_SECONDS = 0.2
Payload = dict[str, Any]


@dataclass
class Answers:
    """What was answered, by kind: `ok`, or an error's code; and the seconds that each took."""

    counts: Counter[str] = field(default_factory=Counter)
    took: list[float] = field(default_factory=list)

    @property
    def slowest(self) -> float:
        return max(self.took, default=0.0)

    def note(self, answer: Payload, began: float) -> None:
        """An ack, which is right or `unavailable` and says when to come again."""
        self.took.append(time.monotonic() - began)
        if answer["ok"]:
            self.counts["ok"] += 1
            return
        error = answer["error"]
        assert error["code"] == "unavailable", error
        assert error["retry_after_ms"] > 0, error
        self.counts["unavailable"] += 1


class Writer:
    """A device that makes contacts, one after the other; each is sent until it is `ok`."""

    def __init__(self, server: ServerProcess) -> None:
        self.device = Device(server)  # type: ignore[arg-type]
        self.answers = Answers()
        self.stored: dict[str, str] = {}
        self.statuses: Counter[str] = Counter()
        self.notes = ""

    async def start(self) -> Writer:
        await self.device.connect()
        answer = await sign_in(self.device)
        assert answer["ok"], answer
        return self

    async def write(self) -> Payload:
        """Sends one contact until it is stored; gives its last answer."""
        contact_id, mutation_id = generate(), generate()
        contact = {"id": contact_id, "first_name": "Ann", "notes": self.notes}
        payload = {"mutation_id": mutation_id, "contact": contact}
        while True:
            began = time.monotonic()
            answer = await self.device.call("contact_create", payload)
            self.answers.note(answer, began)
            if answer["ok"]:
                self.stored[contact_id] = mutation_id
                self.statuses[answer["status"]] += 1
                return answer
            await asyncio.sleep(RETRY_SECONDS)

    async def write_until(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self.write()
            await asyncio.sleep(0.01)


class Asker:
    """Whoever reads meanwhile, in every way there is: sync, ping, REST, and signing in anew."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self.device = Device(server)  # type: ignore[arg-type]
        self.answers: dict[str, Answers] = {}

    async def start(self) -> Asker:
        await self.device.connect()
        answer = await sign_in(self.device)
        assert answer["ok"], answer
        return self

    async def ask(self) -> dict[str, bool]:
        """Asks once, all ways at a time; whether each was `ok`."""
        ways = {
            "ping": self.device.call("ping", {}),
            "sync_request": self.device.call("sync_request", {"since": 0, "limit": 1}),
            "auth": self._sign_in_by_event(),
            "CONNECT": self._sign_in_at_connect(),
            "GET": self._get(),
        }
        given = await asyncio.gather(*(self._timed(way, ask) for way, ask in ways.items()))
        return dict(zip(ways, given, strict=True))

    async def _timed(self, way: str, ask: Any) -> bool:
        began = time.monotonic()
        answer = await ask
        self.answers.setdefault(way, Answers()).note(answer, began)
        return bool(answer["ok"])

    async def _sign_in_by_event(self) -> Payload:
        device = await Device(self.server).connect()  # type: ignore[arg-type]
        try:
            return await sign_in(device)
        finally:
            await device.close()

    async def _sign_in_at_connect(self) -> Payload:
        device = Device(self.server)  # type: ignore[arg-type]
        try:
            await device.connect({"api_key": ADMIN_KEY, "device_id": device.id})
        except Refused as refused:
            answer: Payload = refused.payload["data"]
            return answer
        await device.close()
        return {"ok": True}

    async def _get(self) -> Payload:
        headers = {"X-API-Key": ADMIN_KEY}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.get(f"{self.server.url}/api/contacts?limit=1") as response,
        ):
            body = await response.json()
            if response.status == 200:
                return {"ok": True}
            assert response.status == 503, body
            assert int(response.headers["Retry-After"]) > 0
            return {"ok": False, "error": body}

    async def ask_until(self, ended: asyncio.Event) -> None:
        while not ended.is_set():
            await self.ask()
            await asyncio.sleep(0.1)

    @property
    def slowest(self) -> float:
        return max(each.slowest for each in self.answers.values())

    @property
    def usual(self) -> float:
        """The median of each way's seconds, of the slowest way."""
        return max(statistics.median(each.took) for each in self.answers.values())


async def sign_in(device: Device) -> Payload:
    """Sends `auth` with the admin's key."""
    return await device.call("auth", {"api_key": ADMIN_KEY, "device_id": device.id})


@dataclass
class Load:
    """Writers and an asker on one server, all at work until the block ends."""

    writers: list[Writer]
    asker: Asker

    @property
    def unavailable(self) -> int:
        return sum(writer.answers.counts["unavailable"] for writer in self.writers)

    @property
    def stored(self) -> dict[str, str]:
        return {row: each for writer in self.writers for row, each in writer.stored.items()}

    async def until_refused(self) -> None:
        """Waits until each writer has been refused anew."""
        await self._until("unavailable")

    async def until_stored(self, *, times: int = 1) -> None:
        """Waits until each writer has stored so many contacts more."""
        await self._until("ok", times)

    async def _until(self, kind: str, times: int = 1) -> None:
        wanted = [(each.answers.counts, each.answers.counts[kind] + times) for each in self.writers]
        await until(lambda: all(counts[kind] >= count for counts, count in wanted), SECONDS)

    def report(self, what: str) -> None:
        slowest = max(writer.answers.slowest for writer in self.writers)
        print(
            f"{what}: {len(self.stored)} stored, {self.unavailable} times unavailable, writes at "
            f"most {slowest:.1f} s, reads at most {self.asker.slowest:.1f} s"
        )


@asynccontextmanager
async def load_on(
    server: ServerProcess, *, writers: int = 5, notes: str = ""
) -> AsyncIterator[Load]:
    """Has writers and an asker at work; in the end each answered in time, on the same socket."""
    load = Load([await Writer(server).start() for _ in range(writers)], await Asker(server).start())
    ended = asyncio.Event()
    for writer in load.writers:
        writer.notes = notes
    async with asyncio.TaskGroup() as tasks:
        for writer in load.writers:
            tasks.create_task(writer.write_until(ended))
        tasks.create_task(load.asker.ask_until(ended))
        await load.until_stored(times=10)
        yield load
        ended.set()
    devices = [each.device for each in load.writers] + [load.asker.device]
    for device in devices:
        assert not device.disconnected.is_set()
        assert device.faults == []
    slowest = max(load.asker.slowest, *(writer.answers.slowest for writer in load.writers))
    assert slowest < ANSWERED_SECONDS
    # Nobody was signed out.
    for device in devices:
        assert (await device.call("ping", {}))["ok"]
        await device.close()


async def check_stored_once(database_url: str, stored: dict[str, str]) -> None:
    """Each contact is there, made once, by its mutation, which the ledger has; and no others."""
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch("SELECT id FROM contacts")
        assert {row["id"] for row in rows} == stored.keys()
        made = await connection.fetch(
            "SELECT entity_id, mutation_id FROM audit_log WHERE entity = 'contact'"
        )
        assert sorted((row["entity_id"], row["mutation_id"]) for row in made) == sorted(
            stored.items()
        )
        ledger = await connection.fetch("SELECT mutation_id, entity_id FROM mutations")
        assert {row["entity_id"]: row["mutation_id"] for row in ledger} == stored
    finally:
        await connection.close()


async def check_connections_are_free(server: ServerProcess, database_url: str) -> None:
    """The pool gives more connections at once than it could if some had leaked.

    It asks until that is so: one whose end the server has not read yet may be among them.
    """
    headers = {"X-API-Key": ADMIN_KEY}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def all_are_answered() -> bool:
            statuses = await asyncio.gather(*(_status(session, server) for _ in range(48)))
            return set(statuses) == {200}

        await until(all_are_answered, SECONDS)
    connection = await asyncpg.connect(database_url)

    async def none_is_held() -> bool:
        record = await connection.fetchrow(
            "SELECT count(*), count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS held"
            " FROM pg_stat_activity WHERE application_name LIKE 'fieldbook%'"
            " AND datname = current_database()"
        )
        # The pool's 16, those of the jobs, and the three that listen.
        return record["held"] == 0 and record["count"] <= 16 + 6 + 3

    try:
        # For less than Postgres lets anybody hold one.
        await until(none_is_held, 20)
    finally:
        await connection.close()


async def _status(session: aiohttp.ClientSession, server: ServerProcess) -> int:
    async with session.get(f"{server.url}/api/contacts?limit=1") as response:
        return response.status
