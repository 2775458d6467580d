"""What the phones depend on, to be broken: two servers, Redis, Postgres, and the way to them."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from tests.faults.support.stack import (
    ROOT,
    SERVE,
    START_SECONDS,
    Databases,
    ServerProcess,
)

SERVERS = 2


@dataclass(frozen=True)
class Purged:
    """A purge that was over at `at` (of `time.time`), and the floor after it."""

    at: float
    floor: int


@dataclass
class Stack:
    """Two server processes on one database, like two machines behind a load balancer."""

    databases: Databases
    database_url: str
    servers: list[ServerProcess]
    purged: list[Purged] = field(default_factory=list)
    _turn: int = 0
    _postgres: asyncio.Lock = field(default_factory=asyncio.Lock)

    @classmethod
    def of(cls, databases: Databases, database_url: str, command: Sequence[str] = SERVE) -> Stack:
        """Two servers that are not started yet; `command` as in `ServerProcess`."""
        environment = {
            "DATABASE_URL": database_url,
            "REDIS_URL": databases.redis.redis_url,
            "LOG_LEVEL": "WARNING",
        }
        servers = [ServerProcess(databases.folder, environment, command) for _ in range(SERVERS)]
        return cls(databases, database_url, servers)

    @property
    def url(self) -> str:
        """The first server's."""
        return self.servers[0].url

    def choose_port(self) -> int | None:
        """Where the load balancer sends the next connection: to each running server in turn."""
        running = [server for server in self.servers if server.running]
        if not running:
            return None
        self._turn += 1
        return running[self._turn % len(running)].port

    async def start(self) -> None:
        await asyncio.gather(*(server.start() for server in self.servers))

    async def stop(self) -> None:
        await asyncio.gather(*(server.end() for server in self.servers))

    # Faults. Each takes some time, and leaves behind what it found.

    async def kill_server(self, number: int, down: float) -> None:
        """A crash of the process."""
        await self.servers[number].end(signal.SIGKILL)
        await asyncio.sleep(down)
        await self.servers[number].start_again()

    async def restart_server(self, number: int, down: float) -> None:
        """A planned stop, which drains."""
        await self.servers[number].end(signal.SIGTERM)
        await asyncio.sleep(down)
        await self.servers[number].start_again()

    async def hang_server(self, number: int, seconds: float) -> None:
        """The process stands still, its sockets open."""
        process = self.servers[number].process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        if process.returncode is None:
            process.send_signal(signal.SIGCONT)

    async def kill_redis(self, down: float) -> None:
        """A crash of Redis, which forgets everything."""
        self.databases.send(self.databases.redis, signal.SIGKILL)
        await asyncio.sleep(down)
        await asyncio.to_thread(self.databases.redis.start, START_SECONDS)

    async def hang_redis(self, seconds: float) -> None:
        """Redis stands still, its sockets open."""
        self.databases.send(self.databases.redis, signal.SIGSTOP)
        await asyncio.sleep(seconds)
        self.databases.send(self.databases.redis, signal.SIGCONT)

    async def kill_postgres(self, down: float) -> None:
        """A crash of Postgres, from which it recovers by its log."""
        async with self._postgres:
            self.databases.send(self.databases.postgres, signal.SIGKILL)
            await asyncio.sleep(down)
            await asyncio.to_thread(self.databases.postgres.start, START_SECONDS)

    async def restart_postgres(self, down: float) -> None:
        """A planned restart: running transactions are rolled back."""
        async with self._postgres:
            await asyncio.to_thread(self.databases.postgres.stop)
            await asyncio.sleep(down)
            await asyncio.to_thread(self.databases.postgres.start, START_SECONDS)

    async def cut_database_connections(self) -> None:
        """Every connection of the servers ends, whatever it does at the moment."""
        await self._as_owner(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    async def hold_lock(self, seconds: float) -> None:
        """Somebody in psql holds the lock of all versions."""
        async with self._postgres:
            connection = await asyncpg.connect(self.database_url)
            try:
                async with connection.transaction():
                    await connection.execute("SELECT lock_versions()")
                    await asyncio.sleep(seconds)
            finally:
                await connection.close()

    async def purge(self, older_than_s: int) -> None:
        """`python -m server purge`, of tombstones that are some seconds old."""
        async with self._postgres:
            arguments = ["-m", "server", "purge", "--older-than", f"{older_than_s}s"]
            await self._run(arguments)
            floor = await self._as_owner("SELECT max(floor) FROM global_version")
            self.purged.append(Purged(time.time(), int(str(floor))))

    async def _run(self, arguments: Sequence[str]) -> None:
        environment: Mapping[str, str] = {
            **self.servers[0].environment,
            "DATA_DIR": str(self.databases.folder / "purge"),
            "PATH": "/usr/bin:/bin",
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *arguments),
            cwd=ROOT,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0, said.decode()

    async def _as_owner(self, sql: str) -> object:
        connection = await asyncpg.connect(self.database_url)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()
