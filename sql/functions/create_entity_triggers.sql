-- Gives a synced table the triggers that all of them have. Called by each entity's trigger file,
-- which makes derive_…_columns() before: it writes the entity's own fields as JSON. Triggers of one
-- moment fire in the order of their names, so derive_… comes before update_…, which needs it.
CREATE OR REPLACE FUNCTION create_entity_triggers(entity text, entity_plural text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    definition text;
BEGIN
    FOREACH definition IN ARRAY ARRAY[
        -- Takes the tenant's lock before any row is touched: versions follow the order of commits.
        'lock_%2$s BEFORE INSERT OR UPDATE OR DELETE ON %2$s
            FOR EACH STATEMENT EXECUTE FUNCTION take_version_lock()',
        -- The fields' JSON and what is computed from them.
        'derive_%1$s_columns BEFORE INSERT OR UPDATE ON %2$s
            FOR EACH ROW EXECUTE FUNCTION derive_%1$s_columns()',
        -- Version, times, author, stamps, and the row as it goes out.
        'update_%1$s_timestamp BEFORE INSERT OR UPDATE ON %2$s
            FOR EACH ROW EXECUTE FUNCTION update_row_timestamp()',
        -- A DELETE leaves a tombstone.
        'keep_%1$s_tombstone BEFORE DELETE ON %2$s
            FOR EACH ROW EXECUTE FUNCTION keep_tombstone()',
        -- Devices would never learn of a TRUNCATE.
        'refuse_%1$s_truncate BEFORE TRUNCATE ON %2$s
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(''use DELETE, which devices learn of'')',
        -- The head, the checksum and NOTIFY.
        'keep_head_of_inserted_%2$s AFTER INSERT ON %2$s
            REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION keep_head()',
        'keep_head_of_updated_%2$s AFTER UPDATE ON %2$s
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION keep_head()',
        -- The history.
        'log_inserted_%1$s_change AFTER INSERT ON %2$s
            REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION log_row_change(%1$s)',
        'log_updated_%1$s_change AFTER UPDATE ON %2$s
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION log_row_change(%1$s)'
    ] LOOP
        EXECUTE 'CREATE OR REPLACE TRIGGER ' || format(definition, entity, entity_plural);
    END LOOP;
END
$$;
