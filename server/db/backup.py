"""Backups of a whole database, and its restoration in one transaction with a new epoch."""

from __future__ import annotations

import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from server.db.migrate import DIRECTORY, find_new_migrations, read_sources
from server.db.programs import DumpError, address_of, run, said
from server.db.queries import queries

PIECE = 1_000_000
# What a newer pg_restore begins with and an older Postgres does not know; 0 is what it has anyway.
UNKNOWN_BEFORE_17 = b"SET transaction_timeout = 0;\n"
ROLES = DIRECTORY / "migrations" / "0001_create_roles_and_extensions.sql"


def write_backup(url: str, bin_path: Path, file: Path) -> None:
    """Dumps the database to `file`, which is there only when it is whole. Raises `DumpError`."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        # It holds everything that people know of their customers: nobody else reads it.
        unfinished.touch(mode=0o600)
        unfinished.chmod(0o600)
        run([bin_path / "pg_dump", "--format=custom", "--file", unfinished], url)
        unfinished.replace(file)
    except OSError as error:
        raise DumpError(f"{file} can't be written: {error.strerror}.") from error
    finally:
        if unfinished.is_file():
            unfinished.unlink()


def choose_reader(file: Path, folders: list[Path]) -> Path:
    """The first of the folders whose pg_restore reads the file. Raises `DumpError`.

    A backup by a newer Postgres can't be read by an older one's pg_restore.
    """
    try:
        with file.open("rb"):
            pass
    except OSError as error:
        raise DumpError(f"{file} can't be read: {error.strerror}.") from error
    reasons = []
    for folder in folders:
        try:
            run([folder / "pg_restore", "--list", file])
        except DumpError as error:
            reasons.append(str(error))
        else:
            return folder
    raise DumpError(f"{file} is no backup, or not a whole one: {reasons[-1]}")


def check_backup(file: Path, bin_path: Path) -> None:
    """Looks whether this server can use the backup.

    Raises `DumpError` when it is of something else, and `MigrationError` when it is of a newer
    version or of an edited one.
    """
    pg_restore = bin_path / "pg_restore"
    try:
        text = run(
            [pg_restore, "--data-only", "--table=schema_migrations", "--file=-", file]
        ).decode()
    except DumpError as error:
        raise DumpError(f"{file} is cut off or damaged: {error}") from error
    _, found, rows = text.partition("\nCOPY public.schema_migrations ")
    if not found:
        raise DumpError(f"{file} is a backup of something else than Fieldbook.")
    lines = rows.partition("\n\\.\n")[0].splitlines()[1:]
    migrations, _ = read_sources(DIRECTORY)
    find_new_migrations(migrations, dict(line.split("\t")[:2] for line in lines))


def restore_backup(url: str, bin_path: Path, file: Path, server_major: int) -> None:
    """Puts the backup in the place of everything in the database, and begins new epochs.

    All of it is one transaction, which is only committed once the file was read to its end: nobody
    ever sees the restored rows with their old epoch. Raises `DumpError`, and then nothing changed.
    """
    before = [
        "BEGIN",
        "SET client_min_messages = warning",
        # A psql that somebody left open in a transaction would keep us waiting for ever.
        "SET lock_timeout = '10s'",
        queries.restore.drop_schema,
        queries.restore.create_schema,
        queries.restore.grant_schema,
        queries.restore.describe_schema,
        # A dump has no roles, and the cluster may be a new one.
        ROLES.read_text(),
    ]
    after = ["", queries.restore.start_epochs, "COMMIT", ""]
    address, environment = address_of(url)
    with tempfile.TemporaryFile() as complaints, tempfile.TemporaryFile() as reader_complaints:
        reader = subprocess.Popen(
            [bin_path / "pg_restore", "--no-owner", "--file=-", file],
            stdout=subprocess.PIPE,
            stderr=reader_complaints,
        )
        writer = subprocess.Popen(
            [bin_path / "psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", address],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=complaints,
            env=environment,
        )
        try:
            assert reader.stdout is not None
            assert writer.stdin is not None
            passed_on = _pass_on(before, reader.stdout, writer.stdin, server_major)
            if not passed_on:
                reader.kill()
            whole = reader.wait() == 0
            if whole:
                passed_on = _write(writer.stdin, ";\n".join(after).encode())
            # Without a COMMIT, the end of its input is a ROLLBACK.
            _close(writer.stdin)
            committed = writer.wait() == 0 and whole and passed_on
        finally:
            for process in (reader, writer):
                if process.poll() is None:
                    process.kill()
                    process.wait()
        if passed_on and not whole:
            reason = _read(reader_complaints)
            raise DumpError(f"{file} is cut off or damaged, the database is as it was: {reason}")
        if not committed:
            raise DumpError(f"The database refuses {file} and is as it was: {_read(complaints)}")


def _pass_on(before: list[str], source: IO[bytes], target: IO[bytes], server_major: int) -> bool:
    """Writes the statements and then all of the source; False when the target takes no more."""
    if not _write(target, (";\n".join([*before, ""])).encode()):
        return False
    piece = source.read(PIECE)
    if server_major < 17:
        piece = piece.replace(UNKNOWN_BEFORE_17, b"", 1)
    while piece:
        if not _write(target, piece):
            return False
        piece = source.read(PIECE)
    return True


def _write(target: IO[bytes], piece: bytes) -> bool:
    try:
        target.write(piece)
        target.flush()
    except BrokenPipeError:
        # It ended, and its complaints say why.
        return False
    return True


def _close(target: IO[bytes]) -> None:
    # What was not written yet is wanted no more by one that ended.
    with suppress(BrokenPipeError):
        target.close()


def _read(complaints: IO[bytes]) -> str:
    complaints.seek(0)
    return said(complaints.read())
