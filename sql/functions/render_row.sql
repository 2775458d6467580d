-- The JSON of a synced row as it goes out: what every entity has, then the entity's own fields
-- (`body`, a JSON object). Used by update_row_timestamp(), once or twice a row: STABLE, as what it
-- calls is, so that it is inlined there; and right(), as substr() counts the characters it keeps.
CREATE OR REPLACE FUNCTION render_row(
    id text, version bigint, created_at timestamptz, updated_at timestamptz,
    created_by text, updated_by text, body text
) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT '{"id":' || to_json(id)::text
        || ',"version":' || version
        || ',"created_at":"' || rfc3339(created_at)
        || '","updated_at":"' || rfc3339(updated_at) || '"'
        || CASE WHEN created_by IS NULL THEN '' ELSE ',"created_by":' || to_json(created_by)::text END
        || CASE WHEN updated_by IS NULL THEN '' ELSE ',"updated_by":' || to_json(updated_by)::text END
        || CASE WHEN body = '{}' THEN '}' ELSE ',' || right(body, -1) END
$$;
