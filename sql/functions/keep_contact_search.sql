-- Trigger of contacts: keeps the text that search looks through. For new contacts it runs once a
-- statement, for changed ones once for each row of which a searched field changed, for purged ones
-- once for each. As the owner: nobody else may write contact_search. A bulk job, which sets
-- app.search_later, does it by itself after the chunk: see refresh_contact_search().
CREATE OR REPLACE FUNCTION keep_contact_search() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND current_setting('app.search_later', true) = 'on' THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO contact_search (tenant_id, id, search_text)
        SELECT n.tenant_id, n.id, contact_search_text(n::contacts) FROM new_rows AS n;
    ELSIF TG_OP = 'DELETE' THEN
        DELETE FROM contact_search WHERE tenant_id = OLD.tenant_id AND id = OLD.id;
    ELSE
        -- Of a contact that a bulk job has just made, it may not be there yet.
        INSERT INTO contact_search (tenant_id, id, search_text)
        VALUES (NEW.tenant_id, NEW.id, contact_search_text(NEW))
        ON CONFLICT (tenant_id, id) DO UPDATE SET search_text = excluded.search_text;
    END IF;
    RETURN NULL;
END
$$;
