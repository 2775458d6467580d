"""What every request passes: its name and time, errors as problems, and who calls."""

from __future__ import annotations

import re
import time
from typing import Protocol

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from loguru import logger
from nanoid import generate
from prometheus_client import CollectorRegistry, Histogram

from server.errors import FieldbookError, Internal, NotFound, Unauthenticated
from server.rest.openapi import access_of
from server.rest.problems import problem, problem_of_http
from server.rest.requests import ACTOR
from server.schemas.requests import HEADERS, parse_headers
from server.services.actors import Actor
from server.services.auth import Auth
from server.services.keys import Keys

SOCKETS = "/socket.io/"
A_YEAR = "max-age=31536000"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
CALLER_GONE = 499
"""What proxies log for a client that did not wait."""


class RateLimit(Protocol):
    """What counts how often something was done."""

    async def check(self, key: str, limit: int, window_seconds: int) -> None:
        """Counts once more; raises `RateLimited` above `limit` in the window."""

    async def note_failed_sign_in(self, address: str) -> None:
        """Counts a wrong key; raises `RateLimited` after too many from one address."""


def observe(registry: CollectorRegistry) -> Middleware:
    """Names each request, for its answer and the log, and measures how long it takes."""
    seconds = Histogram(
        "fieldbook_http_request_seconds",
        "Time from a request's headers to its answer.",
        ("method", "route", "status"),
        registry=registry,
    )

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(SOCKETS):
            return await handler(request)
        given = request.headers.get("X-Request-Id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else generate()
        started = time.perf_counter()
        with logger.contextualize(request_id=request_id):
            response = await handler(request)
            response.headers["X-Request-Id"] = request_id
            if request.secure:
                response.headers["Strict-Transport-Security"] = A_YEAR
            taken = time.perf_counter() - started
            # The pattern of the path, not the path: each id would be a series of its own.
            resource = request.match_info.route.resource
            route = resource.canonical if resource else "unknown"
            seconds.labels(request.method, route, response.status).observe(taken)
            logger.debug(
                "{} {} {} in {:.1f} ms", request.method, route, response.status, taken * 1_000
            )
        return response

    return middleware


def render_errors() -> Middleware:
    """Answers every error as a problem; only what is our own fault is a 500, and is logged."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except FieldbookError as error:
            answer = problem(error)
            if request.content.exception() is not None:
                # After a broken body nobody can tell where the next request begins.
                answer.force_close()
            return answer
        except web.HTTPException as error:
            if request.path.startswith(SOCKETS) or error.status < 400:
                raise
            return problem_of_http(request, error)
        except ConnectionError:
            if request.transport is not None and not request.transport.is_closing():
                raise
            # The caller is gone: an answer that nobody gets, for what is raised here would be
            # logged as a fault of ours.
            return web.Response(status=CALLER_GONE)
        except Exception:  # the last line of defence
            logger.exception("{} {} failed", request.method, request.path)
            return problem(Internal())

    return middleware


def sign_in(auth: Auth, keys: Keys, rate_limit: RateLimit) -> Middleware:
    """Finds who calls by their key, and on which device, for all of /api but what is public."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return await handler(request)
        if request.match_info.http_exception is not None:
            # No such address or method, whoever calls.
            return await handler(request)
        access = access_of(request.match_info.handler)
        credentials = _credentials(request)
        if access == "public" or (access == "optional" and credentials is None):
            return await handler(request)
        request[ACTOR] = await _authenticate(request, credentials)
        return await handler(request)

    async def _authenticate(request: web.Request, credentials: str | None) -> Actor:
        if credentials is None:
            raise Unauthenticated("Send your API key as X-API-Key or as Authorization: Bearer.")
        try:
            actor = await auth.authenticate(credentials)
        except Unauthenticated:
            await rate_limit.note_failed_sign_in(str(request.remote))
            raise
        headers = parse_headers(HEADERS, request.headers)
        actor = await auth.on_device(actor, headers.get("device_id"), {}, headers.get("writer_id"))
        await keys.note_use(actor)
        return actor

    return middleware


def refuse_unreadable_paths() -> Middleware:
    """Refuses paths with characters that no address of ours has, before anything looks at them."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        # The database takes no NUL, and half a character can't be written anywhere.
        if not request.path.isprintable():
            raise NotFound("There is no such address. See /docs for those that there are.")
        return await handler(request)

    return middleware


def _credentials(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    return request.headers.get("X-API-Key") or None
