-- Row trigger of agents, api_keys, devices and tenants: tells every server process that somebody's
-- access or a tenant's settings changed, so that sockets which may no longer be open are closed.
CREATE OR REPLACE FUNCTION notify_access() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('access_changes',
                      CASE TG_TABLE_NAME WHEN 'tenants' THEN to_jsonb(NEW) ->> 'id'
                                         ELSE to_jsonb(NEW) ->> 'tenant_id' END);
    RETURN NULL;
END
$$;
