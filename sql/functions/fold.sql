-- Text as search compares it: capitals and accents aside. Used by the contacts' trigger and by the
-- search. STABLE, as unaccent() is, so that it can be inlined.
CREATE OR REPLACE FUNCTION fold(value text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, value)) $$;
