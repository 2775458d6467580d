-- Statement trigger of every synced table, and of tables whose cascades reach one: takes the
-- lock before any row is locked. In a row trigger it would deadlock two writers.
CREATE OR REPLACE FUNCTION take_version_lock() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM lock_versions();
    RETURN NULL;
END
$$;
