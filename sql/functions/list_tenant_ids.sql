-- Every tenant's id, for what runs for all of them: the minute's statistics, nightly jobs.
CREATE OR REPLACE FUNCTION list_tenant_ids() RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT id FROM tenants ORDER BY id $$;
