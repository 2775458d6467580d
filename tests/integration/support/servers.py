"""A real server in this process, on a free port, and companies to use it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass

import asyncpg
from aiohttp import web
from nanoid import generate

from server.app import PARTS, Parts, create_app
from server.services.auth import Auth
from server.settings import Settings
from tests.waiting import until

ROLES = ("admin", "manager", "agent", "api")


@dataclass(slots=True)
class Server:
    """A server that answers on `url`; `stop` ends it as a signal would."""

    url: str
    parts: Parts
    runner: web.AppRunner

    async def stop(self) -> None:
        await self.runner.cleanup()


@dataclass(frozen=True, slots=True)
class Company:
    """A tenant of a test's own: an agent of each role, with an API key each."""

    tenant: str
    keys: dict[str, str]
    agents: dict[str, str]
    key_ids: dict[str, str]


async def start_server(settings: Settings, redis_url: str | None = None) -> Server:
    assert settings.database_url is not None
    app = await create_app(settings, settings.database_url, redis_url)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.3)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return Server(f"http://{host}:{port}", app[PARTS], runner)


@asynccontextmanager
async def running_server(settings: Settings, redis_url: str | None = None) -> AsyncIterator[Server]:
    server = await start_server(settings, redis_url)
    try:
        yield server
    finally:
        await server.stop()


async def make_company(owner: asyncpg.Connection, auth: Auth) -> Company:
    """Enters a tenant as the owner of the database would, by SQL."""
    tenant = f"tenant-{generate(size=10)}"
    await owner.execute("INSERT INTO tenants (id, name) VALUES ($1, 'A company')", tenant)
    company = Company(tenant, {}, {}, {})
    for role in ROLES:
        await add_agent(owner, auth, company, role, role)
    return company


async def change_settings(
    owner: asyncpg.Connection, server: Server, company: Company, **settings: object
) -> None:
    """Changes settings of the company by SQL, and waits until the server has heard of it."""
    for name, value in settings.items():
        await owner.execute(f"UPDATE tenants SET {name} = $2 WHERE id = $1", company.tenant, value)

    async def heard() -> bool:
        known = asdict(await server.parts.tenants.settings(company.tenant))
        return settings.items() <= known.items()

    await until(heard)


async def add_agent(
    owner: asyncpg.Connection, auth: Auth, company: Company, code: str, role: str
) -> None:
    """Enters an agent with a key, to be found in the company by its code."""
    agent, key_id, key = generate(), generate(), auth.make_key()
    await owner.execute(
        "INSERT INTO agents (tenant_id, id, code, name, role) VALUES ($1, $2, $3, $4, $5)",
        *(company.tenant, agent, code, code.capitalize(), role),
    )
    await owner.execute(
        "INSERT INTO api_keys (tenant_id, id, agent_id, prefix, hash) VALUES ($1, $2, $3, $4, $5)",
        *(company.tenant, key_id, agent, key[:8], auth.hash(key)),
    )
    company.keys[code], company.agents[code], company.key_ids[code] = key, agent, key_id
