-- The column of contacts that holds ids of an entity: tag_ids of tags.
CREATE OR REPLACE FUNCTION reference_column(plural text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$ SELECT regexp_replace(plural, 's$', '_ids') $$;
