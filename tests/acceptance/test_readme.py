"""Does what README.md says, as written there: its commands and its two devices."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.acceptance.support.javascript import node_modules
from tests.conftest import MakeDatabase
from tests.integration.support.processes import ROOT, running_process

README = (ROOT / "README.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
KEY = "fb_a_key_for_this_test_alone"
SECONDS = 60.0


def block(language: str, containing: str) -> str:
    """The one block of code of that language that holds the text."""
    (found,) = [
        text for name, text in FENCE.findall(README) if name == language and containing in text
    ]
    return str(found)


@pytest.fixture
async def url(make_database: MakeDatabase, tmp_path: Path) -> AsyncIterator[str]:
    async with running_process(make_database(migrated=False), tmp_path / "data", KEY) as url:
        yield url


async def run(*command: str, folder: Path) -> str:
    """What the command prints; it must succeed."""
    process = await asyncio.create_subprocess_exec(
        *command, cwd=folder, env=environment(), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(SECONDS):
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed
    return printed.decode()


def environment() -> dict[str, str]:
    return {**os.environ, "FIELDBOOK_KEY": KEY}


class JavaScriptDevice:
    """The README's device, started as it says."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def shows(self, text: str) -> str:
        """The next line, which must hold the text."""
        assert self.process.stdout is not None
        async with asyncio.timeout(SECONDS):
            line = (await self.process.stdout.readline()).decode()
        assert text in line
        return line

    def press_enter(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(b"\n")


@pytest.fixture
async def javascript_device(url: str, tmp_path: Path) -> AsyncIterator[JavaScriptDevice]:
    script = block("js", "socket.io-client").replace("http://localhost:3000", url)
    (tmp_path / "device.mjs").write_text(script)
    (tmp_path / "node_modules").symlink_to(node_modules())
    process = await asyncio.create_subprocess_exec(
        *("node", "device.mjs"),
        cwd=tmp_path,
        env=environment(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    yield JavaScriptDevice(process)
    process.kill()
    await process.wait()


async def test_the_commands_of_a_first_contact_find_it_again(url: str, tmp_path: Path) -> None:
    commands = block("sh", "curl").replace("http://localhost:3000", url)
    printed = await run("bash", "-e", "-c", commands, folder=tmp_path)
    made, found = one_after_another(printed)
    assert made["ok"]
    assert made["contact"]["display_name"] == "Mia Keller"
    assert [contact["id"] for contact in found["items"]] == [made["contact"]["id"]]


async def test_the_two_devices_do_what_the_readme_promises(
    url: str, tmp_path: Path, javascript_device: JavaScriptDevice
) -> None:
    script = block("python", "socketio").replace("http://localhost:3000", url)
    (tmp_path / "device.py").write_text(script)
    second = (sys.executable, "device.py")
    await javascript_device.shows("now 0")

    assert (await run(*second, folder=tmp_path)).startswith("applied Ben Roth as version")
    await javascript_device.shows("[ 'Ben Roth' ] and 0 deleted: now 1")

    javascript_device.press_enter()
    await javascript_device.shows("offline")
    await run(*second, folder=tmp_path)
    javascript_device.press_enter()
    await javascript_device.shows("[ 'Ben Roth' ] and 0 deleted: now 2")


async def test_a_file_is_imported_beside_the_server_as_the_readme_says(
    make_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database_url = make_database(migrated=False)
    (tmp_path / "contacts.csv").write_text("Name,Email\nMia Keller,mia@example.com\n")
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    tried, imported = block("sh", "server import").strip().splitlines()
    async with running_process(database_url, tmp_path / "data", KEY) as url:
        for command in (tried, f"{imported} --yes"):
            python, *arguments = command.split()
            assert python == ".venv/bin/python"
            printed = await run(sys.executable, *arguments, folder=tmp_path)
            assert "1  to create" in printed
        assert "1 created, 0 updated" in printed
        found = await run(
            *("curl", "-s", f"{url}/api/contacts", "-H", f"X-API-Key: {KEY}"), folder=tmp_path
        )
    assert [each["display_name"] for each in orjson.loads(found)["items"]] == ["Mia Keller"]


def test_the_readme_explains_every_variable() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    variables = re.findall(r"^([A-Z_]+)=", example, re.M)
    assert [name for name in variables if f"`{name}`" not in README] == []


def one_after_another(printed: str) -> list[Any]:
    """The JSON objects of several answers, which curl prints without a newline between."""
    return [orjson.loads(text) for text in re.sub(r"\}\s*\{", "}\n{", printed).split("\n")]
