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

-- A deleted tag is taken off its contacts, by a job.
CREATE OR REPLACE TRIGGER strip_tag AFTER UPDATE ON tags
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION enqueue_strip();

SELECT create_entity_triggers('tag', 'tags');
SELECT publish_entity('tags');
