"""Node.js, and the official JavaScript client as `make test` installs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "js"


def node() -> str:
    """Where Node.js is; the test fails, and says what to do, where there is none."""
    path = shutil.which("node")
    if path is None:
        pytest.fail("Node.js is missing. On Debian or Ubuntu: apt-get install nodejs npm")
    return path


def node_modules() -> Path:
    """The folder with socket.io-client; the test fails, and says what to do, where it is not."""
    node()
    modules = FOLDER / "node_modules"
    if not (modules / "socket.io-client").exists():
        pytest.fail("socket.io-client is missing: npm ci --prefix tests/acceptance/js")
    return modules
