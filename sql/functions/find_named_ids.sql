-- The ids of live tags, groups or types that are named by id or by name, capitals aside. Used by
-- the filters of contacts.
CREATE OR REPLACE FUNCTION find_named_ids(tenant text, entity_plural text, ids_or_names jsonb)
RETURNS text[]
LANGUAGE sql STABLE
AS $$
    SELECT coalesce(array_agg(r.id), '{}')
    FROM synced_rows AS r
    WHERE r.tenant_id = tenant AND r.plural = entity_plural AND r.deleted_at IS NULL
        AND EXISTS (SELECT FROM jsonb_array_elements_text(ids_or_names) AS asked
                    WHERE asked = r.id OR lower(asked) = lower(r.wire::jsonb ->> 'name'))
$$;
