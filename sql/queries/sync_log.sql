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
FROM summarise_sync_log(
    $1::text, ((now() AT TIME ZONE 'UTC')::date - $2::integer + 1)::timestamp AT TIME ZONE 'UTC',
    'infinity')
ORDER BY day DESC;

-- name: list_entries_of_device
-- What one device did, newest first: all of it, or what it did on a day (UTC), with the connection
-- that it began before and held into that day. One without an end still lasts, unless the device was
-- not seen since; of one whose end nobody saw, as the server was killed, the next one's beginning is it.
-- `place` tells times apart that go out as one. $1 tenant, $2 device, $3 day or NULL,
-- $4 place and $5 id of the entry before, $6 entries at most.
WITH asked AS (
    SELECT coalesce($3::date::timestamp AT TIME ZONE 'UTC', '-infinity') AS from_time,
           coalesce(($3::date + 1)::timestamp AT TIME ZONE 'UTC', 'infinity') AS to_time,
           coalesce(timestamptz 'epoch' + $4::bigint * interval '1 microsecond', 'infinity') AS last
), page AS MATERIALIZED (
    (SELECT * FROM sync_log
     WHERE tenant_id = $1::text AND device_id = $2::text
         AND started >= (SELECT from_time FROM asked) AND started < (SELECT to_time FROM asked)
         AND started <= (SELECT last FROM asked)
         AND ($5::text IS NULL OR (started, id) < ((SELECT last FROM asked), $5))
     ORDER BY started DESC, id DESC LIMIT $6::bigint)
    UNION ALL
    SELECT held.* FROM asked CROSS JOIN LATERAL (
        SELECT * FROM sync_log
        WHERE tenant_id = $1 AND device_id = $2 AND started < asked.from_time AND kind = 'connection'
        ORDER BY started DESC LIMIT 1
    ) AS held
    WHERE coalesce(held.ended, (
            SELECT last_seen FROM devices WHERE tenant_id = $1 AND id = $2)) >= asked.from_time
        AND ($5 IS NULL OR (held.started, held.id) < (asked.last, $5))
)
SELECT id, kind, rfc3339(started) AS started,
       rfc3339(coalesce(ended, (
           SELECT min(next.started) FROM sync_log AS next
           WHERE next.tenant_id = $1 AND next.device_id = $2 AND next.kind = 'connection'
               AND page.kind = 'connection' AND next.started > page.started))) AS ended,
       since, until, rows, bytes, outcome, error_code,
       (extract(epoch FROM started) * 1000000)::bigint AS place
FROM page
ORDER BY page.started DESC, id DESC LIMIT $6;

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
