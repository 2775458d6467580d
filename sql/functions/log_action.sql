-- What changes no synced row enters the history here: sign-in, export, a revoked key. Called by
-- the services; `detail` is a JSON object. The tenant is the connection's own.
CREATE OR REPLACE FUNCTION log_action(
    action text, entity text, entity_id text, agent text, device text, origin text, detail jsonb
) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    INSERT INTO audit_log (tenant_id, op, entity, entity_id, agent_id, device_id, origin, after)
    VALUES (current_setting('app.tenant'), action, entity, entity_id, agent, device, origin, detail)
$$;
