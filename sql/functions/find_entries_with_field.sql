-- The parts of a tenant's history, newest first, in which a field may have changed: entries from `first_id`
-- to before `end_id`, NULL for no end. Days that are kept tell whether it did; days that lie close are one
-- part, and what came after the last of them is in the newest. Used by page_audit().
CREATE OR REPLACE FUNCTION find_entries_with_field(tenant text, field text)
RETURNS TABLE (first_id bigint, end_id bigint)
LANGUAGE sql STABLE
AS $$
    WITH kept AS (
        SELECT day, fields FROM daily_statistics WHERE tenant_id = tenant
    ), asked AS (
        SELECT day FROM kept WHERE fields IS NULL OR fields ? field
        UNION ALL
        SELECT coalesce((SELECT max(day) + 1 FROM kept), '-infinity')
    ), parted AS (
        SELECT day, count(*) FILTER (WHERE far) OVER (ORDER BY day) AS part
        FROM (SELECT day, day > lag(day) OVER (ORDER BY day) + 5 AS far FROM asked) AS each
    )
    SELECT find_entry_at(tenant, min(day)::timestamp AT TIME ZONE 'UTC'),
           -- An entry of a day later may have a lower number: see find_entry_at().
           CASE WHEN max(day) <= (SELECT max(day) FROM kept)
                THEN find_entry_at(tenant, (max(day) + 3)::timestamp AT TIME ZONE 'UTC') END
    FROM parted GROUP BY part ORDER BY part DESC
$$;
