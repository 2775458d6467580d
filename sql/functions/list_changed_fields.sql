-- Which fields changed on each of some days (UTC), by the history's names: of a part, custom.size, the
-- whole as well. Days without a change are left out. Used by the query keep_days.
CREATE OR REPLACE FUNCTION list_changed_fields(tenant text, first_day date, last_day date)
RETURNS TABLE (day date, fields jsonb)
LANGUAGE sql STABLE
AS $$
    WITH changed AS (
        SELECT DISTINCT (at AT TIME ZONE 'UTC')::date AS day, key
        FROM audit_log,
             jsonb_object_keys(coalesce(before, '{}') || coalesce(after, '{}')) AS key
        WHERE tenant_id = tenant
            AND at >= first_day::timestamp AT TIME ZONE 'UTC'
            AND at < (last_day + 1)::timestamp AT TIME ZONE 'UTC'
            AND id >= (SELECT find_entry_at(tenant, first_day::timestamp AT TIME ZONE 'UTC'))
            AND id < (SELECT find_entry_at(tenant, (last_day + 3)::timestamp AT TIME ZONE 'UTC'))
    )
    SELECT changed.day, jsonb_agg(DISTINCT name)
    FROM changed, unnest(ARRAY[key, split_part(key, '.', 1)]) AS name
    GROUP BY changed.day
$$;
