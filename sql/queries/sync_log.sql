-- name: write_entries
-- What devices did, and what became of what they began before. $1 tenant, $2 entries as JSON, their
-- times in seconds since 1970.
INSERT INTO sync_log AS l (tenant_id, id, kind, device_id, agent_id, started, ended, since, until,
                           rows, bytes, outcome, error_code, address)
SELECT $1::text, r.id, r.kind, r.device_id, r.agent_id, to_timestamp(r.started),
       to_timestamp(r.ended), r.since, r.until, r.rows, r.bytes, r.outcome, r.error_code, r.address
FROM jsonb_to_recordset($2::jsonb) AS r (
    id text, kind text, device_id text, agent_id text, started double precision,
    ended double precision, since bigint, until bigint, rows integer, bytes bigint, outcome text,
    error_code text, address text)
ON CONFLICT (tenant_id, id) DO UPDATE
SET ended = excluded.ended, until = excluded.until, rows = excluded.rows, bytes = excluded.bytes,
    outcome = excluded.outcome, error_code = excluded.error_code;

-- name: claim_minute
-- The row of a minute, with the tenant's head; no row when another process made it. $1 tenant,
-- $2 its id.
INSERT INTO sync_log (tenant_id, id, kind, started, until)
SELECT tenant_id, $2::text, 'minute', clock_timestamp(), version
FROM global_version WHERE tenant_id = $1::text
ON CONFLICT DO NOTHING
RETURNING true;

-- name: complete_minute
-- How many devices were online in a minute, and how far the last of them was behind the head.
-- $1 tenant, $2 the minute's id, $3 the devices.
UPDATE sync_log AS l
SET ended = clock_timestamp(), devices_online = cardinality($3::text[]),
    greatest_lag = (
        SELECT coalesce(max(greatest(l.until - coalesce(d.version, 0), 0)), 0)
        FROM devices AS d WHERE d.tenant_id = $1 AND d.id = ANY ($3))
WHERE l.tenant_id = $1::text AND l.id = $2::text;

-- name: list_statistics
-- What devices did on each of the last days, the latest first. $1 tenant, $2 days.
SELECT day::text AS day, connections, syncs, pushes, failures, refused, rows::bigint AS rows,
       bytes::bigint AS bytes, round(median_sync_ms)::bigint AS median_sync_ms,
       most_devices_online, greatest_lag
FROM sync_statistics
WHERE tenant_id = $1::text AND day > (now() AT TIME ZONE 'UTC')::date - $2::integer
ORDER BY day DESC;

-- name: delete_old_entries
-- Removes up to so many rows that are older than 90 days, and counts them. $1 tenant, $2 at most.
WITH old AS (
    SELECT id FROM sync_log
    WHERE tenant_id = $1::text AND started < clock_timestamp() - interval '90 days'
    LIMIT $2::bigint
), deleted AS (
    DELETE FROM sync_log AS l USING old WHERE l.tenant_id = $1 AND l.id = old.id
    RETURNING l.id
)
SELECT count(*) FROM deleted;
