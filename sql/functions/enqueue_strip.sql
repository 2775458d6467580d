-- Row trigger of tags, groups and types, after one was deleted: a job takes it off its contacts,
-- also when the DELETE was typed into psql. As the owner, so that whoever may delete a tag need
-- know nothing of jobs.
CREATE OR REPLACE FUNCTION enqueue_strip() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM enqueue_job('strip_reference', jsonb_build_object(
        'tenant', NEW.tenant_id, 'plural', TG_TABLE_NAME, 'id', NEW.id));
    RETURN NULL;
END
$$;
