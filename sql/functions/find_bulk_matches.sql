-- The contacts that rows of a chunk may mean, deleted ones too, by their ids, external ids, e-mails
-- and numbers, with the clock and the head of the same moment; for rows that have none of these, what
-- find_namesakes() finds. One look into an index for each, said so that nothing else can be planned:
-- while a first import fills the tables, the planner knows nothing of them yet. Called by
-- server/jobs/bulk.
CREATE OR REPLACE FUNCTION find_bulk_matches(
    tenant text, asked_ids text[], asked_external_ids text[], asked_keys text[],
    asked_names jsonb[],
    OUT head bigint, OUT now bigint, OUT ids text[], OUT external_ids text[], OUT keys text[],
    OUT names text[]
)
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
    SELECT g.version, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
           (SELECT coalesce(array_agg(found.id), '{}')
            FROM unnest(asked_ids) AS asked (id)
            CROSS JOIN LATERAL (
                SELECT c.id FROM contacts AS c
                WHERE c.tenant_id = tenant AND c.id = asked.id OFFSET 0) AS found),
           (SELECT coalesce(array_agg(ARRAY[asked.external_id, found.id]), '{}')
            FROM unnest(asked_external_ids) AS asked (external_id)
            CROSS JOIN LATERAL (
                SELECT c.id FROM contacts AS c
                WHERE c.tenant_id = tenant AND c.external_id = asked.external_id OFFSET 0) AS found),
           (SELECT coalesce(array_agg(ARRAY[asked.key, found.contact_id]), '{}')
            FROM unnest(asked_keys) AS asked (key)
            CROSS JOIN LATERAL (
                SELECT k.contact_id FROM contact_keys AS k
                WHERE k.tenant_id = tenant AND k.key = asked.key OFFSET 0) AS found),
           CASE WHEN cardinality(asked_names) = 0 THEN '{}'
                ELSE find_namesakes(tenant, asked_names) END
    FROM global_version AS g WHERE g.tenant_id = tenant
$$;
