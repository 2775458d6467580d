"""The pages, and the files that they load."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from server.rest.headers import PAGE
from server.rest.served_file import ServedFile
from server.rest.shortening import shortened

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
NEEDED_BY_NONE = "camera=(), geolocation=(), microphone=()"
"""What code that found its way into a page should not ask a person for, either."""


def page_routes() -> list[web.RouteDef]:
    """Our pages and what they load: the files that are there now, and no others."""
    files = {
        path: ServedFile(
            PUBLIC / name,
            {"Content-Security-Policy": policy, "Permissions-Policy": NEEDED_BY_NONE},
        )
        for path, (name, policy) in PAGES.items()
    }
    for folder in FOLDERS:
        for file in sorted((PUBLIC / folder).rglob("*")):
            if file.is_file():
                # Not of what is vendored: there, comments hold the licences.
                ours = folder != "vendor" and file.suffix in (".js", ".css")
                path = f"/{file.relative_to(PUBLIC).as_posix()}"
                files[path] = ServedFile(file, {}, shortened if ours else None)
    return [web.get(path, file.show) for path, file in files.items()]
