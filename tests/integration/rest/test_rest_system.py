"""What is the same for every route: pages, headers, errors, other origins, proxies."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import aiohttp
import pytest
from openapi_spec_validator import validate

from tests.integration.support.rest import PROBLEM, Api, RestServer, running_rest
from tests.integration.support.servers import Company

PUBLIC = Path(__file__).resolve().parents[3] / "public"


async def test_health_answers_anybody(stranger: Api) -> None:
    answer = await stranger.get("/health")

    assert (answer.status, answer.json) == (200, {"status": "ok"})


async def test_the_server_is_ready_when_everything_is_well(
    stranger: Api, server: RestServer
) -> None:
    ready = await stranger.get("/ready")
    assert (ready.status, ready.json["ready"]) == (200, True)

    server.checks["migrations"] = False
    not_ready = await stranger.get("/ready")
    assert not_ready.status == 503
    assert not_ready.json == {
        "ready": False,
        "checks": {"database": True, "migrations": False, "accepting": True},
    }


async def test_metrics_count_requests_by_route_and_not_by_id(stranger: Api, agent: Api) -> None:
    await agent.get("/api/contacts/nobody-here")
    await agent.get("/api/contacts/nobody-there")
    await stranger.get("/no/such/page")

    answer = await stranger.get("/metrics")

    assert answer.headers["Content-Type"].startswith("text/plain")
    counted = 'count{method="GET",route="/api/contacts/{id}",status="404"} 2.0'
    assert f"fieldbook_http_request_seconds_{counted}" in answer.text
    assert 'route="unknown",status="404"' in answer.text
    assert "nobody-here" not in answer.text


async def test_the_document_is_valid_and_knows_every_route(stranger: Api) -> None:
    answer = await stranger.get("/api/openapi.json")

    document = answer.json
    validate(document)
    assert document["swagger"] == "2.0"
    operations = [
        operation
        for path in document["paths"].values()
        for operation in path.values()
        if isinstance(operation, dict)
    ]
    assert len(operations) > 40
    for operation in operations:
        assert operation["tags"]
        assert operation["summary"]
        assert any(int(status) < 400 for status in operation["responses"])
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    assert document["paths"]["/health"]["get"]["security"] == []
    assert {"/api/contacts", "/api/contacts/{id}/history/{entry}/restore", "/api/sync/delta"} <= (
        document["paths"].keys()
    )


@pytest.mark.parametrize("path", ["/", "/docs", "/redoc"])
async def test_our_pages_hold_no_inline_code_and_load_nothing_from_elsewhere(
    stranger: Api, path: str
) -> None:
    page = await stranger.get(path)

    assert page.status == 200
    assert page.headers["Content-Type"].startswith("text/html")
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=", page.text)
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert files
    for file in files:
        assert file.startswith("/")
        loaded = await stranger.get(file)
        assert loaded.status == 200, file


async def test_vendored_files_come_with_their_version_and_licence() -> None:
    folders = [folder for folder in (PUBLIC / "vendor").iterdir() if folder.is_dir()]
    assert folders
    for folder in folders:
        assert (folder / "LICENSE").read_text()
        assert re.search(r"\d+\.\d+\.\d+", (folder / "VERSION").read_text())


async def test_an_unknown_address_is_a_problem_with_and_without_a_key(
    stranger: Api, agent: Api
) -> None:
    for path in [
        "/no/such/page",
        "/api",
        "/api/",
        "/api/nothing",
        "/api/contacts/",
        "/api/contacts/some-contact/nothing",
        "/vendor",
        "/vendor/",
        "/vendor/nothing.js",
        "/vendor/../docs.html",
        "/vendor/%2e%2e/docs.html",
        "/vendor/%00",
        "/vendor/..%2f..%2fpyproject.toml",
        "/api/contacts/%00",
        "/api/contacts/%F0%9F",
        "/%ED%A0%80",
        "/%0d%0aX-Injected:%20yes",
    ]:
        for api in (stranger, agent):
            url = aiohttp.client.URL(f"{api.url}{path}", encoded=True)
            async with api.session.get(url, headers=api.headers, allow_redirects=False) as answer:
                assert answer.status in (401, 403, 404), path
                assert answer.content_type == PROBLEM, path
                assert "X-Injected" not in answer.headers
                problem = await answer.json(content_type=None)
                assert problem["status"] == answer.status
                assert problem.keys() >= {"type", "title", "detail", "code"}


async def test_a_wrong_method_is_a_problem_that_names_the_right_ones(agent: Api) -> None:
    for method, path, allowed in (
        ("DELETE", "/api/contacts", "GET, POST"),
        ("POST", "/health", "GET"),
        ("PUT", "/api/tenant", "GET, PATCH"),
        ("OPTIONS", "/api/contacts", "GET, POST"),
    ):
        answer = await agent.call(method, path)
        assert (answer.status, answer.code) == (405, "invalid")
        assert answer.headers["Allow"] == allowed
        assert answer.headers["Content-Type"] == PROBLEM


async def test_every_answer_has_a_name_and_guarding_headers(stranger: Api, agent: Api) -> None:
    for api, path in ((agent, "/api/contacts"), (stranger, "/api/contacts"), (stranger, "/nope")):
        answer = await api.get(path)
        assert len(answer.headers["X-Request-Id"]) == 21
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"
        assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert answer.headers["Server"] == "Fieldbook"
        if path.startswith("/api"):
            assert answer.headers["Cache-Control"] == "no-store"
    named = await agent.get("/api/contacts", X_Request_Id="import-7")
    assert named.headers["X-Request-Id"] == "import-7"
    odd = await agent.get("/api/contacts", X_Request_Id="not an id; at all")
    assert len(odd.headers["X-Request-Id"]) == 21


async def test_other_origins_may_call_only_when_they_are_listed(
    module_database_url: str, redis_url: str, company: Company, agent: Api
) -> None:
    ours, other = "https://app.example.com", "https://evil.example"
    preflight = {"Access-Control-Request-Method": "PUT", "Origin": ours}
    async with (
        running_rest(module_database_url, redis_url, cors_origins=[ours]) as server,
        aiohttp.ClientSession() as session,
    ):
        api = Api(session, server.url).signed_in(company.keys["agent"])
        allowed = await api.get("/api/contacts", Origin=ours)
        assert allowed.headers["Access-Control-Allow-Origin"] == ours
        assert "ETag" in allowed.headers["Access-Control-Expose-Headers"]
        assert allowed.headers["Vary"] == "Origin"
        refused = await api.get("/api/contacts", Origin=other)
        assert "Access-Control-Allow-Origin" not in refused.headers

        stranger = Api(session, server.url)
        asked = await stranger.call("OPTIONS", "/api/contacts/some-id", **preflight)
        assert asked.status == 204
        assert "If-Match" in asked.headers["Access-Control-Allow-Headers"]
        assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
        strange = await stranger.call(
            "OPTIONS", "/api/contacts/some-id", **{**preflight, "Origin": other}
        )
        assert strange.status == 405
        assert "Access-Control-Allow-Origin" not in strange.headers
    nobody = await agent.get("/api/contacts", Origin=ours)
    assert "Access-Control-Allow-Origin" not in nobody.headers


async def test_any_origin_may_call_where_all_are_listed(
    module_database_url: str, redis_url: str, company: Company
) -> None:
    async with (
        running_rest(module_database_url, redis_url, cors_origins=["*"]) as server,
        aiohttp.ClientSession() as session,
    ):
        api = Api(session, server.url).signed_in(company.keys["agent"])
        answer = await api.get("/api/contacts", Origin="https://anything.example")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_a_trusted_proxy_says_who_calls_and_nobody_else_does(
    module_database_url: str, redis_url: str, stranger: Api
) -> None:
    networks = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("10.0.0.0/8")]
    async with (
        running_rest(module_database_url, redis_url, trusted_proxies=networks) as server,
        aiohttp.ClientSession() as session,
    ):
        behind = Api(session, server.url)

        async def guess(api: Api, forwarded: str) -> int:
            answer = await api.get("/api/contacts", X_API_Key="fb_wrong", X_Forwarded_For=forwarded)
            return answer.status

        # What stands before the last stranger may be made up: it is one caller. Where a busy
        # machine has Redis answer late, the server begins to count anew by itself, once.
        first = [await guess(behind, f"1.2.3.{n}, 203.0.113.7, 10.0.0.1") for n in range(41)]
        assert first[:20] == [401] * 20
        assert first[-1] == 429
        assert await guess(behind, "203.0.113.8") == 401
        assert await guess(behind, "not an address") == 401
        secure = await behind.get("/health", X_Forwarded_Proto="https")
        assert "Strict-Transport-Security" in secure.headers
    # Without a trusted proxy the header counts for nothing.
    direct = [await guess(stranger, f"203.0.113.{n}") for n in range(100, 141)]
    assert 429 in direct
    plain = await stranger.get("/health", X_Forwarded_Proto="https")
    assert "Strict-Transport-Security" not in plain.headers


async def test_without_the_database_calls_may_be_repeated_later(
    agent: Api, server: RestServer
) -> None:
    await server.database.close()

    answer = await agent.get("/api/contacts")

    assert (answer.status, answer.code) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert (await agent.get("/health")).status == 200


async def test_a_fault_of_ours_is_answered_and_says_nothing_of_what_is_inside(
    agent: Api, server: RestServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*_: object) -> str:
        raise RuntimeError("the secret of the machine room")

    monkeypatch.setattr(type(server.services.contacts), "statistics", fail)

    async with agent.session.get(
        f"{agent.url}/api/contacts/stats", headers=agent.headers
    ) as answer:
        problem = await answer.json(content_type=None)
    server.faults.clear()

    assert (answer.status, problem["code"]) == (500, "internal")
    assert "secret" not in str(problem)
    assert (await agent.get("/api/contacts")).status == 200
