"""REST in this process, over real HTTP: every answer is held to what the document says of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web
from marshmallow import ValidationError
from multidict import CIMultiDict
from prometheus_client import CollectorRegistry

from server.db.pool import Database
from server.ephemeral.connection import RedisConnection
from server.ephemeral.presence import Presence
from server.ephemeral.rate_limit import RateLimit
from server.jobs.bulk_process import BulkProcesses
from server.jobs.worker import JOBS, Worker
from server.rest.openapi import documented_answers
from server.rest.problems import PROBLEM
from server.rest.setup import RestServices, register_rest
from server.schemas.base import flatten
from server.schemas.responses import ProblemSchema
from server.services.agents import Agents
from server.services.auth import Auth
from server.services.bulk import BulkJobs
from server.services.bulk_edits import BulkEdits
from server.services.changes import ChangeSet
from server.services.commits import Commits
from server.services.contacts import Contacts
from server.services.devices import Devices
from server.services.exports import Exports
from server.services.history import History
from server.services.imports import Imports
from server.services.keys import Keys
from server.services.label_merges import LabelMerges
from server.services.rows import Rows
from server.services.statistics import Statistics
from server.services.sync import Pages
from server.services.tenants import Tenants

SALT = "a salt for tests, of thirty-two characters"


@dataclass(slots=True)
class RestServer:
    """A server of REST alone; `published` holds what its writes gave the feed."""

    url: str
    database: Database
    services: RestServices
    commits: Commits
    checks: dict[str, bool]
    published: list[tuple[str, ChangeSet]]
    faults: list[str]

    @property
    def auth(self) -> Auth:
        return self.services.auth


@dataclass(slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def json(self) -> Any:
        return orjson.loads(self.text)

    @property
    def code(self) -> str | None:
        """The code of a problem, with its fields: `invalid emails.0.value`."""
        if self.headers.get("Content-Type") != PROBLEM:
            return None
        return " ".join([self.json["code"], *sorted(self.json.get("fields", ()))])


@dataclass(slots=True)
class Api:
    """Calls a server with one key; `headers` go with each call."""

    session: aiohttp.ClientSession
    url: str
    headers: dict[str, str] = field(default_factory=dict)

    def signed_in(self, key: str, **headers: str) -> Api:
        """The same with a key, and headers as `If_Match=…`."""
        return Api(self.session, self.url, {"X-API-Key": key, **_names(headers)})

    async def call(
        self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str
    ) -> Answer:
        data = orjson.dumps(body) if raw is None and body is not None else raw
        sent = {"Content-Type": "application/json", **self.headers, **_names(headers)}
        async with self.session.request(
            method, f"{self.url}{path}", data=data, headers=sent, allow_redirects=False
        ) as response:
            text = await response.text(errors="replace")
            return Answer(response.status, CIMultiDict(response.headers), text)

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.call("GET", path, **headers)

    async def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.call("POST", path, body, **headers)

    async def put(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.call("PUT", path, body, **headers)

    async def patch(self, path: str, body: Any = None, **headers: str) -> Answer:
        return await self.call("PATCH", path, body, **headers)

    async def delete(self, path: str, **headers: str) -> Answer:
        return await self.call("DELETE", path, **headers)


def _names(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@asynccontextmanager
async def running_rest(
    database_url: str,
    redis_url: str | None,
    *,
    registration: str = "invite",
    cors_origins: Iterable[str] = (),
    trusted_proxies: Iterable[Any] = (),
    port: int = 0,
    import_max_bytes: int = 100_000_000,
    works: bool = False,
) -> AsyncIterator[RestServer]:
    """REST on a free port of its own; with `works`, its jobs run, too."""
    database = await Database.connect(database_url)
    redis = RedisConnection(redis_url)
    published: list[tuple[str, ChangeSet]] = []
    faults: list[str] = []
    checks = {"database": True, "migrations": True, "accepting": True}
    tenants = Tenants(database, "CH")
    auth = Auth(database, SALT)
    commits = Commits(database, tenants, lambda *change: published.append(change))
    rows = Rows(database, tenants, commits)
    processes = BulkProcesses(database_url, "CH")
    edits = BulkEdits(database, tenants, processes.preview)
    worker = Worker(database_url, {**JOBS, "bulk_job": processes.run_job})
    services = RestServices(
        auth=auth,
        tenants=tenants,
        agents=Agents(database, auth, registration),
        keys=Keys(database, auth),
        rows=rows,
        contacts=Contacts(database),
        devices=Devices(database, Presence(redis), auth),
        exports=Exports(database),
        history=History(database, rows),
        statistics=Statistics(database),
        pages=Pages(database),
        rate_limit=RateLimit(redis),
        jobs=BulkJobs(database),
        imports=Imports(database, import_max_bytes, processes.preview, processes.check),
        edits=edits,
        merges=LabelMerges(database, edits),
    )

    async def readiness() -> dict[str, bool]:
        return checks

    async def hold_to_document(request: web.Request, response: web.StreamResponse) -> None:
        faults.extend(faults_of(request, response))

    app = web.Application()
    register_rest(
        app,
        services,
        readiness=readiness,
        registry=CollectorRegistry(),
        cors_origins=tuple(cors_origins),
        trusted_proxies=tuple(trusted_proxies),
    )
    app.on_response_prepare.append(hold_to_document)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.3)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    host, port = runner.addresses[0][:2]
    if works:
        await worker.start()
    try:
        yield RestServer(
            f"http://{host}:{port}", database, services, commits, checks, published, faults
        )
    finally:
        await commits.idle()
        await runner.cleanup()
        await worker.stop()
        await redis.close()
        await database.close()


def faults_of(request: web.Request, response: web.StreamResponse) -> list[str]:
    """How an answer differs from what the document says of its route."""
    documented = documented_answers(request.match_info.handler)
    if not documented or request.match_info.http_exception is not None:
        return []
    place = f"{request.method} {request.path} {response.status}"
    if response.status not in documented:
        return [f"{place}: not in the document"]
    schema = documented[response.status]
    if isinstance(schema, str):
        return []
    if (response.content_type == PROBLEM) != (schema is ProblemSchema):
        return [f"{place}: {response.content_type}"]
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    try:
        schema().load(orjson.loads(response.body))
    except ValidationError as error:
        return [f"{place}: {flatten(error.messages)}"]
    return []
