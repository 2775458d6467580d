from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil
import pytest
import redis as redis_client

from server.commands.common import CommandError, running_services
from server.db.embedded import DataLock, EmbeddedError, EmbeddedPostgres, EmbeddedRedis
from server.db.processes import LARGEST_LOG, lines_since, spawn
from server.settings import Settings

Psql = Callable[[str, str], str]

# Nothing here loses power.
QUICK = {"fsync": "off"}
# A server of another process that goes without ending what it started.
LEAVE_RUNNING = """
import os, sys
from pathlib import Path
from server.db.embedded import EmbeddedPostgres, EmbeddedRedis
for server in (EmbeddedPostgres(Path(sys.argv[1])), EmbeddedRedis(Path(sys.argv[1]))):
    server.start()
    print(server.process_id)
sys.stdout.flush()
os._exit(9)
"""


def make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="fieldbook-tests-"))
    # As root, Postgres runs under another account, which must pass.
    folder.chmod(0o711)
    return folder


@pytest.fixture
def empty_dir() -> Iterator[Path]:
    folder = make_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def data_dir() -> Iterator[Path]:
    """One data folder for the file: to make a database takes longer than most tests."""
    folder = make_folder()
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def own_postgres(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data_dir, QUICK)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """Ctrl-C as it is in a terminal: what a shell started in the background ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


async def ask(server: EmbeddedPostgres, sql: str) -> object:
    connection = await asyncpg.connect(server.database_url)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_what_was_committed_is_there_after_a_restart(own_postgres: EmbeddedPostgres) -> None:
    await ask(own_postgres, "CREATE TABLE kept AS SELECT 42 AS answer")
    own_postgres.stop()
    assert not own_postgres.running
    own_postgres.start()
    assert await ask(own_postgres, "SELECT answer FROM kept") == 42


async def test_the_database_is_utf8_in_any_locale_and_has_what_search_needs(
    own_postgres: EmbeddedPostgres,
) -> None:
    assert await ask(own_postgres, "SHOW server_encoding") == "UTF8"
    assert await ask(own_postgres, "SELECT lower('ÄÖÉЖ')") == "äöéж"
    await ask(own_postgres, "CREATE EXTENSION pg_trgm")
    await ask(own_postgres, "CREATE EXTENSION unaccent")
    assert await ask(own_postgres, "SELECT cardinality(show_trgm('Жук'))") == 4
    assert await ask(own_postgres, "SHOW max_connections") == "200"


def test_ctrl_c_reaches_neither_of_the_two(own_postgres: EmbeddedPostgres, data_dir: Path) -> None:
    redis = EmbeddedRedis(data_dir)
    redis.start()
    assert os.getpgid(own_postgres.process_id) != os.getpgrp()
    assert os.getpgid(redis.process_id) != os.getpgrp()
    redis.stop()


async def test_postgres_comes_back_after_kill_9(own_postgres: EmbeddedPostgres) -> None:
    await ask(own_postgres, "CREATE TABLE survivor AS SELECT 42 AS answer")
    busy = await asyncpg.connect(own_postgres.database_url)
    os.kill(own_postgres.process_id, signal.SIGKILL)
    own_postgres.start()
    assert await ask(own_postgres, "SELECT answer FROM survivor") == 42
    busy.terminate()


async def test_postgres_comes_back_after_kill_9_whatever_those_that_it_left_say_last(
    own_postgres: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They write to the same log, after the new one has said that it has to wait for them."""
    busy = await asyncpg.connect(own_postgres.database_url)
    backend = psutil.Process(await busy.fetchval("SELECT pg_backend_pid()"))
    refused: list[str] = []

    def lines_and_a_late_one(log: Path, begin: int) -> list[str]:
        with log.open("a") as file:
            file.write("FATAL:  terminating connection due to unexpected postmaster exit\n")
        lines = lines_since(log, begin)
        refused.extend(line for line in lines if "shared memory block" in line)
        backend.resume()
        return lines

    monkeypatch.setattr("server.db.embedded.lines_since", lines_and_a_late_one)
    # It holds the old one's memory until it goes on.
    backend.suspend()
    os.kill(own_postgres.process_id, signal.SIGKILL)
    own_postgres.start()
    assert refused
    assert await ask(own_postgres, "SELECT 1") == 1
    busy.terminate()


async def test_what_outlived_its_server_is_ended_by_the_next(data_dir: Path) -> None:
    command = [sys.executable, "-c", LEAVE_RUNNING, str(data_dir)]
    left = subprocess.run(command, capture_output=True, text=True, check=False)
    assert left.returncode == 9, left.stderr
    processes = [psutil.Process(int(line)) for line in left.stdout.split()]
    assert all(process.is_running() for process in processes)

    postgres, redis = EmbeddedPostgres(data_dir, QUICK), EmbeddedRedis(data_dir)
    postgres.start()
    redis.start()
    psutil.wait_procs(processes, timeout=30)
    assert not any(process.is_running() for process in processes)
    assert await ask(postgres, "SELECT 1") == 1
    assert redis_client.Redis.from_url(redis.redis_url).ping()
    postgres.stop()
    redis.stop()


async def test_a_pid_file_whose_pid_went_to_another_process_is_no_obstacle(
    own_postgres: EmbeddedPostgres,
) -> None:
    pid_file = own_postgres.cluster / "postmaster.pid"
    lines = pid_file.read_text().split("\n")
    own_postgres.stop()
    # A process of the same account, as after a container's restart.
    owner = own_postgres.cluster.stat()
    user = None if owner.st_uid == os.geteuid() else owner.st_uid
    other = subprocess.Popen(["/bin/sleep", "60"], user=user)
    pid_file.write_text("\n".join([str(other.pid), *lines[1:]]))
    os.chown(pid_file, owner.st_uid, owner.st_gid)
    own_postgres.start()
    assert await ask(own_postgres, "SELECT 1") == 1
    assert other.poll() is None
    other.kill()
    other.wait()


def test_a_postgres_that_hangs_is_ended_all_the_same(own_postgres: EmbeddedPostgres) -> None:
    process_id = own_postgres.process_id
    os.kill(process_id, signal.SIGSTOP)
    begin = time.monotonic()
    own_postgres.stop(timeout=0.2)
    # Not after the 10 s that it has else.
    assert time.monotonic() - begin < 9
    assert not psutil.pid_exists(process_id)


async def test_a_long_path_is_no_obstacle(empty_dir: Path) -> None:
    deep = empty_dir / ("a-folder-with-a-long-name-" * 4) / "and another"
    postgres, redis = EmbeddedPostgres(deep, QUICK), EmbeddedRedis(deep)
    postgres.start()
    redis.start()
    assert await ask(postgres, "SELECT 1") == 1
    assert redis_client.Redis.from_url(redis.redis_url).ping()
    postgres.stop()
    redis.stop()
    for socket_folder in (postgres.socket_folder, redis.socket.parent):
        assert socket_folder.stat().st_mode & 0o077 == 0
        shutil.rmtree(socket_folder)


def test_only_its_owner_reaches_the_sockets(own_postgres: EmbeddedPostgres, data_dir: Path) -> None:
    redis = EmbeddedRedis(data_dir)
    redis.start()
    assert own_postgres.socket_folder.stat().st_mode & 0o077 == 0
    assert redis.socket.stat().st_mode & 0o077 == 0
    redis.stop()


def test_data_of_another_version_is_refused_in_one_line(own_postgres: EmbeddedPostgres) -> None:
    server = own_postgres
    server.stop()
    version = (server.cluster / "PG_VERSION").read_text()
    (server.cluster / "PG_VERSION").write_text("9\n")
    with pytest.raises(EmbeddedError, match=r"^Postgres does not start: .*FATAL.*") as caught:
        server.start()
    assert "\n" not in str(caught.value)
    assert str(server.log) in str(caught.value)
    (server.cluster / "PG_VERSION").write_text(version)


def test_a_start_that_was_cut_off_does_not_leave_half_a_database(empty_dir: Path) -> None:
    half = empty_dir / "postgres.unfinished"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    server = EmbeddedPostgres(empty_dir, QUICK)
    server.start()
    assert server.running
    server.stop()
    assert not half.exists()


async def test_the_environment_s_own_postgres_variables_do_not_disturb(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "6000", "PGDATA": "/nowhere", "PGUSER": "nobody"}.items():
        monkeypatch.setenv(name, value)
    server = EmbeddedPostgres(data_dir, QUICK)
    server.start()
    assert await ask(server, "SELECT current_user::text") == "fieldbook"
    server.stop()


def test_ctrl_c_as_a_process_is_born_ends_it_too(
    ctrl_c: None, empty_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    born: list[subprocess.Popen[bytes]] = []

    def spawn_and_interrupt(*arguments: Any) -> subprocess.Popen[bytes]:
        born.append(spawn(*arguments))
        signal.raise_signal(signal.SIGINT)
        return born[-1]

    monkeypatch.setattr("server.db.embedded.spawn", spawn_and_interrupt)
    postgres = EmbeddedPostgres(empty_dir, QUICK)
    with pytest.raises(KeyboardInterrupt):
        postgres.start()
    postgres.stop()
    redis = EmbeddedRedis(empty_dir)
    with pytest.raises(KeyboardInterrupt):
        redis.start()
    redis.stop()
    assert len(born) == 2
    for process in born:
        process.wait(timeout=30)


def test_ctrl_c_as_a_database_is_made_leaves_nothing_that_goes_on_making_it(
    ctrl_c: None, empty_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    helpers: list[psutil.Process] = []

    def spawn_and_interrupt(_command: list[str], *more: Any) -> subprocess.Popen[bytes]:
        # In the place of initdb, which has others do the work, too; they would write on for long.
        process = spawn(["/bin/sh", "-c", "sleep 60; true"], *more)
        while not helpers:
            time.sleep(0.01)
            helpers.extend(psutil.Process(process.pid).children())
        signal.raise_signal(signal.SIGINT)
        return process

    monkeypatch.setattr("server.db.embedded.spawn", spawn_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        EmbeddedPostgres(empty_dir, QUICK).start()
    _, alive = psutil.wait_procs(helpers, timeout=30)
    assert alive == []


def test_a_log_that_grew_large_is_put_aside(data_dir: Path) -> None:
    redis = EmbeddedRedis(data_dir)
    redis.log.write_bytes(b"x" * (LARGEST_LOG + 1))
    redis.start()
    redis.stop()
    assert redis.log.stat().st_size < 100_000
    assert redis.log.with_name("redis.log.1").stat().st_size > LARGEST_LOG


def test_redis_keeps_nothing_and_forgets_the_oldest_when_full(data_dir: Path) -> None:
    redis = EmbeddedRedis(data_dir)
    redis.start()
    client = redis_client.Redis.from_url(redis.redis_url)
    client.set("presence", "online")
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "allkeys-lru"}
    redis.stop()
    redis.start()
    assert redis_client.Redis.from_url(redis.redis_url).get("presence") is None
    redis.stop()


def test_one_process_at_a_time_holds_the_lock(data_dir: Path) -> None:
    first, second = DataLock(data_dir), DataLock(data_dir)
    assert first.take()
    assert not second.take()
    first.release()
    assert second.take()
    second.release()


def test_a_command_uses_the_databases_of_the_server_beside_it(data_dir: Path, psql: Psql) -> None:
    settings = Settings.from_environment({"DATA_DIR": str(data_dir)})
    with running_services(settings, alone=True) as server:
        assert server.postgres is not None
        assert psql(server.database_url, "SHOW fsync") == "on"
        process_id = server.postgres.process_id
        with running_services(settings, alone=False) as command:
            assert command.database_url == server.database_url
        assert psutil.pid_exists(process_id), "the command ended what is not its own"
        with (
            pytest.raises(CommandError, match="^Another Fieldbook uses"),
            running_services(settings, alone=True),
        ):
            pass
    assert not psutil.pid_exists(process_id)


def test_nothing_is_started_when_both_are_named(empty_dir: Path) -> None:
    settings = Settings.from_environment(
        {
            "DATA_DIR": str(empty_dir),
            "DATABASE_URL": "postgresql://elsewhere/x",
            "REDIS_URL": "redis://elsewhere",
        }
    )
    with running_services(settings, alone=True) as services:
        assert services.postgres is None
        assert services.database_url == "postgresql://elsewhere/x"
        assert services.redis_url == "redis://elsewhere"
    assert not (empty_dir / "postgres").exists()
