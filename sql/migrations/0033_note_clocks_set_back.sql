-- Contacts that changed since a time are found by their versions, for which no index of the times is
-- needed: both grow together, but where the clock was set back. How far that ever was is noted with the
-- head, which each write moves anyhow; of what there is by now it is looked up once.
ALTER TABLE global_version
    ADD COLUMN moved_at timestamptz NOT NULL DEFAULT 'epoch',
    ADD COLUMN clock_set_back interval NOT NULL DEFAULT '0';
COMMENT ON COLUMN global_version.moved_at IS 'The latest time at which the head moved.';
COMMENT ON COLUMN global_version.clock_set_back IS 'By how much the clock was set back between two changes, at most.';
UPDATE global_version AS g
SET moved_at = coalesce(seen.latest, 'epoch'), clock_set_back = coalesce(seen.back, '0')
FROM (
    SELECT tenant_id, max(updated_at) AS latest, max(latest_before - updated_at) AS back
    FROM (SELECT tenant_id, updated_at,
                 max(updated_at) OVER (PARTITION BY tenant_id ORDER BY version) AS latest_before
          FROM contacts) AS changed
    GROUP BY tenant_id
) AS seen
WHERE g.tenant_id = seen.tenant_id;
