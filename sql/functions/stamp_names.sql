-- The names under which stamps are kept, for what differs between two states of a row: a field
-- as a whole, "custom.<key>" for a field that is an object, "tag_ids.<id>" for a set of ids.
-- Used by update_row_timestamp() for a change typed into psql.
CREATE OR REPLACE FUNCTION stamp_names(before jsonb, after jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
AS $$
    WITH changed AS (
        SELECT key, before -> key AS old, after -> key AS new
        FROM (SELECT jsonb_object_keys(before) UNION SELECT jsonb_object_keys(after)) AS keys (key)
        WHERE before -> key IS DISTINCT FROM after -> key
    )
    SELECT key FROM changed
    WHERE coalesce(jsonb_typeof(new), jsonb_typeof(old)) <> 'object' AND key NOT LIKE '%\_ids'
    UNION ALL
    SELECT key || '.' || member
    FROM changed, LATERAL (
        SELECT jsonb_object_keys(old) UNION SELECT jsonb_object_keys(new)
    ) AS members (member)
    WHERE coalesce(jsonb_typeof(new), jsonb_typeof(old)) = 'object'
        AND old -> member IS DISTINCT FROM new -> member
    UNION ALL
    SELECT key || '.' || member
    FROM changed, LATERAL (
        SELECT jsonb_array_elements_text(coalesce(old, '[]') || coalesce(new, '[]'))
    ) AS members (member)
    WHERE key LIKE '%\_ids'
        AND coalesce(old, '[]') ? member IS DISTINCT FROM coalesce(new, '[]') ? member
$$;
