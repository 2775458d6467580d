from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from server.__main__ import COMMANDS, main
from server.commands import database
from server.db.migrate import DIRECTORY

MakeDatabase = Callable[..., str]
Psql = Callable[[str, str], str]
ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.usefixtures("logging_as_before")

NO_TENANT = "There is no tenant 'x'; there are: default."


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No `.env` file, no data folder and no Redis but the test's own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    return monkeypatch


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_and_explains_itself(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    module, function = COMMANDS[name][0].split(":")
    assert callable(getattr(importlib.import_module(module), function))
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    assert f"python -m server {name}" in capsys.readouterr().out


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    said = capsys.readouterr().out
    for name, (_, text) in COMMANDS.items():
        assert f"{name:12} {text}" in said


def test_an_unknown_command_is_answered_with_those_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["migrat"])
    assert ended.value.code == 2
    assert "'migrate'" in capsys.readouterr().err


CTRL_C_AT_AN_IMPORT = """
import sys

class CtrlC:
    def find_spec(self, name, path, target=None):
        if name == sys.argv[1]:
            raise KeyboardInterrupt

sys.meta_path.insert(0, CtrlC())
from server.__main__ import main
sys.exit(main(["migrate"]))
"""


@pytest.mark.parametrize("module", ["asyncpg", "server.commands.database"])
def test_ctrl_c_while_a_command_is_being_read_ends_it_without_a_traceback(module: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CTRL_C_AT_AN_IMPORT, module],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (130, "")


def test_migrate_says_what_it_applied_and_then_that_all_is_there(
    make_database: MakeDatabase,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("DATABASE_URL", make_database(migrated=False))
    assert main(["migrate"]) == 0
    said = capsys.readouterr().out.splitlines()
    files = [
        path for path in DIRECTORY.rglob("*.sql") if path.parent.name not in ("queries", "sql")
    ]
    assert sorted(said) == sorted(f"Applied {path.relative_to(DIRECTORY)}" for path in files)
    assert main(["migrate"]) == 0
    assert capsys.readouterr().out == "The database is up to date.\n"


def test_migrate_refuses_an_edited_migration_in_one_line(
    database_url: str,
    psql: Psql,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = min((DIRECTORY / "migrations").iterdir()).name
    psql(database_url, f"UPDATE schema_migrations SET checksum = '' WHERE name LIKE '%{first}'")
    environment.setenv("DATABASE_URL", database_url)
    assert main(["migrate"]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"sql/migrations/{first} was edited after it was applied")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    "url", ["postgresql://127.0.0.1:1/x", "postgresql:///x?host=/nowhere", "postgresql://a:b/x"]
)
def test_a_database_that_can_not_be_reached_is_one_line(
    url: str, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    environment.setenv("DATABASE_URL", url)
    assert main(["migrate"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("The database can't be reached: ")
    assert said.count("\n") == 1


def test_dump_schema_writes_what_sql_makes(
    environment: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = tmp_path / "schema.sql"
    environment.setattr(database, "SCHEMA", written)
    assert main(["dump-schema"]) == 0
    assert "CREATE TABLE public.contacts (" in written.read_text()
    assert capsys.readouterr().out == "Wrote sql/schema.sql\n"


def test_purge_says_what_went_of_each_company(
    database_url: str,
    psql: Psql,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    psql(
        database_url,
        """INSERT INTO tenants (id, name) VALUES ('other', 'Other');
           INSERT INTO contacts (tenant_id, id, first_name)
           SELECT 'default', 'contact-' || n, 'A' FROM generate_series(1, 3) AS n;
           INSERT INTO tags (tenant_id, id, name) VALUES ('default', 'tag-0001', 'A');
           DELETE FROM contacts; DELETE FROM tags""",
    )
    environment.setenv("DATABASE_URL", database_url)
    assert main(["purge", "--older-than", "90d"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "default: nothing to remove; the floor stays at 0.",
        "other: nothing to remove; the floor stays at 0.",
    ]
    assert main(["purge", "--older-than", "0s", "--tenant", "default"]) == 0
    assert capsys.readouterr().out == (
        "default: removed the tombstones of 3 contacts, 1 tags; the floor is now 8.\n"
    )
    assert psql(database_url, "SELECT count(*) FROM synced_rows") == "0"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["purge", "--older-than", "soon"], "--older-than 'soon' is no age"),
        (["purge", "--older-than", "0s", "--tenant", "x"], NO_TENANT),
        (["seed", "--tenant", "x"], NO_TENANT),
        (["export", "--tenant", "x"], NO_TENANT),
        (["import", "contacts.csv", "--yes", "--tenant", "x"], NO_TENANT),
    ],
)
def test_a_command_refuses_what_makes_no_sense_in_one_line(
    arguments: list[str],
    said: str,
    database_url: str,
    environment: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment.setenv("DATABASE_URL", database_url)
    assert main(arguments) == 1
    written = capsys.readouterr().err
    assert written.startswith(said)
    assert written.count("\n") == 1
