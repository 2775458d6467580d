"""Starting and ending the programs of embedded.py: their accounts, sockets and logs."""

from __future__ import annotations

import hashlib
import importlib.util
import locale
import os
import pwd
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loguru import logger

# The account, the database and its owner.
NAME = "fieldbook"
# Linux allows 107 bytes in a socket's path, macOS 103.
LONGEST_SOCKET_PATH = 100
LARGEST_LOG = 10_000_000
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class EmbeddedError(Exception):
    """A database of our own can't start; one line that says why and what to do."""


def package_folder(name: str) -> Path:
    """Where an installed package lies; it is not imported, for its helpers do too much."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(
            f"The package {name} is not installed: run `make run`, or set DATABASE_URL."
        )
    return Path(spec.origin).parent


def folder_for_sockets(folder: Path, socket_name: str) -> Path:
    """The folder itself, or a short one when a socket's path in it would be too long."""
    if len(os.fsencode(folder / socket_name)) <= LONGEST_SOCKET_PATH:
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path("/tmp") / f"fieldbook-{name}"


def prepare_socket_folder(sockets: Path, folder: Path, account: pwd.struct_passwd | None) -> None:
    """Makes the folder of `folder_for_sockets`, for one user alone. Raises `EmbeddedError`."""
    if sockets == folder:
        return
    owner = os.geteuid() if account is None else account.pw_uid
    if not sockets.exists():
        sockets.mkdir(mode=0o700)
        os.chown(sockets, owner, -1)
    found = sockets.lstat()
    # In /tmp anybody could have made it first.
    if found.st_uid != owner or found.st_mode & 0o077:
        raise EmbeddedError(f"{sockets} belongs to another user: remove it, or set DATA_DIR.")


def unprivileged_account(cluster: Path) -> pwd.struct_passwd | None:
    """Who Postgres runs as when we are root, which it refuses: None when we are not.

    The owner of the data when there is some, or else an account `fieldbook`, made if need be.
    """
    if os.geteuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        return pwd.getpwuid(cluster.stat().st_uid)
    try:
        return pwd.getpwnam(NAME)
    except KeyError:
        pass
    search = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    program = shutil.which("useradd", path=search)
    if program is None:
        raise EmbeddedError(
            "Postgres does not run as root, and there is no useradd to make it an account: "
            "start Fieldbook as another user, or set DATABASE_URL."
        )
    command = [program, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        # Another process may have made it at this very moment, so ask only for the result.
        return pwd.getpwnam(NAME)
    except KeyError:
        raise EmbeddedError(
            f"Postgres does not run as root, and no account could be made for it "
            f"({made.stderr.strip()}): start Fieldbook as another user, or set DATABASE_URL."
        ) from None


def let_pass(folder: Path, account: pwd.struct_passwd) -> None:
    """Lets the account go through the folder and those above it, without listing them."""
    closed = [
        path
        for path in (folder, *folder.parents)
        if path.stat().st_uid != account.pw_uid and not path.stat().st_mode & 0o001
    ]
    for path in closed:
        path.chmod(path.stat().st_mode | 0o001)
    if closed:
        logger.warning(
            "Postgres does not run as root, so other users may now pass through (chmod o+x) {}",
            f"{closed[-1]} to {closed[0]}" if len(closed) > 1 else closed[0],
        )


def system_locale() -> str:
    """A UTF-8 locale that this system has."""
    before = locale.setlocale(locale.LC_CTYPE)
    try:
        for name in ("C.UTF-8", "en_US.UTF-8"):
            try:
                locale.setlocale(locale.LC_CTYPE, name)
            except locale.Error:
                continue
            return name
    finally:
        locale.setlocale(locale.LC_CTYPE, before)
    raise EmbeddedError("This system has neither the locale C.UTF-8 nor en_US.UTF-8: add one.")


@contextmanager
def signals_held() -> Iterator[None]:
    """Lets Ctrl-C and the like wait until the block is done.

    While a process is being born nobody knows yet of one that is to be ended: around `spawn()`, up
    to where the process is remembered. It does not hold what the process itself is sent.
    """
    held: list[int] = []
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    # Only the main thread gets signals, and what is ignored stays so.
    handled = [number for number, handler in before.items() if callable(handler)]
    if threading.current_thread() is not threading.main_thread():
        handled = []
    for number in handled:
        signal.signal(number, lambda number, _: held.append(number))
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, before[number])
        if held:
            signal.raise_signal(held[0])


def spawn(
    command: list[str], log: Path, account: pwd.struct_passwd | None, text: str = ""
) -> subprocess.Popen[bytes]:
    """Starts a program in its own session, its output added to the log, `text` its input."""
    log.parent.mkdir(parents=True, exist_ok=True)
    # Without the variables that steer Postgres's programs (PGPORT, PGDATA, …), in English.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_MESSAGES": "C"}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=environment,
            start_new_session=True,
            user=None if account is None else account.pw_uid,
            group=None if account is None else account.pw_gid,
            extra_groups=None if account is None else [],
        )
    assert process.stdin is not None
    try:
        process.stdin.write(text.encode())
        process.stdin.close()
    except BrokenPipeError:
        # It ended at once; its exit status and log say why.
        logger.debug("{} ended without reading its input", command[0])
    return process


def end_process(process: subprocess.Popen[bytes], timeout: float, *signals: signal.Signals) -> None:
    """Sends the signals in turn, the last of them SIGKILL, until the process has ended."""
    for number in (*signals, signal.SIGKILL):
        process.send_signal(number)
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            # What was asked first had its time; from here on it must be quick.
            timeout = 1
        else:
            return


def listens(path: Path) -> bool:
    """Whether somebody accepts connections on the Unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1)
        try:
            connection.connect(str(path))
        except OSError:
            return False
        return True


def lines_since(log: Path, begin: int) -> list[str]:
    """The lines of a log after `begin` bytes."""
    with log.open("rb") as file:
        file.seek(begin)
        return [line for line in file.read().decode(errors="replace").splitlines() if line]


def telling_line(lines: list[str]) -> str:
    """The line that says why a program ended, or the last one."""
    telling = [line for line in lines if "FATAL" in line or "error:" in line]
    return (telling or lines or ["it said nothing"])[-1].strip()


def trim_log(log: Path) -> None:
    """Keeps a log that has grown large as `….log.1`, and begins anew."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        log.replace(log.with_name(f"{log.name}.1"))
