-- Inserts contacts of a tenant from a JSON array, in its order; the triggers give version, author
-- and wire. Used by the query insert_rows and by write_bulk_chunk().
CREATE OR REPLACE FUNCTION insert_contacts(tenant text, records jsonb)
RETURNS TABLE (row_id text, row_version bigint, row_live_version bigint, row_wire text, row_author text)
LANGUAGE plpgsql
AS $$
BEGIN
    RETURN QUERY INSERT INTO contacts (
        tenant_id, id,
        external_id, first_name, last_name, company, department, job_title, emails, phones,
        addresses, websites, birthday, notes, custom, preferences, tag_ids, group_ids, type_ids,
        owner_id, active,
        stamps, written_in, written_by, written_device, written_mutation, written_origin)
    SELECT tenant, r.id,
           r.external_id, r.first_name, r.last_name, r.company, r.department, r.job_title,
           coalesce(r.emails, '[]'), coalesce(r.phones, '[]'), coalesce(r.addresses, '[]'),
           coalesce(r.websites, '[]'), r.birthday, r.notes, coalesce(r.custom, '{}'),
           coalesce(r.preferences, '{}'), coalesce(r.tag_ids, '{}'), coalesce(r.group_ids, '{}'),
           coalesce(r.type_ids, '{}'), r.owner_id, coalesce(r.active, true),
           r.stamps, pg_current_xact_id(), r.written_by, r.written_device, r.written_mutation,
           r.written_origin
    FROM jsonb_populate_recordset(NULL::contacts, records) AS r
    RETURNING id, version, live_version, wire, wire_author;
END
$$;
