-- Enters a table among the synced entities and makes the view synced_rows anew over all of them.
-- Called once at the end of each entity's trigger file. Pages, catch-ups and the feed read
-- nothing but this view, so an entity that stands in it is synced.
CREATE OR REPLACE FUNCTION publish_entity(entity_plural text) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    branches text;
BEGIN
    INSERT INTO synced_entities (plural) VALUES (entity_plural) ON CONFLICT DO NOTHING;
    PERFORM describe_synced_columns(entity_plural);
    SELECT string_agg(format(
        'SELECT tenant_id, version, %L::text AS plural, id, live_version, deleted_at,
                CASE WHEN deleted_at IS NULL THEN wire
                     ELSE render_tombstone(id, version, deleted_at) END AS wire,
                wire_author, updated_at
         FROM %I', plural, plural), ' UNION ALL ' ORDER BY plural)
    INTO branches FROM synced_entities;
    EXECUTE 'CREATE OR REPLACE VIEW synced_rows WITH (security_invoker = true) AS ' || branches;
    EXECUTE 'COMMENT ON VIEW synced_rows IS ''Every row that reaches devices, tombstones too, as it goes out. Made by publish_entity().''';
    GRANT SELECT ON synced_rows TO fieldbook_server;
END
$$;
