-- name: count_servers
-- Other Fieldbook processes on this database: nobody restores a backup beneath them.
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND application_name LIKE 'fieldbook%'
    AND pid <> pg_backend_pid();

-- name: drop_schema
-- A restore begins with nothing, so that tables newer than the backup go too.
DROP SCHEMA public CASCADE;

-- name: create_schema
-- The schema as a new database has it.
CREATE SCHEMA public AUTHORIZATION pg_database_owner;

-- name: grant_schema
-- The same.
GRANT USAGE ON SCHEMA public TO PUBLIC;

-- name: describe_schema
-- The same, to the word, so that the next dump is as the last one.
COMMENT ON SCHEMA public IS 'standard public schema';

-- name: start_epochs
-- Begins another life of the database, after a restore: devices then sync anew, and send again
-- what they had written since the backup.
UPDATE public.global_version SET epoch = replace(gen_random_uuid()::text, '-', '');
