-- What search looks through of a contact: names, company, e-mails, and phones as they were typed,
-- as digits and in E.164; without capitals and accents. Used by keep_contact_search().
CREATE OR REPLACE FUNCTION contact_search_text(contact contacts) RETURNS text
LANGUAGE sql STABLE
AS $$
    -- Nothing but an expression, so that it is inlined, which costs less than what is done twice.
    -- Digits of one phone stay together and apart from the next: the quotes between them stay.
    SELECT fold(concat_ws(' ',
        contact.first_name, contact.last_name, contact.company,
        jsonb_path_query_array(contact.emails, '$[*].value')::text,
        jsonb_path_query_array(contact.phones, '$[*].value')::text,
        regexp_replace(jsonb_path_query_array(contact.phones, '$[*].value')::text,
                       '[^0-9"]', '', 'g'),
        jsonb_path_query_array(contact.phones, '$[*].e164')::text))
$$;
