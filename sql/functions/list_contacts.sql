-- One page of a list of contacts: their ids in order, the sort key of the last one when more
-- follow, and how many there are in all. As the tables' owner, because LIKE and && lose their
-- index behind row-level security (79 ms instead of 1.8); so it checks the tenant itself.
--
-- The filter is contact_conditions'. A page begins after the sort key and id of the row before
-- it, or passes over `skip` rows. Without a filter it is read in the order of an index, and the
-- total is what the triggers keep. With one, what matches is found first, once, for the page and
-- for the total: the planner would otherwise walk the whole index for the few that match.
CREATE OR REPLACE FUNCTION list_contacts(
    tenant text, filter jsonb, sort text, descending boolean, after_key text, after_id text,
    skip bigint, most integer
) RETURNS TABLE (ids text[], next_key text, total bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    -- updated_at is given together with the version, so their order is the same; and the
    -- version has an index.
    sort_key text := CASE
        WHEN sort = 'display_name' THEN 'sort_name'
        WHEN sort IN ('version', 'updated_at') THEN 'version'
        WHEN sort = 'created_at' THEN '(extract(epoch FROM created_at) * 1000000)::bigint'
        WHEN sort IN ('first_name', 'last_name', 'company')
            THEN format('left(fold(coalesce(%I, '''')), 200) COLLATE "C"', sort)
        END;
    key_type text := CASE WHEN sort IN ('version', 'updated_at', 'created_at')
                          THEN 'bigint' ELSE 'text' END;
    direction text := CASE WHEN descending THEN 'DESC' ELSE 'ASC' END;
    keys text[];
BEGIN
    IF tenant IS DISTINCT FROM current_setting('app.tenant', true) THEN
        RAISE EXCEPTION 'contacts of tenant % asked for while app.tenant is another', tenant;
    END IF;
    EXECUTE format(
        'WITH found AS %1$s (SELECT id, %2$s AS sort_key FROM contacts WHERE %3$s)
         SELECT array_agg(id), array_agg(sort_key::text), (%4$s)
         FROM (SELECT id, sort_key FROM found %5$s
               ORDER BY sort_key %6$s, id %6$s OFFSET %7$s LIMIT %8$s) AS page',
        CASE WHEN filter = '{}' THEN 'NOT MATERIALIZED' ELSE 'MATERIALIZED' END,
        sort_key,
        contact_conditions(tenant, filter),
        CASE WHEN filter = '{}' THEN format(
                 'SELECT (checksum -> ''contacts'' ->> ''count'')::bigint
                  FROM global_version WHERE tenant_id = %L', tenant)
             ELSE 'SELECT count(*) FROM found' END,
        CASE WHEN after_id IS NOT NULL THEN format(
            'WHERE (sort_key, id) %s (%L::%s, %L)',
            CASE WHEN descending THEN '<' ELSE '>' END, after_key, key_type, after_id) END,
        direction, skip, most + 1)
    INTO ids, keys, total;
    total := coalesce(total, 0);
    ids := coalesce(ids, '{}');
    IF cardinality(ids) > most THEN
        ids := ids[:most];
        next_key := keys[most];
    END IF;
    RETURN NEXT;
END
$$;
