-- Statement trigger of every synced table, one for each event: keeps the tenant's head and
-- checksum, and wakes the feeds. ON CONFLICT fires INSERT's and UPDATE's, in either order of
-- versions, so the head takes the greater. Notes when the clock was set back, for find_version_at(). As
-- the owner: the server's role may only read heads.
CREATE OR REPLACE FUNCTION keep_head() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    changes refcursor;
    change  record;
    moment  timestamptz := clock_timestamp();
BEGIN
    IF TG_OP = 'INSERT' THEN
        OPEN changes FOR
            SELECT tenant_id, max(version) AS head,
                   count(*) FILTER (WHERE deleted_at IS NULL) AS count,
                   coalesce(sum(version) FILTER (WHERE deleted_at IS NULL), 0) AS sum
            FROM new_rows GROUP BY tenant_id;
    ELSE
        -- What was is taken away from what is: a row that kept its version adds nothing. No join
        -- of the two, whose plan is kept and slow for many rows when it was made for few.
        OPEN changes FOR
            SELECT tenant_id, max(version) AS head,
                   coalesce(sum(sign) FILTER (WHERE deleted_at IS NULL), 0) AS count,
                   coalesce(sum(sign * version) FILTER (WHERE deleted_at IS NULL), 0) AS sum
            FROM (SELECT tenant_id, version, deleted_at, 1 AS sign FROM new_rows
                  UNION ALL
                  SELECT tenant_id, version, deleted_at, -1 FROM old_rows) AS rows
            GROUP BY tenant_id
            HAVING sum(sign * version) > 0;
    END IF;
    LOOP
        FETCH changes INTO change;
        EXIT WHEN NOT FOUND;
        UPDATE global_version AS g
        SET version = greatest(g.version, change.head),
            moved_at = greatest(g.moved_at, moment),
            clock_set_back = greatest(g.clock_set_back, g.moved_at - moment),
            checksum = g.checksum || jsonb_build_object(TG_TABLE_NAME, jsonb_build_object(
                'count', coalesce((g.checksum -> TG_TABLE_NAME -> 'count')::bigint, 0) + change.count,
                -- Modulo 2^52, and never negative: an update may take away more than it adds.
                'sum', mod(mod(coalesce((g.checksum -> TG_TABLE_NAME -> 'sum')::numeric, 0)
                               + change.sum, 4503599627370496) + 4503599627370496,
                           4503599627370496)))
        WHERE g.tenant_id = change.tenant_id;
        -- In place of a foreign key, which would ask for each row by itself.
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no tenant %', change.tenant_id
                USING ERRCODE = 'foreign_key_violation';
        END IF;
        PERFORM pg_notify('contact_changes', change.tenant_id || ' ' || change.head);
    END LOOP;
    RETURN NULL;
END
$$;
