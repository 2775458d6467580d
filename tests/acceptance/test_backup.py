"""`python -m server backup` and `restore`, as a person types them."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest

from server.db.dump import dump_schema
from server.db.embedded import EmbeddedPostgres
from server.db.migrate import DIRECTORY, migrate
from server.jobs.worker import Worker
from tests.acceptance.support.command_line import ROOT
from tests.waiting import until

MakeDatabase = Callable[..., str]
Psql = Callable[[str, str], str]

# All that a database says of itself and must not change by a restore that is refused.
STATE = """SELECT string_agg(tenant_id || ' ' || version || ' ' || epoch || ' ' || checksum, ';'
           ORDER BY tenant_id) FROM global_version"""


FILL = """INSERT INTO tenants (id, name) VALUES ('other', 'Other');
    INSERT INTO contacts (tenant_id, id, first_name, notes)
    SELECT t, 'contact-' || n, 'Ann', repeat(md5(n::text), 20)
    FROM generate_series(1, 300) AS n, unnest(ARRAY['default', 'other']) AS t;
    INSERT INTO tags (tenant_id, id, name) VALUES ('default', 'tag-0001', 'VIP');
    DELETE FROM contacts WHERE id = 'contact-7'"""

# Whether a restore has asked who else uses the database.
ASKED = """SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database()
           AND query LIKE '%application_name LIKE%' AND pid <> pg_backend_pid())"""

# A condition of which Postgres gives another wording, of the same meaning, each time that it reads
# its own.
REWORDED = re.compile("CREATE TRIGGER keep_search_of_updated_contacts ").match

Done = subprocess.CompletedProcess[str]


def server(url: str, *arguments: str | Path) -> Done:
    """Runs a command on that database. Its Redis is one at which nobody answers."""
    return subprocess.run(
        [sys.executable, "-m", "server", *map(str, arguments)],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "REDIS_URL": "redis://127.0.0.1:1",
            "ENVIRONMENT": "test",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def refused(done: Done) -> str:
    """The one line that says why."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture
def filled(database_url: str, psql: Psql) -> str:
    """A database with two companies, contacts, a tombstone and a tag."""
    psql(database_url, FILL)
    return database_url


@pytest.fixture
def older(make_database: MakeDatabase, psql: Psql, tmp_path: Path) -> str:
    """The same, as it was before the last migration and one of the functions."""
    folder = tmp_path / "sql"
    shutil.copytree(DIRECTORY, folder)
    max((folder / "migrations").iterdir()).unlink()
    (folder / "functions" / "purge_tombstones.sql").unlink()
    url = make_database(migrated=False)

    async def migrate_to_older() -> None:
        connection = await asyncpg.connect(url)
        await migrate(connection, folder)
        await connection.close()

    asyncio.run(migrate_to_older())
    psql(url, FILL)
    return url


@pytest.fixture
def file(filled: str, tmp_path: Path) -> Path:
    """A backup of it."""
    done = server(filled, "backup", tmp_path / "saved.dump")
    assert done.returncode == 0, done.stderr
    return tmp_path / "saved.dump"


def test_a_backup_is_one_whole_file_that_nobody_else_reads(file: Path) -> None:
    assert [each.name for each in file.parent.iterdir()] == ["saved.dump"]
    assert file.stat().st_mode & 0o077 == 0
    assert file.read_bytes()[:5] == b"PGDMP"


def test_a_restore_brings_back_what_was_and_begins_a_new_epoch_for_every_company(
    file: Path, filled: str, psql: Psql
) -> None:
    rows = "SELECT md5(string_agg(r::text, '' ORDER BY version)) FROM synced_rows AS r"
    heads = "SELECT tenant_id, version, floor, checksum FROM global_version ORDER BY 1"
    epochs = "SELECT string_agg(epoch, ' ') FROM global_version"
    before = [psql(filled, each) for each in (rows, heads)]
    lives = psql(filled, epochs).split()
    psql(filled, "UPDATE contacts SET first_name = 'Ben'; CREATE TABLE newer (a int)")
    done = server(filled, "restore", file)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Restored {file}. Every device syncs anew when it connects.\n"
    assert [psql(filled, each) for each in (rows, heads)] == before
    now = psql(filled, epochs).split()
    assert len({*lives, *now}) == 4
    assert psql(filled, "SELECT to_regclass('newer') IS NULL") == "t"
    # It lives on: triggers, rights and sequences are there.
    psql(
        filled, "INSERT INTO contacts (tenant_id, id, first_name) VALUES ('other', 'new-0001', 'C')"
    )
    assert server(filled, "migrate").stdout == "The database is up to date.\n"


def test_a_restored_database_has_the_schema_of_a_migrated_one(
    file: Path, filled: str, make_database: MakeDatabase, postgres: EmbeddedPostgres
) -> None:
    empty = make_database(migrated=False)
    assert server(empty, "restore", file).returncode == 0
    restored, migrated = (
        [line for line in dump_schema(url, postgres.bin_path).splitlines() if not REWORDED(line)]
        for url in (empty, filled)
    )
    assert restored == migrated


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3, 0.6, 0.9, 0.9999])
def test_a_file_that_is_cut_off_changes_nothing(
    share: float, file: Path, filled: str, psql: Psql
) -> None:
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    before = psql(filled, STATE)
    assert str(file) in refused(server(filled, "restore", file))
    assert psql(filled, STATE) == before


def test_a_file_that_is_no_backup_or_is_not_there_changes_nothing(
    filled: str, psql: Psql, tmp_path: Path
) -> None:
    before = psql(filled, STATE)
    (tmp_path / "letter.txt").write_text("Dear Ann")
    (tmp_path / "empty").touch()
    for name, reason in (
        ("letter.txt", "is no backup"),
        ("empty", "is no backup"),
        ("nowhere", "can't be read: No such file or directory."),
        (".", "can't be read: Is a directory."),
    ):
        said = refused(server(filled, "restore", tmp_path / name))
        assert said.startswith(f"{tmp_path / name} {reason}"), said
    assert psql(filled, STATE) == before


def test_a_backup_of_something_else_changes_nothing(
    filled: str, psql: Psql, make_database: MakeDatabase, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    other = make_database(migrated=False)
    psql(other, "CREATE TABLE recipes (name text)")
    file = tmp_path / "recipes.dump"
    subprocess.run([postgres.bin_path / "pg_dump", "-Fc", "-f", file, other], check=True)
    before = psql(filled, STATE)
    said = refused(server(filled, "restore", file))
    assert said == f"{file} is a backup of something else than Fieldbook.\n"
    assert psql(filled, STATE) == before


def test_a_backup_of_a_newer_version_is_refused_before_anything_is_lost(
    filled: str, psql: Psql, tmp_path: Path
) -> None:
    newest = "migrations/9000_create_invoices.sql"
    psql(filled, f"INSERT INTO schema_migrations (name, checksum) VALUES ('{newest}', '')")
    assert server(filled, "backup", tmp_path / "newer.dump").returncode == 0
    psql(filled, f"DELETE FROM schema_migrations WHERE name = '{newest}'")
    before = psql(filled, STATE)
    said = refused(server(filled, "restore", tmp_path / "newer.dump"))
    assert said.startswith(f"The database has {newest}, which this server does not")
    assert psql(filled, STATE) == before


def test_a_backup_of_an_older_version_is_brought_up_to_date(
    older: str, psql: Psql, tmp_path: Path
) -> None:
    last = f"migrations/{max(path.name for path in (DIRECTORY / 'migrations').iterdir())}"
    assert psql(older, "SELECT max(name) FROM schema_migrations") < last
    assert server(older, "backup", tmp_path / "older.dump").returncode == 0
    done = server(older, "restore", tmp_path / "older.dump")
    assert done.returncode == 0, done.stderr
    assert f"Applied {last}\n" in done.stdout
    assert psql(older, "SELECT max(name) FROM schema_migrations") == last
    assert server(older, "purge", "--older-than", "0s").returncode == 0


@contextmanager
def another_server(url: str) -> Iterator[None]:
    """A connection to the database as one of a server's, until it is left."""
    with subprocess.Popen(
        ["sh", "-c", f"(echo 'SELECT 1;'; sleep 600) | PGAPPNAME=fieldbook exec psql '{url}'"],
        stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            process.stdout.readline()
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)


def test_beneath_a_running_server_nothing_is_restored(file: Path, filled: str, psql: Psql) -> None:
    before = psql(filled, STATE)
    with another_server(filled):
        said = refused(server(filled, "restore", file))
    assert said == "A Fieldbook uses this database: stop it, then restore again.\n"
    assert psql(filled, STATE) == before


async def test_connections_that_a_server_left_behind_are_waited_for(
    file: Path, filled: str, psql: Psql
) -> None:
    with another_server(filled):
        restoring = asyncio.create_task(asyncio.to_thread(server, filled, "restore", file))
        # It asks, or has asked and was refused.
        await until(lambda: restoring.done() or psql(filled, ASKED) == "t", 60)
    done = await restoring
    assert (done.returncode, done.stderr) == (0, "")


def test_whoever_owns_the_database_restores_it_without_being_a_superuser(
    file: Path, make_database: MakeDatabase, psql: Psql
) -> None:
    url = make_database(migrated=False)
    name = url.split("@/")[1].split("?")[0]
    psql(
        url,
        f"""CREATE ROLE {name}_owner LOGIN CREATEROLE;
            GRANT fieldbook_server TO {name}_owner WITH ADMIN OPTION;
            ALTER DATABASE {name} OWNER TO {name}_owner""",
    )
    owned = url.replace("//fieldbook@", f"//{name}_owner@")
    try:
        done = server(owned, "restore", file)
        assert (done.returncode, done.stderr) == (0, "")
        assert psql(owned, "SELECT count(*) FROM contacts") == "600"
        assert server(owned, "restore", file).returncode == 0
    finally:
        psql(url, f"REASSIGN OWNED BY {name}_owner TO fieldbook; DROP OWNED BY {name}_owner")
        psql(url, f"DROP ROLE {name}_owner")


def test_a_backup_that_can_not_be_written_is_one_line(filled: str, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    for place in (tmp_path / "no" / "such.dump", tmp_path / "full"):
        said = refused(server(filled, "backup", place))
        assert said.startswith(f"{place} can't be written: "), said
    assert [each.name for each in tmp_path.iterdir()] == ["full"]


async def test_a_job_that_was_running_when_the_backup_was_made_is_done_after_the_restore(
    filled: str, psql: Psql, tmp_path: Path
) -> None:
    psql(
        filled,
        """UPDATE contacts SET tag_ids = '{tag-0001}' WHERE tenant_id = 'default';
           DELETE FROM tags;
           UPDATE pgqueuer SET status = 'picked', queue_manager_id = gen_random_uuid(),
               heartbeat = now() - interval '1 hour', updated = now() - interval '1 hour'""",
    )
    for command in ("backup", "restore"):
        done = await asyncio.to_thread(server, filled, command, tmp_path / "saved.dump")
        assert done.returncode == 0, done.stderr
    tagged = "SELECT count(*) FROM contacts WHERE tag_ids <> '{}'"
    assert psql(filled, tagged) == "300"
    worker = Worker(filled)
    await worker.start()
    await until(lambda: psql(filled, "SELECT count(*) FROM pgqueuer") == "0", 60)
    await worker.stop()
    assert psql(filled, tagged) == "0"
