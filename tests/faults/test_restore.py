"""Restoring a backup while something breaks, and on another Postgres than it was made on."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import NamedTuple

import asyncpg
import psutil
import pytest

from server.db.embedded import EmbeddedPostgres
from tests.faults.support.stack import ROOT, Databases
from tests.waiting import until

DEBIAN = Path("/usr/lib/postgresql/15/bin")
RESTORES = 6
MOST_RESTORES = 20
STATE = """SELECT (SELECT epoch FROM global_version) AS epoch,
                  (SELECT g::text FROM global_version AS g)
                  || (SELECT md5(string_agg(r::text, '' ORDER BY version)) FROM synced_rows AS r)
                  AS everything,
                  (SELECT md5(string_agg(r::text, '' ORDER BY version)) FROM synced_rows AS r)
                  AS rows"""


class State(NamedTuple):
    """What a database of one company holds."""

    epoch: str
    everything: str
    rows: str


async def start_command(url: str, *arguments: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "server", *arguments),
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "REDIS_URL": "redis://127.0.0.1:1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def run_command(url: str, *arguments: str) -> None:
    process = await start_command(url, *arguments)
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()


async def state_of(url: str) -> State:
    connection = await asyncpg.connect(url)
    record = await connection.fetchrow(STATE)
    await connection.close()
    assert record is not None
    return State(**record)


async def fill(url: str, contacts: int) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(
        "INSERT INTO contacts (tenant_id, id, first_name, notes) "
        "SELECT 'default', 'contact-' || n, 'Ann', repeat(md5(n::text), 10) "
        "FROM generate_series(1, $1::int) AS n",
        contacts,
    )
    await connection.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    name = Path(tempfile.mkdtemp(prefix="fieldbook-faults-"))
    name.chmod(0o711)
    yield name
    shutil.rmtree(name)


@pytest.mark.parametrize("program", ["python", "psql", "pg_restore"])
async def test_a_restore_that_is_killed_at_any_moment_was_whole_or_never_was(
    databases: Databases, fault_database_url: str, folder: Path, program: str
) -> None:
    url, file = fault_database_url, str(folder / "saved.dump")
    await fill(url, 8_000)
    saved = await state_of(url)
    await run_command(url, "backup", file)
    await fill_more(url)
    before = await state_of(url)
    epochs = {saved.epoch}
    untouched = 0
    for number in range(MOST_RESTORES):
        if number >= RESTORES and untouched > 1:
            break
        process = await start_command(url, "restore", file)
        running = await find(process.pid)
        # A quick machine, or a test that stood still, is too late for some: the further ones are
        # killed at once.
        await asyncio.sleep(random.Random(number).random() * 0.3 if number < RESTORES else 0)
        if program in running:
            with suppress(psutil.NoSuchProcess):
                running[program].send_signal(signal.SIGKILL)
        said, _ = await process.communicate()
        assert "Traceback" not in said.decode()
        # What outlives the command reads to the end of its input, and might only then connect.
        for each in running.values():
            await until(partial(has_ended, each), 30)
        await until_alone(url)
        after = await state_of(url)
        if after == before:
            untouched += 1
            assert process.returncode != 0
            continue
        # It was committed before the signal came: all of it, and with an epoch of its own.
        assert after.rows == saved.rows
        assert after.epoch not in epochs
        epochs.add(after.epoch)
        await fill_more(url)
        before = await state_of(url)
    assert untouched > 1


async def fill_more(url: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE contacts SET notes = 'later' WHERE id < 'contact-2'")
    await connection.close()


async def find(process_id: int) -> dict[str, psutil.Process]:
    """The command and the programs that it started, once all run; none if it ended before."""
    with suppress(psutil.NoSuchProcess):
        command = psutil.Process(process_id)
        while not has_ended(command):
            running = {"python": command}
            for child in command.children():
                # One may end between being listed and being asked.
                with suppress(psutil.NoSuchProcess):
                    running[child.name()] = child
            if {"psql", "pg_restore"} <= running.keys():
                return running
            await asyncio.sleep(0.005)
    return {}


def has_ended(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


async def until_alone(url: str) -> None:
    """Waits until Postgres has noticed that the killed one is gone."""
    connection = await asyncpg.connect(url)
    alone = (
        "SELECT count(*) = 0 FROM pg_stat_activity"
        " WHERE application_name LIKE 'fieldbook%' AND datname = current_database()"
    )
    await until(lambda: connection.fetchval(alone), 30)
    await connection.close()


async def test_a_backup_of_the_newest_postgres_is_restored_on_the_oldest_and_back(
    databases: Databases, fault_database_url: str, folder: Path
) -> None:
    assert DEBIAN.exists(), "Postgres 15 is missing: apt-get install postgresql-15"
    await fill(fault_database_url, 500)
    rows = (await state_of(fault_database_url)).rows
    old = EmbeddedPostgres(folder / "old", bin_path=DEBIAN)
    old.start()
    try:
        for number, (source, target) in enumerate(
            [
                (fault_database_url, old.database_url),
                (old.database_url, fault_database_url),
            ]
        ):
            file = str(folder / f"saved-{number}.dump")
            await run_command(source, "backup", file)
            await run_command(target, "restore", file)
            assert (await state_of(target)).rows == rows
    finally:
        old.stop()
