-- A contact's computed columns: the name to show (first and last name, else company, else the
-- first e-mail, else the first phone), the name to sort by, and the JSON of its own fields, empty
-- ones left out.
CREATE OR REPLACE FUNCTION derive_contact_columns() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.display_name := coalesce(
        NULLIF(concat_ws(' ', NULLIF(NEW.first_name, ''), NULLIF(NEW.last_name, '')), ''),
        NULLIF(NEW.company, ''),
        NEW.emails -> 0 ->> 'value',
        NEW.phones -> 0 ->> 'value');
    -- 200 characters: an index refuses what is longer than 2,700 bytes.
    NEW.sort_name := left(fold(coalesce(NEW.display_name, '')), 200);
    NEW.wire := json_strip_nulls(json_build_object(
        'external_id', NULLIF(NEW.external_id, ''),
        'first_name', NULLIF(NEW.first_name, ''),
        'last_name', NULLIF(NEW.last_name, ''),
        'display_name', NEW.display_name,
        'company', NULLIF(NEW.company, ''),
        'department', NULLIF(NEW.department, ''),
        'job_title', NULLIF(NEW.job_title, ''),
        'emails', NULLIF(NEW.emails, '[]'),
        'phones', NULLIF(NEW.phones, '[]'),
        'addresses', NULLIF(NEW.addresses, '[]'),
        'websites', NULLIF(NEW.websites, '[]'),
        'birthday', NULLIF(NEW.birthday, ''),
        'notes', NULLIF(NEW.notes, ''),
        'custom', NULLIF(NEW.custom, '{}'),
        'preferences', NULLIF(NEW.preferences, '{}'),
        'tag_ids', NULLIF(NEW.tag_ids, '{}'),
        'group_ids', NULLIF(NEW.group_ids, '{}'),
        'type_ids', NULLIF(NEW.type_ids, '{}'),
        'owner_id', NEW.owner_id,
        'photo', NEW.photo,
        'active', NEW.active));
    RETURN NEW;
END
$$;

-- Takes the tenant's lock before any row is touched: versions follow the order of commits.
CREATE OR REPLACE TRIGGER lock_contacts BEFORE INSERT OR UPDATE OR DELETE ON contacts
    FOR EACH STATEMENT EXECUTE FUNCTION take_version_lock();
-- The fields' JSON and what is computed from them. Its name puts it before update_….
CREATE OR REPLACE TRIGGER derive_contact_columns BEFORE INSERT OR UPDATE ON contacts
    FOR EACH ROW EXECUTE FUNCTION derive_contact_columns();
-- Version, times, author, stamps, and the row as it goes out.
CREATE OR REPLACE TRIGGER update_contact_timestamp BEFORE INSERT OR UPDATE ON contacts
    FOR EACH ROW EXECUTE FUNCTION update_row_timestamp();
-- A DELETE leaves a tombstone.
CREATE OR REPLACE TRIGGER keep_contact_tombstone BEFORE DELETE ON contacts
    FOR EACH ROW EXECUTE FUNCTION keep_tombstone();
-- Devices would never learn of a TRUNCATE.
CREATE OR REPLACE TRIGGER refuse_contact_truncate BEFORE TRUNCATE ON contacts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('use DELETE, which devices learn of');
-- The head, the checksum and NOTIFY.
CREATE OR REPLACE TRIGGER keep_head_of_inserted_contacts AFTER INSERT ON contacts
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_head();
CREATE OR REPLACE TRIGGER keep_head_of_updated_contacts AFTER UPDATE ON contacts
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_head();
-- The text that search looks through.
CREATE OR REPLACE TRIGGER keep_search_of_inserted_contacts AFTER INSERT ON contacts
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_contact_search();
CREATE OR REPLACE TRIGGER keep_search_of_updated_contacts AFTER UPDATE ON contacts
    FOR EACH ROW WHEN ((OLD.first_name, OLD.last_name, OLD.company, OLD.emails, OLD.phones)
        IS DISTINCT FROM (NEW.first_name, NEW.last_name, NEW.company, NEW.emails, NEW.phones))
    EXECUTE FUNCTION keep_contact_search();
CREATE OR REPLACE TRIGGER keep_search_of_purged_contacts AFTER DELETE ON contacts
    FOR EACH ROW EXECUTE FUNCTION keep_contact_search();
-- What finds a contact by e-mail and number.
CREATE OR REPLACE TRIGGER keep_keys_of_inserted_contacts AFTER INSERT ON contacts
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION keep_contact_keys();
CREATE OR REPLACE TRIGGER keep_keys_of_updated_contacts AFTER UPDATE ON contacts
    FOR EACH ROW WHEN ((OLD.emails, OLD.phones) IS DISTINCT FROM (NEW.emails, NEW.phones))
    EXECUTE FUNCTION keep_contact_keys();
CREATE OR REPLACE TRIGGER keep_keys_of_purged_contacts AFTER DELETE ON contacts
    FOR EACH ROW EXECUTE FUNCTION keep_contact_keys();
-- The history.
CREATE OR REPLACE TRIGGER log_inserted_contact_change AFTER INSERT ON contacts
    REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_row_change('contact');
CREATE OR REPLACE TRIGGER log_updated_contact_change AFTER UPDATE ON contacts
    REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION log_row_change('contact');

SELECT publish_entity('contacts');
