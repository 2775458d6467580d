"""What all tests share: one real Postgres for the whole run, one real Redis a worker.

A test that asks for `database_url` gets a fresh, migrated database: a copy of a template that
is migrated once. The databases are dropped afterwards, and both servers end with the run.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import redis as redis_client
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from loguru import logger
from nanoid import generate

from server.db.embedded import EmbeddedPostgres, EmbeddedRedis
from server.db.migrate import migrate
from server.settings import Settings

TEMPLATE = "fieldbook_template"
# Loses data when the machine loses power, and only then: tests of crashes start their own.
FAST = {"fsync": "off", "full_page_writes": "off", "max_connections": "300"}
# Where loguru writes from the start: to what pytest shows of a test that failed.
STDERR = sys.stderr
LOWER = "abcdefghijklmnopqrstuvwxyz"

# What whoever runs the tests has set for a server, in the environment or in an `.env` here, is not
# for the servers of the tests, their database least of all. Empty is as good as not set.
EXAMPLE = (Path(__file__).resolve().parents[1] / ".env.example").read_text(encoding="utf-8")
os.environ |= dict.fromkeys(re.findall(r"^([A-Z_]+)=", EXAMPLE, re.M), "")
# Nor are servers of this machine asked for through a proxy.
os.environ |= dict.fromkeys(("NO_PROXY", "no_proxy"), "127.0.0.1,localhost")

# How long an example takes says how busy the machine is, not whether the code is right. And the
# examples are the same each time, so that what fails is what was changed; others are looked for
# by `--hypothesis-profile explore`.
hypothesis_settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
hypothesis_settings.register_profile(
    "explore", hypothesis_settings.get_profile("tests"), derandomize=False
)
hypothesis_settings.load_profile("tests")

MakeDatabase = Callable[..., str]
Psql = Callable[[str, str], str]

# `TEST_POSTGRES=15` runs the tests on Debian's Postgres 15 in place of the embedded one.
VERSION = os.environ.get("TEST_POSTGRES")
BIN_PATH = Path(f"/usr/lib/postgresql/{VERSION}/bin") if VERSION else None

# So long a busy machine may take over what takes it a second.
START_SECONDS = 120

started: list[tuple[EmbeddedPostgres, Path]] = []


def start_postgres() -> Path:
    """Starts the Postgres of this run, once, and gives its folder."""
    if not started:
        if BIN_PATH and not (BIN_PATH / "postgres").exists():
            pytest.exit(f"Postgres {VERSION} is missing: apt-get install postgresql-{VERSION}", 1)
        folder = Path(tempfile.mkdtemp(prefix="fieldbook-tests-"))
        # As root, Postgres runs under another account, which must pass.
        folder.chmod(0o711)
        postgres = EmbeddedPostgres(folder, FAST, BIN_PATH)
        started.append((postgres, folder))
        postgres.start(START_SECONDS)
    return started[0][1]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Runs in the process that starts the workers: they all use its Postgres."""
    node.workerinput["postgres_folder"] = str(start_postgres())


def pytest_unconfigure() -> None:
    for postgres, folder in started:
        postgres.stop()
        shutil.rmtree(folder)
    started.clear()


@pytest.fixture(scope="session")
def postgres(request: pytest.FixtureRequest) -> EmbeddedPostgres:
    """The Postgres of this run; a worker's handle has its URLs and programs, but can't stop it."""
    workerinput = getattr(request.config, "workerinput", None)
    if workerinput is not None:
        return EmbeddedPostgres(Path(workerinput["postgres_folder"]), FAST, BIN_PATH)
    start_postgres()
    return started[0][0]


@pytest.fixture(scope="session")
def psql(postgres: EmbeddedPostgres) -> Psql:
    """`psql(database_url, sql)` types SQL into the real psql and gives what it prints."""

    def run(database_url: str, sql: str) -> str:
        command = [str(postgres.bin_path / "psql"), database_url, "--no-psqlrc", "-qAt"]
        command += ["-v", "ON_ERROR_STOP=1", "-c", sql]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    return run


@pytest.fixture(scope="session")
def template_database(postgres: EmbeddedPostgres) -> str:
    """The name of a migrated database, made by the first worker that needs it."""

    async def make() -> None:
        owner = await asyncpg.connect(postgres.url_of("postgres"))
        await owner.execute("SELECT pg_advisory_lock(1)")
        if not await owner.fetchval("SELECT true FROM pg_database WHERE datname = $1", TEMPLATE):
            unfinished = f"{TEMPLATE}_{random_name()}"
            await owner.execute(f"CREATE DATABASE {unfinished}")
            connection = await asyncpg.connect(postgres.url_of(unfinished))
            await migrate(connection)
            await connection.close()
            await owner.execute(f"ALTER DATABASE {unfinished} RENAME TO {TEMPLATE}")
        await owner.close()

    asyncio.run(make())
    return TEMPLATE


@pytest.fixture(scope="session")
def make_session_database(request: pytest.FixtureRequest, psql: Psql) -> MakeDatabase:
    """Like `make_database`, for fixtures that live longer than a test; drop them yourself."""
    postgres: EmbeddedPostgres = request.getfixturevalue("postgres")

    def make(*, migrated: bool = True) -> str:
        template = request.getfixturevalue("template_database") if migrated else "template1"
        name = f"test_{random_name()}"
        once_others_left(psql, postgres, f"CREATE DATABASE {name} TEMPLATE {template}")
        return postgres.url_of(name)

    return make


def drop_database(postgres: EmbeddedPostgres, psql: Psql, url: str) -> None:
    name = url.split("@/")[1].split("?")[0]
    once_others_left(psql, postgres, f"DROP DATABASE {name} WITH (FORCE)")


def once_others_left(psql: Psql, postgres: EmbeddedPostgres, sql: str) -> None:
    """Asks again: Postgres waits but 5 s for the sessions that it ends to be gone."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            psql(postgres.url_of("postgres"), sql)
            return
        except AssertionError as error:
            if "being accessed by other users" not in str(error) or time.monotonic() > deadline:
                raise


@pytest.fixture
def make_database(
    make_session_database: MakeDatabase, postgres: EmbeddedPostgres, psql: Psql
) -> Iterator[MakeDatabase]:
    """`make_database()` gives the URL of a fresh database; `migrated=False` an empty one."""
    urls: list[str] = []

    def make(*, migrated: bool = True) -> str:
        urls.append(make_session_database(migrated=migrated))
        return urls[-1]

    yield make
    for url in urls:
        drop_database(postgres, psql, url)


@pytest.fixture
def database_url(make_database: MakeDatabase) -> str:
    """A fresh, migrated database for this test alone."""
    return make_database()


@pytest.fixture(scope="module")
def module_database_url(
    make_session_database: MakeDatabase, postgres: EmbeddedPostgres, psql: Psql
) -> Iterator[str]:
    """A migrated database for all tests of a file; leave it as you found it."""
    url = make_session_database()
    yield url
    drop_database(postgres, psql, url)


@pytest.fixture(scope="session")
def redis() -> Iterator[EmbeddedRedis]:
    """The Redis of this worker: channels know no databases, so workers can't share one."""
    folder = Path(tempfile.mkdtemp(prefix="fieldbook-tests-"))
    server = EmbeddedRedis(folder)
    server.start(START_SECONDS)
    yield server
    server.stop()
    shutil.rmtree(folder)


@pytest.fixture
def redis_url(redis: EmbeddedRedis) -> str:
    """The worker's Redis, emptied for this test."""
    with redis_client.Redis.from_url(redis.redis_url) as client:
        client.flushall()
    return redis.redis_url


@pytest.fixture
def settings(database_url: str, redis_url: str, tmp_path: Path) -> Settings:
    """Settings for a server of this test alone, on any free port."""
    return Settings.from_environment(
        {
            "ENVIRONMENT": "test",
            "PORT": "0",
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DATA_DIR": str(tmp_path / "data"),
            "LOG_LEVEL": "DEBUG",
        }
    )


@pytest.fixture
def logging_as_before() -> Iterator[None]:
    """For tests that set up logging in this process: the stderr they have is closed after them."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logger.remove()
    logger.add(STDERR)
    root.handlers[:] = handlers
    root.setLevel(level)


def random_name() -> str:
    return str(generate(LOWER, 12))
