"""`python -m server export`, as somebody types it."""

from __future__ import annotations

import csv
import io
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import orjson
import pytest

from server.__main__ import main
from tests.integration.support.processes import ROOT

Psql = Callable[[str, str], str]
pytestmark = pytest.mark.usefixtures("logging_as_before")


@dataclass
class Shell:
    """Runs the command on a database of its own."""

    folder: Path
    database_url: str
    psql: Psql
    capfd: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what was written to stdout and stderr."""
        code = main(["export", *arguments])
        return code, *self.capfd.readouterr()


@pytest.fixture
def shell(
    tmp_path: Path,
    database_url: str,
    psql: Psql,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    """Two contacts in the default tenant, and one of another's."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("ENVIRONMENT", "test")
    psql(database_url, "INSERT INTO tenants (id, name) VALUES ('other', 'Another')")
    for tenant, name in (("default", "Ann"), ("default", "Jörg"), ("other", "Olga")):
        psql(
            database_url,
            "INSERT INTO contacts (tenant_id, id, first_name, active)"
            f" VALUES ('{tenant}', 'contact-{name[:2]}', '{name}', '{name}' <> 'Ann')",
        )
    return Shell(tmp_path, database_url, psql, capfd)


def test_it_writes_to_stdout_and_nothing_else_there(shell: Shell) -> None:
    code, out, err = shell.run()

    assert (code, err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(out.removeprefix("\ufeff"), newline="")))
    assert sorted(row["first_name"] for row in rows) == ["Ann", "Jörg"]


def test_it_writes_to_a_file_that_filters_and_formats_fit(shell: Shell) -> None:
    path = shell.folder / "out.json"

    code, out, _ = shell.run("--format", "json", "--output", str(path), "--active", "true")

    assert (code, out) == (0, f"Wrote {path}: 1 contact, 0.0 MB\n")
    assert [each["first_name"] for each in orjson.loads(path.read_bytes())] == ["Jörg"]
    assert [each.name for each in shell.folder.glob("*out*")] == ["out.json"]
    logged = shell.psql(
        shell.database_url, "SELECT origin, after FROM audit_log WHERE op = 'export'"
    )
    assert logged.startswith("sql|")
    assert '"filter": {"active": true}' in logged


def test_it_exports_what_nobody_owns(shell: Shell) -> None:
    shell.psql(
        shell.database_url,
        "INSERT INTO agents (tenant_id, id, code, name, role)"
        " VALUES ('default', 'agent-of-ann', 'ann', 'Ann', 'agent');"
        "UPDATE contacts SET owner_id = 'agent-of-ann' WHERE first_name = 'Ann'",
    )

    code, out, _ = shell.run("--owner-id", "none", "--format", "json")

    assert (code, [each["first_name"] for each in orjson.loads(out)]) == (0, ["Jörg"])


def test_it_exports_one_tenant_and_names_those_that_there_are(shell: Shell) -> None:
    assert "Olga" in shell.run("--tenant", "other")[1]

    code, out, err = shell.run("--tenant", "nobody")

    assert (code, out) == (1, "")
    assert err == "There is no tenant 'nobody'; there are: default, other.\n"


def test_a_bad_filter_and_a_bad_path_are_one_line_and_leave_no_file(shell: Shell) -> None:
    code, _, err = shell.run("--active", "maybe")
    assert (code, err.count("\n")) == (1, 1)
    assert "active: This must be true or false." in err

    code, _, err = shell.run("--output", str(shell.folder / "nowhere" / "out.csv"))
    assert (code, err.count("\n")) == (1, 1)
    assert "can't be written: No such file or directory." in err


def test_a_reader_of_its_output_may_end_before_it(shell: Shell) -> None:
    shell.psql(
        shell.database_url,
        "INSERT INTO contacts (tenant_id, id, first_name, notes)"
        " SELECT 'default', 'many-' || n, 'Ann', repeat('x', 10000) FROM generate_series(1, 500) n",
    )
    command = subprocess.Popen(
        [sys.executable, "-m", "server", "export"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout
    assert command.stderr
    command.stdout.readline()
    command.stdout.close()

    assert command.stderr.read() == "stdout can't be written: Broken pipe.\n"
    assert command.wait(30) == 1
    command.stderr.close()
