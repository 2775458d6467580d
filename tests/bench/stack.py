"""What is measured: a Postgres with durable commits, a Redis, and the real server process."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import psutil

from server.db.embedded import EmbeddedPostgres, EmbeddedRedis
from server.db.migrate import migrate
from server.db.pool import Connection, Database
from tests.bench.client import API_KEY, HOST, RAW_PORT, SERVER_PORT
from tests.bench.seed import TENANT, seed_contacts

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
END_SECONDS = 60
SERVER = [sys.executable, "-m", "server", "serve"]
RAW_SERVER = [sys.executable, "-m", "tests.bench.raw_server", str(RAW_PORT)]


@dataclass(frozen=True)
class Stack:
    """The databases of a run."""

    folder: Path
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis

    @property
    def database_url(self) -> str:
        return self.postgres.database_url

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """A connection as the server has them: row-level security counts."""
        database = await Database.connect(self.database_url)
        async with database.tenant(TENANT) as connection:
            yield connection
        await database.close()

    async def analyze(self) -> None:
        """Lets the planner know the tables, as autovacuum does every minute."""
        connection = await asyncpg.connect(self.database_url)
        await connection.execute("ANALYZE")
        await connection.close()


@contextmanager
def started_stack(contacts: int) -> Iterator[Stack]:
    """Starts a Postgres with so many contacts and a Redis; removes them afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="fieldbook-bench-"))
    # As root, Postgres runs under another account, which must pass.
    folder.chmod(0o711)
    stack = Stack(folder, EmbeddedPostgres(folder), EmbeddedRedis(folder))
    try:
        stack.postgres.start(START_SECONDS)
        stack.redis.start(START_SECONDS)
        asyncio.run(_prepare(stack.database_url, contacts))
        yield stack
    finally:
        stack.redis.stop()
        stack.postgres.stop()
        shutil.rmtree(folder)


async def _prepare(url: str, contacts: int) -> None:
    connection = await asyncpg.connect(url)
    await migrate(connection)
    await seed_contacts(connection, contacts)
    await connection.close()


@contextmanager
def started_server(stack: Stack) -> Iterator[psutil.Process]:
    """`python -m server serve` on these databases, ready for connections."""
    environment = {
        "HOST": HOST,
        "PORT": str(SERVER_PORT),
        "DATABASE_URL": stack.database_url,
        "REDIS_URL": stack.redis.redis_url,
        "DATA_DIR": str(stack.folder / "data"),
        "ENVIRONMENT": "test",
        "ADMIN_API_KEY": API_KEY,
        "JWT_SECRET": "bench" * 8,
        "API_KEY_SALT": "bench" * 8,
        "LOG_LEVEL": "WARNING",
    }
    with _started(SERVER, environment, "the server") as process:
        yield process


@contextmanager
def started_raw_server() -> Iterator[psutil.Process]:
    """The bare aiohttp server, which shows what the machine can do."""
    with _started(RAW_SERVER, {}, "the raw server") as process:
        yield process


@contextmanager
def _started(
    command: list[str], environment: dict[str, str], name: str
) -> Iterator[psutil.Process]:
    # What goes wrong is written to stderr.
    process = subprocess.Popen(
        command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL
    )
    try:
        yield psutil.Process(process.pid)
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise RuntimeError(f"{name} did not end within {END_SECONDS} s") from None


async def until_ready(port: int, process: psutil.Process) -> None:
    """Waits until a server listens. Raises RuntimeError when it ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.is_running():
        try:
            _, writer = await asyncio.open_connection(HOST, port)
            writer.close()
            return
        except ConnectionError:
            await asyncio.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")


def cpu_seconds(process: psutil.Process) -> float:
    """User and system seconds of a process and all that descend from it, ended ones too."""
    total = 0.0
    for each in (process, *process.children(recursive=True)):
        try:
            times = each.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system + times.children_user + times.children_system
    return total


@dataclass
class Meter:
    """Between `start` and `stop`: wall time, and CPU seconds of `processes` and of the load."""

    processes: dict[str, psutil.Process]
    seconds: float = 0.0
    spent: dict[str, float] = field(default_factory=dict)

    def start(self) -> None:
        self._before = self._read()
        self._started = time.perf_counter()

    def stop(self) -> None:
        self.seconds = time.perf_counter() - self._started
        self.spent = {name: now - self._before[name] for name, now in self._read().items()}

    @property
    def busy(self) -> str:
        """How much of a core each took: whoever is near 100 % held the others up."""
        shares = (f"{name} {cpu / self.seconds:.0%}" for name, cpu in self.spent.items())
        return ", ".join(shares)

    def _read(self) -> dict[str, float]:
        read = {name: cpu_seconds(each) for name, each in self.processes.items()}
        # Not cpu_seconds(): what is measured descends from this process.
        return {**read, "load": time.process_time()}
