-- A contact as a vCard 3.0, as the text of an expression over export_rows(). What vCard has no
-- property for stands in X-FIELDBOOK-…, which server/files reads. Nothing is escaped or folded:
-- server/files does that, at a tenth of the cost. So that it can tell a value's characters from the
-- card's own, those are marks: 1E ends a line, 1D stands for ; and 1C for a comma. The parts are
-- joined as an array, since a call has no more than 100 arguments. Used by plan_export().
CREATE OR REPLACE FUNCTION export_vcard(shape jsonb) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    WITH items AS (
        SELECT string_agg(format('vcard_line(%L, %s_label, %L, %s)', property, item, place, value), ', '
                          ORDER BY place) AS lines
        FROM (
            SELECT row_number() OVER (ORDER BY number, item) AS place, property,
                   format('c.%s_%s', list, item) AS item,
                   replace(value, '@', format('c.%s_%s', list, item)) AS value
            FROM (VALUES
                (1, 'emails', 'EMAIL', '@_value'),
                (2, 'phones', 'TEL', '@_value'),
                (3, 'addresses', 'ADR',
                 'CASE WHEN @ IS NOT NULL THEN concat(E''\x1d\x1d'', @_street, E''\x1d'', @_city,
                      E''\x1d'', @_region, E''\x1d'', @_postal_code, E''\x1d'', @_country) END'),
                (4, 'websites', 'URL', '@_value')
            ) AS kinds (number, list, property, value),
            generate_series(1, (shape ->> list)::integer) AS item
        ) AS items
    ), texts AS (
        SELECT string_agg(format('%L || %s || E''\x1e''', property || ':', value), ', '
                          ORDER BY place) AS lines
        FROM (VALUES
            -- Without a year it is written as Google does; the standard has no way to.
            (1, 'BDAY', 'regexp_replace(c.birthday, ''^--(\d\d)-'', ''--\1'')'),
            (2, 'NOTE', 'NULLIF(c.notes, '''')'),
            (3, 'CATEGORIES', 'names.tags'),
            (4, 'X-FIELDBOOK-EXTERNAL-ID', 'NULLIF(c.external_id, '''')'),
            (5, 'X-FIELDBOOK-GROUPS', 'replace(names.groups, E''\x1c'', '' ::: '')'),
            (6, 'X-FIELDBOOK-TYPES', 'replace(names.types, E''\x1c'', '' ::: '')'),
            (7, 'X-FIELDBOOK-OWNER', 'a.code'),
            -- Always there: it says that the card is ours, and its UID the contact's id.
            (8, 'X-FIELDBOOK-ACTIVE', 'CASE WHEN c.active THEN ''true'' ELSE ''false'' END'),
            (9, 'X-FIELDBOOK-PREFERENCES-EMAIL', 'c.preference_email'),
            (10, 'X-FIELDBOOK-PREFERENCES-PHONE', 'c.preference_phone'),
            (11, 'X-FIELDBOOK-PREFERENCES-SMS', 'c.preference_sms'),
            (12, 'REV', 'replace(date_trunc(''second'', timezone(''UTC'', c.updated_at))::text, '' '', ''T'') || ''Z''')
        ) AS properties (place, property, value)
    ), customs AS (
        SELECT string_agg(format(
            'CASE WHEN c.custom_%1$s IS NOT NULL THEN
                %2$L || E''\x1d'' || export_custom_value(c.custom -> %3$L) || E''\x1e'' END',
            place, 'X-FIELDBOOK-CUSTOM:' || name, name), ', ' ORDER BY place) AS lines
        FROM jsonb_array_elements_text(shape -> 'custom') WITH ORDINALITY AS names (name, place)
    )
    SELECT format(
        'array_to_string(ARRAY[E''BEGIN:VCARD\x1eVERSION:3.0\x1eUID:'', c.id,
            E''\x1eFN:'', coalesce(c.display_name, c.id),
            E''\x1eN:'', c.last_name, E''\x1d'', c.first_name, E''\x1d\x1d\x1d\x1e'',
            CASE WHEN c.company <> '''' OR c.department <> '''' THEN
                concat(''ORG:'', c.company, E''\x1d'' || NULLIF(c.department, ''''), E''\x1e'') END,
            ''TITLE:'' || NULLIF(c.job_title, '''') || E''\x1e'',
            %s, E''END:VCARD\x1e''], '''')', concat_ws(', ', items.lines, texts.lines, customs.lines))
    FROM items, texts, customs
$$;
