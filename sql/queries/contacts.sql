-- name: insert_rows
-- New contacts from JSON, in its order; the triggers give version, author and wire.
INSERT INTO contacts (
    tenant_id, id,
    external_id, first_name, last_name, company, department, job_title, emails, phones,
    addresses, websites, birthday, notes, custom, preferences, tag_ids, group_ids, type_ids,
    owner_id, active,
    stamps, written_in, written_by, written_device, written_mutation, written_origin)
SELECT $1::text, r.id,
       r.external_id, r.first_name, r.last_name, r.company, r.department, r.job_title,
       coalesce(r.emails, '[]'), coalesce(r.phones, '[]'), coalesce(r.addresses, '[]'),
       coalesce(r.websites, '[]'), r.birthday, r.notes, coalesce(r.custom, '{}'),
       coalesce(r.preferences, '{}'), coalesce(r.tag_ids, '{}'), coalesce(r.group_ids, '{}'),
       coalesce(r.type_ids, '{}'), r.owner_id, coalesce(r.active, true),
       r.stamps, pg_current_xact_id(), r.written_by, r.written_device, r.written_mutation,
       r.written_origin
FROM jsonb_populate_recordset(NULL::contacts, $2::jsonb) AS r
RETURNING id, version, live_version, false AS deleted, wire, wire_author;

-- name: update_rows
-- Contacts as they are after merging, from JSON; a row whose visible fields did not change keeps
-- its version. `deleted_at` in the JSON only says whether there is one.
UPDATE contacts AS c
SET external_id = r.external_id, first_name = r.first_name, last_name = r.last_name, company =
    r.company, department = r.department, job_title = r.job_title, emails =
    coalesce(r.emails, '[]'), phones = coalesce(r.phones, '[]'), addresses =
    coalesce(r.addresses, '[]'), websites = coalesce(r.websites, '[]'), birthday =
    r.birthday, notes = r.notes, custom = coalesce(r.custom, '{}'), preferences =
    coalesce(r.preferences, '{}'), tag_ids = coalesce(r.tag_ids, '{}'), group_ids =
    coalesce(r.group_ids, '{}'), type_ids = coalesce(r.type_ids, '{}'), owner_id =
    r.owner_id, active = coalesce(r.active, true),
    deleted_at = CASE WHEN r.deleted_at IS NOT NULL
                      THEN coalesce(c.deleted_at, clock_timestamp()) END,
    stamps = r.stamps, written_in = pg_current_xact_id(), written_by = r.written_by,
    written_device = r.written_device, written_mutation = r.written_mutation,
    written_origin = r.written_origin
FROM jsonb_populate_recordset(NULL::contacts, $2::jsonb) AS r
WHERE c.tenant_id = $1::text AND c.id = r.id
RETURNING c.id, c.version, c.live_version, c.deleted_at IS NOT NULL AS deleted, c.wire_author,
          CASE WHEN c.deleted_at IS NULL THEN c.wire
               ELSE render_tombstone(c.id, c.version, c.deleted_at) END AS wire;

-- name: read_rows
-- Rows by id, tombstones with their hidden fields too: what a mutation is merged into.
SELECT id, version, deleted_at IS NOT NULL AS deleted, wire, stamps::text AS stamps,
       CASE WHEN deleted_at IS NULL THEN wire
            ELSE render_tombstone(id, version, deleted_at) END AS shown
FROM contacts WHERE tenant_id = $1::text AND id = ANY ($2::text[]);

-- name: find_duplicates
-- Live contacts with one of these e-mails or E.164 numbers. $1 tenant, $2 e-mails, $3 numbers.
SELECT find_duplicate_contacts($1::text, $2::text[], $3::text[]) AS id;
