from __future__ import annotations

import asyncio
from typing import Any

from tests.integration.rest.conftest import SignIn
from tests.integration.support.contacts import ANN, make_contact
from tests.integration.support.rest import Api, RestServer
from tests.integration.support.servers import Company


async def test_a_contact_is_made_read_changed_and_deleted(
    agent: Api, company: Company, server: RestServer
) -> None:
    made = await agent.post("/api/contacts", ANN)

    contact = made.json["contact"]
    assert made.status == 201
    assert made.json["status"] == "applied"
    assert made.headers["Location"] == f"/api/contacts/{contact['id']}"
    assert made.headers["ETag"] == f'"{made.json["version"]}"'
    assert contact["owner_id"] == contact["created_by"] == company.agents["agent"]
    assert (contact["email"], contact["phone"]) == ("ann@example.com", "044 668 18 00")
    assert contact["phones"][0]["e164"] == "+41446681800"

    read = await agent.get(f"/api/contacts/{contact['id']}")
    assert (read.status, read.json) == (200, contact)

    changed = await agent.patch(f"/api/contacts/{contact['id']}", {"company": None})
    assert changed.status == 200
    assert "company" not in changed.json["contact"]
    assert changed.json["version"] > made.json["version"]

    deleted = await agent.delete(f"/api/contacts/{contact['id']}")
    assert deleted.status == 200
    assert deleted.json["contact"]["deleted_at"]
    gone = await agent.get(f"/api/contacts/{contact['id']}")
    assert (gone.status, gone.code) == (410, "gone")

    restored = await agent.post(f"/api/contacts/{contact['id']}/restore")
    assert restored.status == 200
    assert restored.json["contact"]["first_name"] == "Ann"
    assert [tenant for tenant, _ in server.published] == [company.tenant] * 4


async def test_a_write_a_get_and_a_list_show_the_same_contact(agent: Api) -> None:
    for fields in (ANN, {"company": "Without channels"}, {"email": "only@example.com"}):
        contact = await make_contact(agent, **fields)

        read = await agent.get(f"/api/contacts/{contact['id']}")
        listed = await agent.get(f"/api/contacts?search={contact['display_name'].split()[0]}")

        assert read.json == contact
        assert contact in listed.json["items"]


async def test_what_get_gave_can_be_put_back(agent: Api) -> None:
    contact = await make_contact(agent)
    path = f"/api/contacts/{contact['id']}"

    same = await agent.put(path, (await agent.get(path)).json)

    assert same.status == 200, same.text
    assert same.json["version"] == contact["version"]
    assert same.json["contact"] == contact

    changed = {**contact, "last_name": "Miller", "phones": []}
    changed.pop("phone")
    put = await agent.put(path, changed)
    assert put.status == 200, put.text
    assert put.json["contact"]["display_name"] == "Ann Miller"
    assert "phones" not in put.json["contact"]


async def test_put_clears_what_it_leaves_out_and_patch_keeps_it(agent: Api) -> None:
    contact = await make_contact(agent)
    path = f"/api/contacts/{contact['id']}"

    patched = (await agent.patch(path, {"first_name": "Anna", "custom": {"size": 44}})).json
    assert patched["contact"]["notes"] == "Met at the fair."
    assert patched["contact"]["custom"] == {"size": 44, "vip": True}

    put = (await agent.put(path, {"first_name": "Anna", "custom": {"size": 45}})).json
    assert "notes" not in put["contact"]
    assert "emails" not in put["contact"]
    assert "owner_id" not in put["contact"]
    assert put["contact"]["custom"] == {"size": 45}
    assert put["contact"]["active"] is True


async def test_the_servers_fields_are_refused_by_name_when_they_differ(agent: Api) -> None:
    contact = await make_contact(agent)
    path = f"/api/contacts/{contact['id']}"

    for field, value in (
        ("version", 1),
        ("email", "other@example.com"),
        ("phone", "1"),
        ("display_name", "Somebody"),
        ("created_at", "2020-01-01T00:00:00Z"),
        ("id", "another-id"),
    ):
        answer = await agent.patch(path, {field: value})
        assert (answer.status, answer.code) == (422, f"invalid {field}")


async def test_if_match_writes_only_to_the_version_that_was_read(agent: Api) -> None:
    contact = await make_contact(agent)
    path = f"/api/contacts/{contact['id']}"
    etag = (await agent.get(path)).headers["ETag"]

    first = await agent.patch(path, {"company": "One"}, If_Match=etag)
    assert first.status == 200
    for method in ("PATCH", "PUT", "DELETE"):
        body = None if method == "DELETE" else {"first_name": "Late"}
        late = await agent.call(method, path, body, If_Match=etag)
        assert (late.status, late.code) == (412, "conflict")
        assert late.json["version"] == first.json["version"]
    again = await agent.put(path, {"first_name": "Ann"}, If_Match=first.headers["ETag"])
    assert again.status == 200
    weak = await agent.patch(path, {"company": "Two"}, If_Match=f"W/{again.headers['ETag']}")
    assert weak.status == 200
    assert (await agent.patch(path, {"company": "Three"}, If_Match="*")).status == 200
    nonsense = await agent.patch(path, {"company": "Four"}, If_Match='"one", "two"')
    assert (nonsense.status, nonsense.code) == (422, "invalid If-Match")
    assert (await agent.delete(path, If_Match='"1"')).status == 412


async def test_if_none_match_spares_what_is_known(agent: Api) -> None:
    contact = await make_contact(agent)
    path = f"/api/contacts/{contact['id']}"
    etag = (await agent.get(path)).headers["ETag"]

    for known in (etag, f"W/{etag}", f'"1", {etag}', "*"):
        answer = await agent.get(path, If_None_Match=known)
        assert (answer.status, answer.text, answer.headers["ETag"]) == (304, "", etag)

    await agent.patch(path, {"company": "New"})
    assert (await agent.get(path, If_None_Match=etag)).status == 200


async def test_an_idempotency_key_makes_a_contact_once(agent: Api) -> None:
    first, second = await asyncio.gather(
        *(agent.post("/api/contacts", ANN, Idempotency_Key="queue-7") for _ in range(2))
    )

    assert {first.status, second.status} == {201}
    assert first.json["contact"]["id"] == second.json["contact"]["id"]
    assert sorted(answer.json["status"] for answer in (first, second)) == ["applied", "duplicate"]
    assert (await agent.get("/api/contacts")).json["total"] == 1

    other = await agent.post("/api/contacts", {"first_name": "Bob"}, Idempotency_Key="queue-7")
    assert (other.status, other.code) == (409, "conflict mutation_id")


async def test_an_idempotency_key_tells_put_from_patch(agent: Api) -> None:
    contact = await make_contact(agent)
    path = f"/api/contacts/{contact['id']}"

    patched = await agent.patch(path, {"first_name": "Anna"}, Idempotency_Key="edit-1")
    repeated = await agent.patch(path, {"first_name": "Anna"}, Idempotency_Key="edit-1")
    replaced = await agent.put(path, {"first_name": "Anna"}, Idempotency_Key="edit-1")

    assert [patched.json["status"], repeated.json["status"]] == ["applied", "duplicate"]
    assert repeated.json["version"] == patched.json["version"]
    assert replaced.status == 409


async def test_a_repeated_write_answers_the_etag_of_what_it_shows(agent: Api) -> None:
    contact = await make_contact(agent)
    path = f"/api/contacts/{contact['id']}"
    await agent.patch(path, {"company": "One"}, Idempotency_Key="edit-1")
    last = await agent.patch(path, {"company": "Two"})

    repeated = await agent.patch(path, {"company": "One"}, Idempotency_Key="edit-1")

    assert repeated.json["contact"]["company"] == "Two"
    assert repeated.headers["ETag"] == last.headers["ETag"]


async def test_a_client_may_name_the_id_and_only_once(agent: Api) -> None:
    made = await agent.post("/api/contacts", {"id": "made-by-client", "first_name": "Ann"})
    again = await agent.post("/api/contacts", {"id": "made-by-client", "first_name": "Bob"})

    assert made.json["contact"]["id"] == "made-by-client"
    assert (again.status, again.code) == (409, "conflict id")


async def test_a_bad_body_is_refused_by_the_name_of_its_field(agent: Api) -> None:
    bodies: list[tuple[Any, str]] = [
        ({}, "invalid first_name"),
        ({"first_name": 7}, "invalid first_name"),
        ({"first_nme": "Ann"}, "invalid first_nme"),
        ({"emails": [{"value": "nobody"}]}, "invalid emails.0.value"),
        ({"first_name": "A", "birthday": "2021-02-30"}, "invalid birthday"),
        ({"first_name": "A", "owner_id": "nobody-here"}, "invalid owner_id"),
        ({"first_name": "A", "custom": {"a": [1]}}, "invalid custom.a"),
        ({"first_name": "nul \0"}, "invalid first_name"),
        ({"id": "x", "first_name": "A"}, "invalid id"),
        ({"first_name": "A", "notes": "x" * 20_001}, "invalid notes"),
        ([], "invalid"),
        ("text", "invalid"),
    ]
    for fields, code in bodies:
        answer = await agent.post("/api/contacts", fields)
        assert (answer.status, answer.code) == (422, code)
    assert (await agent.get("/api/contacts")).json["total"] == 0


async def test_what_is_not_json_or_too_large_is_refused(agent: Api) -> None:
    for raw in (b"", b"{", b'{"a": NaN}', b"\xff\xfe", b'"\xed\xa0\x80"', b'{"a": "\\ud800"}'):
        answer = await agent.call("POST", "/api/contacts", raw=raw)
        assert (answer.status, answer.code) == (400, "invalid"), raw
    deep = await agent.call("POST", "/api/contacts", raw=b"[" * 5_000 + b"]" * 5_000)
    assert deep.status == 400
    broken = await agent.call("POST", "/api/contacts", raw=b"no gzip", Content_Encoding="gzip")
    assert (broken.status, broken.code) == (400, "invalid")
    large = await agent.call("POST", "/api/contacts", raw=b" " * 1_000_001)
    assert (large.status, large.code) == (413, "too_large")
    wide = await agent.post("/api/contacts", {"custom": {str(n): "x" * 5_000 for n in range(20)}})
    assert (wide.status, wide.json["code"]) == (413, "too_large")


async def test_an_unknown_id_is_not_found_by_any_method(agent: Api) -> None:
    for method, path in (
        ("GET", ""),
        ("PUT", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/restore"),
        ("GET", "/history"),
        ("POST", "/history/1/restore"),
    ):
        for row_id in ("nobody-here", "short", "x" * 300, "%F0%9F%98%80%F0%9F%98%80", "a%2Fb"):
            body = {"first_name": "Ann"} if method in ("PUT", "PATCH") else None
            answer = await agent.call(method, f"/api/contacts/{row_id}{path}", body)
            assert (answer.status, answer.code) == (404, "not_found"), (method, row_id)


async def test_another_companys_contact_is_not_there(agent: Api, outsider: Api) -> None:
    contact = await make_contact(agent)
    path = f"/api/contacts/{contact['id']}"

    for method, below in (
        ("GET", ""),
        ("PUT", ""),
        ("PATCH", ""),
        ("DELETE", ""),
        ("POST", "/restore"),
        ("GET", "/history"),
        ("POST", "/history/1/restore"),
    ):
        body = {"first_name": "Mine"} if method in ("PUT", "PATCH") else None
        assert (await outsider.call(method, path + below, body)).status == 404
    assert (await outsider.get("/api/contacts")).json == {
        "items": [],
        "next_cursor": None,
        "total": 0,
    }
    assert (await outsider.get("/api/contacts?search=Ann")).json["total"] == 0
    assert (await outsider.get("/api/contacts/stats")).json["total"] == 0
    own = await outsider.post("/api/contacts", {"id": contact["id"], "first_name": "Mine"})
    assert own.status == 201
    assert (await agent.get(path)).json == contact


async def test_where_agents_edit_their_own_others_are_refused_and_managers_not(
    admin: Api, agent: Api, manager: Api, sign_in: SignIn
) -> None:
    await admin.patch("/api/tenant", {"agents_edit": "own"})
    contact = await make_contact(manager)
    path = f"/api/contacts/{contact['id']}"

    refused = await agent.patch(path, {"company": "Mine"})
    assert (refused.status, refused.code) == (403, "forbidden")
    assert (await agent.delete(path)).status == 403
    assert (await sign_in("api").patch(path, {"company": "A program's"})).status == 200
    own = await make_contact(agent)
    assert (await agent.patch(f"/api/contacts/{own['id']}", {"company": "Mine"})).status == 200


async def test_a_contact_like_another_is_warned_of_or_refused(admin: Api, agent: Api) -> None:
    first = await make_contact(agent)
    await admin.patch("/api/tenant", {"duplicates": "warn"})

    warned = await agent.post("/api/contacts", {"first_name": "A", "email": "ann@example.com"})
    assert (warned.status, warned.json["duplicates"]) == (201, [first["id"]])

    await admin.patch("/api/tenant", {"duplicates": "refuse"})
    refused = await agent.post("/api/contacts", {"first_name": "A", "phone": "+41 44 668 18 00"})
    assert (refused.status, refused.json["code"]) == (409, "conflict")
    assert first["id"] in refused.json["duplicates"]
