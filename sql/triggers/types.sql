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

-- A deleted type is taken off its contacts, by a job.
CREATE OR REPLACE TRIGGER strip_type AFTER UPDATE ON types
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION enqueue_strip();

SELECT create_entity_triggers('type', 'types');
SELECT publish_entity('types');
