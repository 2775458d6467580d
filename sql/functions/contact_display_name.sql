-- The name to show of a contact: first and last name, else company, else the first e-mail, else the
-- first phone. Used by the contacts' trigger, and for contacts of which only the history is left.
CREATE OR REPLACE FUNCTION contact_display_name(
    first_name text, last_name text, company text, emails jsonb, phones jsonb
) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT coalesce(
        NULLIF(concat_ws(' ', NULLIF(first_name, ''), NULLIF(last_name, '')), ''),
        NULLIF(company, ''),
        emails -> 0 ->> 'value',
        phones -> 0 ->> 'value')
$$;
