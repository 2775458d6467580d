-- A tenant made in psql can be signed in to at once.
CREATE OR REPLACE TRIGGER start_tenant AFTER INSERT ON tenants
    FOR EACH ROW EXECUTE FUNCTION start_tenant();
