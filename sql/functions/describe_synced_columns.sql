-- Comments on the columns that every synced table has, so that they are explained once. Called
-- by publish_entity(); docs/DATA_MODEL.md shows them.
CREATE OR REPLACE FUNCTION describe_synced_columns(entity_plural text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    described record;
BEGIN
    FOR described IN VALUES
        ('tenant_id', 'The company that the row belongs to.'),
        ('id', 'Made by whoever creates the row, client or server; never changes.'),
        ('version', 'Given each time the row changes visibly, in the order of commits.'),
        ('live_version', 'The version at which it last became live: created or restored.'),
        ('created_at', 'When the row was made, by the database''s clock.'),
        ('updated_at', 'When its version was given.'),
        ('created_by', 'The agent who made it; NULL when it was typed into the database.'),
        ('updated_by', 'The agent who gave it its version; NULL like created_by.'),
        ('deleted_at', 'Set on a tombstone, which keeps its hidden fields until the purge.'),
        ('stamps', '{name: {at, mutation, version, by, device, writer}} of each field changed since the creation, whose own stamp stands under "*"; `at` in microseconds since 1970. Merging decides by them.'),
        ('written_by', 'The agent of the last write; counts only in the transaction written_in.'),
        ('written_device', 'The device of the last write, if there was one.'),
        ('written_mutation', 'The mutation_id of the last write.'),
        ('written_origin', 'Where the last write came from: socket, rest, import, job or sql.'),
        ('written_in', 'The transaction that set the written_… columns. In any other one they are void, and the change counts as typed into the database.'),
        ('wire', 'The row''s JSON as it goes out, empty fields left out.'),
        ('wire_author', 'JSON of the last write''s mutation and author, for events.')
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I IS %L',
                       entity_plural, described.column1, described.column2);
    END LOOP;
END
$$;
