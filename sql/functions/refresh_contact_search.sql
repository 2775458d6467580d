-- Brings what search looks through and lists are sorted by up to date for contacts that a bulk job
-- created or changed: their triggers left it to the job, which does it outside of the tenant's lock,
-- beside its next chunk. Whoever edits a contact meanwhile writes its row too, so what is there already
-- for a new contact is newer; a changed one is locked, shared, so that nobody edits it between the
-- reading and the writing.
-- As the owner: nobody else may write contact_search; so it checks the tenant itself.
--
-- Each contact is looked up by itself, said so that nothing else can be planned: while a first import
-- fills the table, the planner knows nothing of it yet, and would read all of it each time.
CREATE OR REPLACE FUNCTION refresh_contact_search(tenant text, created text[], changed text[])
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp SET enable_seqscan = off SET enable_hashjoin = off
SET enable_mergejoin = off
AS $$
BEGIN
    IF tenant IS DISTINCT FROM current_setting('app.tenant', true) THEN
        RAISE EXCEPTION 'contacts of tenant % refreshed while app.tenant is another', tenant;
    END IF;
    -- What a crash of the database takes away, the run that goes on does again; and the job's end,
    -- which waits for the disk, waits for this, too.
    PERFORM set_config('synchronous_commit', 'off', true);
    IF cardinality(created) > 0 THEN
        INSERT INTO contact_search
        SELECT made.*
        FROM unnest(created) AS asked (id)
        CROSS JOIN LATERAL (
            SELECT c AS contact FROM contacts AS c
            WHERE c.tenant_id = tenant AND c.id = asked.id OFFSET 0) AS found
        CROSS JOIN LATERAL contact_search_row(found.contact) AS made
        ON CONFLICT (tenant_id, id) DO NOTHING;
    END IF;
    IF cardinality(changed) > 0 THEN
        INSERT INTO contact_search
        SELECT made.*
        -- A contact may stand in two steps of a chunk.
        FROM (SELECT DISTINCT unnest(changed) AS id ORDER BY id) AS asked
        CROSS JOIN LATERAL (
            SELECT c AS contact FROM contacts AS c
            WHERE c.tenant_id = tenant AND c.id = asked.id OFFSET 0
            FOR SHARE) AS found
        CROSS JOIN LATERAL contact_search_row(found.contact) AS made
        ON CONFLICT (tenant_id, id) DO UPDATE
        SET has_email = excluded.has_email, has_phone = excluded.has_phone,
            sort_name = excluded.sort_name, sort_first_name = excluded.sort_first_name,
            sort_last_name = excluded.sort_last_name, sort_company = excluded.sort_company,
            search_text = excluded.search_text
        WHERE contact_search IS DISTINCT FROM excluded;
    END IF;
END
$$;
