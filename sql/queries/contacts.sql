-- name: insert_rows
-- New contacts from JSON, in its order. $1 tenant, $2 the array.
SELECT row_id AS id, row_version AS version, row_live_version AS live_version, false AS deleted,
       row_wire AS wire, row_author AS wire_author
FROM insert_contacts($1::text, $2::jsonb);

-- name: update_rows
-- Contacts as they are after merging, from JSON. $1 tenant, $2 the array.
SELECT row_id AS id, row_version AS version, row_live_version AS live_version,
       row_deleted AS deleted, row_wire AS wire, row_author AS wire_author
FROM update_contacts($1::text, $2::jsonb);

-- name: read_rows
-- Rows by id, tombstones with their hidden fields too: what a mutation is merged into.
SELECT id, version, deleted_at IS NOT NULL AS deleted, wire, stamps::text AS stamps,
       CASE WHEN deleted_at IS NULL THEN wire
            ELSE render_tombstone(id, version, deleted_at) END AS shown
FROM contacts WHERE tenant_id = $1::text AND id = ANY ($2::text[]);

-- name: find_duplicates
-- Live contacts with one of these e-mails or E.164 numbers. $1 tenant, $2 e-mails, $3 numbers.
SELECT find_duplicate_contacts($1::text, $2::text[], $3::text[]) AS id;

-- name: clean_search_backlog
-- Empties the list of what the search index has put off; outside of the tenant's lock.
SELECT clean_search_backlog();
