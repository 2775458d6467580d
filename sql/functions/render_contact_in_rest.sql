-- A contact's JSON as REST's lists give it: with the first e-mail and phone by themselves, and
-- for a deleted one when that was. services/rows.py adds the same to a single contact.
CREATE OR REPLACE FUNCTION render_contact_in_rest(
    wire text, emails jsonb, phones jsonb, deleted_at timestamptz
) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT left(wire, -1)
        || coalesce(',"email":' || (emails -> 0 -> 'value')::text, '')
        || coalesce(',"phone":' || (phones -> 0 -> 'value')::text, '')
        || coalesce(',"deleted_at":"' || rfc3339(deleted_at) || '"', '') || '}'
$$;
