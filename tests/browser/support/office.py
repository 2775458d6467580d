"""A company as it looks after a month of work, for pictures: people, phones, and what they did."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import asyncpg
from nanoid import generate

from server.services.auth import Auth

TENANT = "default"
PEOPLE = [
    ("ann.lee", "Ann Lee", "manager"),
    ("ben.roth", "Ben Roth", "agent"),
    ("chloe.martin", "Chloé Martin", "agent"),
    ("dmitri.orlov", "Dmitri Orlov", "agent"),
    ("fatima.haddad", "Fatima Haddad", "agent"),
    ("greta.nowak", "Greta Nowak", "agent"),
]
# Name, model, hours since it was seen, versions behind, edits that wait, app version, battery.
PHONES = [
    ("Ann's phone", "Pixel 9", 0, 0, 0, "2.4.1", 81),
    ("Ben's phone", "Galaxy S24", 0.4, 3, 0, "2.4.1", 64),
    ("Ben's tablet", "Galaxy Tab S9", 30, 240, 4, "2.3.0", 37),
    ("Chloé's phone", "Pixel 8a", 1.2, 12, 2, "2.4.1", 22),
    ("Dmitri's phone", "Xperia 1 VI", 52, 460, 0, "2.2.7", 55),
    ("Fatima's phone", "Fairphone 5", 0.1, 0, 0, "2.4.1", 93),
    ("Greta's phone", "Pixel 7", 240, 900, 7, "2.1.0", 11),
    ("Warehouse tablet", "Galaxy Tab A9", None, None, 0, "2.4.1", None),
]
DAYS = 30

ADD_PHONE = """
INSERT INTO devices (tenant_id, id, agent_id, name, model, os, app_version, last_seen, last_sync,
                     version, queue_size, queue_oldest_at, battery, network, clock_skew_ms)
VALUES ($1, $2, $3, $4, $5, 'Android 16', $6, $7, $7, $8, $9, $10, $11, $12, $13)
"""
ADD_SYNC = """
INSERT INTO sync_log (tenant_id, id, kind, device_id, started, ended, rows, outcome, error_code)
VALUES ($1, $2, 'sync', $3, $4, $5, $6, $7, $8)
"""
ADD_CONNECTION = """
INSERT INTO sync_log (tenant_id, id, kind, device_id, started, ended, outcome)
VALUES ($1, $2, 'connection', $3, $4, $5, 'closed')
"""
ADD_MINUTE = """
INSERT INTO sync_log (tenant_id, id, kind, started, devices_online, greatest_lag)
VALUES ($1, $2, 'minute', $3, $4, $5)
"""

# More of it lately than long ago; later entries have later times, as the server relies on.
SPREAD = """
WITH bounds AS (SELECT min(id) AS first, max(id) AS last FROM audit_log WHERE entity = 'contact')
UPDATE audit_log
SET at = at - ((last - id)::float8 / (last - first)) ^ 1.3 * $1::float8 * interval '1 day',
    agent_id = ($2::text[])[1 + floor(random() * $3)::int], origin = 'socket'
FROM bounds WHERE entity = 'contact'
"""
# Whoever made a contact owns it; a few are nobody's, as an import leaves them.
MADE_THEN = """
UPDATE contacts
SET created_at = made.at, updated_at = made.at, created_by = made.agent_id,
    updated_by = made.agent_id, owner_id = owned.by,
    wire = render_row(
        contacts.id, contacts.version, made.at, made.at, made.agent_id, made.agent_id,
        (contacts.wire::jsonb - ARRAY['id', 'version', 'created_at', 'updated_at']
            || jsonb_strip_nulls(jsonb_build_object('owner_id', owned.by)))::text
    )
FROM audit_log AS made
CROSS JOIN LATERAL (SELECT CASE WHEN made.version % 9 > 0 THEN made.agent_id END AS by) AS owned
WHERE made.entity = 'contact' AND made.op = 'create' AND made.entity_id = contacts.id
  AND made.tenant_id = contacts.tenant_id
"""


async def furnish(owner: asyncpg.Connection, auth: Auth) -> str:
    """Adds people, phones and a month's history to the seeded contacts; gives a manager's key."""
    chance = random.Random(1)
    await owner.execute("UPDATE tenants SET name = 'Keller & Sons', min_app_version = '2.3'")
    agents = [await _add_agent(owner, *person) for person in PEOPLE]
    devices = await _add_phones(owner, agents)
    await _spread_history(owner, agents)
    await _add_sync_log(owner, devices, chance)
    key = auth.make_key()
    await owner.execute(
        "INSERT INTO api_keys (tenant_id, id, agent_id, prefix, hash, name) "
        "VALUES ($1, $2, $3, $4, $5, 'Office')",
        *(TENANT, generate(), agents[0], key[:8], auth.hash(key)),
    )
    await owner.execute("UPDATE agents SET role = 'admin' WHERE id = $1", agents[0])
    return key


async def _add_agent(owner: asyncpg.Connection, code: str, name: str, role: str) -> str:
    agent = generate()
    await owner.execute(
        "INSERT INTO agents (tenant_id, id, code, name, role) VALUES ($1, $2, $3, $4, $5)",
        *(TENANT, agent, code, name, role),
    )
    return agent


async def _add_phones(owner: asyncpg.Connection, agents: list[str]) -> list[str]:
    now = datetime.now(UTC)
    head = await owner.fetchval("SELECT version FROM global_version WHERE tenant_id = $1", TENANT)
    owners = [agents[each] for each in (0, 1, 1, 2, 3, 4, 5, 0)]
    ids = []
    for phone, agent in zip(PHONES, owners, strict=True):
        name, model, hours, behind, waiting, version, battery = phone
        seen = None if hours is None else now - timedelta(hours=hours)
        ids.append(generate())
        await owner.execute(
            ADD_PHONE,
            *(TENANT, ids[-1], agent, name, model, version, seen),
            *(None if behind is None else head - behind, waiting),
            *(seen - timedelta(hours=3) if waiting and seen else None, battery),
            *("wifi" if battery and battery > 50 else "cellular", 40 * len(ids)),
        )
    return ids


async def _spread_history(owner: asyncpg.Connection, agents: list[str]) -> None:
    """As if the seeded contacts had been made over the month, by everybody."""
    # The history only grows, and a trigger sees to it; for pictures it may be of another month.
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(SPREAD, float(DAYS), agents, len(agents))
    await owner.execute(MADE_THEN)
    await owner.execute("RESET session_replication_role")


async def _add_sync_log(
    owner: asyncpg.Connection, devices: list[str], chance: random.Random
) -> None:
    """Each phone's connections and syncs, and how many were online in each quarter of an hour."""
    now = datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in (today - timedelta(days=back) for back in range(DAYS)):
        starts = [
            (device, day + timedelta(hours=hour, minutes=chance.randrange(60)))
            for device in devices[:-1]
            for hour in sorted(chance.sample(range(7, 19), _busy(day, chance)))
        ]
        began = [(device, start) for device, start in starts if start < now]
        await owner.executemany(ADD_SYNC, [_sync(*each, chance) for each in began])
        await owner.executemany(
            ADD_CONNECTION,
            [
                (TENANT, generate(), device, start, start + timedelta(minutes=chance.randrange(90)))
                for device, start in began
            ],
        )
        quarters = [day + timedelta(minutes=15 * quarter) for quarter in range(96)]
        await owner.executemany(ADD_MINUTE, [_minute(at, chance) for at in quarters if at < now])


def _busy(day: datetime, chance: random.Random) -> int:
    """How often a phone syncs on a day; seldom at the weekend."""
    return chance.randrange(2) if day.weekday() >= 5 else chance.randrange(3, 8)


def _sync(device: str, start: datetime, chance: random.Random) -> tuple[object, ...]:
    failed = chance.random() < 0.04
    end = start + timedelta(milliseconds=chance.randrange(40, 400))
    outcome, error = ("failed", "unavailable") if failed else ("complete", None)
    return (TENANT, generate(), device, start, end, chance.randrange(1, 60), outcome, error)


def _minute(at: datetime, chance: random.Random) -> tuple[object, ...]:
    online = chance.randrange(3, 8) if 6 <= at.hour < 19 else chance.randrange(2)
    return (TENANT, f"minute-{at:%Y%m%d%H%M}", at, online, chance.randrange(30))
