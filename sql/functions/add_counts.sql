-- Two objects of numbers added, name by name. Used by write_bulk_chunk().
CREATE OR REPLACE FUNCTION add_counts(counts jsonb, more jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE
AS $$
    SELECT coalesce(counts, '{}') || coalesce(jsonb_object_agg(
        key, coalesce((counts ->> key)::bigint, 0) + value::bigint), '{}')
    FROM jsonb_each_text(more)
$$;
