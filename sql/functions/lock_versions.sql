-- Takes the lock under which versions are given, until the end of the transaction. A statement
-- trigger sees no row, so the lock is two: with app.tenant set, shared on "all" and exclusive on
-- that tenant; without it (psql), exclusive on "all". The write path calls this alone, as its
-- first statement: what it reads next is then what the writer before it left.
CREATE OR REPLACE FUNCTION lock_versions() RETURNS void
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    tenant text := NULLIF(current_setting('app.tenant', true), '');
BEGIN
    IF tenant IS NULL THEN
        PERFORM pg_advisory_xact_lock(7201, 0);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(7201, 0);
        PERFORM pg_advisory_xact_lock(7202, hashtext(tenant));
    END IF;
END
$$;
