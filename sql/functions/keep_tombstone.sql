-- Row trigger of every synced table, before a DELETE: a row that devices may hold leaves a
-- tombstone instead of vanishing, also when the DELETE was typed into psql. Only the purge,
-- which sets app.purge, removes rows, and of those only tombstones.
CREATE OR REPLACE FUNCTION keep_tombstone() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF OLD.deleted_at IS NOT NULL AND current_setting('app.purge', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF OLD.deleted_at IS NULL THEN
        EXECUTE format(
            'UPDATE %I SET deleted_at = clock_timestamp() WHERE tenant_id = $1 AND id = $2',
            TG_TABLE_NAME) USING OLD.tenant_id, OLD.id;
    END IF;
    RETURN NULL;
END
$$;
