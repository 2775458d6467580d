from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import asyncpg
import pytest

from server.db.dump import dump_schema
from server.db.embedded import EmbeddedPostgres
from server.db.migrate import DIRECTORY, MigrationError, migrate, pending

CREATE_NOTES = "CREATE TABLE notes (id int PRIMARY KEY, body text, author text);\n"
SHOUT = """\
-- Louder.
CREATE OR REPLACE FUNCTION shout(value text) RETURNS text LANGUAGE sql AS $$
    SELECT whisper(value) || '!'
$$;
"""
WHISPER = """\
CREATE OR REPLACE FUNCTION whisper(value text) RETURNS text LANGUAGE sql AS $$
    SELECT value
$$;
"""
LOUD_NOTES = "CREATE OR REPLACE VIEW loud_notes AS SELECT id, shout(body) AS body FROM notes;\n"


class Folder:
    """A sql/ folder of the test's own."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str) -> None:
        (self.path / name).parent.mkdir(parents=True, exist_ok=True)
        (self.path / name).write_text(text)


@pytest.fixture
def sql(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path / "sql")
    folder.write("migrations/0001_create_notes.sql", CREATE_NOTES)
    folder.write("functions/shout.sql", SHOUT)
    folder.write("functions/whisper.sql", WHISPER)
    folder.write("views/loud_notes.sql", LOUD_NOTES)
    return folder


@pytest.fixture
def empty_database_url(make_database: Callable[..., str]) -> str:
    return make_database(migrated=False)


@pytest.fixture
async def connection(empty_database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(empty_database_url)
    yield connection
    await connection.close()


async def test_everything_is_applied_in_order_and_only_once(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    sql.write("migrations/0002_insert_note.sql", "INSERT INTO notes VALUES (1, 'hello', 'ann');")
    everything = [
        "migrations/0001_create_notes.sql",
        "migrations/0002_insert_note.sql",
        "functions/shout.sql",
        "functions/whisper.sql",
        "views/loud_notes.sql",
    ]
    assert await pending(connection, sql.path) == everything
    report = await migrate(connection, sql.path)
    assert [*report.migrations, *report.objects] == everything
    assert await connection.fetchval("SELECT body FROM loud_notes") == "hello!"

    assert await pending(connection, sql.path) == []
    again = await migrate(connection, sql.path)
    assert (again.migrations, again.objects) == ((), ())


async def test_an_edited_migration_is_refused_by_name(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    await migrate(connection, sql.path)
    sql.write("migrations/0001_create_notes.sql", CREATE_NOTES + "-- one more thought\n")
    sql.write("migrations/0002_drop_notes.sql", "DROP TABLE notes;")
    with pytest.raises(MigrationError) as caught:
        await migrate(connection, sql.path)
    assert str(caught.value).startswith("sql/migrations/0001_create_notes.sql was edited after")
    assert await connection.fetchval("SELECT count(*) FROM notes") == 0


async def test_a_migration_checked_out_on_windows_is_the_same_migration(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    await migrate(connection, sql.path)
    path = sql.path / "migrations" / "0001_create_notes.sql"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    await migrate(connection, sql.path)


async def test_a_migration_that_fails_leaves_nothing_and_names_its_line(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    sql.write(
        "migrations/0002_insert_notes.sql",
        "INSERT INTO notes VALUES (1, 'a', 'b');\n\nINSERT INTO nots VALUES (2, 'a', 'b');\n",
    )
    with pytest.raises(MigrationError) as caught:
        await migrate(connection, sql.path)
    assert "sql/migrations/0002_insert_notes.sql, line 3, fails" in str(caught.value)
    assert "\n" not in str(caught.value)
    # The one before it stays, this one left no trace, and the next try goes on from there.
    assert await connection.fetchval("SELECT count(*) FROM notes") == 0
    sql.write("migrations/0002_insert_notes.sql", "INSERT INTO notes VALUES (1, 'a', 'b');")
    report = await migrate(connection, sql.path)
    assert report.migrations == ("migrations/0002_insert_notes.sql",)


async def test_a_changed_function_is_replaced_and_the_others_are_left_alone(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    await migrate(connection, sql.path)
    sql.write("functions/whisper.sql", WHISPER.replace("SELECT value", "SELECT lower(value)"))
    report = await migrate(connection, sql.path)
    assert report.objects == ("functions/whisper.sql",)
    assert await connection.fetchval("SELECT shout('HEY')") == "hey!"


async def test_a_view_can_lose_a_column_even_when_another_view_reads_it(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    sql.write("views/newest_note.sql", "CREATE VIEW newest_note AS SELECT max(id) FROM loud_notes")
    await migrate(connection, sql.path)
    sql.write("views/loud_notes.sql", "CREATE OR REPLACE VIEW loud_notes AS SELECT id FROM notes;")
    await migrate(connection, sql.path)
    assert await connection.fetchval("SELECT count(*) FROM newest_note") == 1
    with pytest.raises(asyncpg.UndefinedColumnError):
        await connection.fetch("SELECT body FROM loud_notes")


async def test_a_new_migration_has_the_views_made_anew(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    await migrate(connection, sql.path)
    sql.write(
        "migrations/0002_widen_notes.sql",
        "DROP VIEW loud_notes; ALTER TABLE notes ALTER id TYPE bigint;",
    )
    report = await migrate(connection, sql.path)
    assert "views/loud_notes.sql" in report.objects
    assert await connection.fetch("SELECT id FROM loud_notes") == []


async def test_all_objects_change_or_none(connection: asyncpg.Connection, sql: Folder) -> None:
    await migrate(connection, sql.path)
    sql.write("functions/whisper.sql", WHISPER.replace("SELECT value", "SELECT 'changed'"))
    sql.write("triggers/notes.sql", "CREATE TRIGGER nonsense;")
    with pytest.raises(MigrationError, match="sql/triggers/notes.sql, line 1"):
        await migrate(connection, sql.path)
    assert await connection.fetchval("SELECT whisper('as before')") == "as before"


async def test_an_object_whose_file_is_gone_is_forgotten(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    await migrate(connection, sql.path)
    (sql.path / "functions" / "whisper.sql").unlink()
    await migrate(connection, sql.path)
    sql.write("functions/whisper.sql", WHISPER)
    report = await migrate(connection, sql.path)
    assert report.objects == ("functions/whisper.sql",)


async def test_a_database_of_a_newer_server_is_refused_but_has_nothing_pending(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    sql.write("migrations/0002_create_more.sql", "CREATE TABLE more ();")
    await migrate(connection, sql.path)
    (sql.path / "migrations" / "0002_create_more.sql").unlink()
    with pytest.raises(MigrationError, match="has migrations/0002_create_more.sql, which this"):
        await migrate(connection, sql.path)
    assert await pending(connection, sql.path) == []


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("migrations/2_create_more.sql", "must be named like 0001_create_contacts.sql"),
        ("migrations/0001_create_again.sql", "renumber one"),
    ],
)
async def test_a_badly_named_migration_is_refused(
    connection: asyncpg.Connection, sql: Folder, name: str, problem: str
) -> None:
    sql.write(name, "SELECT 1;")
    with pytest.raises(MigrationError, match=problem):
        await migrate(connection, sql.path)


async def test_a_migration_can_not_come_before_an_applied_one(
    connection: asyncpg.Connection, sql: Folder
) -> None:
    sql.write("migrations/0003_create_third.sql", "CREATE TABLE third ();")
    await migrate(connection, sql.path)
    sql.write("migrations/0002_create_second.sql", "CREATE TABLE second ();")
    with pytest.raises(MigrationError, match="0002_create_second.sql comes before"):
        await migrate(connection, sql.path)


async def test_two_runners_at_once_apply_everything_once(
    empty_database_url: str, sql: Folder
) -> None:
    sql.write("migrations/0002_wait.sql", "SELECT pg_sleep(0.2);")
    connections = [await asyncpg.connect(empty_database_url) for _ in range(3)]
    reports = await asyncio.gather(*(migrate(each, sql.path) for each in connections))
    assert sorted(len(report.migrations) for report in reports) == [0, 0, 2]
    for each in connections:
        await each.close()


async def test_a_runner_that_failed_lets_the_next_one_in(
    connection: asyncpg.Connection, empty_database_url: str, sql: Folder
) -> None:
    sql.write("migrations/0002_fail.sql", "SELECT 1/0;")
    with pytest.raises(MigrationError, match="division by zero"):
        await migrate(connection, sql.path)
    (sql.path / "migrations" / "0002_fail.sql").unlink()
    other = await asyncpg.connect(empty_database_url)
    async with asyncio.timeout(30):
        await migrate(other, sql.path)
    await other.close()


async def test_the_server_s_role_may_ask_what_is_pending(database_url: str) -> None:
    connection = await asyncpg.connect(database_url, server_settings={"role": "fieldbook_server"})
    assert await pending(connection) == []
    await connection.close()


async def test_applying_everything_again_changes_nothing(
    database_url: str, postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    before = dump_schema(database_url, postgres.bin_path)
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE schema_objects SET checksum = 'of another version'")
    report = await migrate(connection)
    await connection.close()
    assert len(report.objects) == len(list(DIRECTORY.glob("[ftv]*s/*.sql")))
    assert dump_schema(database_url, postgres.bin_path) == before
