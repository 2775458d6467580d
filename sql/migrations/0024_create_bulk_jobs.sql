-- Imports and bulk edits: the job, its file, and what it found out about single rows. And what
-- finds a contact by an e-mail or a number, as they and the check for duplicates need it.

CREATE TABLE bulk_jobs (
    tenant_id    text COLLATE "C" NOT NULL REFERENCES tenants,
    id           text COLLATE "C" NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('import', 'update')),
    state        text NOT NULL DEFAULT 'queued'
                 CHECK (state IN ('queued', 'running', 'done', 'failed', 'cancelled', 'undone')),
    undoing      boolean NOT NULL DEFAULT false,
    cancelling   boolean NOT NULL DEFAULT false,
    agent_id     text COLLATE "C" NOT NULL,
    device_id    text,
    file_name    text,
    content_type text,
    options      jsonb NOT NULL DEFAULT '{}',
    detected     jsonb,
    columns      jsonb,
    mapping      jsonb,
    counts       jsonb NOT NULL DEFAULT '{}',
    undo_counts  jsonb,
    done         bigint NOT NULL DEFAULT 0,
    total        bigint,
    position     text,
    error        text,
    run          text,
    runs         integer NOT NULL DEFAULT 0,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    started_at   timestamptz,
    ended_at     timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents
) WITH (fillfactor = 50);
-- The list of jobs, newest first.
CREATE INDEX bulk_jobs_created ON bulk_jobs (tenant_id, created_at, id);

CREATE TABLE bulk_files (
    tenant_id  text COLLATE "C" NOT NULL REFERENCES tenants,
    job_id     text COLLATE "C" NOT NULL,
    part       integer NOT NULL,
    content    bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, job_id, part)
);
-- Files are mostly random to the database's compressor, and are read once.
ALTER TABLE bulk_files ALTER COLUMN content SET STORAGE EXTERNAL;

CREATE TABLE bulk_findings (
    tenant_id  text COLLATE "C" NOT NULL,
    job_id     text COLLATE "C" NOT NULL,
    kind       text NOT NULL CHECK (kind IN ('error', 'conflict', 'left')),
    id         bigint GENERATED ALWAYS AS IDENTITY,
    row        bigint,
    contact_id text,
    field      text,
    message    text,
    detail     jsonb,
    original   text,
    PRIMARY KEY (tenant_id, job_id, kind, id),
    FOREIGN KEY (tenant_id, job_id) REFERENCES bulk_jobs ON DELETE CASCADE
);

CREATE TABLE contact_keys (
    tenant_id  text COLLATE "C" NOT NULL,
    key        text COLLATE "C" NOT NULL,
    contact_id text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, key, contact_id)
);
INSERT INTO contact_keys (tenant_id, key, contact_id)
SELECT DISTINCT tenant_id, key, id
FROM contacts, LATERAL (
    SELECT item ->> 'value' FROM jsonb_array_elements(emails) AS item
    UNION ALL
    SELECT item ->> 'e164' FROM jsonb_array_elements(phones) AS item
) AS keys (key)
WHERE length(key) <= 320;

-- What a bulk job wrote, to take it back; nobody else looks for a mutation.
CREATE INDEX audit_log_bulk ON audit_log (tenant_id, mutation_id, id)
    WHERE origin IN ('import', 'job') AND mutation_id IS NOT NULL;

ALTER TABLE bulk_jobs ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON bulk_jobs USING (tenant_id = current_setting('app.tenant', true));
ALTER TABLE bulk_files ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON bulk_files USING (tenant_id = current_setting('app.tenant', true));
ALTER TABLE bulk_findings ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON bulk_findings USING (tenant_id = current_setting('app.tenant', true));
ALTER TABLE contact_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON contact_keys USING (tenant_id = current_setting('app.tenant', true));
GRANT SELECT, INSERT, UPDATE ON bulk_jobs TO fieldbook_server;
GRANT SELECT, INSERT, DELETE, UPDATE (job_id) ON bulk_files TO fieldbook_server;
GRANT SELECT, INSERT ON bulk_findings TO fieldbook_server;
GRANT SELECT ON contact_keys TO fieldbook_server;

COMMENT ON TABLE bulk_jobs IS 'Imports and bulk edits, run by the job queue.';
COMMENT ON COLUMN bulk_jobs.tenant_id IS 'The company whose contacts it changes.';
COMMENT ON COLUMN bulk_jobs.id IS 'A nanoid. `import.<id>`, `update.<id>` and `undo.<id>` are the mutations of its writes.';
COMMENT ON COLUMN bulk_jobs.kind IS 'What it is.';
COMMENT ON COLUMN bulk_jobs.state IS 'How far it is; `queued` and `running` again while it is undone.';
COMMENT ON COLUMN bulk_jobs.undoing IS 'Whether it is being taken back.';
COMMENT ON COLUMN bulk_jobs.cancelling IS 'Whether somebody asked it to stop: it does so before its next chunk.';
COMMENT ON COLUMN bulk_jobs.agent_id IS 'Who started it, and the author of what it writes.';
COMMENT ON COLUMN bulk_jobs.device_id IS 'On which device, if on one.';
COMMENT ON COLUMN bulk_jobs.file_name IS 'The name of the imported file.';
COMMENT ON COLUMN bulk_jobs.content_type IS 'What its sender called it.';
COMMENT ON COLUMN bulk_jobs.options IS 'What was asked: an import''s parameters, or an edit''s filter or ids with its changes.';
COMMENT ON COLUMN bulk_jobs.detected IS '{format, encoding, delimiter} of the file.';
COMMENT ON COLUMN bulk_jobs.columns IS 'The file''s columns, in order.';
COMMENT ON COLUMN bulk_jobs.mapping IS '{column: field}, null for a column that is left out.';
COMMENT ON COLUMN bulk_jobs.counts IS '{rows, created, updated, unchanged, conflicts, errors, photos} so far.';
COMMENT ON COLUMN bulk_jobs.undo_counts IS '{undone, left} so far, of an undo.';
COMMENT ON COLUMN bulk_jobs.done IS 'Rows that are dealt with; written together with what became of them.';
COMMENT ON COLUMN bulk_jobs.total IS 'Rows that there are, once they were counted.';
COMMENT ON COLUMN bulk_jobs.position IS 'Where a bulk edit or an undo goes on: the last contact that it dealt with.';
COMMENT ON COLUMN bulk_jobs.error IS 'Why it failed, for the person who started it.';
COMMENT ON COLUMN bulk_jobs.run IS 'The run that may write; a run before it, which does not know that it is over, may not.';
COMMENT ON COLUMN bulk_jobs.runs IS 'How often it was begun since it last came forward.';
COMMENT ON COLUMN bulk_jobs.created_at IS 'When it was asked for.';
COMMENT ON COLUMN bulk_jobs.started_at IS 'When it first ran.';
COMMENT ON COLUMN bulk_jobs.ended_at IS 'When it came to its end, or to that of its undo.';

COMMENT ON TABLE bulk_files IS 'Files to import, until the job has ended: any process may run the job.';
COMMENT ON COLUMN bulk_files.tenant_id IS 'The job''s tenant.';
COMMENT ON COLUMN bulk_files.job_id IS 'The job; a preview has no row of its own.';
COMMENT ON COLUMN bulk_files.part IS 'Numbers the parts, from 0.';
COMMENT ON COLUMN bulk_files.content IS 'At most a megabyte of the file.';
COMMENT ON COLUMN bulk_files.created_at IS 'When it arrived: parts of an upload that was cut off are purged a day later.';

COMMENT ON TABLE bulk_findings IS 'What a job''s owner must know about single rows. Only added to, with the rows they are about.';
COMMENT ON COLUMN bulk_findings.tenant_id IS 'The job''s tenant.';
COMMENT ON COLUMN bulk_findings.job_id IS 'The job.';
COMMENT ON COLUMN bulk_findings.kind IS 'error: the row was refused. conflict: it changed what somebody had just edited. left: it was edited since and not undone.';
COMMENT ON COLUMN bulk_findings.id IS 'Numbers the findings.';
COMMENT ON COLUMN bulk_findings.row IS 'The file''s row, as a spreadsheet counts it.';
COMMENT ON COLUMN bulk_findings.contact_id IS 'The contact that it is about, where there is one.';
COMMENT ON COLUMN bulk_findings.field IS 'The field, or the column of the file.';
COMMENT ON COLUMN bulk_findings.message IS 'What is wrong, for the person who mends it.';
COMMENT ON COLUMN bulk_findings.detail IS 'A conflict''s {from, to, by, at}.';
COMMENT ON COLUMN bulk_findings.original IS 'The refused row as it stood in the file, on its first finding.';

COMMENT ON TABLE contact_keys IS 'E-mails and numbers by which contacts are found, of deleted ones too. Kept by triggers.';
COMMENT ON COLUMN contact_keys.tenant_id IS 'The contact''s tenant.';
COMMENT ON COLUMN contact_keys.key IS 'An e-mail address or an E.164 number.';
COMMENT ON COLUMN contact_keys.contact_id IS 'A contact that has it.';
