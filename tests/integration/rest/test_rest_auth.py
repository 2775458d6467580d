from __future__ import annotations

import asyncio

import aiohttp
import asyncpg
import pytest

from server.services.agents import ensure_first_admin
from tests.integration.rest.conftest import SignIn
from tests.integration.support.rest import SALT, Api, RestServer, running_rest
from tests.integration.support.servers import Company, add_agent

BOB = {"agent_code": "bob", "agent_name": "Bob"}


async def test_a_key_is_accepted_in_either_header(stranger: Api, company: Company) -> None:
    for name, value in (
        ("X-API-Key", company.keys["agent"]),
        ("Authorization", f"Bearer {company.keys['agent']}"),
        ("Authorization", f"bearer {company.keys['agent']}"),
    ):
        answer = await stranger.get("/api/auth/verify", **{name: value})
        assert answer.json == {
            "ok": True,
            "agent": {
                "id": company.agents["agent"],
                "code": "agent",
                "name": "Agent",
                "role": "agent",
            },
            "tenant": company.tenant,
            "key_id": company.key_ids["agent"],
            "device_id": None,
            "version": 0,
            "epoch": answer.json["epoch"],
        }


async def test_nobody_comes_in_without_a_right_key(stranger: Api) -> None:
    for headers in [
        {},
        {"X-API-Key": "fb_wrong"},
        {"X-API-Key": "\udcff\udcfe".encode("utf-8", "surrogateescape").decode("latin-1")},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer a.b.c"},
    ]:
        answer = await stranger.get("/api/contacts", **headers)
        assert (answer.status, answer.code) == (401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.usefixtures("patience")
async def test_whoever_guesses_keys_is_slowed_down_and_a_right_key_is_not(
    stranger: Api, agent: Api
) -> None:
    answers = [await stranger.get("/api/contacts", X_API_Key=f"fb_{n}") for n in range(22)]

    assert [answer.status for answer in answers] == [401] * 20 + [429] * 2
    assert answers[-1].code == "rate_limited"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json["retry_after_ms"] > 0
    assert (await agent.get("/api/contacts")).status == 200


async def test_an_admin_registers_an_agent_whose_key_works(
    admin: Api, stranger: Api, company: Company, owner: asyncpg.Connection
) -> None:
    registered = await admin.post("/api/auth/register", {**BOB, "role": "manager"})

    assert registered.status == 201
    assert registered.json["agent"]["role"] == "manager"
    bob = stranger.signed_in(registered.json["api_key"])
    verified = (await bob.get("/api/auth/verify")).json
    assert verified["tenant"] == company.tenant
    assert verified["key_id"] == registered.json["key_id"]
    before = verified["version"]
    made = await bob.post("/api/contacts", {"first_name": "Mia"})
    verified = (await bob.get("/api/auth/verify")).json
    assert verified["version"] == made.json["contact"]["version"] > before
    assert verified["epoch"] == await owner.fetchval(
        "SELECT epoch FROM global_version WHERE tenant_id = $1", company.tenant
    )
    plain = await admin.post("/api/auth/register", {"agent_code": "eve", "agent_name": "Eve"})
    assert plain.json["agent"]["role"] == "agent"


async def test_a_code_is_taken_once_whatever_its_capitals(admin: Api, outsider: Api) -> None:
    assert (await admin.post("/api/auth/register", BOB)).status == 201

    again = await admin.post("/api/auth/register", {**BOB, "agent_code": "BOB"})

    assert (again.status, again.code) == (409, "conflict agent_code")
    assert (await outsider.post("/api/auth/register", BOB)).status == 201


async def test_a_bad_registration_names_its_fields(admin: Api) -> None:
    for body, code in [
        ({}, "invalid agent_code agent_name"),
        ({**BOB, "role": "boss"}, "invalid role"),
        ({**BOB, "agent_code": "with space"}, "invalid agent_code"),
        ({**BOB, "agent_name": ""}, "invalid agent_name"),
        ({**BOB, "password": "secret"}, "invalid password"),
    ]:
        answer = await admin.post("/api/auth/register", body)
        assert (answer.status, answer.code) == (422, code)


async def test_by_invitation_only_admins_register(
    stranger: Api, agent: Api, manager: Api, sign_in: SignIn
) -> None:
    for api in (stranger, agent, manager, sign_in("api")):
        answer = await api.post("/api/auth/register", BOB)
        assert (answer.status, answer.code) == (403, "forbidden")


async def test_an_open_server_registers_anybody_as_an_agent(
    module_database_url: str, redis_url: str, company: Company
) -> None:
    async with (
        running_rest(module_database_url, redis_url, registration="open") as server,
        aiohttp.ClientSession() as session,
    ):
        stranger = Api(session, server.url)
        made = await stranger.post("/api/auth/register", {**BOB, "role": "admin"})
        assert (made.status, made.json["agent"]["role"]) == (201, "agent")
        verified = await stranger.signed_in(made.json["api_key"]).get("/api/auth/verify")
        assert verified.json["tenant"] == "default"

        eve = {"agent_code": "eve", "agent_name": "Eve", "role": "manager"}
        by_agent = await stranger.signed_in(company.keys["agent"]).post("/api/auth/register", eve)
        assert by_agent.json["agent"]["role"] == "agent"
        adam = {**eve, "agent_code": "adam"}
        by_admin = await stranger.signed_in(company.keys["admin"]).post("/api/auth/register", adam)
        assert by_admin.json["agent"]["role"] == "manager"
        wrong = await stranger.signed_in("fb_wrong").post("/api/auth/register", eve)
        assert wrong.status == 401
        assert server.faults == []


@pytest.mark.usefixtures("patience")
async def test_strangers_register_at_an_open_server_only_so_often(
    module_database_url: str, redis_url: str
) -> None:
    async with (
        running_rest(module_database_url, redis_url, registration="open") as server,
        aiohttp.ClientSession() as session,
    ):
        stranger = Api(session, server.url)
        statuses = [
            (await stranger.post("/api/auth/register", {**BOB, "agent_code": f"n{n}"})).status
            for n in range(21)
        ]
        assert statuses == [201] * 20 + [429]


async def test_a_closed_server_registers_nobody(
    module_database_url: str, redis_url: str, company: Company
) -> None:
    async with (
        running_rest(module_database_url, redis_url, registration="closed") as server,
        aiohttp.ClientSession() as session,
    ):
        api = Api(session, server.url)
        for caller in (api, api.signed_in(company.keys["admin"])):
            assert (await caller.post("/api/auth/register", BOB)).code == "forbidden"


async def test_colleagues_see_less_of_each_other_than_admins(
    admin: Api, agent: Api, manager: Api, company: Company
) -> None:
    listed = (await admin.get("/api/auth/agents")).json
    assert [item["code"] for item in listed["items"]] == ["admin", "agent", "api", "manager"]
    assert listed["total"] == 4
    assert listed["items"][0].keys() >= {"role", "disabled", "created_at"}
    path = f"/api/auth/agents/{company.agents['admin']}"
    for api in (agent, manager):
        items = (await api.get("/api/auth/agents")).json["items"]
        assert all(item.keys() == {"id", "code", "name"} for item in items)
        assert (await api.get(path)).json.keys() == {"id", "code", "name"}
    assert (await admin.get(path)).json["role"] == "admin"


async def test_agents_are_listed_page_by_page(admin: Api) -> None:
    first = (await admin.get("/api/auth/agents?limit=3")).json
    second = (await admin.get(f"/api/auth/agents?limit=3&cursor={first['next_cursor']}")).json
    skipped = (await admin.get("/api/auth/agents?limit=2&offset=1")).json

    codes = [item["code"] for page in (first, second) for item in page["items"]]
    assert codes == ["admin", "agent", "api", "manager"]
    assert second["next_cursor"] is None
    assert [item["code"] for item in skipped["items"]] == ["agent", "api"]


async def test_an_admin_changes_agents_and_nobody_else_does(
    admin: Api, agent: Api, manager: Api, outsider: Api, company: Company
) -> None:
    path = f"/api/auth/agents/{company.agents['agent']}"

    changed = await admin.patch(path, {"name": "Ann Lee", "role": "manager"})

    assert (changed.json["name"], changed.json["role"]) == ("Ann Lee", "manager")
    assert (await agent.get("/api/auth/verify")).json["agent"]["role"] == "manager"
    for api in (agent, manager):
        assert (await api.patch(path, {"name": "Me"})).code == "forbidden"
    assert (await outsider.patch(path, {"name": "Ours"})).status == 404
    assert (await outsider.get(path)).status == 404
    assert (await admin.patch(path, {"role": "boss"})).code == "invalid role"
    assert (await admin.patch("/api/auth/agents/nobody-here", {"name": "N"})).status == 404


async def test_a_disabled_agent_is_cut_off_and_comes_back_when_enabled(
    admin: Api, agent: Api, company: Company
) -> None:
    path = f"/api/auth/agents/{company.agents['agent']}"

    assert (await admin.patch(path, {"disabled": True})).json["disabled"] is True
    refused = await agent.get("/api/contacts")
    assert (refused.status, refused.code) == (401, "unauthenticated")

    await admin.patch(path, {"disabled": False})
    assert (await agent.get("/api/contacts")).status == 200


async def test_the_last_admin_stays_one(admin: Api, company: Company) -> None:
    path = f"/api/auth/agents/{company.agents['admin']}"

    for change in ({"disabled": True}, {"role": "agent"}):
        refused = await admin.patch(path, change)
        assert (refused.status, refused.code) == (409, "conflict")
    assert (await admin.patch(path, {"name": "Still admin", "role": "admin"})).status == 200


async def test_two_admins_can_not_remove_each_other_at_once(
    admin: Api, company: Company, owner: asyncpg.Connection, server: RestServer, stranger: Api
) -> None:
    await add_agent(owner, server.auth, company, "second", "admin")
    second = stranger.signed_in(company.keys["second"])

    answers = await asyncio.gather(
        admin.patch(f"/api/auth/agents/{company.agents['second']}", {"role": "agent"}),
        second.patch(f"/api/auth/agents/{company.agents['admin']}", {"disabled": True}),
    )

    left = await owner.fetchval(
        "SELECT count(*) FROM agents WHERE tenant_id = $1 AND role = 'admin' AND NOT disabled",
        company.tenant,
    )
    assert left == 1
    first, second_status = sorted(answer.status for answer in answers)
    # Whoever comes second is told that one admin must stay, or is no admin any more.
    assert first == 200
    assert second_status in (401, 403, 409)


async def test_keys_are_listed_made_and_revoked_by_their_owner(
    agent: Api, stranger: Api, company: Company
) -> None:
    made = await agent.post("/api/auth/keys", {"name": "Tablet"})
    assert made.status == 201
    tablet = stranger.signed_in(made.json["api_key"])
    assert (await tablet.get("/api/auth/verify")).json["key_id"] == made.json["key_id"]

    listed = (await agent.get("/api/auth/keys")).json
    assert [key["id"] for key in listed["items"]] == [
        made.json["key_id"],
        company.key_ids["agent"],
    ]
    newest = listed["items"][0]
    assert (newest["name"], newest["created_by"]) == ("Tablet", company.agents["agent"])
    assert made.json["api_key"].startswith(newest["prefix"])
    assert newest["last_used_at"] is not None
    assert made.json["api_key"] not in str(listed)

    revoked = await agent.delete(f"/api/auth/keys/{made.json['key_id']}")
    assert revoked.json["revoked_at"] is not None
    assert (await tablet.get("/api/auth/verify")).status == 401
    again = await agent.delete(f"/api/auth/keys/{made.json['key_id']}")
    assert again.json == revoked.json


async def test_an_admin_handles_everybodys_keys_and_others_only_their_own(
    admin: Api, agent: Api, manager: Api, outsider: Api, company: Company
) -> None:
    theirs = company.key_ids["agent"]

    assert (await admin.get("/api/auth/keys")).json["total"] == 4
    one = (await admin.get(f"/api/auth/keys?agent_id={company.agents['agent']}")).json
    assert [key["id"] for key in one["items"]] == [theirs]
    assert (await manager.get("/api/auth/keys")).json["total"] == 1
    colleagues = f"/api/auth/keys?agent_id={company.agents['agent']}"
    assert (await manager.get(colleagues)).code == "forbidden"
    assert (await manager.delete(f"/api/auth/keys/{theirs}")).code == "forbidden"
    assert (await outsider.delete(f"/api/auth/keys/{theirs}")).status == 404
    for_another = {"agent_id": company.agents["agent"], "name": "From the office"}
    assert (await manager.post("/api/auth/keys", for_another)).code == "forbidden"
    made = await admin.post("/api/auth/keys", for_another)
    assert made.json["key"]["agent_id"] == company.agents["agent"]
    assert (await admin.delete(f"/api/auth/keys/{theirs}")).status == 200
    assert (await agent.get("/api/auth/verify")).status == 401
    nobody = await admin.post("/api/auth/keys", {"agent_id": "nobody-here"})
    assert (nobody.status, nobody.code) == (422, "invalid agent_id")


async def test_keys_are_listed_page_by_page(agent: Api) -> None:
    for number in range(4):
        await agent.post("/api/auth/keys", {"name": str(number)})

    first = (await agent.get("/api/auth/keys?limit=3")).json
    second = (await agent.get(f"/api/auth/keys?limit=3&cursor={first['next_cursor']}")).json

    names = [key.get("name") for page in (first, second) for key in page["items"]]
    assert names == ["3", "2", "1", "0", ""]
    assert (first["total"], second["next_cursor"]) == (5, None)


async def test_the_last_key_of_the_last_admin_stays(admin: Api, company: Company) -> None:
    path = f"/api/auth/keys/{company.key_ids['admin']}"

    refused = await admin.delete(path)
    assert (refused.status, refused.code) == (409, "conflict")

    await admin.post("/api/auth/keys", {})
    assert (await admin.delete(path)).status == 200


async def test_what_is_done_to_agents_and_keys_enters_the_history(
    admin: Api, company: Company
) -> None:
    bob = (await admin.post("/api/auth/register", BOB)).json
    await admin.patch(f"/api/auth/agents/{bob['agent']['id']}", {"disabled": True})
    await admin.delete(f"/api/auth/keys/{bob['key_id']}")

    entries = (await admin.get("/api/audit")).json["items"]

    done = [(entry["op"], entry["entity"], entry["entity_id"]) for entry in entries]
    assert done == [
        ("revoke", "key", bob["key_id"]),
        ("update", "agent", bob["agent"]["id"]),
        ("register", "agent", bob["agent"]["id"]),
    ]
    assert {entry["agent"] for entry in entries} == {company.agents["admin"]}
    assert entries[1]["changes"] == {"disabled": {"from": None, "to": True}}
    assert bob["api_key"] not in str(entries)


class Environment:
    """What the environment says of keys."""

    def __init__(self, admin_api_key: str | None, api_key_salt: str) -> None:
        self.admin_api_key = admin_api_key
        self.api_key_salt = api_key_salt


async def test_the_first_admin_is_made_once_even_by_several_processes(
    database_url: str, redis_url: str
) -> None:
    async with (
        running_rest(database_url, redis_url) as server,
        aiohttp.ClientSession() as session,
    ):
        made = await asyncio.gather(
            *(ensure_first_admin(server.database, Environment(None, SALT)) for _ in range(5))
        )
        keys = [key for key in made if key]
        assert len(keys) == 1
        admin = Api(session, server.url).signed_in(keys[0])
        assert (await admin.get("/api/auth/verify")).json["agent"]["role"] == "admin"
        assert (await admin.get("/api/auth/agents")).json["total"] == 1


async def test_the_first_admin_may_have_a_key_of_ones_own(
    database_url: str, redis_url: str
) -> None:
    async with (
        running_rest(database_url, redis_url) as server,
        aiohttp.ClientSession() as session,
    ):
        chosen = Environment("chosen-by-the-operator", SALT)
        assert await ensure_first_admin(server.database, chosen) is None
        admin = Api(session, server.url).signed_in("chosen-by-the-operator")
        assert (await admin.get("/api/auth/verify")).json["agent"]["role"] == "admin"
