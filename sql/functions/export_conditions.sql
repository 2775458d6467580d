-- Which contacts an export holds, as the text of a WHERE clause for the server's role. What an
-- index finds is found by page_contact_ids, once, and named by its ids; where that is too much for a
-- query's text, or no index helps, all contacts are looked through. Used by plan_export().
CREATE OR REPLACE FUNCTION export_conditions(tenant text, filter jsonb) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    most constant integer := 10000;
    ids text[];
BEGIN
    IF filter ?| '{words,company,tag,group,type}' THEN
        ids := ARRAY(SELECT page_contact_ids(tenant, filter, '', most + 1));
        IF cardinality(ids) <= most THEN
            RETURN format('tenant_id = %L AND id = ANY (%L)', tenant, ids);
        END IF;
    END IF;
    RETURN contact_conditions(tenant, filter);
END
$$;
