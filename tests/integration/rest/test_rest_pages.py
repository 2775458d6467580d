"""How the pages' files go out: compressed once, named by what they hold, and no others."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.rest.middleware import render_errors
from server.rest.served_file import ServedFile, takes_gzip
from tests.integration.support.rest import Api

BUNDLE = "/vendor/swagger-ui/swagger-ui-bundle.js"
STYLES = "/css/docs.css"
PUBLIC = Path(__file__).resolve().parents[3] / "public"
MOST_BYTES = 300_000


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[Api]:
    """One file, at /file, on a server of its own."""
    app = web.Application(middlewares=[render_errors()])
    app.add_routes([web.get("/file", ServedFile(path, {}).show)])
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        yield Api(session, str(server.make_url("")).rstrip("/"))


async def test_a_file_goes_out_compressed_to_those_that_take_it(stranger: Api) -> None:
    held = (PUBLIC / BUNDLE[1:]).read_bytes()
    for accepted, encoding in (("br, gzip;q=0.5", "gzip"), ("identity", None), ("gzip;q=0", None)):
        answer = await stranger.get(BUNDLE, Accept_Encoding=accepted)
        assert answer.status == 200
        assert answer.headers.get("Content-Encoding") == encoding
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
        assert answer.text.encode() == held
        size = int(answer.headers["Content-Length"])
        assert size < len(held) / 3 if encoding else size == len(held)


async def test_a_file_that_the_browser_has_is_not_sent_again(stranger: Api) -> None:
    tags = {}
    for accepted in ("gzip", "identity"):
        first = await stranger.get(STYLES, Accept_Encoding=accepted)
        tags[accepted] = first.headers["ETag"]
        for known in (tags[accepted], f'"other", W/{tags[accepted]}', "*"):
            again = await stranger.get(STYLES, Accept_Encoding=accepted, If_None_Match=known)
            assert (again.status, again.text) == (304, ""), known
            assert again.headers["ETag"] == tags[accepted]
            assert again.headers["Vary"] == "Accept-Encoding"
            assert again.headers["Cache-Control"] == "no-cache"
    assert tags["gzip"] != tags["identity"]
    other = await stranger.get(STYLES, Accept_Encoding="gzip", If_None_Match=tags["identity"])
    assert other.status == 200


async def test_a_page_that_the_browser_has_keeps_its_policy(stranger: Api) -> None:
    policies = ("Content-Security-Policy", "Permissions-Policy")
    for page in ("/", "/docs", "/redoc"):
        first = await stranger.get(page)
        again = await stranger.get(page, If_None_Match=first.headers["ETag"])
        assert again.status == 304
        # Browsers put a 304's headers in place of those that they kept.
        for name in policies:
            assert again.headers[name] == first.headers[name], page


async def test_what_compressing_does_not_make_smaller_goes_out_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "font.woff2"
    file.write_bytes(os.urandom(10_000))
    async with serving(file) as api, api.session.get(f"{api.url}/file") as answer:
        assert "Content-Encoding" not in answer.headers
        assert answer.headers["Content-Type"] == "font/woff2"
        assert await answer.read() == file.read_bytes()


async def test_an_edited_file_is_there_at_the_next_reload(tmp_path: Path) -> None:
    file = tmp_path / "view.js"
    file.write_text("export const before = 1;\n" * 50)
    async with serving(file) as api:
        first = await api.get("/file")
        before = file.stat().st_mtime_ns
        file.write_text("export const afters = 2;\n" * 50)
        # The system's clock for files may tick a hundred times a second only.
        os.utime(file, ns=(before + 1_000_000, before + 1_000_000))
        second = await api.get("/file", If_None_Match=first.headers["ETag"])
        assert (second.status, second.text) == (200, file.read_text())
        file.unlink()
        gone = await api.get("/file")
        assert (gone.status, gone.code) == (404, "not_found")


async def test_the_loop_does_not_wait_while_a_file_is_compressed(tmp_path: Path) -> None:
    file = tmp_path / "large.js"
    file.write_text(os.urandom(3_000_000).hex())
    async with serving(file) as api:
        # The head alone, or the answer's way to the client would be measured, too.
        asking = asyncio.create_task(api.call("HEAD", "/file", Accept_Encoding="gzip"))
        turns = 0
        while not asking.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert (await asking).headers["Content-Encoding"] == "gzip"
    # Compressing takes some hundred milliseconds; of a loop that waits there are three turns.
    assert turns > 20


@pytest.mark.parametrize(
    "path", ["package.json", "node_modules/lit-html/package.json", "js", "css/"]
)
async def test_only_what_pages_load_is_served(stranger: Api, path: str) -> None:
    assert (await stranger.get(f"/{path}")).status == 404


async def test_the_dashboard_hands_html_to_the_browser_through_lit_html_alone(
    stranger: Api,
) -> None:
    page = await stranger.get("/")
    policy = page.headers["Content-Security-Policy"]
    assert policy.endswith("; require-trusted-types-for 'script'; trusted-types lit-html")
    assert page.headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=()"


def of_the_dashboard(folder: str, suffix: str) -> list[str]:
    """The addresses of what its views load, all of them together."""
    files = sorted((PUBLIC / folder).rglob(f"*{suffix}"))
    addresses = [f"/{file.relative_to(PUBLIC).as_posix()}" for file in files]
    return [each for each in addresses if not re.search(r"/docs\b|/swagger-ui/|/redoc/", each)]


async def test_all_views_together_take_at_most_300_kb_over_the_wire(stranger: Api) -> None:
    bodies, heads, files = 0, 0, 0
    for folder, suffix in (("css", ".css"), ("js", ".js"), ("vendor", ".css"), ("vendor", ".js")):
        for address in of_the_dashboard(folder, suffix):
            answer = await stranger.get(address, Accept_Encoding="gzip")
            assert answer.status == 200, address
            files += 1
            bodies += int(answer.headers["Content-Length"])
            heads += len("HTTP/1.1 200 OK\r\n\r\n")
            heads += sum(len(f"{name}: {value}\r\n") for name, value in answer.headers.items())
    assert files > 150
    # Once as they are, once as browsers tell it, who count 300 bytes of headers for each file.
    assert bodies + heads < MOST_BYTES, (bodies, heads)
    assert bodies + 300 * files < MOST_BYTES, (bodies, files)


async def test_scripts_and_styles_go_without_comments_but_for_licences(stranger: Api) -> None:
    held = (PUBLIC / "js/main.js").read_text(encoding="utf-8")
    sent = await stranger.get("/js/main.js")
    assert "/** What every view is given" in held
    assert "/** What every view is given" not in sent.text
    # So that an error names the line that it has in the file.
    assert sent.text.count("\n") == held.count("\n")
    assert not re.search(r"^/\*", (await stranger.get("/css/app.css")).text, re.M)
    vendored = await stranger.get("/vendor/lit-html/lit-html.js")
    assert "@license" in vendored.text


async def test_what_a_page_loads_has_the_headers_that_browsers_heed_there(stranger: Api) -> None:
    document = ("Content-Security-Policy", "Referrer-Policy", "X-Frame-Options")
    for path in ("/js/main.js", "/css/app.css", "/vendor/pico/pico.min.css"):
        first = await stranger.get(path)
        for answer in (first, await stranger.get(path, If_None_Match=first.headers["ETag"])):
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert [name for name in document if name in answer.headers] == [], path
    # A picture may be opened as a document of its own, and so may what is said of a missing file.
    for path in ("/css/icon.svg", "/js/nothing.js"):
        answer = await stranger.get(path)
        assert [name for name in document if name not in answer.headers] == [], path


def test_gzip_is_taken_by_those_that_name_it() -> None:
    for accepted in ("gzip", "GZIP", "deflate, gzip", "x-gzip;q=0.1", "br;q=1.0, gzip ; q=0.8"):
        assert takes_gzip(accepted), accepted
    for accepted in ("", "br", "identity", "gzip;q=0", "gzip; q=0.000", "gzipped"):
        assert not takes_gzip(accepted), accepted
