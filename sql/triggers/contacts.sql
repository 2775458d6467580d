-- A contact's computed columns: the name to show, the name to sort by, and the JSON of its own fields,
-- empty ones left out.
CREATE OR REPLACE FUNCTION derive_contact_columns() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.display_name := contact_display_name(
        NEW.first_name, NEW.last_name, NEW.company, NEW.emails, NEW.phones);
    -- 200 characters: an index refuses what is longer than 2,700 bytes.
    NEW.sort_name := left(fold(coalesce(NEW.display_name, '')), 200);
    -- Field by field, each with the comma before it: a null leaves its field out, and only what
    -- can hold nulls inside is searched for them. Half the time of json_strip_nulls on the whole.
    NEW.wire := '{' || right(concat(
        ',"external_id":' || to_json(NULLIF(NEW.external_id, ''))::text,
        ',"first_name":' || to_json(NULLIF(NEW.first_name, ''))::text,
        ',"last_name":' || to_json(NULLIF(NEW.last_name, ''))::text,
        ',"display_name":' || to_json(NEW.display_name)::text,
        ',"company":' || to_json(NULLIF(NEW.company, ''))::text,
        ',"department":' || to_json(NULLIF(NEW.department, ''))::text,
        ',"job_title":' || to_json(NULLIF(NEW.job_title, ''))::text,
        ',"emails":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.emails, '[]')))::text, 'null'),
        ',"phones":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.phones, '[]')))::text, 'null'),
        ',"addresses":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.addresses, '[]')))::text, 'null'),
        ',"websites":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.websites, '[]')))::text, 'null'),
        ',"birthday":' || to_json(NULLIF(NEW.birthday, ''))::text,
        ',"notes":' || to_json(NULLIF(NEW.notes, ''))::text,
        ',"custom":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.custom, '{}')))::text, 'null'),
        ',"preferences":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.preferences, '{}')))::text, 'null'),
        ',"tag_ids":' || to_json(NULLIF(NEW.tag_ids, '{}'))::text,
        ',"group_ids":' || to_json(NULLIF(NEW.group_ids, '{}'))::text,
        ',"type_ids":' || to_json(NULLIF(NEW.type_ids, '{}'))::text,
        ',"owner_id":' || to_json(NEW.owner_id)::text,
        ',"photo":' || NULLIF(json_strip_nulls(to_json(NEW.photo))::text, 'null'),
        ',"active":' || to_json(NEW.active)::text), -1) || '}';
    RETURN NEW;
END
$$;

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

SELECT create_entity_triggers('contact', 'contacts');
SELECT publish_entity('contacts');
