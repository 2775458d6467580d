-- name: list_entries
-- The history of one row, newest first. $1 tenant, $2 entity, $3 its id, $4 only entries before
-- this one or NULL, $5 entries at most.
SELECT id, render_history_entry(entry)::text AS item
FROM audit_log AS entry
WHERE tenant_id = $1::text AND entity = $2::text AND entity_id = $3::text
    AND ($4::bigint IS NULL OR id < $4)
ORDER BY id DESC LIMIT $5::bigint;

-- name: list_audit
-- Everything that was done in a tenant, newest first. $1 tenant, $2 filter, $3 only entries before
-- this one or NULL, $4 entries at most, $5 the tables of the synced entities by name.
SELECT id, (render_history_entry(entry)
            || jsonb_build_object('entity', entity, 'entity_id', entity_id,
                                  'label', label_of_entry(entry, $5::jsonb)))::text AS item
FROM page_audit($1::text, $2::jsonb, $3::bigint, $4::bigint) AS found (id)
JOIN audit_log AS entry USING (id)
WHERE entry.tenant_id = $1
ORDER BY id DESC;

-- name: read_entry
-- One entry of a row's history, to put back what it holds. $1 tenant, $2 entity, $3 its id,
-- $4 the entry.
SELECT op, outcome, after::text AS after
FROM audit_log
WHERE tenant_id = $1::text AND entity = $2::text AND entity_id = $3::text AND id = $4::bigint;

-- name: list_later_changes
-- What changed a row after an entry of its history, newest first: taken back one by one, the row
-- as it was. With what was refused: an edit of a deleted row was merged into what it hides.
-- $1 tenant, $2 entity, $3 its id, $4 the entry.
SELECT outcome, coalesce(before, '{}')::text AS before, coalesce(after, '{}')::text AS after
FROM audit_log
WHERE tenant_id = $1::text AND entity = $2::text AND entity_id = $3::text AND id > $4::bigint
    AND outcome <> 'lost'
ORDER BY id DESC;
