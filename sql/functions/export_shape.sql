-- What the contacts of an export have, which decides its columns: {"total", the most "emails",
-- "phones", "addresses" and "websites" of one contact, "custom": names}. `conditions` is a WHERE
-- clause; with `columns` false only the total is counted. Used by plan_export().
CREATE OR REPLACE FUNCTION export_shape(conditions text, columns boolean) RETURNS jsonb
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    shape jsonb;
    names jsonb;
BEGIN
    IF NOT columns THEN
        EXECUTE format(
            'SELECT jsonb_build_object(''total'', count(*)) FROM contacts WHERE %s', conditions)
        INTO shape;
        RETURN shape;
    END IF;
    EXECUTE format(
        'SELECT jsonb_build_object(
             ''total'', count(*),
             ''emails'', coalesce(max(jsonb_array_length(emails)), 0),
             ''phones'', coalesce(max(jsonb_array_length(phones)), 0),
             ''addresses'', coalesce(max(jsonb_array_length(addresses)), 0),
             ''websites'', coalesce(max(jsonb_array_length(websites)), 0))
         FROM contacts WHERE %s', conditions)
    INTO shape;
    EXECUTE format(
        'SELECT coalesce(jsonb_agg(name ORDER BY name COLLATE "C"), ''[]'')
         FROM (SELECT jsonb_object_keys(custom) AS name FROM contacts
               WHERE %s AND custom <> ''{}'' GROUP BY name) AS used', conditions)
    INTO names;
    RETURN shape || jsonb_build_object('custom', names);
END
$$;
