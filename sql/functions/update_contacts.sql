-- Writes contacts of a tenant as they are after merging, from a JSON array; one whose visible
-- fields did not change keeps its version. `deleted_at` in the JSON only says whether there is
-- one. The stamps given are added to those that stand. Used by the query update_rows and by
-- write_bulk_chunk().
--
-- Each contact is found by its key, and so by its place, which nobody else moves under the lock. While
-- the planner knows nothing yet of a new company, or of a new database, it would rather look through
-- all contacts, once for every chunk of an import.
CREATE OR REPLACE FUNCTION update_contacts(tenant text, records jsonb)
RETURNS TABLE (row_id text, row_version bigint, row_live_version bigint, row_deleted boolean,
               row_wire text, row_author text)
LANGUAGE plpgsql SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
BEGIN
    RETURN QUERY UPDATE contacts AS c
    SET external_id = r.external_id, first_name = r.first_name, last_name = r.last_name,
        company = r.company, department = r.department, job_title = r.job_title,
        emails = coalesce(r.emails, '[]'), phones = coalesce(r.phones, '[]'),
        addresses = coalesce(r.addresses, '[]'), websites = coalesce(r.websites, '[]'),
        birthday = r.birthday, notes = r.notes, custom = coalesce(r.custom, '{}'),
        preferences = coalesce(r.preferences, '{}'), tag_ids = coalesce(r.tag_ids, '{}'),
        group_ids = coalesce(r.group_ids, '{}'), type_ids = coalesce(r.type_ids, '{}'),
        owner_id = r.owner_id, active = coalesce(r.active, true),
        deleted_at = CASE WHEN r.deleted_at IS NOT NULL
                          THEN coalesce(c.deleted_at, clock_timestamp()) END,
        stamps = c.stamps || r.stamps, written_in = pg_current_xact_id(),
        written_by = r.written_by, written_device = r.written_device,
        written_mutation = r.written_mutation, written_origin = r.written_origin
    FROM jsonb_populate_recordset(NULL::contacts, records) AS r
    CROSS JOIN LATERAL (
        SELECT k.ctid AS place FROM contacts AS k
        WHERE k.tenant_id = tenant AND k.id = r.id OFFSET 0) AS found
    WHERE c.ctid = found.place
    RETURNING c.id, c.version, c.live_version, c.deleted_at IS NOT NULL,
              CASE WHEN c.deleted_at IS NULL THEN c.wire
                   ELSE render_tombstone(c.id, c.version, c.deleted_at) END,
              c.wire_author;
END
$$;
