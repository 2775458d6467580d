"""Every operation of the document with made-up input, right and wrong: no 500, no surprise."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import asyncpg
import orjson
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from server.settings import Settings
from tests.integration.support.servers import Company, make_company, running_server

EXAMPLES = 4
LONGEST_LINE = 8_000
SECONDS = 60.0
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
Running = tuple[str, Company]


@pytest.fixture(scope="module")
def running(
    module_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """The whole server, on a thread of its own, as schemathesis waits for each answer."""
    started: list[Running] = []
    ready, finished = threading.Event(), threading.Event()
    environment = Settings.from_environment(
        {
            "ENVIRONMENT": "test",
            "PORT": "0",
            "DATABASE_URL": module_database_url,
            "DATA_DIR": str(tmp_path_factory.mktemp("data")),
        }
    )

    async def serve() -> None:
        async with running_server(environment) as server:
            owner = await asyncpg.connect(module_database_url)
            started.append((server.url, await make_company(owner, server.parts.auth)))
            await owner.close()
            ready.set()
            await asyncio.to_thread(finished.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    assert ready.wait(SECONDS)
    yield started[0]
    finished.set()
    thread.join(SECONDS)


@pytest.fixture(scope="module")
def real_ids(running: Running) -> dict[str, str]:
    """An id of something that is there, by the beginning of its path."""
    url, company = running
    ids = {"/api/auth/agents": company.agents["agent"], "/api/auth/keys": company.key_ids["agent"]}
    for plural, body in (
        ("contacts", {"first_name": "Ann", "email": "ann@example.com", "phone": "044 668 18 00"}),
        *((plural, {"name": "VIP"}) for plural in ("tags", "groups", "types")),
    ):
        made = requests.post(
            f"{url}/api/{plural}",
            data=orjson.dumps(body),
            headers={"X-API-Key": company.keys["admin"]},
            timeout=SECONDS,
        )
        ids[f"/api/{plural}"] = made.json()[plural.removesuffix("s")]["id"]
    return ids


@pytest.mark.timeout(600)
# The server, which is on another thread, uses `random` while hypothesis looks.
@pytest.mark.filterwarnings("ignore::hypothesis.errors.HypothesisDeprecationWarning")
def test_no_input_brings_an_answer_that_is_not_in_the_document(
    running: Running, real_ids: dict[str, str]
) -> None:
    url, company = running
    document = requests.get(f"{url}/api/openapi.json", timeout=SECONDS).json()
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=url)
    session = requests.Session()
    tried: set[str] = set()

    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:
            attempt(operation, mode, session, company.keys["admin"], real_ids)
        tried.add(operation.label)

    assert len(tried) > 50
    assert "GET /api/devices" in tried


def attempt(
    operation: Any,
    mode: GenerationMode,
    session: requests.Session,
    key: str,
    real_ids: dict[str, str],
) -> None:
    """Calls one operation with input of its own making, half the time on what is there."""
    known = next((real_ids[path] for path in real_ids if operation.path.startswith(path)), None)

    @given(case=operation.as_strategy(generation_mode=mode), on_real_row=st.booleans())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    def call(case: schemathesis.Case, on_real_row: bool) -> None:
        if on_real_row and known and "id" in (case.path_parameters or {}):
            case.path_parameters["id"] = known
        for name in [name for name in case.headers or {} if name.lower() == "authorization"]:
            del case.headers[name]
        answer = case.call(session=session, headers={"X-API-Key": key}, timeout=SECONDS)
        # A longer line is refused by the HTTP parser, before there is a request.
        assume(len(answer.request.url or "") < LONGEST_LINE)
        case.validate_response(answer, checks=CHECKS)

    call()
