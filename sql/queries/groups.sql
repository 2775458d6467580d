-- name: insert_rows
-- New groups from JSON, in its order; the triggers give version, author and wire.
INSERT INTO groups (
    tenant_id, id,
    name, description,
    stamps, written_in, written_by, written_device, written_mutation, written_origin)
SELECT $1::text, r.id,
       r.name, r.description,
       r.stamps, pg_current_xact_id(), r.written_by, r.written_device, r.written_mutation,
       r.written_origin
FROM jsonb_populate_recordset(NULL::groups, $2::jsonb) AS r
RETURNING id, version, live_version, false AS deleted, wire, wire_author;

-- name: update_rows
-- Groups as they are after merging, from JSON; a row whose visible fields did not change keeps
-- its version. `deleted_at` in the JSON only says whether there is one.
UPDATE groups AS c
SET name = r.name, description = r.description,
    deleted_at = CASE WHEN r.deleted_at IS NOT NULL
                      THEN coalesce(c.deleted_at, clock_timestamp()) END,
    stamps = r.stamps, written_in = pg_current_xact_id(), written_by = r.written_by,
    written_device = r.written_device, written_mutation = r.written_mutation,
    written_origin = r.written_origin
FROM jsonb_populate_recordset(NULL::groups, $2::jsonb) AS r
WHERE c.tenant_id = $1::text AND c.id = r.id
RETURNING c.id, c.version, c.live_version, c.deleted_at IS NOT NULL AS deleted, c.wire_author,
          CASE WHEN c.deleted_at IS NULL THEN c.wire
               ELSE render_tombstone(c.id, c.version, c.deleted_at) END AS wire;

-- name: read_rows
-- Rows by id, tombstones with their hidden fields too: what a mutation is merged into.
SELECT id, version, deleted_at IS NOT NULL AS deleted, wire, stamps::text AS stamps,
       CASE WHEN deleted_at IS NULL THEN wire
            ELSE render_tombstone(id, version, deleted_at) END AS shown
FROM groups WHERE tenant_id = $1::text AND id = ANY ($2::text[]);

-- name: read_names
-- The live groups' names, to find one by its name.
SELECT id, name FROM groups WHERE tenant_id = $1::text AND deleted_at IS NULL;
