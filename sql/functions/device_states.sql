-- device_status with the state `online` for those of a tenant's devices that are: what the server
-- knows of open sockets comes in `online`. Times are as they go out. Used by all queries of devices.
CREATE OR REPLACE FUNCTION device_states(tenant text, online text[])
RETURNS TABLE (
    id text, agent_id text, agent_code text, agent_name text, name text, model text, os text,
    app_version text, last_seen text, last_sync text, version bigint,
    queue_size integer, queue_oldest_at text, battery real, network text,
    clock_skew_ms bigint, lag_versions bigint, lag_seconds bigint, is_online boolean, state text,
    app_outdated boolean, queue_stuck boolean, created_at text, revoked_at text
)
LANGUAGE sql STABLE
AS $$
    SELECT s.id, s.agent_id, s.agent_code, s.agent_name, s.name, s.model, s.os, s.app_version,
           rfc3339(s.last_seen), rfc3339(s.last_sync), s.version, s.queue_size,
           rfc3339(s.queue_oldest_at), s.battery, s.network, s.clock_skew_ms, s.lag_versions,
           s.lag_seconds,
           s.id = ANY (online) AND s.state <> 'revoked',
           CASE WHEN s.id = ANY (online) AND s.state IN ('missing', 'late', 'idle') THEN 'online'
                ELSE s.state END,
           s.app_outdated, s.queue_stuck, rfc3339(s.created_at), rfc3339(s.revoked_at)
    FROM device_status AS s
    WHERE s.tenant_id = tenant
$$;
