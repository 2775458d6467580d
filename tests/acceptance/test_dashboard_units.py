"""The dashboard's plain functions, each file of tests/browser/unit by `node --test`."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from tests.acceptance.support.javascript import node

FOLDER = Path(__file__).resolve().parents[1] / "browser" / "unit"
UNITS = sorted(FOLDER.glob("*.test.js"))


@pytest.mark.parametrize("file", UNITS, ids=lambda file: file.name)
async def test_the_dashboards_functions_do_what_their_tests_say(file: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(node(), "--import", (FOLDER / "support" / "node18.js").as_uri(), "--test", str(file)),
        # Numbers are written as the language of whoever runs them does.
        env={**os.environ, "LC_ALL": "C"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()


def test_there_are_such_tests() -> None:
    assert UNITS
