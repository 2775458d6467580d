-- Each device and how far it is behind: `lag_versions` counts versions, not rows. It is behind since
-- the later of its last sync and the last minute whose head it had. Whether its socket is open just
-- now only the server knows, so `state` here leaves out `online`: device_states() has it.
-- A revoked device is neither outdated nor stuck: nothing is to be done about it. The oldest edit is
-- as old as it was by the device's own clock.
-- now() and not the clock: with a volatile function in it, a view computes columns nobody asked for.
CREATE OR REPLACE VIEW device_status WITH (security_invoker = true) AS
SELECT d.tenant_id, d.id, d.agent_id, a.code AS agent_code, a.name AS agent_name, d.name, d.model,
       d.os, d.app_version, d.last_seen, d.last_sync, d.version, d.queue_size, d.queue_oldest_at,
       d.battery, d.network, d.clock_skew_ms, d.created_at, d.revoked_at,
       lag.versions AS lag_versions,
       CASE WHEN lag.versions = 0 THEN 0
            ELSE greatest(extract(epoch FROM now() - lag.since), 0)
       END::bigint AS lag_seconds,
       CASE WHEN d.revoked_at IS NOT NULL THEN 'revoked'
            WHEN d.last_sync IS NULL THEN 'never_synced'
            WHEN d.last_seen < now() - interval '7 days' THEN 'missing'
            WHEN lag.versions > 0 AND lag.since < now() - interval '24 hours' THEN 'late'
            ELSE 'idle' END AS state,
       coalesce(d.revoked_at IS NULL
                AND version_numbers(d.app_version) < version_numbers(t.min_app_version), false)
           AS app_outdated,
       coalesce(d.revoked_at IS NULL AND d.queue_size > 0
                AND now() - d.queue_oldest_at - coalesce(d.clock_skew_ms, 0) * interval '1 ms'
                    > interval '1 hour', false) AS queue_stuck,
       (SELECT count(*) FROM sync_log AS l
        WHERE l.tenant_id = d.tenant_id AND l.device_id = d.id AND l.error_code IS NOT NULL
            AND l.started > now() - interval '24 hours') AS errors_today
FROM devices AS d
JOIN agents AS a ON a.tenant_id = d.tenant_id AND a.id = d.agent_id
JOIN global_version AS g ON g.tenant_id = d.tenant_id
JOIN tenants AS t ON t.id = d.tenant_id
CROSS JOIN LATERAL (
    SELECT greatest(g.version - coalesce(d.version, 0), 0) AS versions,
           greatest(coalesce(d.last_sync, d.created_at), (
               SELECT l.started FROM sync_log AS l
               WHERE l.tenant_id = d.tenant_id AND l.kind = 'minute' AND l.until <= d.version
               ORDER BY l.until DESC, l.started DESC LIMIT 1)) AS since
) AS lag;

GRANT SELECT ON device_status TO fieldbook_server;
