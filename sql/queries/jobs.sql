-- name: enqueue_job
-- A job by a row, in the transaction of what it follows from: $1 its name, $2 its payload.
SELECT enqueue_job($1::text, $2::jsonb);

-- name: stand_behind
-- Has a bulk job wait behind those of other companies that have fewer on their way: one that starts
-- twenty imports keeps nobody else waiting for all of them. $1 its place in the queue, $2 tenant.
UPDATE pgqueuer
SET priority = -(SELECT count(*) FROM bulk_jobs
                 WHERE tenant_id = $2::text AND state IN ('queued', 'running'))
WHERE id = $1::bigint;

-- name: try_job_lock
-- Whether this connection may run a job: one at a time does, whatever the queue believes.
SELECT pg_try_advisory_lock(7204, hashtext($1::text));

-- name: release_job_lock
-- Ends what try_job_lock began.
SELECT pg_advisory_unlock(7204, hashtext($1::text));

-- name: job_waits
-- Whether a job is still to be done: another worker may have done it meanwhile.
SELECT EXISTS (SELECT FROM pgqueuer WHERE id = $1::bigint AND status <> 'failed');

-- name: find_referring_contacts
-- Contacts that refer to a tag, a group or a type. $1 tenant, $2 plural, $3 id, $4 at most.
SELECT find_referring_contacts($1::text, $2::text, $3::text, $4::integer) AS id;

-- name: strip_reference
-- Takes a deleted tag, group or type off contacts. $1 plural, $2 id, $3 contacts, $4 milliseconds.
SELECT done, held FROM strip_reference($1::text, $2::text, $3::text[], $4::real);

-- name: delete_old_jobs
-- What became of jobs is kept as long as the log of syncs.
WITH logged AS (
    DELETE FROM pgqueuer_log WHERE created < clock_timestamp() - interval '90 days'
)
DELETE FROM pgqueuer_statistics WHERE created < clock_timestamp() - interval '90 days';
