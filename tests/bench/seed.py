"""Contacts by SQL, through the same triggers as any other write."""

from __future__ import annotations

import asyncpg

TENANT = "default"
CHUNK = 10_000

# About 500 bytes each as JSON, as a phone's address book has them.
SEED = """
INSERT INTO contacts (tenant_id, id, external_id, first_name, last_name, company, job_title,
                      emails, phones, addresses, notes, custom, preferences)
SELECT $1, 'bench-' || lpad(n::text, 10, '0'), 'crm-' || n,
       (ARRAY['Ann', 'Bob', 'Chloë', 'Dmitri', 'Émile', 'Fatima', 'Greta'])[1 + n % 7],
       (ARRAY['Lee', 'Müller', 'García', 'Smith', 'Nowak'])[1 + n % 5] || n % 1000,
       'Company ' || n / 10, (ARRAY['Buyer', 'Owner', NULL])[1 + n % 3],
       jsonb_build_array(jsonb_build_object(
           'label', 'work', 'value', 'person' || n || '@example.com')),
       jsonb_build_array(jsonb_build_object(
           'label', 'mobile', 'value', '044 ' || 1000000 + n, 'e164', '+4144' || 1000000 + n)),
       CASE WHEN n % 2 = 0 THEN jsonb_build_array(jsonb_build_object(
           'label', 'office', 'street', n % 200 || ' High Street', 'city', 'Zürich',
           'postal_code', (8000 + n % 100)::text, 'country', 'CH')) ELSE '[]' END,
       CASE WHEN n % 4 = 0 THEN 'Met at the fair; call back after the holidays.' END,
       CASE WHEN n % 5 = 0 THEN '{"segment": "B", "visits": 3}'::jsonb ELSE '{}' END,
       CASE WHEN n % 3 = 0 THEN '{"email": "opted_in"}'::jsonb ELSE '{}' END
FROM generate_series($2::int, $3::int) AS n
"""


def contact_id(number: int) -> str:
    """The id of the seeded contact `number`, from 0."""
    return f"bench-{number:010}"


async def seed_contacts(connection: asyncpg.Connection, count: int) -> None:
    """Writes `count` contacts as the owner, and leaves the tables as a night's vacuum would."""
    await connection.execute("SELECT set_config('app.tenant', $1, false)", TENANT)
    for start in range(0, count, CHUNK):
        await connection.execute(SEED, TENANT, start, min(start + CHUNK, count) - 1)
    await connection.execute("VACUUM (ANALYZE)")
