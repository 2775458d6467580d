-- Statement trigger of every synced table, one for INSERT and one for UPDATE: writes the
-- history, with the changed fields before and after. Its argument is the entity's name. As the
-- owner: the server's role cannot write the history by hand.
CREATE OR REPLACE FUNCTION log_row_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_log (tenant_id, at, entity, entity_id, version, op, agent_id, device_id,
                               mutation_id, origin, after)
        SELECT tenant_id, updated_at, TG_ARGV[0], id, version, 'create', written_by,
               written_device, written_mutation, written_origin, visible_fields(wire)
        FROM new_rows;
    ELSE
        INSERT INTO audit_log (tenant_id, at, entity, entity_id, version, op, agent_id, device_id,
                               mutation_id, origin, before, after)
        SELECT n.tenant_id, n.updated_at, TG_ARGV[0], n.id, n.version,
               CASE WHEN n.deleted_at IS NOT NULL THEN 'delete'
                    WHEN o.deleted_at IS NOT NULL THEN 'restore'
                    ELSE 'update' END,
               n.written_by, n.written_device, n.written_mutation, n.written_origin,
               changed_fields(visible_fields(o.wire) || liveness.before,
                              visible_fields(n.wire) || liveness.after),
               changed_fields(visible_fields(n.wire) || liveness.after,
                              visible_fields(o.wire) || liveness.before)
        FROM new_rows AS n
        JOIN old_rows AS o USING (tenant_id, id)
        CROSS JOIN LATERAL (
            SELECT jsonb_build_object('deleted', o.deleted_at IS NOT NULL) AS before,
                   jsonb_build_object('deleted', n.deleted_at IS NOT NULL) AS after
        ) AS liveness
        WHERE n.version <> o.version
        ORDER BY n.version;
    END IF;
    RETURN NULL;
END
$$;
