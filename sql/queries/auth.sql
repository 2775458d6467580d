-- name: find_api_key
-- The agent behind a key's hash, before any tenant is known.
SELECT tenant_id, key_id, agent_id, code, name, role, disabled, revoked FROM find_api_key($1::bytea);

-- name: enter_device
-- Enters a device or brings it up to date; no row when it belongs to another agent.
-- $1 tenant, $2 device, $3 agent, $4 name, $5 model, $6 os, $7 app version.
INSERT INTO devices AS d (tenant_id, id, agent_id, name, model, os, app_version, last_seen)
VALUES ($1, $2, $3, $4, $5, $6, $7, clock_timestamp())
ON CONFLICT (tenant_id, id) DO UPDATE
SET name = coalesce(excluded.name, d.name), model = coalesce(excluded.model, d.model),
    os = coalesce(excluded.os, d.os), app_version = coalesce(excluded.app_version, d.app_version),
    last_seen = excluded.last_seen
WHERE d.agent_id = excluded.agent_id
RETURNING revoked_at;

-- name: read_callings
-- The present name and role of agents. $1 tenant, $2 agents.
SELECT id, name, role FROM agents WHERE tenant_id = $1::text AND id = ANY ($2::text[]);

-- name: find_notices
-- What the open sockets have to be told: whose agent, key or device is shut out, and why, and
-- which devices a manager has just asked to sync.
-- $1 tenant, $2 agents, $3 keys, $4 devices.
SELECT 'agent' AS kind, id, 'account_disabled' AS reason FROM agents
WHERE tenant_id = $1::text AND id = ANY ($2::text[]) AND disabled
UNION ALL
SELECT 'key', id, 'key_revoked' FROM api_keys
WHERE tenant_id = $1::text AND id = ANY ($3::text[]) AND revoked_at IS NOT NULL
UNION ALL
SELECT 'device', id, 'device_revoked' FROM devices
WHERE tenant_id = $1::text AND id = ANY ($4::text[]) AND revoked_at IS NOT NULL
UNION ALL
SELECT 'sync', id, 'sync_requested' FROM devices
WHERE tenant_id = $1::text AND id = ANY ($4::text[])
    AND sync_requested_at > clock_timestamp() - interval '5 seconds';
