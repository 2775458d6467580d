-- The columns of Google's CSV of contacts, in order: what stands above each, and the expression of
-- its cells over export_rows(). What Google has no place for stands in custom fields whose labels
-- server/files knows; each has columns of its own, filled where a contact has it. A row ends with
-- the character 1E. Used by plan_export().
CREATE OR REPLACE FUNCTION export_google_columns(shape jsonb)
RETURNS TABLE (heading text, cell text)
LANGUAGE sql IMMUTABLE
AS $$
    WITH customs AS (
        SELECT place, 'Fieldbook ' || name AS label, value
        FROM (VALUES
            (1, 'id', 'c.id'), (2, 'external_id', 'c.external_id'), (3, 'groups', 'names.groups'),
            (4, 'types', 'names.types'), (5, 'owner', 'a.code'),
            (6, 'active', 'CASE WHEN NOT c.active THEN ''false'' END'),
            (7, 'preferences.email', 'c.preference_email'),
            (8, 'preferences.phone', 'c.preference_phone'),
            (9, 'preferences.sms', 'c.preference_sms')
        ) AS ours (place, name, value)
        UNION ALL
        SELECT 9 + place, name, format('c.custom_%s', place)
        FROM jsonb_array_elements_text(shape -> 'custom') WITH ORDINALITY AS names (name, place)
    ), address_parts AS (
        SELECT * FROM (VALUES
            (1, 'Label', 'label'), (2, 'Formatted', NULL), (3, 'Street', 'street'),
            (4, 'City', 'city'), (5, 'PO Box', NULL), (6, 'Region', 'region'),
            (7, 'Postal Code', 'postal_code'), (8, 'Country', 'country'),
            (9, 'Extended Address', NULL)
        ) AS parts (place, heading, part)
    )
    SELECT heading, cell
    FROM (
        SELECT 1 AS section, 0 AS item, place, heading,
               CASE WHEN field IS NULL THEN 'NULL' ELSE export_cell('c.' || field) END AS cell
        FROM (VALUES
            (1, 'First Name', 'first_name'), (2, 'Middle Name', NULL),
            (3, 'Last Name', 'last_name'), (4, 'Phonetic First Name', NULL),
            (5, 'Phonetic Middle Name', NULL), (6, 'Phonetic Last Name', NULL),
            (7, 'Name Prefix', NULL), (8, 'Name Suffix', NULL), (9, 'Nickname', NULL),
            (10, 'File As', NULL), (11, 'Organization Name', 'company'),
            (12, 'Organization Title', 'job_title'),
            (13, 'Organization Department', 'department'), (14, 'Birthday', 'birthday'),
            (15, 'Notes', 'notes'), (16, 'Photo', NULL)
        ) AS fields (place, heading, field)
        UNION ALL
        SELECT 2, 0, 1, 'Labels',
               'CASE WHEN names.tags IS NULL THEN ''* myContacts''
                     ELSE guard_cell(names.tags || '' ::: * myContacts'') END'
        UNION ALL
        SELECT CASE list WHEN 'emails' THEN 3 WHEN 'phones' THEN 4 ELSE 6 END, item,
               CASE part WHEN 'label' THEN 1 ELSE 2 END,
               format('%s %s - %s',
                      CASE list WHEN 'emails' THEN 'E-mail' WHEN 'phones' THEN 'Phone' ELSE 'Website' END,
                      item, initcap(part)),
               export_cell('c.' || name)
        FROM export_items(shape) WHERE list <> 'addresses'
        UNION ALL
        SELECT 5, item, place, format('Address %s - %s', item, heading),
               CASE WHEN part IS NOT NULL THEN export_cell(format('c.addresses_%s_%s', item, part))
                    WHEN heading = 'Formatted' THEN format(
                        'guard_cell(NULLIF(concat_ws(E''\n'', %1$s_street,
                         NULLIF(concat_ws('' '', %1$s_postal_code, %1$s_city), ''''),
                         %1$s_region, %1$s_country), ''''))', 'c.addresses_' || item)
                    ELSE 'NULL' END
        FROM generate_series(1, (shape ->> 'addresses')::integer) AS item, address_parts
        UNION ALL
        SELECT 7, place::integer, 1, format('Custom Field %s - Label', place),
               format('CASE WHEN %s IS NOT NULL THEN %L END', value, guard_cell(label))
        FROM customs
        UNION ALL
        SELECT 7, place::integer, 2, format('Custom Field %s - Value', place),
               CASE WHEN place < max(place) OVER () THEN export_cell(value)
                    ELSE format('concat(%s, %L)', export_cell(value), E'\x1e') END
        FROM customs
    ) AS columns
    ORDER BY section, item, place
$$;
