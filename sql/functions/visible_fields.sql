-- The fields of a row's JSON that a person can change: what the history compares. Used by
-- log_row_change() and update_row_timestamp().
CREATE OR REPLACE FUNCTION visible_fields(wire text) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
    SELECT wire::jsonb
        - '{id,version,created_at,updated_at,created_by,updated_by,display_name,photo}'::text[]
$$;
