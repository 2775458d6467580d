"""Answers that are sent as they are read: files of any size, flat in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from aiohttp import web
from loguru import logger


async def stream_answer(
    request: web.Request, pieces: AsyncIterator[bytes], media_type: str, file_name: str
) -> web.StreamResponse:
    """A file to save, under this name. What is raised before its first piece is answered as ever;
    afterwards the connection is cut, so that nobody takes half a file for a whole one.
    """
    first = await anext(pieces, b"")
    response = web.StreamResponse(
        headers={"Content-Disposition": disposition(file_name), "Cache-Control": "no-store"}
    )
    response.content_type = media_type
    if media_type.startswith("text/") or media_type.endswith("json"):
        response.charset = "utf-8"
    await response.prepare(request)
    try:
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
    except ConnectionError:
        # The caller is gone.
        raise
    except Exception:
        logger.exception("{} could not be sent to its end", request.path)
        if request.transport:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def disposition(file_name: str) -> str:
    """The header that has a browser save a file, under any name (RFC 6266)."""
    plain = "".join(
        # A line break would be refused in a header.
        sign if sign.isascii() and sign.isprintable() and sign not in '"\\%' else "_"
        for sign in file_name
    )
    encoded = quote(file_name, safe="", errors="replace")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}"
