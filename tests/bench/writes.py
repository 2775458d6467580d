"""Fifty devices that write, each again as soon as its last write is durable."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable, Coroutine
from typing import Any

from nanoid import generate

from server.db.pool import Database
from server.db.queries import queries
from server.errors import Unavailable
from tests.bench.client import Device, was_done
from tests.bench.report import Row, Samples
from tests.bench.seed import TENANT, contact_id
from tests.bench.stack import Meter, Stack

DEVICES = 50
WARM_UP_SECONDS = 1.0

# The devices' edit past the server, with the same triggers: no merging, no ledger.
UPDATE = """
UPDATE contacts AS c
SET notes = asked.notes, written_in = pg_current_xact_id(), written_origin = 'job'
FROM unnest($2::text[], $3::text[]) AS asked (id, notes)
WHERE c.tenant_id = $1 AND c.id = asked.id
"""

Work = Callable[[], Coroutine[Any, Any, int]]


async def measure_writes(stack: Stack, meter: Meter, contacts: int, seconds: float) -> list[Row]:
    """Each device edits one contact after another, and all of them hear of every edit.

    An edit of the notes is what follows a visit; one of the company also moves what search
    looks through.
    """
    one_by_one = await writes_a_second(stack, 1, DEVICES, contacts, seconds / 2)
    grouped = await writes_a_second(stack, DEVICES, 1, contacts, seconds / 2)
    rows: list[Row] = []
    for field in ("notes", "company"):
        rows += await measure_edits(stack, meter, field, contacts, seconds, grouped)
    rows.append(
        Row(
            "no server: one UPDATE a commit, writes/s",
            f"{one_by_one:,.0f}",
            f"{grouped:,.0f} UPDATE of {DEVICES} a commit",
            grouped / one_by_one,
        )
    )
    return rows


async def measure_edits(
    stack: Stack, meter: Meter, field: str, contacts: int, seconds: float, grouped: float
) -> list[Row]:
    """The devices' edits of one field."""
    heard = 0

    def hear(_packet: bytes) -> None:
        nonlocal heard
        heard += 1

    devices = [await Device.connect(hear, f"bench-device-{each}") for each in range(DEVICES)]
    latency = Samples()

    def editing(device: Device) -> Work:
        async def edit() -> int:
            started = time.perf_counter()
            answer = await device.call("contact_update", random_edit(contacts, field))
            latency.add(time.perf_counter() - started)
            return int(was_done(answer))

        return edit

    work = [editing(device) for device in devices]
    await repeat(work, WARM_UP_SECONDS)
    # In the first minute of a database the planner knows nothing of the ledger's size.
    await stack.analyze()
    latency.values.clear()
    heard = 0
    meter.start()
    writes = await repeat(work, seconds)
    meter.stop()
    for device in devices:
        device.close()

    rate = writes / meter.seconds
    ours = meter.spent["server"] + meter.spent["Postgres"]
    return [
        Row(
            f"{DEVICES} devices writing {field}, writes/s",
            f"{rate:,.0f}",
            f"{grouped:,.0f} UPDATE of {DEVICES} a commit",
            grouped / rate,
            "3,200",
            meter.busy,
        ),
        Row(
            f"  CPU s a thousand ({heard / writes:.1f} deliveries a write)",
            f"{ours / writes * 1e3:.2f}, {meter.spent['server'] / writes * 1e3:.2f} the server's",
            mark="0.30",
        ),
        Row("  latency of the ack", latency.tail()),
    ]


def random_edit(contacts: int, field: str = "notes") -> str:
    """A `contact_update` of any contact, as JSON."""
    return json.dumps(
        {
            "mutation_id": generate(),
            "edited_at": int(time.time() * 1_000),
            "id": contact_id(random.randrange(contacts)),
            "changes": {field: f"As of {random.random()}"},
        }
    )


async def repeat(work: list[Work], seconds: float) -> int:
    """Does each work again and again, beside the others, and gives the sum of what they gave."""
    deadline = time.perf_counter() + seconds

    async def again(each: Work) -> int:
        done = 0
        while time.perf_counter() < deadline:
            done += await each()
        return done

    return sum(await asyncio.gather(*(again(each) for each in work)))


async def writes_a_second(
    stack: Stack, rows: int, connections: int, contacts: int, seconds: float
) -> float:
    """What Postgres alone does with transactions of so many rows."""
    database = await Database.connect(stack.database_url, size=DEVICES)

    async def update() -> int:
        ids = [contact_id(number) for number in random.sample(range(contacts), rows)]
        notes = [f"As of {random.random()}" for _ in ids]
        try:
            async with database.tenant(TENANT) as connection, connection.transaction():
                await connection.execute(queries.mutations.lock_versions)
                await connection.execute(UPDATE, TENANT, ids, notes)
        except Unavailable:
            # Behind so many others on a slow disk it may take longer than anybody waits.
            return 0
        return rows

    started = time.perf_counter()
    done = await repeat([update] * connections, seconds)
    elapsed = time.perf_counter() - started
    await database.close()
    return done / elapsed
