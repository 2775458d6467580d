"""A file of many contacts by REST; beside it COPY of the same contacts into the same table.

The second import runs beside devices that write: what they wait is what an import costs them.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
import random
import time
from typing import Any

import aiohttp
import asyncpg
from nanoid import generate

from tests.bench.client import API_KEY, HOST, SERVER_PORT, Device, was_done
from tests.bench.report import Row, Samples
from tests.bench.seed import TENANT, contact_id
from tests.bench.stack import Meter, Stack

MARK = "20,000 rows/s"
DEVICE_MARK = "50 ms p99, 100 ms at most"
DEVICES = 10
WRITE_EVERY = 0.1
HEADER = ("External Id", "First name", "Last name", "Company", "Job title", "Email", "Phone",
          "Street", "City", "Postal code", "Country", "Size")  # fmt: skip
FIRST = "Olivia Amelia George Jürgen Änne Käthe Sören Élodie Chloé Íñigo Lucía Łukasz Noah Emma"
LAST = "Smith Jones Taylor O'Brien Müller Schäfer Groß Lefèvre Dupré Muñoz García Wójcik Lee"
PHONES = ("(415) 5##-####", "+41 44 ### ## ##", "+44 20 7### ####", "030 90####-###")


def make_file(rows: int, batch: str) -> bytes:
    """A CSV of new contacts; `batch` tells it from the next one's."""
    chance = random.Random(batch)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for number in range(rows):
        first, last = chance.choice(FIRST.split()), chance.choice(LAST.split())
        phone = "".join(
            str(chance.randrange(10)) if sign == "#" else sign for sign in chance.choice(PHONES)
        )
        writer.writerow(
            [
                f"{batch}-{number:07}",
                first,
                last,
                f"{chance.choice(LAST.split())} & Sons {number % 997}",
                "Head of Purchasing",
                f"person.{number}@{batch}.example.com",
                phone,
                f"Main Street {number % 500}",
                "Zürich",
                str(8_000 + number % 100),
                "CH",
                str(number % 50),
            ]
        )
    return text.getvalue().encode()


async def measure_imports(stack: Stack, meter: Meter, rows: int) -> list[Row]:
    """Imports new contacts twice: alone, and beside devices."""
    raw = await copy_contacts(stack, rows)
    await checkpoint(stack)
    meter.start()
    alone = await run_import(make_file(rows, "alone"))
    meter.stop()
    await checkpoint(stack)
    stopping = asyncio.Event()
    writing = [asyncio.create_task(write_on(number, stopping)) for number in range(DEVICES)]
    beside = await run_import(make_file(rows, "beside"))
    stopping.set()
    waits = Samples()
    for samples in await asyncio.gather(*writing):
        waits.values += samples.values
    return [
        Row(
            f"import of {rows:,} rows by CSV",
            f"{rows / alone:,.0f} rows/s",
            f"{rows / raw:,.0f} rows/s, one COPY",
            alone / raw,
            MARK,
            meter.busy,
        ),
        Row(
            f"a device's write meanwhile ({DEVICES} devices, {rows / beside:,.0f} rows/s)",
            f"{waits.tail()}, {max(waits.values) * 1e3:.0f} at most",
            mark=DEVICE_MARK,
        ),
    ]


async def run_import(content: bytes) -> float:
    """The seconds from sending a file until its job is done. Raises RuntimeError if it fails."""
    base = f"http://{HOST}:{SERVER_PORT}"
    headers = {"X-API-Key": API_KEY, "Content-Type": "text/csv"}
    async with aiohttp.ClientSession(base, headers=headers) as session:
        started = time.perf_counter()
        async with session.post("/api/bulk/import", data=content) as response:
            job: dict[str, Any] = await response.json()
        while job.get("state") in ("queued", "running"):
            await asyncio.sleep(0.05)
            async with session.get(f"/api/bulk/jobs/{job['id']}") as response:
                # 503 on a machine that stands still for seconds: the next look tells.
                job = job if response.status == 503 else await response.json()
        taken = time.perf_counter() - started
    if job.get("state") != "done" or job["counts"]["created"] < 0.99 * job["counts"]["rows"]:
        raise RuntimeError(f"the import did not go as it should: {json.dumps(job)[:2_000]}")
    return taken


async def write_on(number: int, stopping: asyncio.Event) -> Samples:
    """A device that edits a contact every so often; how long each ack took."""
    device = await Device.connect(lambda _packet: None, f"bench-import-{number:03}")
    samples = Samples()
    chance = random.Random(number)
    while not stopping.is_set():
        payload = {
            "mutation_id": generate(),
            "id": contact_id(chance.randrange(1_000)),
            "changes": {"notes": f"Called at {time.time()}"},
        }
        started = time.perf_counter()
        answer = await device.call("contact_update", json.dumps(payload))
        samples.add(time.perf_counter() - started)
        was_done(answer)
        await asyncio.sleep(WRITE_EVERY * chance.random() * 2)
    device.close()
    return samples


async def copy_contacts(stack: Stack, rows: int) -> float:
    """The seconds of one COPY of as many contacts, with all triggers and indexes: no checks, no
    matching, and the lock held throughout.
    """
    connection = await asyncpg.connect(
        stack.database_url, server_settings={"app.tenant": TENANT, "jit": "off"}
    )
    texts = csv.reader(io.StringIO(make_file(rows, "copied").decode()))
    records = [copied(cells) for cells in texts][1:]
    columns = ["tenant_id", "id", "external_id", "first_name", "last_name", "company", "job_title"]
    columns += ["emails", "phones", "addresses", "custom"]
    started = time.perf_counter()
    await connection.copy_records_to_table("contacts", records=records, columns=columns)
    taken = time.perf_counter() - started
    await connection.close()
    return taken


async def checkpoint(stack: Stack) -> None:
    """As in a database that has run for a while, there are files of its log to be used again."""
    connection = await asyncpg.connect(stack.database_url)
    await connection.execute("CHECKPOINT")
    await connection.close()


def copied(cells: list[str]) -> tuple[str, ...]:
    """A row of the file as COPY takes it."""
    *texts, email, phone, street, city, code, country, size = cells
    address = {"street": street, "city": city, "postal_code": code, "country": country}
    lists = ([{"value": email}], [{"value": phone, "e164": f"+1{texts[0]}"}], [address])
    return (TENANT, generate(), *texts, *map(json.dumps, (*lists, {"Size": size})))
