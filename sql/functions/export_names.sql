-- The names of the tags, groups and types of an export's contacts, as the text of a join with `c`
-- that gives `names.tags`, `names.groups` and `names.types`, each joined by the aggregate
-- `joined` over r.name, NULL for none. They are looked up once for each
-- combination of ids, not for each contact; and not at all where a company has none. Used by
-- export_rows().
CREATE OR REPLACE FUNCTION export_names(tenant text, conditions text, joined text) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT CASE WHEN NOT EXISTS (
        SELECT FROM synced_rows AS r
        WHERE r.tenant_id = tenant AND r.plural IN ('tags', 'groups', 'types')
            AND r.deleted_at IS NULL)
    THEN 'CROSS JOIN (SELECT NULL::text AS tags, NULL::text AS groups, NULL::text AS types) AS names'
    ELSE format(
        'LEFT JOIN (
             SELECT * %2$s
             FROM (SELECT DISTINCT tag_ids, group_ids, type_ids FROM contacts WHERE %1$s) AS used
         ) AS names ON names.tag_ids = c.tag_ids AND names.group_ids = c.group_ids
             AND names.type_ids = c.type_ids',
        conditions,
        (SELECT string_agg(format(
             ', (SELECT %s FROM (
                    SELECT named.name
                    FROM unnest(used.%I) AS has (id)
                    JOIN %I AS named
                        ON named.tenant_id = %L AND named.id = has.id AND named.deleted_at IS NULL
                 ) AS r) AS %I', joined, ids, plural, tenant, plural), '')
         FROM (VALUES ('tag_ids', 'tags'), ('group_ids', 'groups'), ('type_ids', 'types'))
             AS kinds (ids, plural)))
    END
$$;
