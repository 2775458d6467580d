-- Text as search compares it: capitals and accents aside. IMMUTABLE, as the dictionary is named
-- and ships with the database. Used by the contacts' trigger and by the search.
CREATE OR REPLACE FUNCTION fold(value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, value)) $$;
