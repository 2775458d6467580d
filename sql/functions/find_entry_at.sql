-- The number of the first entry of a tenant's history that may be of this moment or later. Numbers
-- and times grow together, but for those of statements that ran at once: a day is allowed for that. By
-- halving, as an index of the times would have to be written with each change. Used by what reads the
-- history of a span of time, which still compares the times.
CREATE OR REPLACE FUNCTION find_entry_at(tenant text, moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE PARALLEL SAFE
AS $$
DECLARE
    low    bigint;
    high   bigint;
    middle record;
BEGIN
    SELECT min(id), max(id) + 1 INTO low, high FROM audit_log WHERE tenant_id = tenant;
    WHILE low < high LOOP
        SELECT id, at INTO middle FROM audit_log
        WHERE tenant_id = tenant AND id >= (low + high) / 2 ORDER BY id LIMIT 1;
        IF middle.at >= moment - interval '1 day' THEN
            high := (low + high) / 2;
        ELSE
            low := middle.id + 1;
        END IF;
    END LOOP;
    RETURN coalesce(low, 0);
END
$$;
