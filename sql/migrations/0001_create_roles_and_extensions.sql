-- Search by any part of a word, accents aside.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS unaccent;
-- Lets the search index lead with the tenant.
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- The role that every connection of the server takes by SET ROLE: it owns nothing and may not
-- bypass row-level security. Roles belong to the whole cluster, so another database may have
-- made it already, even at this moment.
DO $$
BEGIN
    CREATE ROLE fieldbook_server NOLOGIN NOBYPASSRLS;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$;

-- Without membership the owner could not SET ROLE; a superuser does not need it.
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'fieldbook_server', 'MEMBER') THEN
        GRANT fieldbook_server TO CURRENT_USER;
    END IF;
END
$$;
