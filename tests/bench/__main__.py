"""`python -m tests.bench`: measures what users wait for, beside what the machine could do.

BENCH_SIZE=small takes a minute and shows that everything runs; its figures are rough.
DASHBOARD_SECONDS=300 watches the dashboard's memory for longer.
"""

from __future__ import annotations

import asyncio
import os
import platform
import sys
from dataclasses import dataclass

import psutil
import uvloop

from tests.bench.client import RAW_PORT, SERVER_PORT
from tests.bench.dashboard import measure_dashboard
from tests.bench.exports import measure_exports
from tests.bench.fan_out import measure_fan_out
from tests.bench.imports import measure_imports
from tests.bench.report import Row, print_table
from tests.bench.stack import (
    Meter,
    Stack,
    started_raw_server,
    started_server,
    started_stack,
    until_ready,
)
from tests.bench.syncs import measure_catch_up, measure_first_sync
from tests.bench.writes import measure_writes


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    contacts: int
    first_syncs: int
    catch_ups: int
    write_seconds: float
    clients: int
    rounds: int
    dashboard_loads: int
    dashboard_seconds: float


SIZES = {
    "small": Size(10_000, 3, 200, 3, 200, 30, 1, 5),
    "full": Size(100_000, 7, 2_000, 20, 1_000, 200, 5, 60),
}


async def measure_most(stack: Stack, server: psutil.Process, size: Size) -> list[Row]:
    """What one server does for few devices."""
    await until_ready(SERVER_PORT, server)
    await until_ready(RAW_PORT, server)
    postgres = psutil.Process(stack.postgres.process_id)
    meter = Meter({"server": server, "Postgres": postgres})
    return [
        *await measure_first_sync(stack, meter, size.contacts, size.first_syncs),
        *await measure_catch_up(stack, meter, size.catch_ups),
        *await measure_exports(stack, meter, size.contacts, size.first_syncs),
        *await measure_writes(stack, meter, size.contacts, size.write_seconds),
    ]


async def measure_page(server: psutil.Process, size: Size) -> list[Row]:
    """What a manager waits for; before the writes and imports, as the contacts were seeded."""
    await until_ready(SERVER_PORT, server)
    meter = Meter({"server": server})
    seconds = float(os.environ.get("DASHBOARD_SECONDS", size.dashboard_seconds))
    return await measure_dashboard(meter, size.contacts, size.dashboard_loads, seconds)


async def measure_files(stack: Stack, server: psutil.Process, size: Size) -> list[Row]:
    """Imports, into what is there; last, for afterwards there are more contacts."""
    await until_ready(SERVER_PORT, server)
    meter = Meter({"server": server, "Postgres": psutil.Process(stack.postgres.process_id)})
    return await measure_imports(stack, meter, size.contacts)


async def measure_many(server: psutil.Process, raw: psutil.Process, size: Size) -> list[Row]:
    """What one server does for many devices; a fresh one, so that its memory is theirs."""
    await until_ready(SERVER_PORT, server)
    return await measure_fan_out(
        Meter({"server": server}),
        Meter({"raw server": raw}),
        size.contacts,
        size.clients,
        size.rounds,
    )


def main() -> int:
    """Measures everything and prints the table."""
    name = os.environ.get("BENCH_SIZE", "full")
    if name not in SIZES:
        print(f"BENCH_SIZE={name} can't be used: it must be one of {', '.join(SIZES)}")
        return 2
    size = SIZES[name]
    print(f"{psutil.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}")
    print(f"Seeding {size.contacts:,} contacts", flush=True)
    with started_stack(size.contacts) as stack, started_raw_server() as raw:
        with started_server(stack) as server:
            rows = asyncio.run(measure_page(server, size))
        with started_server(stack) as server:
            rows += uvloop.run(measure_most(stack, server, size))
        with started_server(stack) as server:
            rows += uvloop.run(measure_many(server, raw, size))
        with started_server(stack) as server:
            rows += uvloop.run(measure_files(stack, server, size))
    print_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
