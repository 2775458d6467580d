"""Everything as a file, over HTTP: beside it a plain COPY of the same columns, and of the JSON."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from server.db.pool import Connection
from tests.bench.client import API_KEY, HOST, SERVER_PORT
from tests.bench.report import Row, Samples
from tests.bench.seed import TENANT
from tests.bench.stack import Meter, Stack

MARK = "150,000 rows/s"
NAMES = {"csv": "CSV", "google": "Google's CSV", "json": "JSON", "vcf": "vCard"}
COLUMNS = (
    "id, external_id, first_name, last_name, company, department, job_title, emails, phones, "
    "addresses, websites, birthday, notes, tag_ids, group_ids, type_ids, owner_id, active, "
    "preferences, custom, created_at, updated_at"
)
MOST_SECONDS = 120
LAST_CHUNK = b"\r\n0\r\n\r\n"


class Download(asyncio.Protocol):
    """One GET that counts what comes and keeps only the end of it."""

    def __init__(self, path: str) -> None:
        self.size = 0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._path = path
        self._head = b""
        self._tail = b""

    @classmethod
    async def run(cls, path: str) -> tuple[float, int]:
        """The seconds that it took, and its bytes. Raises RuntimeError when it is not whole."""
        loop = asyncio.get_running_loop()
        started = time.perf_counter()
        _, download = await loop.create_connection(lambda: cls(path), HOST, SERVER_PORT)
        await asyncio.wait_for(download.done, MOST_SECONDS)
        return time.perf_counter() - started, download.size

    def connection_made(self, transport: Any) -> None:
        request = f"GET {self._path} HTTP/1.1\r\nHost: {HOST}\r\nX-API-Key: {API_KEY}\r\n"
        transport.write(f"{request}Connection: close\r\n\r\n".encode())

    def data_received(self, data: bytes) -> None:
        self.size += len(data)
        if len(self._head) < 12:
            self._head += data[:12]
        self._tail = (self._tail + data)[-len(LAST_CHUNK) :]

    def connection_lost(self, exc: Exception | None) -> None:
        if b" 200" in self._head and self._tail == LAST_CHUNK:
            self.done.set_result(None)
        else:
            self.done.set_exception(RuntimeError(f"no whole file: {self._head!r} {self._tail!r}"))


async def measure_exports(stack: Stack, meter: Meter, contacts: int, runs: int) -> list[Row]:
    """Each format, asked for again and again by one client."""
    rows = []
    async with stack.connected() as connection:
        for name, title in NAMES.items():
            seconds, raw = Samples(), Samples()
            path = f"/api/bulk/export?format={name}"
            await Download.run(path)
            for _ in range(runs):
                raw.add(await _copy(connection, "wire" if name == "json" else COLUMNS))
                meter.start()
                taken, size = await Download.run(path)
                meter.stop()
                seconds.add(taken)
            rows.append(
                Row(
                    f"export of {contacts:,} as {title} ({size / 1e6:.0f} MB)",
                    f"{contacts / seconds.middle:,.0f} rows/s, {seconds.spread('s')}",
                    f"{contacts / raw.middle:,.0f} rows/s, COPY alone",
                    seconds.middle / raw.middle,
                    MARK if name == "csv" else "",
                    meter.busy,
                )
            )
    return rows


async def _copy(connection: Connection, columns: str) -> float:
    async def pass_over(_chunk: bytes) -> None:
        return None

    query = f"SELECT {columns} FROM contacts WHERE tenant_id = '{TENANT}' AND deleted_at IS NULL"
    started = time.perf_counter()
    await connection.copy_from_query(query, output=pass_over, format="csv")
    return time.perf_counter() - started
