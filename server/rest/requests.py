"""Between HTTP and the services: bodies, headers and versions in, JSON out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

import orjson
from aiohttp import http_exceptions, web

from server.errors import NotFound, TooLarge, Unauthenticated, Unreadable
from server.schemas.base import FieldbookSchema, parse
from server.schemas.queries import parse_query
from server.schemas.requests import ROW_WRITE_HEADERS, parse_headers
from server.services.actors import Actor
from server.services.rows import Write

MAX_BODY = 1_000_000
MAX_IDS_BODY = 8_000_000
"""Room for 100,000 ids of any length."""
LOOK_SECONDS = 0.5
ACTOR = web.RequestKey("actor", Actor)
Value = TypeVar("Value")


def actor_of(request: web.Request) -> Actor:
    """Who calls; the middleware has signed them in. Raises `Unauthenticated` where it need not."""
    if ACTOR not in request:
        raise Unauthenticated
    return request[ACTOR]


def query_of(request: web.Request, schema: FieldbookSchema) -> dict[str, Any]:
    """The query's parameters. Raises `Invalid` naming them."""
    return parse_query(schema, request.query.items())


def write_of(request: web.Request, *, replaces: bool = False) -> Write:
    """What a write's headers ask. Raises `Invalid` naming the header."""
    headers = parse_headers(ROW_WRITE_HEADERS, request.headers)
    return Write(headers.get("mutation_id"), headers.get("expected_version"), replaces)


async def read_body(request: web.Request, limit: int = MAX_BODY) -> bytes:
    """The whole body. Raises `TooLarge` above `limit` bytes, `Unreadable`."""
    too_large = TooLarge(f"A body may have {limit:,} bytes. Send it in smaller parts.")
    if (request.content_length or 0) > limit:
        raise too_large
    body = bytearray()
    try:
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > limit:
                raise too_large
    except (web.RequestPayloadError, http_exceptions.HttpProcessingError) as error:
        # Nothing more can be read, and aiohttp need not try.
        request.content.feed_eof()
        reason = str(error).rpartition("\n")[2].strip()
        raise Unreadable(f"The body can't be read: {reason}.") from None
    return bytes(body)


async def read_json(request: web.Request, limit: int = MAX_BODY) -> object:
    """The body as JSON. Raises `Unreadable`, `TooLarge` above `limit` bytes."""
    body = await read_body(request, limit)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"The body can't be read as JSON: {error}.") from None


async def read_object(request: web.Request, schema: FieldbookSchema) -> dict[str, Any]:
    """The body as `schema` makes of it. Raises `Invalid`, `Unreadable`, `TooLarge`."""
    return parse(schema, await read_json(request))


async def while_connected(request: web.Request, work: Awaitable[Value]) -> Value:
    """What long work gives; it is cancelled when the caller is gone.

    Raises ConnectionResetError then.
    """
    task = asyncio.ensure_future(work)
    try:
        while not task.done():
            await asyncio.wait((task,), timeout=LOOK_SECONDS)
            if request.transport is None and not task.done():
                raise ConnectionResetError("gone before the answer")
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))


def path_id(request: web.Request, name: str = "id") -> str:
    """An id in the path. Raises `NotFound` for what the database could not even be asked."""
    value = request.match_info[name]
    if not value.isprintable() or not value.isascii():
        raise NotFound
    return value


def json_answer(
    payload: object, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer of an object, whose `orjson.Fragment`s go in as they are."""
    return json_text(orjson.dumps(payload), status=status, headers=headers)


def json_text(
    text: str | bytes, *, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """An answer that is JSON already."""
    body = text.encode() if isinstance(text, str) else text
    return web.Response(
        body=body, status=status, headers=headers, content_type="application/json", charset="utf-8"
    )


def etag(version: int) -> str:
    """A version as `ETag` gives it."""
    return f'"{version}"'


def is_known(request: web.Request, version: int) -> bool:
    """Whether the caller has this version: `If-None-Match`."""
    tags = [
        tag.strip().removeprefix("W/")
        for tag in request.headers.get("If-None-Match", "").split(",")
    ]
    return "*" in tags or etag(version) in tags
