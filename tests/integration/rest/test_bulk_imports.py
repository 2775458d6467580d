"""Imports over HTTP, run by the real process of a job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.integration.support.rest import Answer, Api, RestServer, running_rest

SECONDS = 30.0
LIMIT = 3_000_000


@pytest.fixture
async def server(module_database_url: str, redis_url: str) -> AsyncIterator[RestServer]:
    """A server that also runs its jobs."""
    async with running_rest(
        module_database_url, redis_url, works=True, import_max_bytes=LIMIT
    ) as server:
        yield server
    assert server.faults == []


async def send(
    api: Api, content: str | bytes, content_type: str = "text/csv", **options: Any
) -> Answer:
    """Sends a file as a raw body."""
    raw = content.encode() if isinstance(content, str) else content
    query = urlencode({name: value for name, value in options.items() if name[0].islower()})
    headers = {name: value for name, value in options.items() if name[0].isupper()}
    return await api.call(
        "POST", f"/api/bulk/import?{query}", raw=raw, Content_Type=content_type, **headers
    )


async def ended(api: Api, answer: Answer) -> dict[str, Any]:
    """The job that an answer started, when it is over."""
    assert answer.status in (200, 201), answer.text
    async with asyncio.timeout(SECONDS):
        while True:
            job: dict[str, Any] = (await api.get(answer.json["url"])).json
            if job["state"] not in ("queued", "running"):
                return job
            await asyncio.sleep(0.05)


def counted(answer: dict[str, Any]) -> dict[str, int]:
    return {name: count for name, count in answer["counts"].items() if count}


async def contacts_of(api: Api) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.get("/api/contacts?limit=500")).json["items"]
    return items


async def test_a_file_is_tried_then_imported_and_its_failed_rows_come_back_to_be_mended(
    manager: Api,
) -> None:
    file = "\n".join(
        [
            "Name;E-Mail;Telefon;Ort",
            "Mia Keller;mia@example.com;044 668 18 00;Zürich",
            "Jo Meier;jo@example.com;1.41556E+10;Bern",
            "Li Wu;li at example;;Basel",
            "Ada King;ada@example.com;;",
        ]
    )
    tried = await send(manager, file, dry_run="true", file_name="kunden.csv")
    assert tried.status == 200, tried.text
    preview = tried.json
    assert preview["dry_run"] is True
    assert "id" not in preview
    assert preview["detected"] == {"format": "csv", "encoding": "utf-8", "delimiter": ";"}
    assert list(preview["mapping"]) == ["Name", "E-Mail", "Telefon", "Ort"]
    assert counted(preview) == {"rows": 4, "created": 2, "errors": 2}
    assert preview["preview"][0]["emails"] == [{"value": "mia@example.com"}]
    assert await contacts_of(manager) == []

    started = await send(manager, file, file_name="kunden.csv")
    assert started.status == 201
    assert (
        started.headers["Location"]
        == started.json["url"]
        == (f"/api/bulk/jobs/{started.json['id']}")
    )
    assert started.json["state"] == "queued"
    job = await ended(manager, started)
    assert job["state"] == "done"
    for name in ("counts", "mapping", "detected", "progress", "errors"):
        assert job[name] == preview[name], name
    assert job["owner"]["code"] == "manager"
    assert [error["row"] for error in job["errors"]] == [3, 4]

    errors = await manager.get(f"{started.json['url']}/errors")
    assert errors.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert 'filename="kunden.errors.csv"' in errors.headers["Content-Disposition"]
    assert errors.text.splitlines()[0] == "\ufeffName;E-Mail;Telefon;Ort;_row;_field;_error"
