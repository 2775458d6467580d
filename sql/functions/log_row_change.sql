-- Statement trigger of every synced table, one for INSERT and one for UPDATE: writes the
-- history, with the changed fields before and after. Its argument is the entity's name. As the
-- owner: the server's role cannot write the history by hand. Rows before and after are joined by a
-- hash, whatever the statement that fires it forbids for itself.
CREATE OR REPLACE FUNCTION log_row_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET enable_hashjoin = on
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_log (tenant_id, at, entity, entity_id, version, op, agent_id, device_id,
                               mutation_id, origin, after)
        SELECT tenant_id, updated_at, TG_ARGV[0], id, version, 'create', written_by,
               written_device, written_mutation, written_origin, visible_fields(wire)
        FROM new_rows;
    ELSE
        -- Materialized: each row's JSON is parsed once, not once for each time it is named.
        INSERT INTO audit_log (tenant_id, at, entity, entity_id, version, op, agent_id, device_id,
                               mutation_id, origin, before, after)
        WITH changes AS MATERIALIZED (
            SELECT n.tenant_id, n.updated_at, n.id, n.version, n.written_by, n.written_device,
                   n.written_mutation, n.written_origin,
                   o.deleted_at IS NOT NULL AS was_deleted, n.deleted_at IS NOT NULL AS is_deleted,
                   visible_fields(o.wire) AS was, visible_fields(n.wire) AS becomes
            FROM new_rows AS n JOIN old_rows AS o USING (tenant_id, id)
            WHERE n.version <> o.version
        )
        SELECT tenant_id, updated_at, TG_ARGV[0], id, version,
               CASE WHEN is_deleted THEN 'delete' WHEN was_deleted THEN 'restore' ELSE 'update' END,
               written_by, written_device, written_mutation, written_origin,
               CASE WHEN was_deleted <> is_deleted
                    THEN jsonb_build_object('deleted', was_deleted) ELSE '{}' END
                   || coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(was)
                                WHERE becomes -> key IS DISTINCT FROM value), '{}'),
               CASE WHEN was_deleted <> is_deleted
                    THEN jsonb_build_object('deleted', is_deleted) ELSE '{}' END
                   || coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(becomes)
                                WHERE was -> key IS DISTINCT FROM value), '{}')
        FROM changes
        ORDER BY version;
    END IF;
    RETURN NULL;
END
$$;
