"""Imports and bulk edits by REST, as tests ask for them and wait for them."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import asyncpg

from tests.integration.support.rest import Answer, Api
from tests.waiting import until

SECONDS = 40.0
UPLOAD_LIMIT = 3_000_000
"""The bytes that a file may have where a test wants to exceed it."""


async def send(
    api: Api, content: str | bytes, content_type: str = "text/csv", **options: Any
) -> Answer:
    """Sends a file as a raw body; options with a capital letter are headers."""
    raw = content.encode() if isinstance(content, str) else content
    query = urlencode({name: value for name, value in options.items() if name[0].islower()})
    headers = {name: value for name, value in options.items() if name[0].isupper()}
    return await api.call(
        "POST", f"/api/bulk/import?{query}", raw=raw, Content_Type=content_type, **headers
    )


async def ended(api: Api, answer: Answer) -> dict[str, Any]:
    """The job that an answer is about, when it is over."""
    assert answer.status in (200, 201), answer.text
    async with asyncio.timeout(SECONDS):
        while True:
            job = await read_job(api, answer.json["id"])
            if job["state"] not in ("queued", "running"):
                return job
            await asyncio.sleep(0.05)


async def read_job(api: Api, job_id: str) -> dict[str, Any]:
    answer = await api.get(f"/api/bulk/jobs/{job_id}")
    assert answer.status == 200, answer.text
    job: dict[str, Any] = answer.json
    return job


async def imported(api: Api, content: str | bytes, **options: Any) -> dict[str, Any]:
    """The job of a file, when it is over and done."""
    job = await ended(api, await send(api, content, **options))
    assert job["state"] == "done", job
    return job


def counted(job: dict[str, Any]) -> dict[str, int]:
    """The counts that are not 0."""
    return {name: count for name, count in job["counts"].items() if count}


async def contacts_of(api: Api) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await api.get("/api/contacts?limit=500")).json["items"]
    return items


async def until_no_file_is_kept(owner: asyncpg.Connection) -> None:
    """Waits until the database holds no uploaded file: a job's goes when its end is written."""

    async def none_is_kept() -> bool:
        return not await owner.fetchval("SELECT count(*) FROM bulk_files")

    await until(none_is_kept)
