-- A filter of contacts as the text of a WHERE clause, of which only what was given is part, so
-- that the planner sees what it is asked. The filter's keys: words (all of them, each anywhere in
-- a name, company, e-mail or phone), owner_id (or 'none'), tag, group, type (ids or names, any of them),
-- company, active, has_email, has_phone, opted_out ('any', 'none' or a channel), updated_since
-- (microseconds since 1970), deleted; and, not for people, ids, and carries ({"field", "id"}: a label
-- by its id alone). Labels are asked for as their indexes have them, which leave out contacts without
-- any. Used by the lists, as their owner, and by exports and bulk jobs.
CREATE OR REPLACE FUNCTION contact_conditions(tenant text, filter jsonb) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT concat_ws(' AND ',
        format('tenant_id = %L', tenant),
        CASE WHEN (filter ->> 'deleted')::boolean THEN 'deleted_at IS NOT NULL'
             ELSE 'deleted_at IS NULL' END,
        -- A whole company is first found by its part, as the search index has it.
        CASE WHEN filter ?| '{words,company}' THEN
            format('id IN (SELECT id FROM contact_search WHERE %s)',
                   search_conditions(tenant, filter - '{has_email,has_phone}'::text[])) END,
        -- Joined, not compared with each of what may be 100,000.
        CASE WHEN filter ? 'ids' THEN
            format('id IN (SELECT unnest(%L::text[]))',
                   ARRAY(SELECT jsonb_array_elements_text(filter -> 'ids'))) END,
        CASE WHEN filter ->> 'owner_id' = 'none' THEN 'owner_id IS NULL'
             WHEN filter ? 'owner_id' THEN format('owner_id = %L', filter ->> 'owner_id') END,
        CASE WHEN filter ? 'tag' THEN
            format('tag_ids && %L::text[] AND tag_ids <> ''{}''',
                   find_named_ids(tenant, 'tags', filter -> 'tag')) END,
        CASE WHEN filter ? 'group' THEN
            format('group_ids && %L::text[] AND group_ids <> ''{}''',
                   find_named_ids(tenant, 'groups', filter -> 'group')) END,
        CASE WHEN filter ? 'type' THEN
            format('type_ids && %L::text[] AND type_ids <> ''{}''',
                   find_named_ids(tenant, 'types', filter -> 'type')) END,
        CASE WHEN filter ? 'carries' THEN
            format('%1$I && %2$L::text[] AND %1$I <> ''{}''', filter -> 'carries' ->> 'field',
                   ARRAY[filter -> 'carries' ->> 'id']) END,
        CASE WHEN filter ? 'company' THEN
            format('fold(company) = %L', fold(filter ->> 'company')) END,
        CASE WHEN filter ? 'active' THEN
            format('active = %L', filter ->> 'active') END,
        CASE WHEN filter ? 'has_email' THEN
            format('(emails <> ''[]'') = %L', filter ->> 'has_email') END,
        CASE WHEN filter ? 'has_phone' THEN
            format('(phones <> ''[]'') = %L', filter ->> 'has_phone') END,
        CASE WHEN filter ->> 'opted_out' IN ('any', 'none') THEN
            format('jsonb_path_exists(preferences, ''$.* ? (@ == "opted_out")'') = %L',
                   filter ->> 'opted_out' = 'any')
             WHEN filter ? 'opted_out' THEN
            format('preferences ->> %L = ''opted_out''', filter ->> 'opted_out') END,
        CASE WHEN filter ? 'updated_since' THEN
            format('updated_at >= %L AND version >= %s', since, find_version_at(tenant, since)) END)
    FROM (SELECT timestamptz 'epoch' + (filter ->> 'updated_since')::bigint * interval '1 microsecond')
         AS asked (since)
$$;
