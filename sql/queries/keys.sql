-- name: list_keys
-- A page of keys, newest first; revoked ones too. $1 tenant, $2 agent or NULL for all, $3 the key
-- before or NULL, $4 rows to pass over, $5 rows at most.
SELECT id, agent_id, name, prefix, rfc3339(k.created_at) AS created_at, created_by,
       rfc3339(last_used_at) AS last_used_at, rfc3339(revoked_at) AS revoked_at
FROM api_keys AS k
WHERE tenant_id = $1::text AND ($2::text IS NULL OR agent_id = $2)
    AND ($3::text IS NULL OR (k.created_at, k.id) < (
        SELECT b.created_at, b.id FROM api_keys AS b WHERE b.tenant_id = $1 AND b.id = $3))
ORDER BY k.created_at DESC, k.id DESC OFFSET $4::bigint LIMIT $5::bigint;

-- name: count_keys
-- How many keys there are. $1 tenant, $2 agent or NULL for all.
SELECT count(*) FROM api_keys
WHERE tenant_id = $1::text AND ($2::text IS NULL OR agent_id = $2);

-- name: read_key
-- One key.
SELECT id, agent_id, name, prefix, rfc3339(created_at) AS created_at, created_by,
       rfc3339(last_used_at) AS last_used_at, rfc3339(revoked_at) AS revoked_at
FROM api_keys WHERE tenant_id = $1::text AND id = $2::text;

-- name: insert_key
-- A new key. $1 tenant, $2 id, $3 agent, $4 name, $5 its first characters, $6 hash, $7 who made it.
INSERT INTO api_keys (tenant_id, id, agent_id, name, prefix, hash, created_by)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING id, agent_id, name, prefix, rfc3339(created_at) AS created_at, created_by,
          rfc3339(last_used_at) AS last_used_at, rfc3339(revoked_at) AS revoked_at;

-- name: revoke_key
-- Ends a key at once; one that was revoked keeps its time.
UPDATE api_keys SET revoked_at = coalesce(revoked_at, clock_timestamp())
WHERE tenant_id = $1::text AND id = $2::text
RETURNING id, agent_id, name, prefix, rfc3339(created_at) AS created_at, created_by,
          rfc3339(last_used_at) AS last_used_at, rfc3339(revoked_at) AS revoked_at;

-- name: others_let_an_admin_in
-- Whether an admin could still sign in without this key: the last one must stay.
SELECT EXISTS (
    SELECT FROM api_keys AS k
    JOIN agents AS a ON a.tenant_id = k.tenant_id AND a.id = k.agent_id
    WHERE k.tenant_id = $1::text AND k.id <> $2::text AND k.revoked_at IS NULL
        AND a.role = 'admin' AND NOT a.disabled);

-- name: note_key_use
-- When a key was last used, kept to the hour. $1 tenant, $2 key.
UPDATE api_keys SET last_used_at = clock_timestamp()
WHERE tenant_id = $1::text AND id = $2::text
    AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - interval '1 hour');
