-- Every tenant's head and epoch: a process compares its feeds with them each second, as a
-- half-open connection that listens never says so.
CREATE OR REPLACE FUNCTION list_heads()
RETURNS TABLE (tenant_id text, version bigint, epoch text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT tenant_id, version, epoch FROM global_version $$;
