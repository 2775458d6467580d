-- Row trigger of tenants: a new tenant has a head from the start, or nobody could sign in to it.
CREATE OR REPLACE FUNCTION start_tenant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO global_version (tenant_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;
