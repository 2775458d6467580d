-- Statement trigger of every synced table, one for each event: keeps the tenant's head and
-- checksum, and wakes the feeds. ON CONFLICT fires INSERT's and UPDATE's, in either order of
-- versions, so the head takes the greater. As the owner: the server's role may only read heads.
CREATE OR REPLACE FUNCTION keep_head() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    change record;
BEGIN
    FOR change IN EXECUTE CASE TG_OP
        WHEN 'INSERT' THEN
            'SELECT tenant_id, max(version) AS head,
                    count(*) FILTER (WHERE deleted_at IS NULL) AS count,
                    coalesce(sum(version) FILTER (WHERE deleted_at IS NULL), 0) AS sum
             FROM new_rows GROUP BY tenant_id'
        WHEN 'UPDATE' THEN
            'SELECT n.tenant_id, max(n.version) AS head,
                    count(*) FILTER (WHERE n.deleted_at IS NULL)
                        - count(*) FILTER (WHERE o.deleted_at IS NULL) AS count,
                    coalesce(sum(n.version) FILTER (WHERE n.deleted_at IS NULL), 0)
                        - coalesce(sum(o.version) FILTER (WHERE o.deleted_at IS NULL), 0) AS sum
             FROM new_rows AS n JOIN old_rows AS o USING (tenant_id, id)
             WHERE n.version <> o.version GROUP BY n.tenant_id'
        END
    LOOP
        UPDATE global_version AS g
        SET version = greatest(g.version, change.head),
            checksum = g.checksum || jsonb_build_object(TG_TABLE_NAME, jsonb_build_object(
                'count', coalesce((g.checksum -> TG_TABLE_NAME -> 'count')::bigint, 0) + change.count,
                -- Modulo 2^52, and never negative: an update may take away more than it adds.
                'sum', mod(mod(coalesce((g.checksum -> TG_TABLE_NAME -> 'sum')::numeric, 0)
                               + change.sum, 4503599627370496) + 4503599627370496,
                           4503599627370496)))
        WHERE g.tenant_id = change.tenant_id;
        PERFORM pg_notify('contact_changes', change.tenant_id || ' ' || change.head);
    END LOOP;
    RETURN NULL;
END
$$;
