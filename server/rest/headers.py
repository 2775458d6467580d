"""Headers of every answer, other origins, and callers behind a proxy."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from server.rest.middleware import SOCKETS

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
OnPrepare = Callable[[web.Request, web.StreamResponse], Awaitable[None]]

NOTHING = "default-src 'none'; frame-ancestors 'none'"
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""For our pages: no inline code, nothing from elsewhere."""

ALWAYS = {"X-Content-Type-Options": "nosniff"}
OF_DOCUMENTS = {
    "Content-Security-Policy": NOTHING,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
"""What browsers heed of the document alone; a page loads many files, each with its headers."""
LOADED_BY_PAGES = re.compile(r"/(css|js|vendor)/.+\.(css|js)")
METHODS = "GET, POST, PUT, PATCH, DELETE"
ALLOWED = (
    "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-API-Key, "
    "X-Device-Id, X-Request-Id, X-Writer-Id"
)
EXPOSED = "Content-Disposition, ETag, Location, Retry-After, X-Request-Id"
A_DAY = "86400"


def add_headers(origins: Sequence[str]) -> OnPrepare:
    """Adds the headers of every answer, as it is about to go out."""

    async def on_prepare(request: web.Request, response: web.StreamResponse) -> None:
        guards = ALWAYS
        if response.status not in (200, 304) or not LOADED_BY_PAGES.fullmatch(request.path):
            guards = {**ALWAYS, **OF_DOCUMENTS}
        for name, value in guards.items():
            response.headers.setdefault(name, value)
        response.headers["Server"] = "Fieldbook"
        if request.path.startswith(SOCKETS):
            # Socket.IO answers other origins itself.
            return
        if request.path.startswith("/api/"):
            response.headers.setdefault("Cache-Control", "no-store")
        origin = _allowed_origin(request, origins)
        if origin:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Expose-Headers"] = EXPOSED
        if origins:
            response.headers.add("Vary", "Origin")

    return on_prepare


def answer_preflights(origins: Sequence[str]) -> Middleware:
    """Tells browsers which calls a page of another origin may make (CORS_ORIGINS)."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        asked = request.headers.get("Access-Control-Request-Method")
        ours = not request.path.startswith(SOCKETS)
        if request.method == "OPTIONS" and asked and ours and _allowed_origin(request, origins):
            headers = {
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": ALLOWED,
                "Access-Control-Max-Age": A_DAY,
            }
            return web.Response(status=204, headers=headers)
        return await handler(request)

    return middleware


def believe_proxies(networks: Sequence[Network]) -> Middleware:
    """Gives requests the address that a trusted proxy says they come from (TRUSTED_PROXIES)."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        peer = request.remote
        if peer is None or not _within(peer, networks):
            return await handler(request)
        hops = ",".join(request.headers.getall("X-Forwarded-For", [])).split(",")
        # From the nearest on: what stands before the first stranger, anybody may have written.
        stranger = next(
            (hop.strip() for hop in reversed(hops) if not _within(hop.strip(), networks)), None
        )
        scheme = request.headers.get("X-Forwarded-Proto", "")
        return await handler(
            request.clone(
                remote=stranger if stranger and _is_address(stranger) else peer,
                scheme=scheme if scheme in ("http", "https") else request.scheme,
            )
        )

    return middleware


def _allowed_origin(request: web.Request, origins: Sequence[str]) -> str | None:
    origin = request.headers.get("Origin")
    if not origin:
        return None
    return "*" if "*" in origins else origin if origin in origins else None


def _within(address: str, networks: Sequence[Network]) -> bool:
    return _is_address(address) and any(
        ipaddress.ip_address(address) in network for network in networks
    )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
