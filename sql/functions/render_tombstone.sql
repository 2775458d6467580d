-- The JSON of a deleted row as it goes out. Used by the view synced_rows.
CREATE OR REPLACE FUNCTION render_tombstone(id text, version bigint, deleted_at timestamptz)
RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT '{"id":' || to_json(id)::text || ',"version":' || version
        || ',"deleted_at":"' || rfc3339(deleted_at) || '"}'
$$;
