-- The rows of an export as the text of a FROM clause: contacts as `c`, with the parts of their
-- lists (emails_1_value, …), texts of custom (custom_1, …) and consents (preference_email, …) as
-- columns of their own; their owners as `a`; and export_names'. `conditions` is a WHERE clause,
-- `shape` what export_shape gives. Used by plan_export().
--
-- Each part is taken out of its JSON once. For that the planner must not merge the selects, which
-- would repeat an expression wherever it is used: the volatile columns keep them apart. OFFSET 0
-- would too, but forbids parallel workers.
CREATE OR REPLACE FUNCTION export_rows(
    tenant text, conditions text, shape jsonb, joined text
) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT format(
        '(SELECT *, clock_timestamp() AS apart_2,
                 preferences ->> ''email'' AS preference_email,
                 preferences ->> ''phone'' AS preference_phone,
                 preferences ->> ''sms'' AS preference_sms %3$s %4$s
          FROM (SELECT clock_timestamp() AS apart_1, id, external_id, first_name, last_name,
                       display_name, company, department, job_title, emails, phones, addresses,
                       websites, birthday, notes, custom, preferences, tag_ids, group_ids, type_ids,
                       owner_id, active, created_at, updated_at, deleted_at, wire %2$s
                FROM contacts WHERE %1$s) AS listed) AS c
         LEFT JOIN agents AS a ON a.tenant_id = %5$L AND a.id = c.owner_id
         %6$s',
        conditions,
        (SELECT string_agg(format(', %1$s -> %2$s AS %1$s_%3$s', list, item - 1, item), '')
         FROM (SELECT DISTINCT list, item FROM export_items(shape)) AS items),
        (SELECT string_agg(format(', %s_%s ->> %L AS %s', list, item, part, name), '')
         FROM export_items(shape)),
        (SELECT string_agg(format(', custom ->> %L AS custom_%s', name, place), '')
         FROM jsonb_array_elements_text(shape -> 'custom') WITH ORDINALITY AS names (name, place)),
        tenant,
        export_names(tenant, conditions, joined))
$$;
