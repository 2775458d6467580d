-- The audit log is filtered by a field: the days on which it changed are known without an index of the
-- history's JSON, which every write would pay for.
ALTER TABLE daily_statistics ADD COLUMN fields jsonb;
COMMENT ON COLUMN daily_statistics.fields IS 'The fields that anything changed on it, by the history''s names; NULL where that was not noted.';
