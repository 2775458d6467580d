-- Trigger of contacts: keeps what finds a contact by e-mail and number. For new contacts it runs
-- once a statement, for others once for each row of which one of the two changed, or that is
-- purged. As the owner: nobody else may write contact_keys.
CREATE OR REPLACE FUNCTION keep_contact_keys() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO contact_keys (tenant_id, key, contact_id)
        SELECT n.tenant_id, item ->> 'value', n.id
        FROM new_rows AS n, jsonb_array_elements(n.emails) AS item
        WHERE length(item ->> 'value') <= 320
        UNION
        SELECT n.tenant_id, item ->> 'e164', n.id
        FROM new_rows AS n, jsonb_array_elements(n.phones) AS item
        WHERE length(item ->> 'e164') <= 320;
    ELSE
        DELETE FROM contact_keys
        WHERE tenant_id = OLD.tenant_id AND contact_id = OLD.id
            AND key IN (SELECT contact_key_texts(OLD.emails, OLD.phones));
        IF TG_OP = 'UPDATE' THEN
            INSERT INTO contact_keys (tenant_id, key, contact_id)
            SELECT NEW.tenant_id, key, NEW.id
            FROM contact_key_texts(NEW.emails, NEW.phones) AS key;
        END IF;
    END IF;
    RETURN NULL;
END
$$;
