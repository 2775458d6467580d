-- Trigger of contacts: keeps what search looks through and lists are sorted by. For new contacts it
-- runs once a statement, for changed ones once for each row of which a searched field changed, for
-- purged ones once for each. As the owner: nobody else may write contact_search. A bulk job, which
-- sets app.search_later, does it by itself after the chunk: see refresh_contact_search().
CREATE OR REPLACE FUNCTION keep_contact_search() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND current_setting('app.search_later', true) = 'on' THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO contact_search
        SELECT made.* FROM new_rows AS n CROSS JOIN LATERAL contact_search_row(n::contacts) AS made;
    ELSIF TG_OP = 'DELETE' THEN
        DELETE FROM contact_search WHERE tenant_id = OLD.tenant_id AND id = OLD.id;
    ELSE
        -- Of a contact that a bulk job has just made, it may not be there yet.
        INSERT INTO contact_search SELECT * FROM contact_search_row(NEW)
        ON CONFLICT (tenant_id, id) DO UPDATE
        SET has_email = excluded.has_email, has_phone = excluded.has_phone,
            sort_name = excluded.sort_name, sort_first_name = excluded.sort_first_name,
            sort_last_name = excluded.sort_last_name, sort_company = excluded.sort_company,
            search_text = excluded.search_text;
    END IF;
    RETURN NULL;
END
$$;
