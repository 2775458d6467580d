-- name: delete_old_entries
-- Removes up to so many rows that are older than 90 days, and counts them. $1 tenant, $2 at most.
WITH old AS (
    SELECT id FROM sync_log
    WHERE tenant_id = $1::text AND started < clock_timestamp() - interval '90 days'
    LIMIT $2::bigint
), deleted AS (
    DELETE FROM sync_log AS l USING old WHERE l.tenant_id = $1 AND l.id = old.id
    RETURNING l.id
)
SELECT count(*) FROM deleted;
