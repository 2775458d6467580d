-- name: list_days
-- What happened on each of some days (UTC), oldest first: changes of contacts by what was done and by
-- whom, the contacts at the day's end, and what devices did. Contacts are counted back from those that
-- are there now. No day lies in the future. $1 tenant, $2 first day, $3 last day.
WITH changes AS MATERIALIZED (
    SELECT (at AT TIME ZONE 'UTC')::date AS day, agent_id, op, count(*) AS entries
    FROM audit_log
    WHERE tenant_id = $1::text AND at >= $2::date::timestamp AT TIME ZONE 'UTC'
        AND id >= find_entry_at($1, $2::date::timestamp AT TIME ZONE 'UTC')
        AND entity = 'contact' AND outcome = 'applied'
    GROUP BY 1, 2, 3
), by_day AS MATERIALIZED (
    SELECT day, sum(entries) FILTER (WHERE op = 'create') AS created,
           sum(entries) FILTER (WHERE op = 'update') AS updated,
           sum(entries) FILTER (WHERE op = 'delete') AS deleted,
           sum(entries) FILTER (WHERE op = 'restore') AS restored
    FROM changes GROUP BY day
), by_agent AS MATERIALIZED (
    SELECT day, json_agg(json_build_object('agent', agent_id, 'changes', changes)
                         ORDER BY changes DESC, agent_id)::text AS agents
    FROM (SELECT day, agent_id, sum(entries) AS changes FROM changes GROUP BY day, agent_id) AS each
    GROUP BY day
)
SELECT days.day::text AS day,
       greatest((
           SELECT coalesce((g.checksum -> 'contacts' ->> 'count')::bigint, 0)
           FROM global_version AS g WHERE g.tenant_id = $1
       ) - (
           SELECT coalesce(sum(coalesce(later.created, 0) + coalesce(later.restored, 0)
                               - coalesce(later.deleted, 0)), 0)::bigint
           FROM by_day AS later WHERE later.day > days.day
       ), 0) AS contacts,
       coalesce(created, 0)::bigint AS created, coalesce(updated, 0)::bigint AS updated,
       coalesce(deleted, 0)::bigint AS deleted, coalesce(restored, 0)::bigint AS restored,
       coalesce(agents, '[]') AS agents, coalesce(connections, 0) AS connections,
       coalesce(syncs, 0) AS syncs, coalesce(pushes, 0) AS pushes,
       coalesce(failures, 0) AS failures, coalesce(refused, 0) AS refused,
       coalesce(rows, 0) AS rows, coalesce(bytes, 0)::bigint AS bytes,
       round(median_sync_ms)::bigint AS median_sync_ms,
       coalesce(most_devices_online, 0) AS most_devices_online,
       coalesce(greatest_lag, 0) AS greatest_lag
FROM (
    SELECT day::date AS day
    FROM generate_series($2::date, least($3::date, (now() AT TIME ZONE 'UTC')::date),
                         interval '1 day') AS day
) AS days
LEFT JOIN by_day USING (day)
LEFT JOIN by_agent USING (day)
LEFT JOIN summarise_sync_log(
    $1, $2::date::timestamp AT TIME ZONE 'UTC', ($3::date + 1)::timestamp AT TIME ZONE 'UTC'
) AS synced USING (day)
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
