"""Contacts as a file, streamed."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from loguru import logger

from server.rest.openapi import operation
from server.rest.requests import MAX_IDS_BODY, actor_of, query_of, read_json
from server.schemas.base import parse
from server.schemas.bulk import BULK_EXPORT, EXPORT_FORMAT
from server.schemas.queries import EXPORT
from server.services.exports import Export, Exports

STALL_SECONDS = 60
"""How long a client may take nothing at all, before its download ends."""


class ReceiverGone(Exception):
    """The client closed the connection, or takes nothing any more."""


class Download:
    """The answer to one request, which begins when the export does."""

    def __init__(self, request: web.Request) -> None:
        self._request = request
        self.response: web.StreamResponse | None = None

    async def begin(self, export: Export) -> None:
        """Sends the headers. Raises `ReceiverGone`."""
        response = web.StreamResponse(
            headers={
                "Content-Type": f"{export.media_type}; charset=utf-8",
                "Content-Disposition": f'attachment; filename="{export.file_name}"',
            }
        )
        try:
            await response.prepare(self._request)
        except ConnectionError as error:
            raise ReceiverGone from error
        self.response = response

    async def write(self, piece: bytes) -> None:
        """Sends a piece, and waits until the client has taken most of it. Raises `ReceiverGone`."""
        assert self.response is not None
        try:
            async with asyncio.timeout(STALL_SECONDS):
                await self.response.write(piece)
        except (ConnectionError, TimeoutError) as error:
            # Neither is the database's, which would be answered as unavailable.
            raise ReceiverGone from error

    def cut(self) -> web.StreamResponse:
        """Ends the connection in the middle, so that nobody takes a part for the whole."""
        assert self.response is not None
        if self._request.transport:
            self._request.transport.abort()
        return self.response


def export_routes(exports: Exports) -> list[web.RouteDef]:
    """How contacts leave as a file."""

    @operation(
        "export_contacts",
        "bulk",
        "Export contacts as a file",
        description=(
            "All that the list's filters find: `csv` (this server's own, for spreadsheets), "
            "`google` (CSV with Google's headers), `json`, or `vcf` (vCard 3.0). A file that was "
            "cut off in the middle ends without its last chunk, so that clients notice. Every "
            "export enters the audit log. A few run at a time; 429 when more are asked for."
        ),
        query=EXPORT,
        answers={200: "The contacts, as a file to save."},
        produces="text/csv",
    )
    async def export_contacts(request: web.Request) -> web.StreamResponse:
        return await send(request, query_of(request, EXPORT))

    @operation(
        "export_chosen_contacts",
        "bulk",
        "Export the contacts that a body names",
        description=(
            "As GET does, of `ids` (up to 100,000; those that are there and not deleted) or of a "
            "`filter`, which in a body stands in no log of addresses."
        ),
        query=EXPORT_FORMAT,
        body=BULK_EXPORT,
        answers={200: "The contacts, as a file to save."},
        errors=(413,),
        produces="text/csv",
    )
    async def export_chosen(request: web.Request) -> web.StreamResponse:
        asked = query_of(request, EXPORT_FORMAT)
        body = await read_json(request, MAX_IDS_BODY)
        # A hundred thousand ids take some milliseconds to look at.
        chosen = await asyncio.to_thread(parse, BULK_EXPORT, body)
        which = {"ids": chosen["ids"]} if "ids" in chosen else chosen["contacts"]
        return await send(request, {**which, **asked})

    async def send(request: web.Request, query: dict[str, Any]) -> web.StreamResponse:
        actor = actor_of(request)
        download = Download(request)
        try:
            await exports.write(actor.tenant, query, download, actor=actor)
        except ReceiverGone:
            logger.info("An export ended, as its client did")
            if download.response is None:
                raise ConnectionResetError("gone before the answer began") from None
            return download.cut()
        except Exception:
            if download.response is None:
                raise
            logger.exception("An export was cut off in the middle")
            return download.cut()
        assert download.response is not None
        await download.response.write_eof()
        return download.response

    return [
        web.get("/api/bulk/export", export_contacts, allow_head=False),
        web.post("/api/bulk/export", export_chosen),
    ]
