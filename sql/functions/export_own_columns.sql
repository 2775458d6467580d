-- The columns of our own CSV, in order: what stands above each, a field's path, and the expression
-- of its cells over export_rows(). A row ends with the character 1E, by which server/files tells its
-- end from a newline in a cell. Used by plan_export().
CREATE OR REPLACE FUNCTION export_own_columns(shape jsonb)
RETURNS TABLE (heading text, cell text)
LANGUAGE sql IMMUTABLE
AS $$
    SELECT heading, cell
    FROM (
        SELECT 1 AS section, place, name AS heading, export_cell('c.' || name) AS cell
        FROM unnest('{id,external_id,first_name,last_name,company,department,job_title}'::text[])
            WITH ORDINALITY AS fields (name, place)
        UNION ALL
        SELECT 2, place, format('%s.%s.%s', list, item, part), export_cell('c.' || name)
        FROM export_items(shape)
        UNION ALL
        SELECT 3, place, heading, cell
        FROM (VALUES
            (1, 'birthday', export_cell('c.birthday')),
            (2, 'notes', export_cell('c.notes')),
            (3, 'tags', export_cell('names.tags')),
            (4, 'groups', export_cell('names.groups')),
            (5, 'types', export_cell('names.types')),
            (6, 'owner', export_cell('a.code')),
            (7, 'active', 'CASE WHEN c.active THEN ''true'' ELSE ''false'' END'),
            (8, 'preferences.email', export_cell('c.preference_email')),
            (9, 'preferences.phone', export_cell('c.preference_phone')),
            (10, 'preferences.sms', export_cell('c.preference_sms'))
        ) AS fields (place, heading, cell)
        UNION ALL
        -- All that export_custom_value changes begins below A, but for three words.
        SELECT 4, place, 'custom.' || name, format(
            'CASE WHEN c.custom_%1$s < ''A'' COLLATE "C" OR c.custom_%1$s IN (''true'', ''false'', ''null'')
                  THEN guard_cell(export_custom_value(c.custom -> %2$L)) ELSE c.custom_%1$s END',
            place, name)
        FROM jsonb_array_elements_text(shape -> 'custom') WITH ORDINALITY AS names (name, place)
        UNION ALL
        -- rfc3339() would take two fifths of the whole export.
        SELECT 5, place, heading, format(
            'replace(date_trunc(''milliseconds'', timezone(''UTC'', c.%s))::text, '' '', ''T'') || %L',
            heading, mark)
        FROM (VALUES (1, 'created_at', 'Z'), (2, 'updated_at', E'Z\x1e'))
            AS fields (place, heading, mark)
    ) AS columns
    ORDER BY section, place
$$;
