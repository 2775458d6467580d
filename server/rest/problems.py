"""Errors as `application/problem+json` (RFC 9457): rendered here and nowhere else."""

from __future__ import annotations

import math

import orjson
from aiohttp import web

from server.errors import FieldbookError, Internal, Invalid, NotFound, TooLarge, Unreadable

PROBLEM = "application/problem+json"


class MethodNotAllowed(Invalid):
    """There is no such method here; the header Allow lists those that there are."""

    status = 405
    title = "Method not allowed"


def problem(error: FieldbookError) -> web.Response:
    """The answer that says what went wrong, with `code` beside the standard's members."""
    wire = error.to_wire()
    body = {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": wire.pop("message"),
        **wire,
    }
    headers = {}
    if error.retry_after_ms is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after_ms / 1_000))
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="Fieldbook"'
    return web.Response(
        body=orjson.dumps(body), status=error.status, headers=headers, content_type=PROBLEM
    )


def problem_of_http(request: web.Request, error: web.HTTPException) -> web.Response:
    """The same for what the web framework itself refuses."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        methods = ", ".join(sorted(error.allowed_methods))
        refused = problem(MethodNotAllowed(f"{error.method} is not allowed here; use {methods}."))
        refused.headers["Allow"] = methods
        return refused
    if error.status in (403, 404):
        return problem(NotFound("There is no such address. See /docs for those that there are."))
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return problem(TooLarge())
    if error.status < 500:
        return problem(Unreadable(f"The request can't be read: {error.reason}."))
    return problem(Internal())
