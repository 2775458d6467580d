-- Live contacts that share an e-mail or a number (E.164) with a new one, at most ten. As the
-- owner, because LIKE loses the search index behind row-level security; so it checks the tenant
-- itself. Asked on create where the tenant wants duplicates warned of or refused.
CREATE OR REPLACE FUNCTION find_duplicate_contacts(tenant text, addresses text[], numbers text[])
RETURNS SETOF text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT id
    FROM contacts
    WHERE tenant_id = tenant AND tenant = current_setting('app.tenant', true)
        AND deleted_at IS NULL
        AND id IN (
            SELECT s.id
            -- Named in full: contacts have a column of this name.
            FROM unnest(find_duplicate_contacts.addresses || numbers) AS value
            JOIN contact_search AS s
                ON s.tenant_id = tenant AND s.search_text LIKE contains_pattern(value))
        AND (EXISTS (SELECT FROM jsonb_array_elements(emails) AS e
                     WHERE e ->> 'value' = ANY (find_duplicate_contacts.addresses))
             OR EXISTS (SELECT FROM jsonb_array_elements(phones) AS p
                        WHERE p ->> 'e164' = ANY (numbers)))
    ORDER BY id LIMIT 10
$$;
