-- What an entry of the history is about, by the name that people know it by: as it is now or was when it
-- was deleted, or as far as the history tells once it was purged. `plurals` maps the synced entities'
-- names to their tables; NULL for what has no name. Used by the query list_audit.
CREATE OR REPLACE FUNCTION label_of_entry(entry audit_log, plurals jsonb) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    label  text;
    fields jsonb;
BEGIN
    IF plurals ? entry.entity THEN
        -- The row's own JSON, which a tombstone hides and keeps.
        EXECUTE format(
            'SELECT coalesce(wire::jsonb ->> ''display_name'', wire::jsonb ->> ''name'')
             FROM %I WHERE tenant_id = $1 AND id = $2', plurals ->> entry.entity)
        INTO label USING entry.tenant_id, entry.entity_id;
        IF label IS NULL THEN
            SELECT jsonb_object_agg(key, value) INTO fields
            FROM (SELECT DISTINCT ON (key) key, e.after -> key AS value
                  FROM audit_log AS e,
                       jsonb_object_keys(coalesce(e.before, '{}') || coalesce(e.after, '{}')) AS key
                  WHERE e.tenant_id = entry.tenant_id AND e.entity = entry.entity
                      AND e.entity_id = entry.entity_id AND e.outcome = 'applied'
                  ORDER BY key, e.id DESC) AS latest;
            label := coalesce(fields ->> 'name', contact_display_name(
                fields ->> 'first_name', fields ->> 'last_name', fields ->> 'company',
                fields -> 'emails', fields -> 'phones'));
        END IF;
    ELSIF entry.entity = 'agent' THEN
        SELECT name INTO label FROM agents
        WHERE tenant_id = entry.tenant_id AND id = entry.entity_id;
    ELSIF entry.entity = 'device' THEN
        SELECT name INTO label FROM devices
        WHERE tenant_id = entry.tenant_id AND id = entry.entity_id;
    END IF;
    RETURN label;
END
$$;
