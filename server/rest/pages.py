"""The pages, and the files that they load."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Handler

from server.rest.headers import PAGE

PUBLIC = Path(__file__).resolve().parents[2] / "public"
FOLDERS = ("css", "js", "vendor")
# ReDoc's script makes two <style> elements: an empty one, into which it then puts its styles, and
# that of its scrollbars; these are the hashes of both. Its search runs in a worker that it makes.
REDOC_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' "
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='"
)
REDOC = PAGE.replace("style-src 'self'", f"style-src 'self' {REDOC_STYLES}").replace(
    "connect-src", "worker-src blob:; connect-src"
)
# The dashboard hands HTML to the browser through lit-html alone; the browser refuses any other.
DASHBOARD = f"{PAGE}; require-trusted-types-for 'script'; trusted-types lit-html"
PAGES = {
    "/": ("index.html", DASHBOARD),
    "/docs": ("docs.html", PAGE),
    "/redoc": ("redoc.html", REDOC),
}


def page_routes() -> list[web.RouteDef]:
    """Our pages and what they load: the files that are there now, and no others."""
    pages = [
        web.get(path, _file(PUBLIC / name, {"Content-Security-Policy": policy}))
        for path, (name, policy) in PAGES.items()
    ]
    loaded = [
        web.get(f"/{path.relative_to(PUBLIC).as_posix()}", _file(path, {}))
        for folder in FOLDERS
        for path in sorted((PUBLIC / folder).rglob("*"))
        if path.is_file()
    ]
    return [*pages, *loaded]


def _file(path: Path, headers: dict[str, str]) -> Handler:
    async def show(_request: web.Request) -> web.StreamResponse:
        # Asked each time whether it changed; the answer to that is short.
        return web.FileResponse(path, headers={"Cache-Control": "no-cache", **headers})

    return show
