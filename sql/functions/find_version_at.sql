-- The first version from which on a tenant's contacts may have been changed at this moment or later.
-- Versions and times grow together, but where the clock was set back, of which global_version tells how
-- far; and a minute is allowed for a statement in the middle of which that was. By halving, as an index
-- of the times would have to be written with each change. Used by contact_conditions(), which still
-- compares the times.
CREATE OR REPLACE FUNCTION find_version_at(tenant text, moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    since  timestamptz := moment - interval '1 minute' - (
        SELECT clock_set_back FROM global_version WHERE tenant_id = tenant);
    low    bigint;
    high   bigint;
    middle record;
BEGIN
    SELECT min(version), max(version) + 1 INTO low, high FROM contacts WHERE tenant_id = tenant;
    WHILE low < high LOOP
        SELECT version, updated_at INTO middle FROM contacts
        WHERE tenant_id = tenant AND version >= (low + high) / 2 ORDER BY version LIMIT 1;
        IF middle.updated_at >= since THEN
            high := (low + high) / 2;
        ELSE
            low := middle.version + 1;
        END IF;
    END LOOP;
    RETURN coalesce(low, 0);
END
$$;
