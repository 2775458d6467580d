"""`python -m server import`, as somebody types it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from server.__main__ import main
from tests.integration.support.bulk import QUICK_WRITES, SLOW_WRITES
from tests.integration.support.processes import ROOT
from tests.waiting import until

Psql = Callable[[str, str], str]
# Each of its commands starts processes of its own.
pytestmark = [pytest.mark.usefixtures("logging_as_before"), pytest.mark.timeout(180)]
FILE = (
    "Name;E-Mail;Telefon;Fax\n"
    "Mia Keller;mia@example.com;044 668 18 00;\n"
    "Jo Meier;jo@example.com;1.41556E+10;\n"
)


@dataclass
class Shell:
    """Runs the command in a folder of its own, on a database of its own."""

    folder: Path
    database_url: str
    psql: Psql
    capsys: pytest.CaptureFixture[str]

    def run(self, *arguments: str) -> tuple[int, str, str]:
        """The exit code, and what was printed on stdout and on stderr."""
        code = main(["import", *arguments])
        return code, *self.capsys.readouterr()

    def start(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[str]:
        """The command in a process, to be asked or stopped."""
        return subprocess.Popen(
            [sys.executable, "-m", "server", "import", *arguments],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def contacts(self) -> list[str]:
        return self.psql(
            self.database_url,
            "SELECT first_name FROM contacts WHERE deleted_at IS NULL ORDER BY 1",
        ).splitlines()


@pytest.fixture
def shell(
    database_url: str,
    psql: Psql,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Shell:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    monkeypatch.setenv("IMPORT_MAX_BYTES", "2000000")
    monkeypatch.delenv("ENVIRONMENT", raising=False)
    psql(
        database_url,
        "INSERT INTO agents (tenant_id, id, code, name, role) VALUES"
        " ('default', 'agent-01', 'ann', 'Ann', 'admin'),"
        " ('default', 'agent-02', 'ben', 'Ben', 'agent')",
    )
    (tmp_path / "kunden.csv").write_text(FILE)
    return Shell(tmp_path, database_url, psql, capsys)


def test_a_file_is_shown_then_imported_then_taken_back(shell: Shell) -> None:
    code, shown, err = shell.run("kunden.csv", "--dry-run", "--region", "CH")
    assert (code, err) == (1, "")
    assert "kunden.csv: csv, utf-8, semicolon; 2 rows" in shown
    assert "  E-Mail   emails" in shown
    assert "  1  to create" in shown
    assert "  row 3  Telefon  A spreadsheet has rounded this number" in shown
    assert shell.contacts() == []

    code, out, err = shell.run("kunden.csv", "--yes")
    assert code == 1, err
    assert "1 created, 0 updated, 0 unchanged, 1 failed." in out
    assert "The rows that failed are in kunden.errors.csv" in out
    errors = (shell.folder / "kunden.errors.csv").read_text(encoding="utf-8-sig").splitlines()
    assert errors[0] == "Name;E-Mail;Telefon;Fax;_row;_field;_error"
    assert errors[1].startswith("Jo Meier;jo@example.com;1.41556E+10;;3;Telefon;")
    assert shell.contacts() == ["Mia"]

    job = out.split("--undo ")[1].strip()
    code, out, err = shell.run("--undo", job, "--yes")
    assert code == 0, err
    assert "Undone: 1 contacts; left as edited since: 0." in out
    assert shell.contacts() == []
    code, _, err = shell.run("--undo", job, "--yes")
    assert (code, err) == (2, "It was undone already.\n")


REFUSED = [
    (["missing.csv", "--yes"], 1, "missing.csv can't be read: No such file or directory."),
    (["empty.csv", "--yes"], 2, "The file is empty."),
    (["broken.csv", "--yes"], 2, "Row 2"),
    (["large.csv", "--yes"], 2, "A file may have 2,000,000 bytes here (IMPORT_MAX_BYTES)."),
    (["kunden.csv", "--yes", "--match", "name"], 2, "--match: This must be some of"),
    (["kunden.csv", "--yes", "--mapping", '{"Fax": "fox"}'], 2, "--mapping.Fax: "),
    (["kunden.csv", "--yes", "--agent", "ben"], 1, "Say in whose name to import by --agent"),
    (["kunden.csv", "--yes", "--tenant", "x"], 1, "There is no tenant 'x'"),
    (["kunden.csv"], 2, "There is no terminal to ask in: add --yes, or --dry-run."),
    (["--undo", "no-such-job", "--yes"], 2, "There is no job with the id no-such-job."),
    (["--undo", "-begins-with-dash", "--yes"], 2, "There is no job with the id -begins-with-dash."),
    (["--yes", "--resume", "-begins-with-dash"], 2, "There is no job with the id -begins"),
]


def test_what_can_not_be_imported_is_one_line_and_writes_nothing(shell: Shell) -> None:
    (shell.folder / "empty.csv").touch()
    (shell.folder / "broken.csv").write_text('Name,Mail\nMia,"open\n')
    (shell.folder / "large.csv").write_text("Name\n" + "Mia\n" * 600_000)
    for arguments, code, said in REFUSED:
        ended, _, err = shell.run(*arguments)
        assert (ended, err[: len(said)]) == (code, said)
        assert err.count("\n") == 1
    assert shell.contacts() == []
    assert shell.psql(shell.database_url, "SELECT count(*) FROM bulk_files") == "0"


def test_in_a_terminal_it_asks_and_takes_only_yes_for_it(shell: Shell) -> None:
    for answer, imported in (("n\n", []), ("y\n", ["Mia"])):
        ours, theirs = os.openpty()
        process = shell.start("kunden.csv", stdin=theirs)
        os.close(theirs)
        os.write(ours, answer.encode())
        out, err = process.communicate(timeout=60)
        os.close(ours)
        assert "Import this? [y/N]" in out, err
        assert shell.contacts() == imported


async def has_begun(connection: asyncpg.Connection) -> None:
    """Waits until the import has made its first hundred contacts."""

    async def are_there() -> bool:
        return bool(await connection.fetchval("SELECT count(*) >= 100 FROM contacts"))

    await until(are_there, 60)


async def press_ctrl_c_in_the_middle(process: subprocess.Popen[str], url: str) -> None:
    connection = await asyncpg.connect(url)
    await has_begun(connection)
    process.send_signal(signal.SIGINT)
    await connection.close()


def test_it_is_stopped_after_a_chunk_and_goes_on_where_it_was(shell: Shell) -> None:
    rows = "\n".join(f"M{number:05},m{number}@example.com" for number in range(3_000))
    (shell.folder / "many.csv").write_text(f"First name,E-Mail\n{rows}\n")
    shell.psql(shell.database_url, SLOW_WRITES)
    process = shell.start("many.csv", "--yes")
    asyncio.run(press_ctrl_c_in_the_middle(process, shell.database_url))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Stopped after " in out
    done = len(shell.contacts())
    assert 100 <= done < 3_000

    shell.psql(shell.database_url, QUICK_WRITES)
    code, out, err = shell.run("--resume", out.split("--resume ")[1].strip(), "--yes")
    assert code == 0, err
    assert "3,000 created, 0 updated, 0 unchanged, 0 failed." in out
    assert len(shell.contacts()) == 3_000


def test_an_import_goes_on_when_nobody_reads_its_output(shell: Shell) -> None:
    process = shell.start("kunden.csv", "--yes")
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    assert process.stderr.read() == "<stdout> can't be written: Broken pipe.\n"
    assert process.wait(60) == 1
    process.stderr.close()
    assert shell.contacts() == ["Mia"]


def test_failed_rows_that_can_not_be_kept_are_where_the_server_has_them(shell: Shell) -> None:
    nowhere = str(shell.folder / "nowhere" / "errors.csv")
    code, out, err = shell.run("kunden.csv", "--yes", "--errors", nowhere)
    assert code == 1
    assert "1 created, 0 updated, 0 unchanged, 1 failed." in out
    assert "--undo " in out
    assert f"{nowhere} can't be written: No such file or directory. " in err
    assert "/errors" in err


def test_failed_rows_that_somebody_may_be_mending_stay(shell: Shell) -> None:
    for name in ("kunden.errors.csv", "kunden.errors-2.csv", "kunden.errors-3.csv"):
        code, out, _ = shell.run("kunden.csv", "--yes")
        assert code == 1
        assert f"The rows that failed are in {name}" in out
        (shell.folder / name).write_text("mended")
    assert (shell.folder / "kunden.errors.csv").read_text() == "mended"


async def keep_the_database_away(url: str, seconds: float) -> None:
    """In the middle of an import: cuts off all others, again and again for a while."""
    connection = await asyncpg.connect(url)
    await has_begun(connection)
    for _ in range(int(seconds / 0.02)):
        await connection.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await asyncio.sleep(0.02)
    await connection.execute(QUICK_WRITES)
    await connection.close()


def test_it_waits_for_a_database_that_is_away_for_a_while(shell: Shell) -> None:
    rows = "\n".join(f"M{number:05},m{number}@example.com" for number in range(3_000))
    (shell.folder / "many.csv").write_text(f"First name,E-Mail\n{rows}\n")
    # Or it might be over by then, and not be cut off at all.
    shell.psql(shell.database_url, SLOW_WRITES)
    process = shell.start("many.csv", "--yes")
    asyncio.run(keep_the_database_away(shell.database_url, 2))
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "3,000 created, 0 updated, 0 unchanged, 0 failed." in out
    assert len(shell.contacts()) == 3_000
