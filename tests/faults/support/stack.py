"""A server as it runs in production, to be broken: processes, a Postgres and a Redis of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from server.db.embedded import EmbeddedPostgres, EmbeddedRedis
from server.db.migrate import migrate
from tests.acceptance.support.command_line import free_port

ROOT = Path(__file__).resolve().parents[3]
ADMIN_KEY = "test-admin-key-not-a-secret"
SALT = "test-salt-of-the-faults-not-a-secret"
START_SECONDS = 120
SERVE = ("-m", "server", "serve")


@dataclass
class Databases:
    """A durable Postgres and a Redis under one folder; both may be stopped and killed."""

    folder: Path
    postgres: EmbeddedPostgres
    redis: EmbeddedRedis

    async def make_database(self, name: str) -> str:
        """A fresh, migrated database of that name; gives its URL."""
        connection = await asyncpg.connect(self.postgres.database_url)
        await connection.execute(f'CREATE DATABASE "{name}"')
        await connection.close()
        url = self.postgres.url_of(name)
        connection = await asyncpg.connect(url)
        await migrate(connection)
        await connection.close()
        return url

    def send(self, part: EmbeddedPostgres | EmbeddedRedis, number: signal.Signals) -> None:
        """Sends a signal to one of the two: SIGSTOP hangs it, SIGKILL ends it as a crash."""
        os.kill(part.process_id, number)


@contextmanager
def running_databases(options: Mapping[str, str] | None = None) -> Iterator[Databases]:
    """Starts both, with these options of postgresql.conf; ends them, and removes the folder."""
    folder = Path(tempfile.mkdtemp(prefix="fieldbook-faults-"))
    # As root, Postgres runs under another account, which must pass.
    folder.chmod(0o711)
    databases = Databases(folder, EmbeddedPostgres(folder, options), EmbeddedRedis(folder))
    try:
        databases.postgres.start(START_SECONDS)
        databases.redis.start(START_SECONDS)
        yield databases
    finally:
        databases.postgres.stop()
        databases.redis.stop()
        shutil.rmtree(folder)


given: set[int] = set()


def unused_port() -> int:
    """A free port that no other server of this run has: one that is down comes back to its own."""
    port = next(each for each in iter(free_port, None) if each not in given)
    given.add(port)
    return port


@dataclass
class ServerProcess:
    """One `python -m server` on a port of its own, like one machine of several.

    `command` are the arguments of Python; `log` gets what it says on stderr.
    """

    folder: Path
    environment: Mapping[str, str]
    command: Sequence[str] = SERVE
    port: int = field(default_factory=unused_port)
    process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / f"server-{self.port}.log"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.returncode is None

    async def start(self) -> None:
        """Starts it, answering when this returns."""
        line = await self._start()
        assert line is None, f"it said {line!r}, and {self.log.read_text()[-2000:]}"

    async def start_again(self, patience: float = START_SECONDS) -> None:
        """Starts it as a process manager does: again and again while its database is away."""
        async with asyncio.timeout(patience):
            while True:
                if await self._start() is None:
                    return
                await asyncio.sleep(0.2)

    async def _start(self) -> str | None:
        """None once it answers, or what it said instead when it ended."""
        environment = {
            **{name: value for name, value in os.environ.items() if name != "WORKERS"},
            "ENVIRONMENT": "test",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DATA_DIR": str(self.folder / f"data-{self.port}"),
            "ADMIN_API_KEY": ADMIN_KEY,
            "API_KEY_SALT": SALT,
            **self.environment,
        }
        with self.log.open("ab") as stderr:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, *self.command),
                cwd=ROOT,
                env=environment,
                stdout=asyncio.subprocess.PIPE,
                stderr=stderr,
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(START_SECONDS):
            line = (await self.process.stdout.readline()).decode()
        if "ready at" in line:
            return None
        await self.process.wait()
        return line

    def send(self, number: signal.Signals) -> None:
        """Sends a signal: SIGSTOP hangs it, SIGTERM drains it, SIGKILL ends it as a crash."""
        assert self.process is not None
        self.process.send_signal(number)

    async def end(self, number: signal.Signals = signal.SIGTERM, patience: float = 10) -> None:
        """Ends it by a signal, and by SIGKILL when it does not end within so many seconds."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(number)
        if number is not signal.SIGKILL:
            # One that hangs would not hear it.
            self.process.send_signal(signal.SIGCONT)
        try:
            await asyncio.wait_for(self.process.wait(), patience)
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


def server_on(databases: Databases, database_url: str, **environment: str) -> ServerProcess:
    """A server process that is not started yet, on these databases."""
    return ServerProcess(
        databases.folder,
        {"DATABASE_URL": database_url, "REDIS_URL": databases.redis.redis_url, **environment},
    )
