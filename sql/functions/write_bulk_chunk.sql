-- One chunk of an import, a bulk edit or an undo: writes its steps, as many from the front as
-- `milliseconds` under the lock allow, with the job's progress, counts and findings in the same
-- transaction. It takes the lock itself, in one call, so that nobody waits for a client meanwhile.
-- Called by server/jobs/bulk.
--
-- The rows were judged outside of the lock, by what stood at the version `read_head`. If somebody
-- else has since changed a contact that the chunk is about (`ids`), or given one a key by which
-- its rows are matched (`keys`, `external_ids`; the `names` of rows that have none), or deleted a
-- label that it uses (`label_ids`), the chunk is `stale`: nothing is written, and the caller judges anew.
--
-- A step: {"rows", "counts": {name: number}, "position", "created": [contact], "changed": [contact],
-- "findings": [{"kind", "row", "contact_id", "field", "message", "detail", "original"}]}, of which
-- only `rows` must be there. Gives the verdict (`written`, `stale`, `cancelled`, `disabled` when
-- its author was, or `over` when another run of the job has begun), how many steps are done, how long the lock was held before the
-- commit, and how long others held it before.
CREATE OR REPLACE FUNCTION write_bulk_chunk(
    job text, this_run text, mutation text, read_head bigint,
    ids text[], keys text[], external_ids text[], names text[], label_ids text[],
    steps jsonb[], milliseconds real,
    OUT verdict text, OUT done integer, OUT held real, OUT waited real
)
LANGUAGE plpgsql VOLATILE
-- What is asked here is found by indexes; the planner may not know yet how large the tables are.
SET enable_seqscan = off
AS $$
DECLARE
    tenant CONSTANT text := current_setting('app.tenant');
    standing bulk_jobs;
    step     jsonb;
    rows     integer := 0;
    tally    jsonb := '{}';
    began    timestamptz;
    slowest  real := 0;
    spent    real := 0;
BEGIN
    done := 0;
    held := 0;
    waited := 0;
    -- A chunk that changes no contact keeps nobody waiting.
    IF EXISTS (SELECT FROM unnest(steps) AS each WHERE each ? 'created' OR each ? 'changed') THEN
        began := clock_timestamp();
        PERFORM lock_versions();
        waited := extract(epoch FROM clock_timestamp() - began) * 1000;
        began := clock_timestamp();
        PERFORM set_config('app.search_later', 'on', true);
        IF EXISTS (
            SELECT FROM contacts AS c
            WHERE c.tenant_id = tenant AND c.version > read_head
                AND c.written_mutation IS DISTINCT FROM mutation
                AND (c.id = ANY (ids) OR c.external_id = ANY (external_ids)
                     OR c.display_name = ANY (names)
                     OR EXISTS (SELECT FROM contact_key_texts(c.emails, c.phones) AS key
                                WHERE key = ANY (keys)))
        ) OR EXISTS (
            SELECT FROM synced_rows AS r
            WHERE r.tenant_id = tenant AND r.version > read_head AND r.plural <> 'contacts'
                AND r.deleted_at IS NOT NULL AND r.id = ANY (label_ids)
        ) THEN
            verdict := 'stale';
            RETURN;
        END IF;
    END IF;
    began := coalesce(began, clock_timestamp());
    SELECT * INTO standing FROM bulk_jobs WHERE tenant_id = tenant AND id = job FOR UPDATE;
    verdict := CASE WHEN standing.run IS DISTINCT FROM this_run OR standing.state <> 'running'
                    THEN 'over'
                    WHEN standing.cancelling THEN 'cancelled'
                    WHEN NOT standing.undoing AND EXISTS (
                        SELECT FROM agents WHERE tenant_id = tenant AND id = standing.agent_id
                            AND disabled) THEN 'disabled'
                    ELSE 'written' END;
    IF verdict <> 'written' THEN
        RETURN;
    END IF;
    WHILE done < cardinality(steps) AND (done = 0 OR spent + slowest <= milliseconds) LOOP
        step := steps[done + 1];
        IF step ? 'created' THEN
            PERFORM insert_contacts(tenant, step -> 'created');
        END IF;
        IF step ? 'changed' THEN
            PERFORM update_contacts(tenant, step -> 'changed');
        END IF;
        IF step ? 'findings' THEN
            INSERT INTO bulk_findings (tenant_id, job_id, kind, row, contact_id, field, message,
                                       detail, original)
            SELECT tenant, job, f.kind, f.row, f.contact_id, f.field, f.message, f.detail, f.original
            FROM jsonb_populate_recordset(NULL::bulk_findings, step -> 'findings') AS f;
        END IF;
        rows := rows + (step ->> 'rows')::integer;
        tally := add_counts(tally, coalesce(step -> 'counts', '{}'));
        done := done + 1;
        slowest := greatest(slowest, extract(epoch FROM clock_timestamp() - began) * 1000 - spent);
        spent := extract(epoch FROM clock_timestamp() - began) * 1000;
    END LOOP;
    UPDATE bulk_jobs
    SET done = bulk_jobs.done + rows,
        -- It came forward: what ended runs before this one was not the job itself.
        runs = 0,
        position = coalesce(steps[write_bulk_chunk.done] ->> 'position', position),
        counts = CASE WHEN undoing THEN counts ELSE add_counts(counts, tally) END,
        undo_counts = CASE WHEN undoing THEN add_counts(undo_counts, tally) ELSE undo_counts END
    WHERE tenant_id = tenant AND id = job;
    held := extract(epoch FROM clock_timestamp() - began) * 1000;
END
$$;
