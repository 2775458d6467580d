"""Replays the examples of docs/PROTOCOL.md, which are one conversation with a fresh server.

A fence says who does what: "json Ann sends contact_create", "json Ann is answered",
"json Ben gets changes", "json GET /api/contacts/…: 404". What the page shows must be what the
server says, times aside.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import orjson
import pytest
import socketio

from server.errors import FieldbookError
from server.events import connection
from server.schemas import bulk, contacts, mutations, queries, sync
from server.schemas.events_out import OUTGOING, REVOKED_REASONS, faults_of_event
from server.schemas.responses import DeviceSchema
from server.schemas.statistics import StatisticsOfDaySchema
from server.services import commits
from server.services.auth import Auth
from server.settings import Settings
from server.transport import engine
from tests.integration.support.answers import faults_by, faults_of_answer
from tests.integration.support.processes import ROOT
from tests.integration.support.servers import Server, running_server
from tests.waiting import until

PROTOCOL = ROOT / "docs" / "PROTOCOL.md"
FENCE = re.compile(r"^```json (?P<info>\S[^\n]*)\n(?P<body>.*?)^```$", re.M | re.S)
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
SECONDS = 30.0
# As the page has them.
EPOCH = "5630e2d9df854733ac3f03f711e4a3e0"
PEOPLE = {
    "Ann": ("hXk3v9QpT2mLr8WzN5cYb", "ann.lee", "Ann Lee", "agent"),
    "Ben": ("b7RtK1xWq4ZsJ9dVf2GuM", "ben.roth", "Ben Roth", "manager"),
}
# Held against their schemas: what was seen and reported when is a matter of moments.
SHAPES = {"a device": DeviceSchema, "a day of the statistics": StatisticsOfDaySchema}
KEYS = {name: f"fb_the0key0of0{name}0in0the0examples" for name in PEOPLE}


@dataclass(frozen=True)
class Example:
    """One fence of the page: who does what, and the JSON."""

    info: str
    body: Any
    line: int


def read_examples(path: Path = PROTOCOL) -> list[Example]:
    text = path.read_text(encoding="utf-8")
    return [
        Example(found["info"], orjson.loads(found["body"]), text.count("\n", 0, found.start()) + 1)
        for found in FENCE.finditer(text)
    ]


@dataclass
class Person:
    """Ann or Ben, on the phone, with what they were answered and sent."""

    name: str
    client: socketio.AsyncClient = field(
        default_factory=lambda: socketio.AsyncClient(reconnection=False, request_timeout=SECONDS)
    )
    answers: list[tuple[str, Any]] = field(default_factory=list)
    events: list[tuple[str, Any]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    heard: int = 0

    async def connect(self, url: str) -> None:
        self.client.on("*", self._note)
        await self.client.connect(url, transports=["websocket"], wait_timeout=SECONDS)

    async def _note(self, event: str, payload: Any) -> None:
        assert faults_of_event(event, payload) == {}, f"{event}: {payload}"
        self.events.append((event, payload))
        self.heard = payload.get("until", self.heard)
        self.arrived.set()

    async def send(self, event: str, payload: Any) -> None:
        answer = await self.client.call(event, payload, timeout=SECONDS)
        if event in PROTOCOL_EVENTS:
            assert faults_of_answer(event, answer) == [], answer
        self.answers.append((event, answer))

    async def next_event(self, wanted: str) -> Any:
        async with asyncio.timeout(SECONDS):
            while True:
                for index, (event, payload) in enumerate(self.events):
                    if event == wanted:
                        del self.events[index]
                        return payload
                self.arrived.clear()
                await self.arrived.wait()


PROTOCOL_EVENTS = {
    "auth",
    "sync_request",
    "sync_push",
    "ping",
    *(f"contact_{each}" for each in ("create", "update", "delete", "restore")),
}


class Conversation:
    """Does what the page says, example by example, and gives what really came of it."""

    def __init__(self, url: str, people: dict[str, Person]) -> None:
        self.url = url
        self.people = people

    async def follow(self, examples: list[Example]) -> AsyncIterator[tuple[Example, Any]]:
        """Each example that shows what the server said, with what it said this time."""
        for example in examples:
            if example.info in SHAPES:
                continue
            said = await self._do(example)
            if said is not None:
                yield example, said

    async def _do(self, example: Example) -> Any:
        if request := re.fullmatch(r"GET (\S+): (\d+)", example.info):
            return await self._get(request[1], int(request[2]))
        name, verb, event = re.fullmatch(
            r"(Ann|Ben) (sends|is answered|gets) ?(\w*)", example.info
        ).groups()  # type: ignore[union-attr]
        person = self.people[name]
        if verb == "sends":
            await person.send(event, example.body)
            await self._all_have_heard(person.answers[-1][1].get("version", 0))
            return None
        if verb == "gets":
            return await person.next_event(event)
        return person.answers[-1][1]

    async def _all_have_heard(self, version: int) -> None:
        """Waits for the live changes up to there: several that wait would come as one."""
        there = [
            person
            for person in self.people.values()
            if any(event == "auth" and answer["ok"] for event, answer in person.answers)
        ]
        await until(lambda: all(person.heard >= version for person in there))

    async def _get(self, path: str, status: int) -> Any:
        headers = {"X-API-Key": KEYS["Ann"]}
        async with aiohttp.ClientSession() as http:
            answer = await http.get(self.url + path, headers=headers)
            body = await answer.json(content_type=None)
        assert answer.status == status, body
        return body


@pytest.fixture
async def conversation(server_settings: Settings, redis_url: str) -> AsyncIterator[Conversation]:
    async with running_server(server_settings, redis_url) as server:
        await enter_people(server, server_settings.database_url or "")
        people = {name: Person(name) for name in PEOPLE}
        for person in people.values():
            await person.connect(server.url)
        yield Conversation(server.url, people)
        for person in people.values():
            await person.client.disconnect()


@pytest.fixture
def server_settings(database_url: str, tmp_path: Path) -> Settings:
    """On a database of its own, as versions are to begin at 1."""
    return Settings.from_environment(
        {
            "ENVIRONMENT": "test",
            "PORT": "0",
            "DATABASE_URL": database_url,
            "DATA_DIR": str(tmp_path / "data"),
        }
    )


async def enter_people(server: Server, database_url: str) -> None:
    owner = await asyncpg.connect(database_url)
    auth: Auth = server.parts.auth
    await owner.execute("UPDATE global_version SET epoch = $1", EPOCH)
    for name, (agent, code, full_name, role) in PEOPLE.items():
        await owner.execute(
            "INSERT INTO agents (tenant_id, id, code, name, role) VALUES ($1, $2, $3, $4, $5)",
            *("default", agent, code, full_name, role),
        )
        await owner.execute(
            "INSERT INTO api_keys (tenant_id, id, agent_id, prefix, hash)"
            " VALUES ('default', $1, $2, 'fb_the0k', $3)",
            *(f"key-of-{code}", agent, auth.hash(KEYS[name])),
        )
    await owner.close()


@pytest.mark.parametrize("info", SHAPES)
def test_what_the_page_shows_has_its_shape(info: str) -> None:
    (shown,) = [example.body for example in read_examples() if example.info == info]
    assert faults_by(SHAPES[info](), shown) == []


async def test_the_examples_are_what_the_server_says(conversation: Conversation) -> None:
    shown = 0
    async for example, said in conversation.follow(read_examples()):
        differences = list(differences_of(example.body, said, ""))
        assert differences == [], f"docs/PROTOCOL.md, line {example.line} ({example.info})"
        shown += 1
    assert shown > 10


def differences_of(page: Any, said: Any, path: str) -> Iterator[str]:
    """Where what the page shows is not what was said; one time is as good as another."""
    if isinstance(page, dict) and isinstance(said, dict):
        for key in page.keys() | said.keys():
            if key not in page or key not in said:
                yield f"{path}.{key} is only {'said' if key in said else 'on the page'}"
            else:
                yield from differences_of(page[key], said[key], f"{path}.{key}")
    elif isinstance(page, list) and isinstance(said, list) and len(page) == len(said):
        for index, (one, other) in enumerate(zip(page, said, strict=True)):
            yield from differences_of(one, other, f"{path}.{index}")
    elif not _same(page, said, path):
        yield f"{path} is {said!r}, and {page!r} on the page"


def _same(page: Any, said: Any, path: str) -> bool:
    if path.endswith((".skew_ms", ".retry_after_ms")):
        return isinstance(page, int) and isinstance(said, int)
    if isinstance(page, str) and isinstance(said, str) and TIME.fullmatch(page):
        return TIME.fullmatch(said) is not None
    return type(page) is type(said) and bool(page == said)


def test_the_page_names_every_code_event_and_reason() -> None:
    text = PROTOCOL.read_text(encoding="utf-8")
    codes = {error.code for error in FieldbookError.__subclasses__()}
    shared = {
        name for name in OUTGOING if not name.startswith(("tag_", "group_", "type_"))
    } | PROTOCOL_EVENTS
    missing = [
        word for word in sorted(codes | shared | set(REVOKED_REASONS)) if f"`{word}`" not in text
    ]
    assert missing == []


@pytest.mark.parametrize(
    ("what", "number"),
    [
        ("seconds to sign in", connection.AUTH_SECONDS),
        ("seconds between pings", connection.PING_SECONDS),
        ("bytes of a message", connection.PAYLOAD_BYTES),
        ("rows of a page asked for", sync.MAX_PAGE),
        ("rows of a page by default", sync.DEFAULT_PAGE),
        ("mutations of a push", sync.MAX_PUSH),
        ("bytes of a contact", contacts.MAX_CONTACT_BYTES),
        ("items of a list", contacts.MAX_ITEMS),
        ("ids of a set", contacts.MAX_IDS),
        ("custom fields", contacts.MAX_CUSTOM),
        ("characters of a custom field's name", contacts.MAX_CUSTOM_NAME),
        ("characters of a custom field", contacts.MAX_CUSTOM_TEXT),
        ("rows of a list", queries.MAX_LIMIT),
        ("rows of a list by default", queries.DEFAULT_LIMIT),
        ("contacts of a bulk edit by ids", bulk.MAX_EDITED),
        ("bytes waiting before live events pause", engine.PAUSE_BYTES),
        ("bytes waiting before the line is cut", engine.ABORT_BYTES),
    ],
)
def test_the_page_has_the_limits_of_the_code(what: str, number: float) -> None:
    table = PROTOCOL.read_text(encoding="utf-8").partition("## Limits")[2].partition("\n## ")[0]
    limits = dict(re.findall(r"^\| ([^|]+?) \| ([\d,]+)", table, re.M))
    assert limits[what].replace(",", "") == f"{number:.0f}"


def test_the_page_says_what_names_a_mutation() -> None:
    assert mutations.MutationId().pattern.pattern == "[!-~]{1,100}"
    assert "1 to 100 visible ASCII characters" in PROTOCOL.read_text(encoding="utf-8")
    assert commits.GROUP_SIZE == 300
