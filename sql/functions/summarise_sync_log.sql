-- What devices did on each day (UTC) of a span of time: connections, syncs and pushes with their
-- failures, rows and bytes sent, the median time of a sync, and the most devices online at once. Used
-- by the view sync_statistics, and by the statistics of some days, for which it reads no others.
CREATE OR REPLACE FUNCTION summarise_sync_log(
    tenant text, from_time timestamptz, to_time timestamptz
) RETURNS TABLE (
    day date, connections bigint, syncs bigint, pushes bigint, failures bigint, refused bigint,
    rows bigint, bytes numeric, median_sync_ms double precision, most_devices_online integer,
    greatest_lag bigint
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT (l.started AT TIME ZONE 'UTC')::date,
           count(*) FILTER (WHERE l.kind = 'connection'),
           count(*) FILTER (WHERE l.kind = 'sync'),
           count(*) FILTER (WHERE l.kind = 'push'),
           count(*) FILTER (WHERE l.kind IN ('sync', 'push') AND l.error_code IS NOT NULL),
           count(*) FILTER (WHERE l.kind = 'refused'),
           coalesce(sum(l.rows) FILTER (WHERE l.kind = 'sync'), 0),
           coalesce(sum(l.bytes), 0),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM l.ended - l.started) * 1000)
               FILTER (WHERE l.kind = 'sync' AND l.ended IS NOT NULL),
           max(l.devices_online),
           max(l.greatest_lag)
    FROM sync_log AS l
    WHERE l.tenant_id = tenant AND l.started >= from_time AND l.started < to_time
    GROUP BY 1
$$;
