-- name: keep_days
-- Keeps what happened on days that have been over for a day, so that nothing of them is still being
-- written: up to so many, from the day after the last that is kept, or from before the first of which
-- anything is known. Gives how many. $1 tenant, $2 days at most.
WITH missing AS (
    SELECT coalesce(
        (SELECT max(day) + 1 FROM daily_statistics WHERE tenant_id = $1::text),
        (least(
            (SELECT at FROM audit_log WHERE tenant_id = $1 ORDER BY id LIMIT 1),
            (SELECT min(started) FROM sync_log WHERE tenant_id = $1)
        ) AT TIME ZONE 'UTC')::date - 1) AS first_day
), span AS (
    SELECT first_day, least(first_day + $2::integer - 1, (now() AT TIME ZONE 'UTC')::date - 2) AS last_day
    FROM missing
), kept AS (
    INSERT INTO daily_statistics
    SELECT $1, s.*, coalesce(f.fields, '[]')
    FROM span
    CROSS JOIN LATERAL summarise_days($1, first_day, last_day) AS s
    LEFT JOIN LATERAL list_changed_fields($1, first_day, last_day) AS f ON f.day = s.day
    ON CONFLICT DO NOTHING
    RETURNING day
)
SELECT count(*) FROM kept;

-- name: list_days
-- What happened on each of some days (UTC), oldest first, and the contacts at the day's end, counted back
-- from those that are there now. No day lies in the future. What is not kept yet is read from the logs.
-- $1 tenant, $2 first day, $3 last day.
WITH today AS (
    SELECT (now() AT TIME ZONE 'UTC')::date AS day
), known AS MATERIALIZED (
    SELECT kept.* FROM daily_statistics AS kept WHERE tenant_id = $1::text AND day >= $2::date
    UNION ALL
    SELECT $1, fresh.*, NULL
    FROM today, summarise_days($1, greatest($2, (
        SELECT max(day) + 1 FROM daily_statistics WHERE tenant_id = $1)), today.day) AS fresh
)
SELECT days.day::text AS day,
       greatest((
           SELECT coalesce((g.checksum -> 'contacts' ->> 'count')::bigint, 0)
           FROM global_version AS g WHERE g.tenant_id = $1
       ) - (
           SELECT coalesce(sum(later.created + later.restored - later.deleted), 0)::bigint
           FROM known AS later WHERE later.day > days.day
       ), 0) AS contacts,
       coalesce(created, 0) AS created, coalesce(updated, 0) AS updated,
       coalesce(deleted, 0) AS deleted, coalesce(restored, 0) AS restored,
       coalesce(agents, '[]')::text AS agents, coalesce(connections, 0) AS connections,
       coalesce(syncs, 0) AS syncs, coalesce(pushes, 0) AS pushes,
       coalesce(failures, 0) AS failures, coalesce(refused, 0) AS refused,
       coalesce(rows, 0) AS rows, coalesce(bytes, 0) AS bytes, median_sync_ms,
       coalesce(most_devices_online, 0) AS most_devices_online,
       coalesce(greatest_lag, 0) AS greatest_lag
FROM (
    SELECT each::date AS day
    FROM today, generate_series($2::date, least($3::date, today.day), interval '1 day') AS each
) AS days
LEFT JOIN known USING (day)
ORDER BY days.day;

-- name: list_minutes
-- How many devices were online in each minute of a day (UTC), and how far the last of them was
-- behind. $1 tenant, $2 day.
SELECT rfc3339(date_trunc('minute', started)) AS at, devices_online, greatest_lag
FROM sync_log
WHERE tenant_id = $1::text AND kind = 'minute' AND devices_online IS NOT NULL
    AND started >= $2::date::timestamp AT TIME ZONE 'UTC'
    AND started < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
ORDER BY started;
