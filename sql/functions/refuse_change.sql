-- Statement trigger where a statement is not allowed at all: TRUNCATE of a synced table, which
-- devices would never learn of, and any change of the history.
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% of % is not allowed: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0];
END
$$;
