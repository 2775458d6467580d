-- What contact_search holds of a contact: see contact_search_text(), and the keys of lists. Their first
-- 200 characters decide: an order by more would not help anybody. Used by keep_contact_search() and
-- refresh_contact_search(), into which it is inlined.
CREATE OR REPLACE FUNCTION contact_search_row(contact contacts) RETURNS SETOF contact_search
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT contact.tenant_id, contact.id, (extract(epoch FROM contact.created_at) * 1000000)::bigint,
           contact.emails <> '[]', contact.phones <> '[]', contact.sort_name,
           left(fold(coalesce(contact.first_name, '')), 200),
           left(fold(coalesce(contact.last_name, '')), 200),
           left(fold(coalesce(contact.company, '')), 200),
           contact_search_text(contact)
$$;
