"""`python -m server` in a session of its own, as a terminal starts it."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[3]
READY_SECONDS = 60


@dataclass
class Server:
    """A server in a session of its own, so that a signal to its group is Ctrl-C."""

    folder: Path
    port: int
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def wait_until_ready(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())
            if "ready at" in line:
                return
        raise AssertionError(f"it ended: {self.process.wait()} {self.stderr}")

    def read_line(self) -> str:
        assert self.process.stdout is not None
        self.lines.append(self.process.stdout.readline().rstrip())
        return self.lines[-1]

    @property
    def stderr(self) -> str:
        return (self.folder / "stderr").read_text()

    def databases(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def press_ctrl_c(self, number: signal.Signals = signal.SIGINT) -> float:
        """Seconds until the whole group and its databases were gone."""
        databases = self.databases()
        begin = time.monotonic()
        os.killpg(self.process.pid, number)
        self.process.wait(timeout=READY_SECONDS)
        took = time.monotonic() - begin
        _, running = psutil.wait_procs(databases, timeout=READY_SECONDS)
        assert running == [], "it left databases running"
        return took


def start(folder: Path, port: int, **environment: str) -> Server:
    variables = {
        **os.environ,
        "DATA_DIR": str(folder / "data"),
        "PORT": str(port),
        **environment,
    }
    with (folder / "stderr").open("a") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "server"],
            cwd=ROOT,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            start_new_session=True,
        )
    return Server(folder, port, process)


def free_port() -> int:
    """A port on which nobody listens, for a server that is about to start.

    Below those that the system gives to connections: one of these could take it meanwhile.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
