-- Of a filter of contacts what indexes of few of them answer, as the text of a WHERE clause on a table `s`
-- that has the ids of contacts: deleted, active and opted_out. NULL when there is none of them. Used by
-- list_contacts().
CREATE OR REPLACE FUNCTION lean_conditions(tenant text, filter jsonb) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT string_agg(format(
        '%s (SELECT FROM contacts AS c WHERE c.tenant_id = %L AND c.id = s.id AND %s)',
        CASE WHEN are_those THEN 'EXISTS' ELSE 'NOT EXISTS' END, tenant, which), ' AND ')
    FROM (
        SELECT (filter ->> 'deleted')::boolean, 'c.deleted_at IS NOT NULL' WHERE filter ? 'deleted'
        UNION ALL
        SELECT NOT (filter ->> 'active')::boolean, 'NOT c.active' WHERE filter ? 'active'
        UNION ALL
        -- Said as the index says it.
        SELECT filter ->> 'opted_out' <> 'none',
               'jsonb_path_exists(c.preferences, ''$.* ? (@ == "opted_out")'')'
               || CASE WHEN filter ->> 'opted_out' IN ('any', 'none') THEN ''
                       ELSE format(' AND c.preferences ->> %L = ''opted_out''', filter ->> 'opted_out')
                  END
        WHERE filter ? 'opted_out'
    ) AS conditions (are_those, which)
$$;
