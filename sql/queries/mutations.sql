-- name: lock_versions
-- The first statement of every write, alone: what is read after it is what the last writer left.
SELECT lock_versions();

-- name: read_ledger
-- What a group of mutations is judged by, read under the lock: the clock, the head, each source's
-- last stamp, each mutation's ledger row, the authors' roles, the revoked devices.
-- $1 tenant, $2 sources, $3 mutation ids (pairwise), $4 agents, $5 devices.
SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now,
       g.version AS head, g.epoch,
       (SELECT coalesce(jsonb_object_agg(s.source, m.stamp), '{}')::text
        FROM (SELECT DISTINCT unnest($2::text[]) AS source) AS s
        CROSS JOIN LATERAL (
            SELECT max(stamp) AS stamp FROM mutations
            WHERE tenant_id = $1 AND source = s.source) AS m
        WHERE m.stamp IS NOT NULL) AS stamps,
       (SELECT coalesce(jsonb_agg(jsonb_build_object(
                   'source', m.source, 'mutation_id', m.mutation_id,
                   'body_hash', encode(m.body_hash, 'hex'), 'stamp', m.stamp,
                   'entity', m.entity, 'entity_id', m.entity_id, 'outcome', m.outcome,
                   'version', m.version, 'conflicts', m.conflicts)), '[]')::text
        FROM unnest($2::text[], $3::text[]) AS asked (source, mutation_id)
        JOIN mutations AS m ON m.tenant_id = $1
            AND m.source = asked.source AND m.mutation_id = asked.mutation_id) AS ledger,
       (SELECT coalesce(jsonb_object_agg(id, role), '{}')::text FROM agents
        WHERE tenant_id = $1 AND id = ANY ($4::text[]) AND NOT disabled) AS roles,
       (SELECT coalesce(jsonb_agg(id), '[]')::text FROM devices
        WHERE tenant_id = $1 AND id = ANY ($5::text[]) AND revoked_at IS NOT NULL) AS revoked
FROM global_version AS g WHERE g.tenant_id = $1::text;

-- name: insert_ledger
-- One row for each mutation that was judged. A forbidden one may be judged again.
INSERT INTO mutations (tenant_id, source, mutation_id, body_hash, stamp, op, entity, entity_id,
                       outcome, version, conflicts, lost, agent_id, device_id, origin)
SELECT $1, r.source, r.mutation_id, decode(r.body_hash, 'hex'), r.stamp, r.op, r.entity,
       r.entity_id, r.outcome, r.version, r.conflicts, r.lost, r.agent_id, r.device_id, r.origin
FROM jsonb_to_recordset($2::jsonb) AS r (
    source text, mutation_id text, body_hash text, stamp bigint, op text, entity text,
    entity_id text, outcome text, version bigint, conflicts jsonb, lost jsonb, agent_id text,
    device_id text, origin text)
ON CONFLICT (tenant_id, source, mutation_id) DO UPDATE
SET outcome = excluded.outcome, version = excluded.version, conflicts = excluded.conflicts,
    lost = excluded.lost, body_hash = excluded.body_hash;

-- name: find_references
-- Which of the ids that a group of mutations names are there and live, by the plural they belong
-- to. $1 tenant, $2 ids.
SELECT 'agents' AS plural, id FROM agents WHERE tenant_id = $1::text AND id = ANY ($2::text[])
UNION ALL
SELECT plural, id FROM synced_rows
WHERE tenant_id = $1::text AND id = ANY ($2::text[]) AND deleted_at IS NULL
    AND plural <> 'contacts';

-- name: list_sources
-- Every device, and every agent without one, of which the ledger remembers something: the purge
-- goes from one to the next. A step along the index for each, however many rows there are.
WITH RECURSIVE sources AS (
    (SELECT source FROM mutations WHERE tenant_id = $1::text ORDER BY source LIMIT 1)
    UNION ALL
    SELECT (SELECT m.source FROM mutations AS m
            WHERE m.tenant_id = $1::text AND m.source > s.source ORDER BY m.source LIMIT 1)
    FROM sources AS s WHERE s.source IS NOT NULL
)
SELECT source FROM sources WHERE source IS NOT NULL;

-- name: delete_old_mutations
-- Removes up to so many of a source's ledger rows, and counts them: those older than 90 days whose
-- device has since said that its queue is empty, or was revoked, or that had no device. The one
-- with the greatest stamp stays, for the next stamp comes after it. A stamp is hardly ever later
-- than its row, so the index on stamps finds what is old. $1 tenant, $2 source, $3 at most.
WITH old AS (
    SELECT m.mutation_id
    FROM mutations AS m
    LEFT JOIN devices AS d ON d.tenant_id = m.tenant_id AND d.id = m.source
    WHERE m.tenant_id = $1::text AND m.source = $2::text
        AND m.stamp < (extract(epoch FROM now() - interval '90 days') * 1000000)::bigint
        AND m.created_at < now() - interval '90 days'
        AND (m.source LIKE 'agent:%' OR d.revoked_at IS NOT NULL
             OR d.queue_empty_at > m.created_at)
        AND m.stamp < (SELECT max(stamp) FROM mutations WHERE tenant_id = $1 AND source = $2)
    LIMIT $3::bigint
), deleted AS (
    DELETE FROM mutations AS m USING old
    WHERE m.tenant_id = $1 AND m.source = $2 AND m.mutation_id = old.mutation_id
    RETURNING m.mutation_id
)
SELECT count(*) FROM deleted;
