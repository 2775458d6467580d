"""For who runs the server: health, readiness, metrics; and the API's document."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import cache

import orjson
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from server.rest.openapi import build_document, operation
from server.rest.requests import json_answer, json_text
from server.schemas.answers import HealthSchema, ReadySchema

Readiness = Callable[[], Awaitable[dict[str, bool]]]


def system_routes(readiness: Readiness, registry: CollectorRegistry) -> list[web.RouteDef]:
    """Health, readiness, metrics.

    `readiness()` gives each thing that must be well, and whether it is.
    """

    @operation(
        "get_health",
        "system",
        "Whether the process answers",
        access="public",
        answers={200: HealthSchema},
    )
    async def health(_request: web.Request) -> web.Response:
        return json_answer({"status": "ok"})

    @operation(
        "get_readiness",
        "system",
        "Whether the server takes work",
        description="503 while the database is away, migrations are missing, or it is going down.",
        access="public",
        answers={200: ReadySchema, 503: ReadySchema},
    )
    async def ready(_request: web.Request) -> web.Response:
        checks = await readiness()
        well = all(checks.values())
        return json_answer({"ready": well, "checks": checks}, status=200 if well else 503)

    @operation(
        "get_metrics",
        "system",
        "Metrics for Prometheus",
        access="public",
        answers={200: "Metrics in Prometheus's text format."},
        produces="text/plain",
    )
    async def metrics(_request: web.Request) -> web.Response:
        headers = {"Content-Type": CONTENT_TYPE_LATEST}
        return web.Response(body=generate_latest(registry), headers=headers)

    return [
        web.get("/health", health, allow_head=False),
        web.get("/ready", ready, allow_head=False),
        web.get("/metrics", metrics, allow_head=False),
    ]


def document_routes(documented: list[web.RouteDef], version: str) -> list[web.RouteDef]:
    """The OpenAPI document of the routes, which anybody may read."""

    @cache
    def document() -> bytes:
        return orjson.dumps(build_document(documented, version))

    @operation(
        "get_openapi", "system", "This document", access="public", answers={200: "The document."}
    )
    async def openapi(_request: web.Request) -> web.Response:
        # Made at the first call, beside the sockets: it takes a tenth of a second.
        text = await asyncio.to_thread(document)
        return json_text(text, headers={"Cache-Control": "no-cache"})

    return [web.get("/api/openapi.json", openapi)]
