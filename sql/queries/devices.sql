-- name: note_devices
-- What devices said since the last second, from JSON, each device once. A cursor at the head
-- counts as a sync: a device that hears live changes asks for none. $1 tenant, $2 JSON.
UPDATE devices AS d
SET last_seen = greatest(d.last_seen, r.seen),
    last_sync = CASE WHEN r.version >= g.version OR r.synced THEN r.seen ELSE d.last_sync END,
    version = coalesce(r.version, d.version),
    queue_size = coalesce(r.queue_size, d.queue_size),
    queue_oldest_at = CASE WHEN r.queue_size IS NULL THEN d.queue_oldest_at
                           ELSE r.queue_oldest_at END,
    queue_empty_at = CASE WHEN r.queue_size = 0 THEN r.seen ELSE d.queue_empty_at END,
    battery = coalesce(r.battery, d.battery),
    network = coalesce(r.network, d.network),
    app_version = coalesce(r.app_version, d.app_version),
    clock_skew_ms = coalesce(r.clock_skew_ms, d.clock_skew_ms)
FROM jsonb_to_recordset($2::jsonb) AS r (
    id text, seen timestamptz, synced boolean, version bigint, queue_size integer,
    queue_oldest_at timestamptz, battery real, network text, app_version text,
    clock_skew_ms bigint)
CROSS JOIN global_version AS g
WHERE d.tenant_id = $1::text AND g.tenant_id = $1 AND d.id = r.id;

-- name: list_devices
-- Devices as they stand in the database, by agent and name. $1 tenant, $2 agent id or NULL for
-- all, $3 agent code or NULL for all, $4 device or NULL for all.
SELECT id, agent_id, agent_code, agent_name, name, model, os, app_version, state,
       rfc3339(last_seen) AS last_seen, rfc3339(last_sync) AS last_sync, version, lag_versions,
       lag_seconds, queue_size, rfc3339(queue_oldest_at) AS queue_oldest_at,
       queue_oldest_at < clock_timestamp() - interval '1 hour' AS queue_stuck, battery, network,
       clock_skew_ms, errors_today
FROM device_status
WHERE tenant_id = $1::text AND ($2::text IS NULL OR agent_id = $2)
    AND ($3::text IS NULL OR lower(agent_code) = lower($3))
    AND ($4::text IS NULL OR id = $4)
ORDER BY agent_code, name, id;

-- name: read_statistics
-- What devices did on each of the last days, newest first. $1 tenant, $2 days.
SELECT day::text AS day, connections, syncs, pushes, failures, refused, rows, bytes,
       median_sync_ms, most_devices_online, greatest_lag
FROM sync_statistics
WHERE tenant_id = $1::text
    AND day > (clock_timestamp() AT TIME ZONE 'UTC')::date - $2::integer
ORDER BY day DESC;

-- name: read_activity
-- A device's last connections, syncs, pushes and refused events. $1 tenant, $2 device, $3 rows.
SELECT id, kind, rfc3339(started) AS started, rfc3339(ended) AS ended, since, until, rows, bytes,
       outcome, error_code, address
FROM sync_log
WHERE tenant_id = $1::text AND device_id = $2::text
ORDER BY sync_log.started DESC LIMIT $3::bigint;

-- name: find_agent
-- The agent with a code, capitals aside, who may sign in.
SELECT id FROM agents
WHERE tenant_id = $1::text AND lower(code) = lower($2::text) AND NOT disabled;

-- name: insert_device
-- A device that is handed to an agent before its first sign-in.
INSERT INTO devices (tenant_id, id, agent_id, name) VALUES ($1, $2, $3, $4);

-- name: revoke_device
-- Shuts a device out; the trigger tells the servers. One that was revoked keeps its time.
UPDATE devices SET revoked_at = coalesce(revoked_at, clock_timestamp())
WHERE tenant_id = $1::text AND id = $2::text;

-- name: request_sync
-- Asks a device to sync; the trigger tells the server that it is connected to.
UPDATE devices SET sync_requested_at = clock_timestamp()
WHERE tenant_id = $1::text AND id = $2::text;

-- name: find_sync_requests
-- Of the connected devices those that were asked to sync just now. $1 tenant, $2 devices.
SELECT id FROM devices
WHERE tenant_id = $1::text AND id = ANY ($2::text[])
    AND sync_requested_at > clock_timestamp() - interval '10 seconds';
