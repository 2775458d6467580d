-- A revoked key's or device's sockets are closed within seconds.
CREATE OR REPLACE TRIGGER notify_key_access AFTER UPDATE OF revoked_at ON api_keys
    FOR EACH ROW EXECUTE FUNCTION notify_access();
CREATE OR REPLACE TRIGGER notify_device_access AFTER UPDATE OF revoked_at, sync_requested_at ON devices
    FOR EACH ROW EXECUTE FUNCTION notify_access();
-- Every process keeps a tenant's settings at hand and reads them anew when they change.
CREATE OR REPLACE TRIGGER notify_tenant_settings AFTER UPDATE ON tenants
    FOR EACH ROW EXECUTE FUNCTION notify_access();
