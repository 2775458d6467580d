"""Uploads that are no import: bad options, files that are none, broken forms, cut-off ones."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import orjson
import pytest

from tests.integration.support.imports import UPLOAD_LIMIT, contacts_of, send, until_no_file_is_kept
from tests.integration.support.rest import Api


@pytest.fixture
def server_options() -> dict[str, Any]:
    return {"works": True, "import_max_bytes": UPLOAD_LIMIT}


BAD_OPTIONS = {
    "mode": "replace",
    "match": "name",
    "on_empty": "drop",
    "region": "XX",
    "encoding": "rot13",
    "delimiter": ":",
    "format": "pdf",
    "mapping": "[]",
    "dry_run": "maybe",
    "colour": "red",
    "mapping.Name": '{"Name": "fullname"}',
    "mapping.Mail": '{"Mail": 7}',
    "mapping.\ufffd": '{"\\u0000": "name"}',
}


async def test_a_bad_option_is_named_before_anything_is_read(manager: Api) -> None:
    for field, value in BAD_OPTIONS.items():
        answer = await send(manager, "Name\nMia\n", **{field.partition(".")[0]: value})
        assert answer.code == f"invalid {field}", (field, answer.text)


BAD_FILES = [
    (b"", "text/csv", "Send the file"),
    (b"Name,Mail\n", "text/csv", "no contact"),
    (b'Name,Mail\nMia,"open\n', "text/csv", "Row 2"),
    (b'[{"first_name": "Mia"}, {"first', "application/json", ""),
    (b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Mia\r\n", "text/vcard", "END"),
    (b"\x89PNG\r\n\x1a\n" + bytes(200), "application/octet-stream", ""),
    (("Name," + ",".join(f"c{n}" for n in range(2_000)) + "\n1\n").encode(), "text/csv", "Row 1"),
    (b"Name\n" + b"x" * 2_900_000 + b"\n", "text/csv", "Row 2"),
]


async def test_a_file_that_is_none_is_refused_with_its_place_and_writes_nothing(
    manager: Api, owner: asyncpg.Connection
) -> None:
    jobs = await owner.fetchval("SELECT count(*) FROM bulk_jobs")
    for content, kind, said in BAD_FILES:
        tried = await send(manager, content, kind, dry_run="1")
        assert tried.code == "invalid file", (content[:40], tried.text)
        assert said.lower() in tried.json["detail"].lower(), tried.text
        if said.startswith("Row"):
            assert tried.json["row"] == int(said.split()[1])
        # In earnest it is refused as well, and becomes no job.
        started = await send(manager, content, kind)
        assert (started.code, started.text) == (tried.code, tried.text)
    assert await owner.fetchval("SELECT count(*) FROM bulk_jobs") == jobs

    assert (await send(manager, b"GIF89a", "image/gif")).code == "invalid Content-Type"
    too_large = await send(manager, b"Name\n" + b"Mia\n" * (UPLOAD_LIMIT // 4))
    assert too_large.code == "too_large file"
    assert f"{UPLOAD_LIMIT:,}" in too_large.json["detail"]
    assert await contacts_of(manager) == []
    assert not await owner.fetchval("SELECT count(*) FROM bulk_files")


PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n'
BROKEN_FORMS = [
    ("multipart/form-data", b"--x--"),
    ("multipart/form-data; boundary=x", b""),
    ("multipart/form-data; boundary=x", b"Name\nMia\n"),
    ("multipart/form-data; boundary=x", PART),
    ("multipart/form-data; boundary=x", PART + b"\r\nName\nMia\n"),
    (
        "multipart/form-data; boundary=x",
        PART + b"Content-Transfer-Encoding: base64\r\n\r\nTm\r\n--x--",
    ),
    (
        "multipart/form-data; boundary=x",
        b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--\r\n--x--",
    ),
    ("multipart/form-data; boundary=" + "x" * 80, b"--x"),
    (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="mode"\r\n\r\n\xff\r\n--x--',
    ),
    ("multipart/form-data; boundary=x", b"--x\r\nno header\r\n\r\nx\r\n--x--"),
    ("multipart/form-data; boundary=x", b"--x\r\n" + b"A: b\r\n" * 5_000 + b"\r\nx\r\n--x--"),
]


async def test_a_form_that_is_broken_is_unreadable_and_writes_nothing(
    manager: Api, owner: asyncpg.Connection
) -> None:
    for kind, body in BROKEN_FORMS:
        answer = await send(manager, body, kind)
        assert answer.status in (400, 422), (kind, body[:60], answer.text)
        assert answer.json["code"] == "invalid"
        # The next request finds a server as it was.
        assert (await manager.get("/api/bulk/jobs")).status == 200
    assert not await owner.fetchval("SELECT count(*) FROM bulk_files")


@pytest.mark.parametrize(
    "body",
    [
        "Content-Type: text/csv\r\nContent-Length: 1000\r\n\r\nName\nMia\n",
        "Content-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nName\nMia\n\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n"
        + PART.decode()
        + "\r\nName\nMia\n",
    ],
    ids=["with a length", "in chunks", "as a form"],
)
async def test_an_upload_that_is_cut_off_imports_nothing_of_it(
    manager: Api, owner: asyncpg.Connection, body: str
) -> None:
    host, port = manager.url.removeprefix("http://").split(":")
    _, writer = await asyncio.open_connection(host, int(port))
    key = manager.headers["X-API-Key"]
    writer.write(
        f"POST /api/bulk/import HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {key}\r\n{body}".encode()
    )
    await writer.drain()
    await asyncio.sleep(0.3)
    writer.close()
    await writer.wait_closed()
    await asyncio.sleep(0.5)
    await until_no_file_is_kept(owner)
    assert (await manager.get("/api/bulk/jobs")).json["total"] == 0


async def test_an_upload_without_a_length_is_bounded_too(
    manager: Api, owner: asyncpg.Connection
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"Name\n"
        for _ in range(UPLOAD_LIMIT // 400_000 + 1):
            yield b"Mia\n" * 100_000

    async with manager.session.post(
        f"{manager.url}/api/bulk/import",
        data=pieces(),
        headers={**manager.headers, "Content-Type": "text/csv"},
    ) as answer:
        assert answer.status == 413
        assert orjson.loads(await answer.read())["code"] == "too_large"
    assert not await owner.fetchval("SELECT count(*) FROM bulk_files")
