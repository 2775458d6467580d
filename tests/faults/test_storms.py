"""A restart, after which everybody comes back at once; and how a planned stop says goodbye."""

from __future__ import annotations

import asyncio
import json
import resource
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

import asyncpg
import pytest
from nanoid import generate

from server.client.client import DeviceClient
from tests.bench.client import Device
from tests.bench.seed import TENANT, contact_id, seed_contacts
from tests.faults.conftest import StartServer
from tests.faults.support.fleet import Fleet
from tests.faults.support.measures import MIB, connects_dropped, read_metrics, watched
from tests.faults.support.patient_server import COMMAND as PATIENT
from tests.faults.support.stack import ADMIN_KEY, ServerProcess
from tests.waiting import until

DEVICES = 1_000
FLEETS = 2
BEHIND = 100
WRITERS = 50
PATIENCE = 60


@pytest.fixture
async def fleets() -> AsyncIterator[list[Fleet]]:
    started = [await Fleet.start() for _ in range(FLEETS)]
    yield started
    await asyncio.gather(*(fleet.end() for fleet in started))


@contextmanager
def file_limit(files: int) -> Iterator[None]:
    """What is started meanwhile may open so many files, unless it asks for more itself."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def change_contacts(url: str, count: int) -> int:
    """So many changes, each a transaction of its own, by SQL; gives the head after them."""
    connection = await asyncpg.connect(url)
    await connection.execute("SELECT set_config('app.tenant', $1, false)", TENANT)
    for number in range(count):
        await connection.execute(
            "UPDATE contacts SET job_title = 'Storm ' || $3 WHERE tenant_id = $1 AND id = $2",
            *(TENANT, contact_id(number), str(number)),
        )
    head: int = await connection.fetchval(
        "SELECT version FROM global_version WHERE tenant_id = $1", TENANT
    )
    await connection.close()
    return head


def process_id(server: ServerProcess) -> int:
    assert server.process is not None
    return server.process.pid


async def test_a_thousand_devices_that_come_back_at_once_all_become_current(
    make_server: StartServer, fault_database_url: str, fleets: list[Fleet]
) -> None:
    connection = await asyncpg.connect(fault_database_url)
    await seed_contacts(connection, 2 * BEHIND)
    await connection.close()
    server = make_server(LOG_LEVEL="WARNING")
    server.command = PATIENT
    # What a login, or a service of systemd, may open.
    with file_limit(1_024):
        await server.start()
    share = DEVICES // FLEETS
    await asyncio.gather(
        *(
            fleet.do("connect", port=server.port, count=share, name=f"fleet-{number}")
            for number, fleet in enumerate(fleets)
        )
    )
    await asyncio.sleep(3)
    async with watched(process_id(server)) as steady:
        await asyncio.sleep(2)

    # The planned stop: each device hears when to come back, then its socket closes.
    server.send(signal.SIGTERM)
    goodbyes = await asyncio.gather(*(fleet.do("wait_closed") for fleet in fleets))
    await server.end(patience=PATIENCE)
    waits = [wait for goodbye in goodbyes for wait in goodbye["draining"]]
    assert all(len(wait) == 1 for wait in waits), "a device was not told, or twice"
    assert {code for goodbye in goodbyes for code in goodbye["codes"]} == {1001}
    assert len({wait[0] for wait in waits}) > DEVICES / 2, "they would come back together"

    head = await change_contacts(fault_database_url, BEHIND)
    with file_limit(1_024):
        await server.start()
    # The worst case: nobody waits as long as it was told.
    dropped = connects_dropped()
    async with watched(process_id(server)) as storm:
        began = time.perf_counter()
        answers = await asyncio.gather(*(fleet.do("storm", port=server.port) for fleet in fleets))
        took = time.perf_counter() - began
        errors = [error for answer in answers for error in answer["errors"]]
        seconds = sorted(each for answer in answers for each in answer["seconds"])
        await asyncio.sleep(1)
    after = storm.memory
    print(
        f"\n{DEVICES} devices, {BEHIND} behind: last current after {took:.2f} s"
        f" (median {median(seconds or [0]):.2f}), server {storm.cpu_seconds:.2f} CPU s,"
        f" memory steady {steady.peak / MIB:.0f} MiB, peak {storm.peak / MIB:.0f} MiB,"
        f" after {after / MIB:.0f} MiB; refused {len(errors)}"
    )
    assert not errors, errors[:3]
    # A dropped attempt is not refused, but made again after seconds.
    assert connects_dropped() == dropped, "some found no place to wait in"
    assert {cursor for answer in answers for cursor in answer["cursors"]} == {head}
    assert {rows for answer in answers for rows in answer["rows"]} == {BEHIND}
    assert storm.peak < 2 * steady.peak
    said = server.log.read_text()
    assert "ERROR" not in said
    # A Redis that stood still for a second is no harm.
    assert said.count("WARNING") == said.count("WARNING Going on without Redis"), said[-2_000:]


# Slower at first, so that all have come before many are signed in.
SLOW_DEVICES = """
CREATE TABLE slowness AS SELECT 2.0 AS seconds;
GRANT SELECT ON slowness TO PUBLIC;
CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN PERFORM pg_sleep(seconds) FROM slowness; RETURN NEW; END $$;
CREATE TRIGGER be_slow BEFORE INSERT ON devices FOR EACH ROW EXECUTE FUNCTION be_slow();
"""


async def test_sign_ins_wait_in_a_queue_and_none_is_refused_while_the_database_is_slow(
    make_server: StartServer, fault_database_url: str, fleets: list[Fleet]
) -> None:
    connection = await asyncpg.connect(fault_database_url)
    await connection.execute(SLOW_DEVICES)
    server = make_server(LOG_LEVEL="WARNING")
    await server.start()
    fleet = fleets[0]
    await fleet.do("prepare", count=700, name="slow")
    storm = asyncio.create_task(fleet.do("storm", port=server.port))

    async def all_have_come() -> bool:
        return (await read_metrics(server.url))["fieldbook_engine_sockets"] >= 700

    await until(all_have_come, PATIENCE)
    # They sign in as soon as they are connected.
    await asyncio.sleep(1)
    # Behind them all: who signs in by the event, and has 10 s for it.
    by_event = [
        DeviceClient(
            server.url, ADMIN_KEY, sign_in="event", reconnect_s=None, answer_timeout_s=PATIENCE
        )
        for _ in range(5)
    ]
    await connection.execute("UPDATE slowness SET seconds = 0.15")
    began = time.perf_counter()
    await asyncio.gather(*(device.connect(PATIENCE) for device in by_event))
    waited = time.perf_counter() - began
    answer = await storm
    await asyncio.gather(*(device.disconnect() for device in by_event))
    await connection.close()
    print(f"\n700 devices signed in within {max(answer['seconds']):.1f} s; by event {waited:.1f} s")
    assert not answer["errors"], (len(answer["errors"]), answer["errors"][:3])
    assert max(answer["seconds"]) > 10, "they did not have to wait, so nothing is proven"
    assert waited > 10, "it did not have to wait as long as a silent socket may stay open"


@dataclass
class Writer:
    """A device that writes without pause, several writes at once; notes what became of each."""

    number: int
    size: int
    device: Device | None = None
    told: bool = False
    stopping: bool = False
    sent: dict[str, str] = field(default_factory=dict)
    acked: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    late: set[str] = field(default_factory=set)

    async def come(self, port: int) -> None:
        self.device = await Device.connect(
            self._hear, f"writer-device-{self.number}", port=port, api_key=ADMIN_KEY
        )

    def _hear(self, packet: bytes) -> None:
        self.told = self.told or packet.startswith(b'2["draining"')

    async def write_until_closed(self) -> None:
        await asyncio.gather(*(self._write_on() for _ in range(2)), return_exceptions=True)

    async def _write_on(self) -> None:
        assert self.device is not None
        while not self.device.socket.closed.done():
            push = [self._mutation() for _ in range(self.size)]
            await self.send(push, late=self.stopping)

    def _mutation(self) -> str:
        mutation_id = generate(size=21)
        self.sent[mutation_id] = json.dumps(
            {
                "op": "contact_create",
                "mutation_id": mutation_id,
                "contact": {"first_name": f"Ann {len(self.sent)}", "external_id": mutation_id},
            }
        )
        return mutation_id

    async def send(self, push: list[str], *, late: bool) -> None:
        """Sends mutations; one whose answer does not come stays among the unanswered."""
        assert self.device is not None
        if late:
            self.late.update(push)
        mutations = ",".join(self.sent[each] for each in push)
        ack = json.loads(await self.device.call("sync_push", f'{{"mutations":[{mutations}]}}'))
        if not ack["ok"]:
            assert ack["error"]["code"] == "unavailable", ack
            self.refused.update(push)
            return
        for mutation_id, result in zip(push, ack["results"], strict=True):
            assert result["ok"], result
            self.acked.add(mutation_id)

    @property
    def unanswered(self) -> set[str]:
        return self.sent.keys() - self.acked - self.refused


async def test_writes_under_way_at_a_planned_stop_are_answered_and_none_is_applied_twice(
    make_server: StartServer, fault_database_url: str
) -> None:
    server = make_server()
    server.command = PATIENT
    await server.start()
    # Most write one at a time, some send their offline queues.
    writers = [Writer(number, 1 if number % 5 else 20) for number in range(WRITERS)]
    await asyncio.gather(*(writer.come(server.port) for writer in writers))
    writing = [asyncio.create_task(writer.write_until_closed()) for writer in writers]
    await asyncio.sleep(2)
    began = time.perf_counter()
    for writer in writers:
        writer.stopping = True
    server.send(signal.SIGTERM)
    await asyncio.wait(writing, timeout=PATIENCE)
    took = time.perf_counter() - began
    assert all(task.done() for task in writing)
    await server.end(patience=PATIENCE)
    acked, unanswered, refused, late = (
        {each for writer in writers for each in getattr(writer, name)}
        for name in ("acked", "unanswered", "refused", "late")
    )
    codes = {writer.device.socket.closed.result() for writer in writers if writer.device}
    print(
        f"\n{len(acked)} writes were acked, {len(refused)} refused as unavailable, "
        f"{len(unanswered)} unanswered ({len(unanswered - late)} of them sent before SIGTERM); "
        f"closed {took:.2f} s after it with {codes}"
    )
    assert all(writer.told for writer in writers)
    assert codes == {1001}
    assert not unanswered - late, "under way at the stop, and never answered"

    connection = await asyncpg.connect(fault_database_url)
    stored = await applied_mutations(connection)
    assert acked <= stored.keys(), "an ack lied"
    await server.start()
    for writer in writers:
        await writer.come(server.port)
        again = [each for each in writer.sent if each not in writer.acked]
        if again:
            await writer.send(again, late=False)
        assert writer.acked == writer.sent.keys()
    stored = await applied_mutations(connection)
    await connection.close()
    assert stored.keys() == {each for writer in writers for each in writer.sent}
    assert set(stored.values()) == {1}, "a write was applied twice"


async def applied_mutations(connection: asyncpg.Connection) -> Counter[str]:
    """How many contacts each mutation made: its id is their `external_id`."""
    records = await connection.fetch("SELECT external_id FROM contacts")
    return Counter(record["external_id"] for record in records)
