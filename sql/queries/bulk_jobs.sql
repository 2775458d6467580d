-- name: read_shown
-- One job as people see it, with who started it. $1 tenant, $2 id.
SELECT j.id, j.kind, j.state, j.undoing, j.cancelling, j.agent_id, a.code AS agent_code,
       a.name AS agent_name, j.file_name, j.detected, j.columns, j.mapping, j.counts,
       j.undo_counts, j.done, j.total, j.error, j.created_at, j.started_at, j.ended_at,
       j.asked, j.chosen
FROM bulk_jobs AS j
JOIN agents AS a ON a.tenant_id = j.tenant_id AND a.id = j.agent_id
WHERE j.tenant_id = $1::text AND j.id = $2;

-- name: list_shown
-- A page of jobs, newest first. $1 tenant, $2 agent or NULL for all, $3 kind or NULL, $4 made
-- before and $5 the id there (NULL at the beginning), $6 rows to pass over, $7 at most.
SELECT j.id, j.kind, j.state, j.undoing, j.cancelling, j.agent_id, a.code AS agent_code,
       a.name AS agent_name, j.file_name, j.detected, j.columns, j.mapping, j.counts,
       j.undo_counts, j.done, j.total, j.error, j.created_at, j.started_at, j.ended_at,
       j.asked, j.chosen
FROM bulk_jobs AS j
JOIN agents AS a ON a.tenant_id = j.tenant_id AND a.id = j.agent_id
WHERE j.tenant_id = $1::text AND ($2::text IS NULL OR j.agent_id = $2)
    AND ($3::text IS NULL OR j.kind = $3)
    AND ($5::text IS NULL OR (j.created_at, j.id) < ($4::timestamptz, $5))
ORDER BY j.created_at DESC, j.id DESC OFFSET $6::bigint LIMIT $7::bigint;

-- name: read_options
-- What was asked of a job; the ids of an edit, of which there may be many, only by their number.
-- $1 tenant, $2 id.
SELECT CASE WHEN chosen IS NULL THEN asked ELSE asked || jsonb_build_object('ids', chosen) END
FROM bulk_jobs WHERE tenant_id = $1::text AND id = $2;

-- name: has_options
-- Whether a job was asked for the same. $1 tenant, $2 id, $3 options.
SELECT options = $3::jsonb FROM bulk_jobs WHERE tenant_id = $1::text AND id = $2;

-- name: move_parts
-- Gives an uploaded file to its job. $1 tenant, $2 the upload, $3 job.
UPDATE bulk_files SET job_id = $3 WHERE tenant_id = $1::text AND job_id = $2;

-- name: count_findings
-- How many findings of a kind a job has. $1 tenant, $2 job, $3 kind.
SELECT count(*) FROM bulk_findings WHERE tenant_id = $1::text AND job_id = $2 AND kind = $3;

-- name: list_recent
-- Jobs whose last state somebody may have missed who did not listen for a while. $1 tenant.
SELECT id FROM bulk_jobs
WHERE tenant_id = $1::text
    AND (state IN ('queued', 'running') OR ended_at > clock_timestamp() - interval '1 minute');

-- name: note_checked
-- What a new import's file was found to be. $1 tenant, $2 job, $3 detected, $4 columns, $5 mapping,
-- $6 rows.
UPDATE bulk_jobs
SET detected = $3::jsonb, columns = $4::jsonb, mapping = $5::jsonb, total = $6::bigint
WHERE tenant_id = $1::text AND id = $2;
