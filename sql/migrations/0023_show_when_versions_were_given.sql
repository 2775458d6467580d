-- The view synced_rows shows when each version was given, for the purge judges age by it: the
-- trigger files, which a migration has applied again, make it anew.
COMMENT ON COLUMN global_version.floor IS 'The highest version of a purged tombstone: cursors below it must sync from 0.';
COMMENT ON COLUMN global_version.epoch IS 'Names this life of the database. `python -m server restore` gives a new one.';
