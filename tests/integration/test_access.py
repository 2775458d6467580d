"""Who may do what over REST: every route there is, by every role, and by another company's admin.

A route that is not named below is for everybody who is signed in.
"""

from __future__ import annotations

import aiohttp
import asyncpg
import pytest_asyncio
from nanoid import generate

from tests.integration.conftest import ON_THE_SERVERS_LOOP, SignIn
from tests.integration.support.fleet import insert_device
from tests.integration.support.rest import Answer, Api
from tests.integration.support.servers import ROLES, Company, Server

pytestmark = ON_THE_SERVERS_LOOP

LABELS = ("tag", "group", "type")
PUBLIC = {"get_health", "get_readiness", "get_metrics"}
# What stands behind each route here is an admin's: their key, their device, their job.
FOR_ADMINS = {
    *("register", "update_agent", "update_tenant"),
    *("list_keys", "create_key", "revoke_key"),
}
FOR_LEADERS = {
    *("list_audit", "get_statistics", "get_statistics_of_day", "get_device_stats"),
    *("enrol_device", "get_device", "get_device_history", "list_devices_of_agent"),
    *("revoke_device", "request_device_sync"),
}
FOR_STARTERS = {
    *("import_contacts", "update_contacts", *(f"merge_{label}" for label in LABELS)),
    *(
        name.format(kind)
        for kind in ("job", "import")
        for name in (
            *("get_{}", "get_{}_errors", "list_{}_conflicts", "list_{}_left"),
            *("cancel_{}", "undo_{}"),
        )
    ),
}
QUERIES = {"list_keys": "?agent_id={agent}", "get_delta": "?version=0"}
BODIES = {
    "register": {"agent_code": "another", "agent_name": "Another"},
    "create_key": {"agent_id": "{agent}"},
    "enrol_device": {"agent_code": "agent"},
    "export_chosen_contacts": {"filter": {}},
    **{f"{write}_contact": {"first_name": "Ben"} for write in ("create", "replace", "update")},
    **{f"{write}_{label}": {"name": "Ours"} for write in ("replace", "update") for label in LABELS},
    **{f"create_{label}": {"name": "Another"} for label in LABELS},
    **{f"merge_{label}": {"into": "no-such-label"} for label in LABELS},
}


def roles_for(name: str) -> tuple[str, ...]:
    """The roles that may call an operation."""
    if name in FOR_ADMINS:
        return ("admin",)
    if name in FOR_LEADERS:
        return ("admin", "manager")
    if name in FOR_STARTERS:
        return ("admin", "manager", "api")
    return ROLES


class Ours:
    """What the company of this test has: the ids that stand in the paths of its routes."""

    def __init__(self, admin: Api, company: Company, device: str, job: str) -> None:
        self.admin = admin
        self.company = company
        self.ids = {"devices": device, "jobs": job, "import": job}

    async def make_rows(self) -> Ours:
        """A contact, a label of each kind, and a key to lose."""
        for plural in ("contacts", "tags", "groups", "types"):
            fields = {"first_name": "Ann"} if plural == "contacts" else {"name": "Ours"}
            made = await self.admin.post(f"/api/{plural}", fields)
            self.ids[plural] = made.json[plural[:-1]]["id"]
        key = await self.admin.post("/api/auth/keys", {})
        self.ids |= {"agents": self.company.agents["admin"], "keys": key.json["key_id"]}
        return self

    async def path(self, template: str) -> str:
        """A path of the document with our ids in it."""
        path = template.replace("{agent_code}", "admin")
        if "{id}" in path:
            folder = path.partition("/{id}")[0].rpartition("/")[2]
            path = path.replace("{id}", self.ids[folder])
        if "{entry}" in path:
            history = await self.admin.get(path.partition("/{entry}")[0])
            path = path.replace("{entry}", history.json["items"][-1]["id"])
        return path

    async def call(self, api: Api, method: str, template: str, name: str) -> Answer:
        """An operation as somebody, with what it needs at least to be judged by the role."""
        agent = self.ids["agents"]
        query = QUERIES.get(name, "").format(agent=agent)
        body = {
            key: value.format(agent=agent) if isinstance(value, str) else value
            for key, value in BODIES.get(name, {}).items()
        }
        sent = None if method in ("get", "delete") else body
        return await api.call(method.upper(), await self.path(template) + query, sent)


@pytest_asyncio.fixture(loop_scope="module")
async def ours(company: Company, sql: asyncpg.Connection, sign_in: SignIn) -> Ours:
    device = await insert_device(sql, company, "admin")
    job = generate()
    await sql.execute(
        "INSERT INTO bulk_jobs (tenant_id, id, kind, state, agent_id, file_name)"
        " VALUES ($1, $2, 'import', 'done', $3, 'ours.csv')",
        *(company.tenant, job, company.agents["admin"]),
    )
    return await Ours(sign_in("admin"), company, device, job).make_rows()


@pytest_asyncio.fixture(loop_scope="module")
async def operations(server: Server) -> list[tuple[str, str, str]]:
    """Every operation of the server: its method, its path and its name."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{server.url}/api/openapi.json") as answer,
    ):
        document = await answer.json()
    return [
        (method, path, operation["operationId"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


async def test_each_route_is_open_to_just_the_roles_that_it_is_meant_for(
    ours: Ours, operations: list[tuple[str, str, str]], server: Server, sign_in: SignIn
) -> None:
    named = {*FOR_ADMINS, *FOR_LEADERS, *FOR_STARTERS, *PUBLIC, *QUERIES, *BODIES}
    assert named <= {name for _, _, name in operations}
    wrong = []
    async with aiohttp.ClientSession() as session:
        stranger = Api(session, server.url)
        for method, path, name in operations:
            allowed = roles_for(name)
            # Who may not comes first: what the others do may end what is asked for.
            for role in sorted(ROLES, key=lambda role: role in allowed):
                status = (await ours.call(sign_in(role), method, path, name)).status
                if status == 401 or (status == 403) is (role in allowed):
                    wrong.append(f"{name} as {role}: {status}")
            status = (await ours.call(stranger, method, path, name)).status
            refused = 403 if name == "register" else 401
            if (status == refused) is (name in PUBLIC):
                wrong.append(f"{name} as a stranger: {status}")
    assert wrong == []


async def test_no_route_shows_or_changes_anything_of_another_company(
    ours: Ours,
    operations: list[tuple[str, str, str]],
    other_company: Company,
    sign_in: SignIn,
    sql: asyncpg.Connection,
) -> None:
    outsider = sign_in("admin", other_company)
    entries = "SELECT count(*) FROM audit_log WHERE tenant_id = $1"
    before = await sql.fetchval(entries, ours.company.tenant)
    wrong = []
    for method, path, name in operations:
        answer = await ours.call(outsider, method, path, name)
        if "{id}" in path:
            refused = answer.status == 404
        else:
            # Who sends an id may find it in what is refused.
            refused = name == "create_key" or not any(
                each in answer.text for each in ours.ids.values()
            )
        if not refused:
            wrong.append(f"{name}: {answer.status} {answer.text[:200]}")
    assert wrong == []
    assert await sql.fetchval(entries, ours.company.tenant) == before
