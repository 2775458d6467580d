-- The part of a filter that contact_search answers, as the text of a WHERE clause on it: words and
-- company, each of which a contact's text must hold somewhere, has_email and has_phone. Used by
-- contact_conditions() and list_contacts().
CREATE OR REPLACE FUNCTION search_conditions(tenant text, filter jsonb) RETURNS text
LANGUAGE sql STABLE
AS $$
    SELECT concat_ws(' AND ',
        format('tenant_id = %L', tenant),
        (SELECT string_agg(format('search_text LIKE %L', contains_pattern(part)), ' AND ')
         FROM (SELECT jsonb_array_elements_text(filter -> 'words')
               UNION ALL SELECT filter ->> 'company' WHERE filter ? 'company') AS parts (part)),
        CASE WHEN filter ? 'has_email' THEN format('has_email = %L', filter ->> 'has_email') END,
        CASE WHEN filter ? 'has_phone' THEN format('has_phone = %L', filter ->> 'has_phone') END)
$$;
