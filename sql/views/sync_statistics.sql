-- What devices did on each day (UTC): connections, syncs and pushes with their failures, rows and
-- bytes sent, the median time of a sync, and the most devices online at once.
CREATE OR REPLACE VIEW sync_statistics WITH (security_invoker = true) AS
SELECT tenant_id,
       (started AT TIME ZONE 'UTC')::date AS day,
       count(*) FILTER (WHERE kind = 'connection') AS connections,
       count(*) FILTER (WHERE kind = 'sync') AS syncs,
       count(*) FILTER (WHERE kind = 'push') AS pushes,
       count(*) FILTER (WHERE kind IN ('sync', 'push') AND error_code IS NOT NULL) AS failures,
       count(*) FILTER (WHERE kind = 'refused') AS refused,
       coalesce(sum(rows) FILTER (WHERE kind = 'sync'), 0) AS rows,
       coalesce(sum(bytes), 0) AS bytes,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM ended - started) * 1000)
           FILTER (WHERE kind = 'sync' AND ended IS NOT NULL) AS median_sync_ms,
       max(devices_online) AS most_devices_online,
       max(greatest_lag) AS greatest_lag
FROM sync_log
GROUP BY tenant_id, (started AT TIME ZONE 'UTC')::date;

GRANT SELECT ON sync_statistics TO fieldbook_server;
