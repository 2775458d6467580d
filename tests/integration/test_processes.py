from __future__ import annotations

import os
import pwd
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.db import processes
from server.db.embedded import EmbeddedError, EmbeddedPostgres, EmbeddedRedis
from server.db.processes import (
    folder_for_sockets,
    let_pass,
    package_folder,
    prepare_socket_folder,
    unprivileged_account,
)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="fieldbook-tests-") as name:
        yield Path(name)


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_a_database_that_can_not_be_made_says_why_in_one_line(folder: Path) -> None:
    folder.chmod(0o711)
    write_program(folder / "bin" / "initdb", "echo 'initdb: error: no space left'; exit 1")
    server = EmbeddedPostgres(folder / "data", bin_path=folder / "bin")
    with pytest.raises(EmbeddedError) as caught:
        server.start()
    assert str(caught.value) == (
        f"Postgres can't be set up: initdb: error: no space left (see {server.log})"
    )
    assert not server.cluster.exists()


def test_a_redis_that_does_not_start_says_why_in_one_line(folder: Path) -> None:
    server = EmbeddedRedis(folder)
    (server.socket / "a folder in its place").mkdir(parents=True)
    with pytest.raises(EmbeddedError, match="^Redis does not start: ") as caught:
        server.start()
    assert str(server.log) in str(caught.value)
    assert not server.running


def test_what_does_not_run_has_no_process_id(folder: Path) -> None:
    for server in (EmbeddedPostgres(folder), EmbeddedRedis(folder)):
        with pytest.raises(EmbeddedError, match="not running: start it first"):
            _ = server.process_id


def test_a_package_that_is_missing_is_named() -> None:
    with pytest.raises(EmbeddedError, match="no_such_package is not installed"):
        package_folder("no_such_package")


def test_a_platform_without_redis_is_told_apart(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes.importlib.util, "find_spec", lambda _name: None)
    assert not EmbeddedRedis.available()
    with pytest.raises(EmbeddedError, match="set REDIS_URL"):
        EmbeddedRedis(folder)


def test_a_short_folder_holds_its_own_socket_and_a_long_one_does_not() -> None:
    short = Path("/var/lib/fieldbook/postgres")
    assert folder_for_sockets(short, "x.sock") == short
    long = Path("/var") / ("x" * 120)
    assert len(str(folder_for_sockets(long, "x.sock"))) < 50
    assert folder_for_sockets(long, "x.sock") != folder_for_sockets(long / "y", "x.sock")


def test_a_socket_folder_that_others_may_open_is_refused(folder: Path) -> None:
    open_folder = folder / "open"
    open_folder.mkdir()
    open_folder.chmod(0o755)
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        prepare_socket_folder(open_folder, folder, None)


def test_a_folder_is_opened_for_passing_through_alone(folder: Path) -> None:
    inner = folder / "closed" / "inner"
    inner.mkdir(parents=True)
    (folder / "closed").chmod(0o700)
    inner.chmod(0o750)
    let_pass(inner, next(each for each in pwd.getpwall() if each.pw_uid != os.geteuid()))
    assert stat.S_IMODE((folder / "closed").stat().st_mode) == 0o701
    assert stat.S_IMODE(inner.stat().st_mode) == 0o751


def test_postgres_runs_as_ourselves_unless_we_are_root(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert unprivileged_account(folder) is None


def test_no_account_for_postgres_is_explained(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_there(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwnam", nobody_there)
    write_program(folder / "useradd", "echo 'useradd: cannot lock /etc/passwd' >&2; exit 1")
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(EmbeddedError) as caught:
        unprivileged_account(folder / "postgres")
    assert "useradd: cannot lock /etc/passwd" in str(caught.value)
    assert "set DATABASE_URL" in str(caught.value)
