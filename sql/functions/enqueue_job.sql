-- Enqueues a job in the caller's transaction: `entrypoint` names it in server/jobs, `payload` is
-- what it gets, with the tenant as "tenant". Called by services, and by enqueue_strip().
CREATE OR REPLACE FUNCTION enqueue_job(entrypoint text, payload jsonb) RETURNS bigint
LANGUAGE sql VOLATILE
AS $$
    WITH job AS (
        INSERT INTO pgqueuer (priority, entrypoint, payload, status)
        VALUES (0, entrypoint, convert_to(payload::text, 'UTF8'), 'queued')
        RETURNING id, priority, entrypoint, status
    ), logged AS (
        INSERT INTO pgqueuer_log (job_id, status, priority, entrypoint)
        SELECT id, status, priority, entrypoint FROM job
    )
    SELECT id FROM job
$$;
