-- name: list_agents
-- A page of agents, by code. $1 tenant, $2 the code before or NULL, $3 rows to pass over,
-- $4 rows at most.
SELECT id, code, name, role, disabled, rfc3339(created_at) AS created_at
FROM agents
WHERE tenant_id = $1::text AND ($2::text IS NULL OR lower(code) > lower($2))
ORDER BY lower(code) OFFSET $3::bigint LIMIT $4::bigint;

-- name: count_agents
-- How many agents a tenant has.
SELECT count(*) FROM agents WHERE tenant_id = $1::text;

-- name: read_agent
-- One agent.
SELECT id, code, name, role, disabled, rfc3339(created_at) AS created_at
FROM agents WHERE tenant_id = $1::text AND id = $2::text;

-- name: find_agent
-- The agent of a code, capitals aside.
SELECT id, code, name, role, disabled FROM agents
WHERE tenant_id = $1::text AND lower(code) = lower($2::text);

-- name: insert_agent
-- A new agent. $1 tenant, $2 id, $3 code, $4 name, $5 role; no row when the code is taken.
INSERT INTO agents (tenant_id, id, code, name, role) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, lower(code)) DO NOTHING
RETURNING id, code, name, role, disabled, rfc3339(created_at) AS created_at;

-- name: lock_admins
-- The admins who may sign in, locked, so that two changes at once can't remove the last one.
SELECT id FROM agents WHERE tenant_id = $1::text AND role = 'admin' AND NOT disabled
ORDER BY id FOR NO KEY UPDATE;

-- name: update_agent
-- What an admin changes of an agent; NULL leaves it. $1 tenant, $2 id, $3 name, $4 role,
-- $5 disabled.
UPDATE agents
SET name = coalesce($3, name), role = coalesce($4, role), disabled = coalesce($5, disabled)
WHERE tenant_id = $1::text AND id = $2::text
RETURNING id, code, name, role, disabled, rfc3339(created_at) AS created_at;

-- name: lock_first_admin
-- Held until the end of the transaction by the process that makes the first admin.
SELECT pg_advisory_xact_lock(7203, hashtext($1::text));
