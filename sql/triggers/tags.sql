-- The JSON of a tag's own fields, empty ones left out.
CREATE OR REPLACE FUNCTION derive_tag_columns() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.wire := json_strip_nulls(json_build_object(
        'name', NULLIF(NEW.name, ''),
        'color', NULLIF(NEW.color, ''),
        'category', NULLIF(NEW.category, '')));
    RETURN NEW;
END
$$;

-- Takes the tenant's lock before any row is touched: versions follow the order of commits.
CREATE OR REPLACE TRIGGER lock_tags BEFORE INSERT OR UPDATE OR DELETE ON tags
    FOR EACH STATEMENT EXECUTE FUNCTION take_version_lock();
-- The fields' JSON and what is computed from them. Its name puts it before update_….
CREATE OR REPLACE TRIGGER derive_tag_columns BEFORE INSERT OR UPDATE ON tags
    FOR EACH ROW EXECUTE FUNCTION derive_tag_columns();
-- Version, times, author, stamps, and the row as it goes out.
CREATE OR REPLACE TRIGGER update_tag_timestamp BEFORE INSERT OR UPDATE ON tags
    FOR EACH ROW EXECUTE FUNCTION update_row_timestamp();
-- A DELETE leaves a tombstone.
CREATE OR REPLACE TRIGGER keep_tag_tombstone BEFORE DELETE ON tags
    FOR EACH ROW EXECUTE FUNCTION keep_tombstone();
-- Devices would never learn of a TRUNCATE.
CREATE OR REPLACE TRIGGER refuse_tag_truncate BEFORE TRUNCATE ON tags
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('use DELETE, which devices learn of');
-- The head, the checksum and NOTIFY.
CREATE OR REPLACE TRIGGER keep_head_of_inserted_tags AFTER INSERT ON tags
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_head();
CREATE OR REPLACE TRIGGER keep_head_of_updated_tags AFTER UPDATE ON tags
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_head();
-- The history.
CREATE OR REPLACE TRIGGER log_inserted_tag_change AFTER INSERT ON tags
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_row_change('tag');
CREATE OR REPLACE TRIGGER log_updated_tag_change AFTER UPDATE ON tags
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_row_change('tag');
-- A deleted tag is taken off its contacts, by a job.
CREATE OR REPLACE TRIGGER strip_tag AFTER UPDATE ON tags
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION enqueue_strip();

SELECT publish_entity('tags');
