-- By what a contact is found besides its id and external id: its e-mails and its numbers in E.164.
-- psql may leave one out, or write one so long that no index would take it. Used by
-- keep_contact_keys().
CREATE OR REPLACE FUNCTION contact_key_texts(emails jsonb, phones jsonb) RETURNS SETOF text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT item ->> 'value' FROM jsonb_array_elements(emails) AS item
    WHERE length(item ->> 'value') <= 320
    UNION
    SELECT item ->> 'e164' FROM jsonb_array_elements(phones) AS item
    WHERE length(item ->> 'e164') <= 320
$$;
