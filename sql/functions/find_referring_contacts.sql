-- Contacts, deleted ones too, that refer to a tag, a group or a type, at most so many. As the
-- owner, because @> loses its index behind row-level security; so it checks the tenant itself.
-- Used by the job that takes a deleted one off its contacts.
CREATE OR REPLACE FUNCTION find_referring_contacts(
    tenant text, plural text, reference text, most integer
) RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT id FROM contacts
         WHERE %1$I @> ARRAY[$2] AND %1$I <> ''{}'' AND tenant_id = $1 AND $1 = current_setting(''app.tenant'', true)
         LIMIT $3', reference_column(plural)) USING tenant, reference, most;
END
$$;
