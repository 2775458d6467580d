-- The next contacts that a filter holds, in the order of their ids: what a bulk edit goes through, and
-- an export. As the owner, because LIKE and && lose their index behind row-level security; so it
-- checks the tenant itself. The filter is contact_conditions'.
CREATE OR REPLACE FUNCTION page_contact_ids(tenant text, filter jsonb, after text, most integer)
RETURNS SETOF text
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF tenant IS DISTINCT FROM current_setting('app.tenant', true) THEN
        RAISE EXCEPTION 'contacts of tenant % asked for while app.tenant is another', tenant;
    END IF;
    RETURN QUERY EXECUTE format('SELECT id FROM contacts WHERE %s AND id > %L ORDER BY id LIMIT %s',
                                contact_conditions(tenant, filter), after, most);
END
$$;
