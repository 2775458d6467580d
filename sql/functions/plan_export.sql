-- How contacts are exported: how many they are, the header of a CSV, and the query whose rows are
-- the file's, for COPY by the same role in the same snapshot. `filter` is contact_conditions',
-- `format` one of csv, google, json, vcf. What a row holds beside its text for server/files to
-- finish: see export_own_columns() and export_vcard().
CREATE OR REPLACE FUNCTION plan_export(tenant text, filter jsonb, format text)
RETURNS TABLE (total bigint, header text[], query text)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    conditions text := export_conditions(tenant, filter);
    shape jsonb := export_shape(conditions, columns => format <> 'json');
    cells text;
    joined text;
BEGIN
    CASE format
        WHEN 'csv' THEN
            SELECT array_agg(heading), string_agg(cell, ', ') INTO header, cells
            FROM export_own_columns(shape);
            joined := 'string_agg(r.name, '' ::: '' ORDER BY r.name COLLATE "C")';
        WHEN 'google' THEN
            SELECT array_agg(heading), string_agg(cell, ', ') INTO header, cells
            FROM export_google_columns(shape);
            joined := 'string_agg(r.name, '' ::: '' ORDER BY r.name COLLATE "C")';
        WHEN 'json' THEN
            cells := export_json();
            joined := 'array_to_json(array_agg(r.name ORDER BY r.name COLLATE "C"))::text';
        WHEN 'vcf' THEN
            cells := export_vcard(shape);
            -- CATEGORIES is a list of vCard's; groups and types are written as in our own CSV.
            joined := 'string_agg(r.name, E''\x1c'' ORDER BY r.name COLLATE "C")';
    END CASE;
    total := (shape ->> 'total')::bigint;
    query := pg_catalog.format('SELECT %s FROM %s', cells,
                               export_rows(tenant, conditions, shape, joined));
    RETURN NEXT;
END
$$;
