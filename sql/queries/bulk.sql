-- name: insert_job
-- A job that waits. $1 tenant, $2 id, $3 kind, $4 agent, $5 device, $6 file name, $7 content type,
-- $8 options.
INSERT INTO bulk_jobs (tenant_id, id, kind, agent_id, device_id, file_name, content_type, options)
VALUES ($1::text, $2, $3, $4, $5, $6, $7, $8::jsonb);

-- name: insert_part
-- A part of an uploaded file. $1 tenant, $2 job, $3 number from 0, $4 bytes.
INSERT INTO bulk_files (tenant_id, job_id, part, content) VALUES ($1::text, $2, $3, $4);

-- name: read_part
-- A part of a file; NULL beyond the last. $1 tenant, $2 job, $3 number.
SELECT content FROM bulk_files WHERE tenant_id = $1::text AND job_id = $2 AND part = $3;

-- name: delete_parts
-- A file that nobody needs any more. $1 tenant, $2 job.
DELETE FROM bulk_files WHERE tenant_id = $1::text AND job_id = $2;

-- name: delete_old_parts
-- Files of uploads and previews that were cut off. $1 tenant.
DELETE FROM bulk_files AS f
WHERE f.tenant_id = $1::text AND f.created_at < clock_timestamp() - interval '1 day'
    AND NOT EXISTS (SELECT FROM bulk_jobs AS j
                    WHERE j.tenant_id = $1 AND j.id = f.job_id AND j.state IN ('queued', 'running'));

-- name: read_job
-- One job, for its process. $1 tenant, $2 id.
SELECT * FROM bulk_jobs WHERE tenant_id = $1::text AND id = $2;

-- name: count_jobs
-- How many jobs there are. $1 tenant, $2 agent or NULL, $3 kind or NULL.
SELECT count(*) FROM bulk_jobs
WHERE tenant_id = $1::text AND ($2::text IS NULL OR agent_id = $2)
    AND ($3::text IS NULL OR kind = $3);

-- name: list_findings
-- What a job found out about single rows, in order. $1 tenant, $2 job, $3 kind, $4 after this id,
-- $5 at most.
SELECT id, row, contact_id, field, message, detail, original
FROM bulk_findings
WHERE tenant_id = $1::text AND job_id = $2 AND kind = $3 AND id > $4::bigint
ORDER BY id LIMIT $5::bigint;

-- name: begin_run
-- Starts a job, or goes on with it: a run before this one may write no more. Gives no row when the
-- job is over or was cancelled while it waited. $1 tenant, $2 job, $3 the run.
UPDATE bulk_jobs
SET state = 'running', run = $3, runs = runs + 1,
    started_at = coalesce(started_at, clock_timestamp())
WHERE tenant_id = $1::text AND id = $2 AND state IN ('queued', 'running')
RETURNING *;

-- name: note_file
-- What a file turned out to be. $1 tenant, $2 job, $3 run, $4 detected, $5 columns, $6 mapping,
-- $7 rows.
UPDATE bulk_jobs
SET detected = $4::jsonb, columns = $5::jsonb, mapping = $6::jsonb, total = $7::bigint
WHERE tenant_id = $1::text AND id = $2 AND run = $3 AND state = 'running';

-- name: note_total
-- How many contacts a job is about. $1 tenant, $2 job, $3 run, $4 contacts.
UPDATE bulk_jobs SET total = $4::bigint
WHERE tenant_id = $1::text AND id = $2 AND run = $3 AND state = 'running';

-- name: note_more
-- A merge has found so many more contacts. $1 tenant, $2 job, $3 run, $4 contacts.
UPDATE bulk_jobs SET total = done + $4::bigint
WHERE tenant_id = $1::text AND id = $2 AND run = $3 AND state = 'running';

-- name: lock_job
-- Keeps a job as it is, for what its run does beside its chunks; gives why the run may not: `over`,
-- `cancelled` or `disabled`, as write_bulk_chunk() does; else NULL. $1 tenant, $2 job, $3 run.
SELECT CASE WHEN j.run IS DISTINCT FROM $3 OR j.state <> 'running' THEN 'over'
            WHEN j.cancelling THEN 'cancelled'
            WHEN a.disabled AND NOT j.undoing THEN 'disabled' END
FROM bulk_jobs AS j JOIN agents AS a ON a.tenant_id = j.tenant_id AND a.id = j.agent_id
WHERE j.tenant_id = $1::text AND j.id = $2 FOR UPDATE OF j;

-- name: add_to_counts
-- What a job did beside its chunks. $1 tenant, $2 job, $3 {name: number}.
UPDATE bulk_jobs SET counts = add_counts(counts, $3::jsonb)
WHERE tenant_id = $1::text AND id = $2;

-- name: find_late_carrier
-- Whether a live contact that changed after version $2 carries a label: asked before a merge deletes it.
-- By the version, of which few are that late. $1 tenant, $3 the field of contacts, $4 the label's id.
SELECT EXISTS (
    SELECT FROM contacts
    WHERE tenant_id = $1::text AND version > $2::bigint AND deleted_at IS NULL
        AND wire::jsonb -> $3::text ? $4::text);

-- name: find_merge
-- Whether a merge is under way, or being taken back, that another would come in the way of. $1 tenant,
-- $2 the label that would go, $3 the one that would stay.
SELECT EXISTS (
    SELECT FROM bulk_jobs
    WHERE tenant_id = $1::text AND state IN ('queued', 'running')
        AND (options -> 'merge' ->> 'from' IN ($2::text, $3::text)
             OR options -> 'merge' ->> 'into' = $2));

-- name: end_run
-- A job's end: `done`, `failed`, `cancelled` or `undone`. $1 tenant, $2 job, $3 run, $4 state,
-- $5 error or NULL.
UPDATE bulk_jobs
SET state = $4, error = $5, run = NULL, cancelling = false, ended_at = clock_timestamp()
WHERE tenant_id = $1::text AND id = $2 AND run = $3 AND state = 'running'
RETURNING id;

-- name: cancel_job
-- Ends a job that waits, and asks one that runs to stop. Gives no row when it is over. $1 tenant,
-- $2 job.
UPDATE bulk_jobs
SET cancelling = state = 'running',
    state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,
    ended_at = CASE state WHEN 'queued' THEN clock_timestamp() ELSE ended_at END
WHERE tenant_id = $1::text AND id = $2 AND state IN ('queued', 'running') AND NOT undoing
RETURNING state;

-- name: begin_undo
-- Has a job that is over taken back. Gives no row when there is nothing to undo, or it is being
-- undone already. What an undo before this one has listed as left stays listed and counted. $1 tenant,
-- $2 job.
UPDATE bulk_jobs
SET state = 'queued', undoing = true, done = 0, total = NULL, position = NULL,
    undo_counts = CASE WHEN undo_counts ? 'left'
                       THEN jsonb_build_object('left', undo_counts -> 'left') ELSE '{}' END,
    runs = 0, error = NULL, ended_at = NULL
WHERE tenant_id = $1::text AND id = $2 AND state IN ('done', 'failed', 'cancelled')
RETURNING id;

-- name: find_matches
-- The contacts that rows may mean, deleted ones too: ids, [external id, id], [key, id], and of $5, by its
-- places from 1, [place, id]. $1 tenant, $2 ids, $3 external ids, $4 e-mails and numbers, $5 what rows
-- without any of these hold.
SELECT head, now, ids, external_ids, keys, names
FROM find_bulk_matches($1::text, $2::text[], $3::text[], $4::text[], $5::jsonb[]);

-- name: write_chunk
-- A chunk of a job: see the function. $1 job, $2 run, $3 mutation, $4 head, $5 ids, $6 keys,
-- $7 external ids, $8 names, $9 ids of labels, $10 steps, $11 milliseconds.
SELECT verdict, done, held, waited FROM write_bulk_chunk(
    $1::text, $2::text, $3::text, $4::bigint, $5::text[], $6::text[], $7::text[], $8::text[],
    $9::text[], $10::jsonb[], $11::real);

-- name: read_clock
-- The database's clock in microseconds since 1970, which stamps are in.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint;

-- name: list_authors
-- The agents that a file may name as owners. $1 tenant.
SELECT id, code, name, role, disabled FROM agents WHERE tenant_id = $1::text;

-- name: refresh_search
-- What search looks through, for contacts that a chunk wrote. $1 tenant, $2 the ids of new ones,
-- $3 of others.
SELECT refresh_contact_search($1::text, $2::text[], $3::text[]);

-- name: list_last_written
-- The contacts that a mutation wrote last: of those, search may know nothing yet when a run was cut
-- off. $1 tenant, $2 mutation, $3 at most.
SELECT entity_id AS id FROM audit_log
WHERE tenant_id = $1::text AND mutation_id = $2 AND origin IN ('import', 'job')
ORDER BY id DESC LIMIT $3::bigint;

-- name: page_contacts
-- The next contacts of a filter, by id. $1 tenant, $2 filter, $3 the id before, $4 at most.
SELECT page_contact_ids($1::text, $2::jsonb, $3::text, $4::integer) AS id;

-- name: count_contacts
-- How many contacts a filter holds. $1 tenant, $2 filter.
SELECT total FROM list_contacts($1::text, $2::jsonb, 'version', false, NULL, NULL, 0, 1);

-- name: read_writers
-- Which mutation gave contacts their versions. $1 tenant, $2 ids.
SELECT id, version, wire_author::json ->> 'mutation_id' AS mutation
FROM contacts WHERE tenant_id = $1::text AND id = ANY ($2::text[]);

-- name: list_left
-- Those of contacts that the undo of a job has listed as left. $1 tenant, $2 job, $3 ids.
SELECT contact_id AS id FROM bulk_findings
WHERE tenant_id = $1::text AND job_id = $2 AND kind = 'left' AND contact_id = ANY ($3::text[]);

-- name: count_entries
-- How many changes of contacts a mutation made. $1 tenant, $2 mutation.
SELECT count(*) FROM audit_log
WHERE tenant_id = $1::text AND mutation_id = $2 AND origin IN ('import', 'job')
    AND entity = 'contact';

-- name: list_entries_before
-- The changes of contacts that a mutation made, the last first: what an undo takes back, with whether
-- it is the first of its contact, behind which that is as it was: looked up by the contact, said so that
-- nothing else can be planned. $1 tenant, $2 mutation, $3 before this entry, $4 at most.
SELECT a.id, a.entity_id, a.version, a.op, a.before::text AS before, a.after::text AS after,
       NOT EXISTS (
           SELECT FROM (SELECT e.mutation_id, e.origin FROM audit_log AS e
                        WHERE e.tenant_id = $1 AND e.entity = 'contact'
                            AND e.entity_id = a.entity_id AND e.id < a.id OFFSET 0) AS earlier
           WHERE earlier.mutation_id = $2 AND earlier.origin IN ('import', 'job')) AS first
FROM audit_log AS a
WHERE a.tenant_id = $1::text AND a.mutation_id = $2 AND a.origin IN ('import', 'job')
    AND a.entity = 'contact' AND a.id < $3::bigint
ORDER BY a.id DESC LIMIT $4::bigint;

-- name: list_idle_labels
-- Tags, groups and types that a mutation made, that nobody changed since and no contact carries.
-- $1 tenant, $2 mutation.
WITH carried AS MATERIALIZED (
    SELECT DISTINCT unnest(tag_ids || group_ids || type_ids) AS id
    FROM contacts WHERE tenant_id = $1::text AND deleted_at IS NULL
)
SELECT r.plural, r.id
FROM audit_log AS a
JOIN synced_rows AS r ON r.tenant_id = a.tenant_id AND r.id = a.entity_id AND r.version = a.version
WHERE a.tenant_id = $1 AND a.mutation_id = $2 AND a.origin IN ('import', 'job')
    AND a.entity <> 'contact' AND a.op = 'create' AND r.plural <> 'contacts'
    AND r.deleted_at IS NULL AND r.id NOT IN (SELECT id FROM carried);

-- name: is_label_deleted
-- Whether a label was deleted after version $2, up to $3: an import may still know its id. $1 tenant.
SELECT EXISTS (
    SELECT FROM synced_rows AS r
    WHERE r.tenant_id = $1::text AND r.plural <> 'contacts' AND r.deleted_at IS NOT NULL
        AND r.version > $2::bigint AND r.version <= $3::bigint);

-- name: find_labels
-- Names as labels are told apart by them, capitals aside, with the id of the live one that is called
-- so, if there is one; in their order. $1 tenant, $2 plural, $3 names. The labels' names are made
-- ready once: where the planner takes the tables for small, it would for each of the asked.
WITH labels AS MATERIALIZED (
    SELECT r.id, lower(r.wire::json ->> 'name') AS folded
    FROM synced_rows AS r
    WHERE r.tenant_id = $1::text AND r.plural = $2::text AND r.deleted_at IS NULL)
SELECT asked.name, asked.folded, labels.id
FROM (SELECT name, lower(name) AS folded, place
      FROM unnest($3::text[]) WITH ORDINALITY AS names (name, place)) AS asked
LEFT JOIN labels ON labels.folded = asked.folded
ORDER BY asked.place;
