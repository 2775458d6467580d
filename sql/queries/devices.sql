-- name: write_reports
-- What devices said of themselves. $1 tenant, $2 reports as JSON: a field that is not there leaves
-- what stands, times are in seconds since 1970. Who has the head of a minute ago has everything,
-- for in a busy company nobody ever has the very last version.
WITH head AS (
    SELECT version, least(version, coalesce((
               SELECT until FROM sync_log WHERE tenant_id = $1::text AND kind = 'minute'
               ORDER BY until DESC LIMIT 1), version)) AS a_minute_ago
    FROM global_version WHERE tenant_id = $1::text
)
UPDATE devices AS d
SET last_seen = greatest(d.last_seen, to_timestamp(r.seen)),
    version = coalesce(r.version, d.version),
    last_sync = CASE WHEN r.synced IS NOT NULL THEN to_timestamp(r.synced)
                     WHEN r.version > 0 AND r.version >= head.a_minute_ago
                     THEN to_timestamp(r.seen)
                     ELSE d.last_sync END,
    queue_size = coalesce(r.queue_size, d.queue_size),
    queue_oldest_at = CASE WHEN r.queue_size IS NULL THEN d.queue_oldest_at
                           ELSE to_timestamp(r.queue_oldest_at) END,
    queue_empty_at = CASE WHEN r.queue_size = 0 THEN to_timestamp(r.seen)
                          ELSE d.queue_empty_at END,
    battery = coalesce(r.battery, d.battery),
    network = coalesce(r.network, d.network),
    app_version = coalesce(r.app_version, d.app_version),
    clock_skew_ms = coalesce(r.clock_skew_ms, d.clock_skew_ms)
FROM head, jsonb_to_recordset($2::jsonb) AS r (
    id text, seen double precision, version bigint, synced double precision, queue_size integer,
    queue_oldest_at double precision, battery real, network text, app_version text,
    clock_skew_ms bigint)
WHERE d.tenant_id = $1::text AND d.id = r.id;

-- name: list_recently_seen
-- Devices of which some process may hold an open socket. $1 tenant, $2 agent or NULL for all.
SELECT id FROM devices
WHERE tenant_id = $1::text AND ($2::text IS NULL OR agent_id = $2)
    AND last_seen > clock_timestamp() - interval '10 minutes' AND revoked_at IS NULL;

-- name: list_devices
-- A page of devices. $1 tenant, $2 those online, $3 agent or NULL for all, $4 state, $5 whether the app is
-- outdated and $6 the queue stuck, $7 words of what it or its agent is called, or its whole id, each NULL for any, $8 by
-- what they are sorted, $9 whether downwards, $10 the sort key and $11 the id of the device before, $12
-- rows to pass over, $13 rows at most.
WITH found AS (
    -- What is not known comes last either way.
    SELECT d.*, CASE WHEN value IS NULL THEN CASE WHEN $9::boolean THEN '0' ELSE '2' END
                     ELSE '1' || value END COLLATE "C" AS sort_key
    FROM device_states($1::text, $2::text[]) AS d
    CROSS JOIN LATERAL (
        SELECT CASE $8::text
            WHEN 'agent' THEN lower(d.agent_code)
            WHEN 'name' THEN fold(coalesce(NULLIF(d.name, ''), NULLIF(d.model, ''), d.id))
            WHEN 'state' THEN array_position(
                '{online,idle,never_synced,late,missing,revoked}', d.state)::text
            WHEN 'last_seen' THEN d.last_seen
            WHEN 'last_sync' THEN d.last_sync
            WHEN 'lag' THEN lpad(d.lag_versions::text, 16, '0')
            WHEN 'queue' THEN lpad(d.queue_size::text, 16, '0')
            WHEN 'battery' THEN to_char(d.battery, 'FM000.00')
            WHEN 'app_version' THEN (
                SELECT string_agg(lpad(number::text, 16, '0'), '.')
                FROM unnest(version_numbers(d.app_version)) AS number)
        END AS value
    ) AS sorted
    WHERE ($3::text IS NULL OR agent_id = $3) AND ($4::text IS NULL OR state = $4)
        AND ($5::boolean IS NULL OR app_outdated = $5) AND ($6::boolean IS NULL OR queue_stuck = $6)
        AND ($7::text[] IS NULL
             OR fold(concat_ws(' ', name, model, os, app_version, agent_code, agent_name,
                                 CASE WHEN id = ANY ($7) THEN id END))
                LIKE ALL (ARRAY(SELECT contains_pattern(word) FROM unnest($7) AS word)))
)
SELECT * FROM found
WHERE $11::text IS NULL
    OR CASE WHEN $9 THEN (sort_key, id) < ($10::text, $11) ELSE (sort_key, id) > ($10, $11) END
ORDER BY CASE WHEN NOT $9 THEN sort_key END, CASE WHEN NOT $9 THEN id END, sort_key DESC, id DESC
OFFSET $12::bigint LIMIT $13::bigint;

-- name: count_devices
-- How many devices a list has; what is asked is list_devices'.
SELECT count(*) FROM device_states($1::text, $2::text[])
WHERE ($3::text IS NULL OR agent_id = $3) AND ($4::text IS NULL OR state = $4)
    AND ($5::boolean IS NULL OR app_outdated = $5) AND ($6::boolean IS NULL OR queue_stuck = $6)
    AND ($7::text[] IS NULL
         OR fold(concat_ws(' ', name, model, os, app_version, agent_code, agent_name,
                                 CASE WHEN id = ANY ($7) THEN id END))
            LIKE ALL (ARRAY(SELECT contains_pattern(word) FROM unnest($7) AS word)));

-- name: list_outdated
-- A page of the devices that are late or missing, or more than so many versions behind, those that
-- are furthest behind first. $1 tenant, $2 those online, $3 agent or NULL for all, $4 versions or
-- NULL, $5 the versions and $6 the id of the device before, $7 rows to pass over, $8 rows at most.
SELECT * FROM device_states($1::text, $2::text[])
WHERE ($3::text IS NULL OR agent_id = $3)
    AND (state IN ('late', 'missing') OR state <> 'revoked' AND lag_versions > $4::bigint)
    AND ($6::text IS NULL OR (-lag_versions, id) > (-$5::bigint, $6))
ORDER BY lag_versions DESC, id OFFSET $7::bigint LIMIT $8::bigint;

-- name: count_outdated
-- How many devices list_outdated has. $1 tenant, $2 those online, $3 agent or NULL, $4 versions or
-- NULL.
SELECT count(*) FROM device_states($1::text, $2::text[])
WHERE ($3::text IS NULL OR agent_id = $3)
    AND (state IN ('late', 'missing') OR state <> 'revoked' AND lag_versions > $4::bigint);

-- name: read_device
-- One device. $1 tenant, $2 those online, $3 id.
SELECT * FROM device_states($1::text, $2::text[]) WHERE id = $3::text;

-- name: read_health
-- How the devices are, all together. $1 tenant, $2 those online, $3 agent or NULL for all.
SELECT count(*) AS total,
       count(*) FILTER (WHERE is_online) AS online,
       count(*) FILTER (WHERE app_outdated) AS app_outdated,
       count(*) FILTER (WHERE queue_stuck) AS queue_stuck,
       (SELECT coalesce(jsonb_object_agg(state, devices), '{}')::text FROM (
            SELECT state, count(*) AS devices FROM device_states($1::text, $2::text[])
            WHERE $3::text IS NULL OR agent_id = $3 GROUP BY state) AS states) AS states,
       coalesce(max(lag_versions) FILTER (WHERE in_use), 0) AS lag_versions,
       coalesce(max(lag_seconds) FILTER (WHERE in_use), 0) AS lag_seconds,
       coalesce(sum(queue_size) FILTER (WHERE state <> 'revoked'), 0)::bigint AS queue_size,
       min(queue_oldest_at) FILTER (WHERE state <> 'revoked') AS queue_oldest_at
FROM device_states($1::text, $2::text[]),
     LATERAL (SELECT state NOT IN ('revoked', 'never_synced') AS in_use) AS used
WHERE $3::text IS NULL OR agent_id = $3;

-- name: count_by_app_version
-- Which versions of the app and of the operating system are in use, the most frequent first.
SELECT app_version, os, count(*) AS devices
FROM devices WHERE tenant_id = $1::text AND revoked_at IS NULL
GROUP BY app_version, os ORDER BY count(*) DESC, app_version, os LIMIT 100;

-- name: insert_device
-- A device that was enrolled and has not connected yet. $1 tenant, $2 id, $3 agent, $4 name.
INSERT INTO devices (tenant_id, id, agent_id, name) VALUES ($1, $2, $3, $4);

-- name: revoke_device
-- Shuts a device out, which its own sockets learn of by NOTIFY; whether it was not yet.
UPDATE devices SET revoked_at = clock_timestamp()
WHERE tenant_id = $1::text AND id = $2::text AND revoked_at IS NULL
RETURNING true;

-- name: request_sync
-- Asks a device to sync, by NOTIFY.
UPDATE devices SET sync_requested_at = clock_timestamp()
WHERE tenant_id = $1::text AND id = $2::text;
