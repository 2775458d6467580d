-- name: create_migrations_table
-- What the runner remembers of migrations; any role may read it, for GET /ready does.
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- name: create_objects_table
-- The same of functions, views and triggers: what they were when last applied.
CREATE TABLE IF NOT EXISTS schema_objects (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- name: grant_tables
-- The server's role is not their owner.
GRANT SELECT ON schema_migrations, schema_objects TO PUBLIC;

-- name: find_tables
-- Whether the runner was ever here.
SELECT to_regclass('schema_migrations') IS NOT NULL AND to_regclass('schema_objects') IS NOT NULL;

-- name: take_lock
-- One runner at a time in this database; held by the session.
SELECT pg_advisory_lock(5423, 1);

-- name: release_lock
-- Lets the next runner in.
SELECT pg_advisory_unlock(5423, 1);

-- name: list_migrations
-- What was applied, and what it was.
SELECT name, checksum FROM schema_migrations;

-- name: insert_migration
-- Remembers a migration, in its own transaction.
INSERT INTO schema_migrations (name, checksum) VALUES ($1, $2);

-- name: list_objects
-- The replaceable objects as they were last applied.
SELECT name, checksum FROM schema_objects;

-- name: upsert_object
-- Remembers a replaceable object.
INSERT INTO schema_objects (name, checksum) VALUES ($1, $2)
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = clock_timestamp();

-- name: delete_objects
-- Forgets objects whose files are gone.
DELETE FROM schema_objects WHERE name = ANY ($1::text[]);
