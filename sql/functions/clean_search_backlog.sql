-- Empties the list of entries that the search index has put off. As the owner, who alone may.
-- Called outside of the tenant's lock: by a server after some writes, by a bulk job at its end.
CREATE OR REPLACE FUNCTION clean_search_backlog() RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$ SELECT gin_clean_pending_list('contacts_search') $$;
