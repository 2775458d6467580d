-- Live contacts that share an e-mail or a number (E.164) with a new one, at most ten. Asked on
-- create where the tenant wants duplicates warned of or refused.
CREATE OR REPLACE FUNCTION find_duplicate_contacts(tenant text, addresses text[], numbers text[])
RETURNS SETOF text
LANGUAGE sql STABLE
AS $$
    -- Named in full: contacts have a column of this name.
    SELECT DISTINCT k.contact_id
    FROM contact_keys AS k
    JOIN contacts AS c ON c.tenant_id = k.tenant_id AND c.id = k.contact_id
    WHERE k.tenant_id = tenant AND k.key = ANY (find_duplicate_contacts.addresses || numbers) AND c.deleted_at IS NULL
    ORDER BY k.contact_id LIMIT 10
$$;
