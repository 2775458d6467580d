-- The members of `fields` that `other` lacks or holds otherwise; NULL when there are none. Used
-- by log_row_change() for the history's before and after.
CREATE OR REPLACE FUNCTION changed_fields(fields jsonb, other jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
    SELECT jsonb_object_agg(key, value)
    FROM jsonb_each(fields)
    WHERE other -> key IS DISTINCT FROM value
$$;
