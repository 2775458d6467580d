-- The parts of the lists of an export's contacts, one row each, in the order of columns: of which
-- list, the how manieth item, which part, and the column of export_rows() that holds it. Used by
-- exports.
CREATE OR REPLACE FUNCTION export_items(shape jsonb)
RETURNS TABLE (list text, item integer, part text, name text, place bigint)
LANGUAGE sql IMMUTABLE
AS $$
    SELECT lists.list, item, part, format('%s_%s_%s', lists.list, item, part),
           row_number() OVER (ORDER BY lists.place, item, parts.place)
    FROM unnest('{emails,phones,addresses,websites}'::text[]) WITH ORDINALITY AS lists (list, place),
         generate_series(1, (shape ->> lists.list)::integer) AS item,
         unnest(CASE WHEN lists.list = 'addresses'
                     THEN '{label,street,city,region,postal_code,country}'::text[]
                     ELSE '{value,label}' END) WITH ORDINALITY AS parts (part, place)
$$;
