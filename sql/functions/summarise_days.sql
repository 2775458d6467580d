-- What happened on each of some days (UTC), each day once: changes of contacts by what was done and by
-- whom, and what devices did. Reads the history and the log of syncs; daily_statistics keeps what it gave
-- of days that are over. The columns are that table's.
CREATE OR REPLACE FUNCTION summarise_days(tenant text, first_day date, last_day date)
RETURNS TABLE (
    day date, created bigint, updated bigint, deleted bigint, restored bigint, agents jsonb,
    connections bigint, syncs bigint, pushes bigint, failures bigint, refused bigint, rows bigint,
    bytes bigint, median_sync_ms bigint, most_devices_online integer, greatest_lag bigint
)
LANGUAGE sql STABLE
AS $$
    WITH changes AS MATERIALIZED (
        SELECT (at AT TIME ZONE 'UTC')::date AS day, agent_id, op, count(*) AS entries
        FROM audit_log
        WHERE tenant_id = tenant AND entity = 'contact' AND outcome = 'applied'
            AND at >= first_day::timestamp AT TIME ZONE 'UTC'
            AND at < (last_day + 1)::timestamp AT TIME ZONE 'UTC'
            -- Each asked once; an entry of a day later may have a lower number.
            AND id >= (SELECT find_entry_at(tenant, first_day::timestamp AT TIME ZONE 'UTC'))
            AND id < (SELECT find_entry_at(tenant, (last_day + 3)::timestamp AT TIME ZONE 'UTC'))
        GROUP BY 1, 2, 3
    ), by_op AS (
        SELECT c.day, sum(entries) FILTER (WHERE op = 'create') AS created,
               sum(entries) FILTER (WHERE op = 'update') AS updated,
               sum(entries) FILTER (WHERE op = 'delete') AS deleted,
               sum(entries) FILTER (WHERE op = 'restore') AS restored
        FROM changes AS c GROUP BY c.day
    ), by_agent AS (
        SELECT each.day, jsonb_agg(jsonb_build_object('agent', agent_id, 'changes', changes)
                                   ORDER BY changes DESC, agent_id) AS agents
        FROM (SELECT c.day, agent_id, sum(entries) AS changes
              FROM changes AS c GROUP BY c.day, agent_id) AS each
        GROUP BY each.day
    )
    SELECT days.day, coalesce(by_op.created, 0)::bigint, coalesce(by_op.updated, 0)::bigint,
           coalesce(by_op.deleted, 0)::bigint, coalesce(by_op.restored, 0)::bigint,
           coalesce(by_agent.agents, '[]'), coalesce(s.connections, 0), coalesce(s.syncs, 0),
           coalesce(s.pushes, 0), coalesce(s.failures, 0), coalesce(s.refused, 0),
           coalesce(s.rows, 0), coalesce(s.bytes, 0)::bigint, round(s.median_sync_ms)::bigint,
           coalesce(s.most_devices_online, 0), coalesce(s.greatest_lag, 0)
    FROM (SELECT day::date FROM generate_series(first_day, last_day, interval '1 day') AS day) AS days
    LEFT JOIN by_op USING (day)
    LEFT JOIN by_agent USING (day)
    LEFT JOIN summarise_sync_log(
        tenant, first_day::timestamp AT TIME ZONE 'UTC', (last_day + 1)::timestamp AT TIME ZONE 'UTC'
    ) AS s USING (day)
$$;
