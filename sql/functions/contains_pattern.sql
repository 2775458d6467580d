-- The LIKE pattern for texts that hold this one, folded as search compares them. What LIKE takes
-- for a wildcard is escaped last, as folding may make one of a wide character.
CREATE OR REPLACE FUNCTION contains_pattern(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT '%' || regexp_replace(fold(value), '([\\%_])', '\\\1', 'g') || '%' $$;
