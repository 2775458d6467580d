-- The ids of the contacts that a filter of contact_conditions finds, `most` of them at most. As the
-- tables' owner, because LIKE and && lose their index behind row-level security; so it checks the
-- tenant itself. Used by exports.
CREATE OR REPLACE FUNCTION find_contacts(tenant text, filter jsonb, most bigint) RETURNS text[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    ids text[];
BEGIN
    IF tenant IS DISTINCT FROM current_setting('app.tenant', true) THEN
        RAISE EXCEPTION 'contacts of tenant % asked for while app.tenant is another', tenant;
    END IF;
    EXECUTE format('SELECT array_agg(id) FROM (SELECT id FROM contacts WHERE %s LIMIT %s) AS found',
                   contact_conditions(tenant, filter), most)
    INTO ids;
    RETURN coalesce(ids, '{}');
END
$$;
