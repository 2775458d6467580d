-- Each device and how far it is behind: `lag_versions` counts versions, not rows; `lag_seconds`
-- runs from its last completed sync while it is behind. Whether its socket is open just now only
-- the server knows, so `state` here leaves out `online`.
CREATE OR REPLACE VIEW device_status WITH (security_invoker = true) AS
SELECT d.tenant_id, d.id, d.agent_id, a.code AS agent_code, a.name AS agent_name, d.name, d.model,
       d.os, d.app_version, d.last_seen, d.last_sync, d.version, d.queue_size, d.queue_oldest_at,
       d.battery, d.network, d.clock_skew_ms, d.created_at, d.revoked_at,
       greatest(g.version - coalesce(d.version, 0), 0) AS lag_versions,
       CASE WHEN coalesce(d.version, 0) >= g.version THEN 0
            ELSE extract(epoch FROM clock_timestamp() - coalesce(d.last_sync, d.created_at))
       END::bigint AS lag_seconds,
       CASE WHEN d.revoked_at IS NOT NULL THEN 'revoked'
            WHEN d.last_sync IS NULL THEN 'never_synced'
            WHEN d.last_seen < clock_timestamp() - interval '7 days' THEN 'missing'
            WHEN coalesce(d.version, 0) < g.version
                AND d.last_sync < clock_timestamp() - interval '24 hours' THEN 'late'
            ELSE 'idle' END AS state,
       (SELECT count(*) FROM sync_log AS l
        WHERE l.tenant_id = d.tenant_id AND l.device_id = d.id AND l.error_code IS NOT NULL
            AND l.started > clock_timestamp() - interval '24 hours') AS errors_today
FROM devices AS d
JOIN agents AS a ON a.tenant_id = d.tenant_id AND a.id = d.agent_id
JOIN global_version AS g ON g.tenant_id = d.tenant_id;

GRANT SELECT ON device_status TO fieldbook_server;
