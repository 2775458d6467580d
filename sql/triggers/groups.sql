-- The JSON of a group's own fields, empty ones left out.
CREATE OR REPLACE FUNCTION derive_group_columns() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.wire := json_strip_nulls(json_build_object(
        'name', NULLIF(NEW.name, ''),
        'description', NULLIF(NEW.description, '')));
    RETURN NEW;
END
$$;

-- Takes the tenant's lock before any row is touched: versions follow the order of commits.
CREATE OR REPLACE TRIGGER lock_groups BEFORE INSERT OR UPDATE OR DELETE ON groups
    FOR EACH STATEMENT EXECUTE FUNCTION take_version_lock();
-- The fields' JSON and what is computed from them. Its name puts it before update_….
CREATE OR REPLACE TRIGGER derive_group_columns BEFORE INSERT OR UPDATE ON groups
    FOR EACH ROW EXECUTE FUNCTION derive_group_columns();
-- Version, times, author, stamps, and the row as it goes out.
CREATE OR REPLACE TRIGGER update_group_timestamp BEFORE INSERT OR UPDATE ON groups
    FOR EACH ROW EXECUTE FUNCTION update_row_timestamp();
-- A DELETE leaves a tombstone.
CREATE OR REPLACE TRIGGER keep_group_tombstone BEFORE DELETE ON groups
    FOR EACH ROW EXECUTE FUNCTION keep_tombstone();
-- Devices would never learn of a TRUNCATE.
CREATE OR REPLACE TRIGGER refuse_group_truncate BEFORE TRUNCATE ON groups
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('use DELETE, which devices learn of');
-- The head, the checksum and NOTIFY.
CREATE OR REPLACE TRIGGER keep_head_of_inserted_groups AFTER INSERT ON groups
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_head();
CREATE OR REPLACE TRIGGER keep_head_of_updated_groups AFTER UPDATE ON groups
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_head();
-- The history.
CREATE OR REPLACE TRIGGER log_inserted_group_change AFTER INSERT ON groups
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_row_change('group');
CREATE OR REPLACE TRIGGER log_updated_group_change AFTER UPDATE ON groups
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_row_change('group');
-- A deleted group is taken off its contacts, by a job.
CREATE OR REPLACE TRIGGER strip_group AFTER UPDATE ON groups
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION enqueue_strip();

SELECT publish_entity('groups');
