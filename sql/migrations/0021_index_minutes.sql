-- Since when a device is behind: the last minute whose head it still had.
CREATE INDEX sync_log_minutes ON sync_log (tenant_id, until, started) WHERE kind = 'minute';

COMMENT ON COLUMN sync_log.id IS 'A nanoid; the minute''s own row is named by its time.';
COMMENT ON COLUMN sync_log.until IS 'The version that it came to; in the minute''s row, the head.';
COMMENT ON COLUMN devices.last_sync IS 'When it last had everything, but for the last minute''s changes.';
