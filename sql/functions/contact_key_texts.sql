-- By what a contact is found besides its id and external id: its e-mails and its numbers in E.164.
-- Used by keep_contact_keys().
CREATE OR REPLACE FUNCTION contact_key_texts(emails jsonb, phones jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT item ->> 'value' FROM jsonb_array_elements(emails) AS item
    WHERE item ->> 'value' IS NOT NULL  -- psql may leave it out
    UNION
    SELECT item ->> 'e164' FROM jsonb_array_elements(phones) AS item
    WHERE item ->> 'e164' IS NOT NULL
$$;
