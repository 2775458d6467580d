"""A file as browsers get it: compressed once, and sent again only when it has changed."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from mimetypes import MimeTypes
from pathlib import Path

from aiohttp import web

from server.errors import NotFound

WORTH = 0.9
"""Compressed to more of its size than this, a file goes out as it is: a picture, a font."""
# Not what the machine says: there, scripts may have a type that browsers do not run.
TYPES = MimeTypes()
TYPES.add_type("text/javascript", ".js")
TYPES.add_type("font/woff2", ".woff2")
_NO_WEIGHT = re.compile(r"q=0(\.0*)?")


@dataclass(frozen=True, slots=True)
class Content:
    """What goes out of a file that was changed at `stamp` (ns, size); gzipped if it pays."""

    stamp: tuple[int, int]
    digest: str
    plain: bytes
    gzipped: bytes | None


class ServedFile:
    """A file that may change while the server runs, and what was made of it."""

    def __init__(
        self,
        path: Path,
        headers: Mapping[str, str],
        shorten: Callable[[bytes], bytes] | None = None,
    ) -> None:
        """`headers` go out with each answer; `shorten` makes of the file what goes out."""
        kind = TYPES.guess_type(path.name)[0] or "text/plain"
        text = kind.startswith("text/") or kind in ("application/json", "image/svg+xml")
        self._path = path
        self._headers = {
            # Asked each time whether it changed; the answer to that is short.
            "Cache-Control": "no-cache",
            "Content-Type": f"{kind}; charset=utf-8" if text else kind,
            "Vary": "Accept-Encoding",
            **headers,
        }
        self._shorten = shorten
        self._content: Content | None = None
        self._reading = asyncio.Lock()

    async def show(self, request: web.Request) -> web.Response:
        """The file, or 304 when the caller has it. Raises `NotFound` once it is gone."""
        async with self._reading:
            content = await asyncio.to_thread(self._read)
            self._content = content
        body, headers = content.plain, {**self._headers, "ETag": f'"{content.digest}"'}
        if content.gzipped is not None and takes_gzip(request.headers.get("Accept-Encoding", "")):
            # Other bytes are another entity: one tag for both would mix them up in caches.
            body, headers["ETag"] = content.gzipped, f'"{content.digest}-gzip"'
            headers["Content-Encoding"] = "gzip"
        known = request.headers.get("If-None-Match", "")
        if known.strip() == "*" or headers["ETag"] in re.split(r"\s*,\s*|W/", known):
            # The page's own policy, too: browsers put a 304's headers in place of those they kept.
            of_body = ("Content-Type", "Content-Encoding")
            kept = {name: value for name, value in headers.items() if name not in of_body}
            return web.Response(status=304, headers=kept)
        return web.Response(body=body, headers=headers)

    def _read(self) -> Content:
        """What is known if the file is still that, else what it holds now; takes a while."""
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if self._content and self._content.stamp == stamp:
                return self._content
            # A change from here on has another stamp, and is read at the next request.
            plain = self._path.read_bytes()
        except FileNotFoundError:
            raise NotFound("This file is gone since the server started.") from None
        if self._shorten:
            plain = self._shorten(plain)
        digest = hashlib.sha256(plain).hexdigest()[:16]
        gzipped = gzip.compress(plain, mtime=0)
        return Content(stamp, digest, plain, gzipped if len(gzipped) < len(plain) * WORTH else None)


def takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` names gzip, and not by a weight of 0."""
    for each in accepted.lower().split(","):
        coding, _, weight = each.partition(";")
        if coding.strip() in ("gzip", "x-gzip"):
            return not _NO_WEIGHT.fullmatch(weight.strip())
    return False
