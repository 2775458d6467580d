-- Row trigger of bulk_jobs: tells every server process that a job was made or came forward, so
-- that its owner and the managers hear of it.
CREATE OR REPLACE FUNCTION notify_job() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM pg_notify('job_changes', NEW.tenant_id || ' ' || NEW.id);
    RETURN NULL;
END
$$;
