"""Follows docs/ADDING_AN_ENTITY.md as written, on a copy of the server, and syncs a product."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import socketio

from tests.conftest import MakeDatabase, Psql
from tests.integration.support.processes import ROOT, running_process

GUIDE = ROOT / "docs" / "ADDING_AN_ENTITY.md"
FILE = re.compile(r"^`((?:sql|server)/[\w/.]+)`\n\n```(?:sql|python)\n(.*?)^```", re.M | re.S)
EDIT = re.compile(r"^```diff\n(.*?)^```", re.M | re.S)
REGISTRY = "server/schemas/entities.py"
KEY = "fb_a_key_for_this_test_alone"
SECONDS = 30.0


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The server with a product, as the guide says to add it."""
    copy = tmp_path_factory.mktemp("server-with-products")
    for folder in ("server", "sql"):
        shutil.copytree(ROOT / folder, copy / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "public").symlink_to(ROOT / "public")
    follow(GUIDE.read_text(encoding="utf-8"), copy)
    return copy


def follow(guide: str, copy: Path) -> None:
    last = max(path.name[:4] for path in (copy / "sql" / "migrations").glob("*.sql"))
    for name, text in FILE.findall(guide):
        path = copy / name.replace("NNNN", f"{int(last) + 1:04}")
        assert not path.exists(), f"the guide would overwrite {name}"
        path.write_text(text, encoding="utf-8")
    registry = copy / REGISTRY
    for edit in EDIT.findall(guide):
        registry.write_text(edited(registry.read_text(encoding="utf-8"), edit), encoding="utf-8")


def edited(text: str, edit: str) -> str:
    """The text with the lines marked + where the unmarked lines around them stand."""
    lines = edit.splitlines()
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines)
    assert text.count(before) == 1, f"the guide's place to edit is not there:\n{before}"
    return text.replace(before, after)


class Device:
    """A signed-in client that keeps what it is sent."""

    def __init__(self) -> None:
        self.client = socketio.AsyncClient(reconnection=False, request_timeout=SECONDS)
        self.events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.client.on("*", self._note)

    async def _note(self, event: str, payload: Any) -> None:
        self.events.put_nowait((event, payload))

    async def connect(self, url: str, **details: Any) -> Device:
        await self.client.connect(url, transports=["websocket"], wait_timeout=SECONDS)
        assert (await self.client.call("auth", {"api_key": KEY, **details}))["ok"]
        return self

    async def expect(self, event: str) -> Any:
        async with asyncio.timeout(SECONDS):
            while True:
                name, payload = await self.events.get()
                if name == event:
                    return payload


@pytest.fixture
def empty_database(make_database: MakeDatabase) -> str:
    return make_database(migrated=False)


async def test_a_product_as_the_guide_adds_it_is_on_every_device(
    copy: Path, empty_database: str, tmp_path: Path, psql: Psql
) -> None:
    async with running_process(empty_database, tmp_path, KEY, folder=copy) as url:
        author, reader = await Device().connect(url), await Device().connect(url, batch=True)
        product = {"name": "Solar lamp", "sku": "SL-200", "price_cents": 4_900}

        made = await author.client.call("product_create", {"product": product})
        assert made["ok"], made
        assert made["product"].items() >= product.items()
        product_id = made["product"]["id"]
        assert (await author.expect("product_created"))["product"] == made["product"]
        assert (await reader.expect("changes"))["products"]["put"] == [made["product"]]

        renamed = {"id": product_id, "changes": {"price_cents": 4_500}}
        changed = await author.client.call("product_update", renamed)
        assert changed["product"]["price_cents"] == 4_500
        await reader.expect("changes")
        psql(empty_database, "UPDATE products SET description = 'Shines all night'")
        (typed,) = (await reader.expect("changes"))["products"]["put"]
        assert typed["description"] == "Shines all night"

        await reader.client.call("sync_request", {"since": 0})
        page = await reader.expect("sync_response")
        assert page["products"] == {"put": [typed], "del": []}
        complete = await reader.expect("sync_complete")
        assert complete["checksum"]["products"] == {"count": 1, "sum": typed["version"]}

        twice = await author.client.call("product_create", {"product": product})
        assert (twice["error"]["code"], list(twice["error"]["fields"])) == ("conflict", ["name"])
        wrong = await author.client.call(
            "product_create", {"product": {"name": "Oil lamp", "price_cents": "4900"}}
        )
        assert list(wrong["error"]["fields"]) == ["product.price_cents"]

        deleted = await author.client.call("product_delete", {"id": product_id})
        assert deleted["ok"]
        gone = await reader.expect("changes")
        assert [row["id"] for row in gone["products"]["del"]] == [product_id]
        history = psql(
            empty_database, "SELECT op FROM audit_log WHERE entity = 'product' ORDER BY id"
        )
        assert history.split() == ["create", "update", "update", "delete"]
        for device in (author, reader):
            await device.client.disconnect()


async def test_a_product_as_the_guide_adds_it_is_in_rest(
    copy: Path, empty_database: str, tmp_path: Path
) -> None:
    headers = {"X-API-Key": KEY}
    async with (
        running_process(empty_database, tmp_path, KEY, folder=copy) as url,
        aiohttp.ClientSession(url, headers=headers) as http,
    ):
        made = await http.post("/api/products", json={"name": "Solar lamp", "price_cents": 4_900})
        assert made.status == 201, await made.text()
        product = (await made.json())["product"]
        listed = await (await http.get("/api/products")).json()
        assert listed == {"items": [product], "next_cursor": None, "total": 1}


def test_a_product_as_the_guide_adds_it_satisfies_the_linters(copy: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", copy)
    files = ["server/schemas/products.py", REGISTRY]
    for command in (["check"], ["format", "--check"]):
        checked = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *files],
            cwd=copy,
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout
