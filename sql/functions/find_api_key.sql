-- The agent behind a key's hash, whatever its tenant: sign-in asks before a tenant is known, and
-- row-level security would show it nothing.
CREATE OR REPLACE FUNCTION find_api_key(key_hash bytea)
RETURNS TABLE (tenant_id text, key_id text, agent_id text, code text, name text, role text,
               disabled boolean, revoked boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT k.tenant_id, k.id, a.id, a.code, a.name, a.role, a.disabled, k.revoked_at IS NOT NULL
    FROM api_keys AS k
    JOIN agents AS a ON a.tenant_id = k.tenant_id AND a.id = k.agent_id
    WHERE k.hash = key_hash
$$;
