"""A Postgres whose disk may be full, or may fail to sync, without being root for it."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import asyncpg
import pytest

from server.db.embedded import EmbeddedPostgres, EmbeddedRedis
from tests.faults.support.stack import START_SECONDS, Databases

SOURCE = Path(__file__).with_name("full_disk.c")
RECOVERY_SECONDS = 3
WRAPPER = """#!/bin/sh
export FAULTY_DISK={faults} LD_PRELOAD={library}
exec {program} "$@"
"""

Fault = Literal["full-tables", "full-wal", "no-sync"]


class FaultyDisk:
    """Which faults the disk has, for the Postgres that is started from `programs`."""

    def __init__(self, folder: Path) -> None:
        self.programs = folder / "programs"
        self._faults = folder / "faults"
        for made in (self.programs, self._faults):
            made.mkdir()
            # Postgres runs under another account, which must pass and look.
            made.chmod(0o755)
        library = self._compile(folder)
        stock = EmbeddedPostgres(folder).bin_path
        for name in ("postgres", "initdb", "pg_ctl"):
            wrapper = self.programs / name
            wrapper.write_text(
                WRAPPER.format(faults=self._faults, library=library, program=stock / name)
            )
            wrapper.chmod(0o755)

    @staticmethod
    def _compile(folder: Path) -> Path:
        compiler = shutil.which("cc")
        if compiler is None:
            pytest.fail("There is no C compiler: apt-get install gcc libc6-dev")
        library = folder / "full_disk.so"
        command = [compiler, "-shared", "-fPIC", "-O2", "-o", str(library), str(SOURCE), "-ldl"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.fail(f"cc failed; perhaps apt-get install gcc libc6-dev\n{done.stderr}")
        library.chmod(0o755)
        return library

    def suffer(self, fault: Fault) -> None:
        """Begins a fault."""
        (self._faults / fault).touch()

    def heal(self) -> None:
        """Ends all faults."""
        for fault in self._faults.iterdir():
            fault.unlink()


async def bring_back(postgres: EmbeddedPostgres) -> bool:
    """Waits until it answers; whether it had to be started again, as a watchdog would.

    Where it could not even recover it has ended, or (18) waits for ever for its recovery.
    """
    deadline = time.monotonic() + RECOVERY_SECONDS
    while time.monotonic() < deadline:
        if await _answers(postgres):
            return False
        await asyncio.sleep(0.1)
    os.kill(postgres.process_id, signal.SIGKILL)
    await asyncio.to_thread(postgres.start, START_SECONDS)
    return True


async def _answers(postgres: EmbeddedPostgres) -> bool:
    try:
        connection = await asyncpg.connect(postgres.database_url, timeout=2)
    except (OSError, TimeoutError, asyncpg.PostgresError):
        return False
    connection.terminate()
    return True


@contextmanager
def databases_on_a_faulty_disk() -> Iterator[tuple[Databases, FaultyDisk]]:
    """A Postgres on such a disk and a Redis; ends them, and removes their folder."""
    folder = Path(tempfile.mkdtemp(prefix="fieldbook-faults-"))
    folder.chmod(0o711)
    disk = FaultyDisk(folder)
    postgres = EmbeddedPostgres(folder, bin_path=disk.programs)
    databases = Databases(folder, postgres, EmbeddedRedis(folder))
    try:
        postgres.start(START_SECONDS)
        databases.redis.start(START_SECONDS)
        yield databases, disk
    finally:
        disk.heal()
        postgres.stop()
        databases.redis.stop()
        shutil.rmtree(folder)
