-- The JSON of a type's own fields, empty ones left out.
CREATE OR REPLACE FUNCTION derive_type_columns() RETURNS trigger
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
CREATE OR REPLACE TRIGGER lock_types BEFORE INSERT OR UPDATE OR DELETE ON types
    FOR EACH STATEMENT EXECUTE FUNCTION take_version_lock();
-- The fields' JSON and what is computed from them. Its name puts it before update_….
CREATE OR REPLACE TRIGGER derive_type_columns BEFORE INSERT OR UPDATE ON types
    FOR EACH ROW EXECUTE FUNCTION derive_type_columns();
-- Version, times, author, stamps, and the row as it goes out.
CREATE OR REPLACE TRIGGER update_type_timestamp BEFORE INSERT OR UPDATE ON types
    FOR EACH ROW EXECUTE FUNCTION update_row_timestamp();
-- A DELETE leaves a tombstone.
CREATE OR REPLACE TRIGGER keep_type_tombstone BEFORE DELETE ON types
    FOR EACH ROW EXECUTE FUNCTION keep_tombstone();
-- Devices would never learn of a TRUNCATE.
CREATE OR REPLACE TRIGGER refuse_type_truncate BEFORE TRUNCATE ON types
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('use DELETE, which devices learn of');
-- The head, the checksum and NOTIFY.
CREATE OR REPLACE TRIGGER keep_head_of_inserted_types AFTER INSERT ON types
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_head();
CREATE OR REPLACE TRIGGER keep_head_of_updated_types AFTER UPDATE ON types
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_head();
-- The history.
CREATE OR REPLACE TRIGGER log_inserted_type_change AFTER INSERT ON types
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_row_change('type');
CREATE OR REPLACE TRIGGER log_updated_type_change AFTER UPDATE ON types
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_row_change('type');
-- A deleted type is taken off its contacts, by a job.
CREATE OR REPLACE TRIGGER strip_type AFTER UPDATE ON types
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION enqueue_strip();

SELECT publish_entity('types');
