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

-- A deleted group is taken off its contacts, by a job.
CREATE OR REPLACE TRIGGER strip_group AFTER UPDATE ON groups
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION enqueue_strip();

SELECT create_entity_triggers('group', 'groups');
SELECT publish_entity('groups');
