-- The next version. Only meaningful under the tenant's lock: drawn there, versions become
-- visible in the order in which they were given. Used by update_row_timestamp().
CREATE OR REPLACE FUNCTION get_next_version() RETURNS bigint
LANGUAGE sql VOLATILE
AS $$ SELECT nextval('version_sequence') $$;
