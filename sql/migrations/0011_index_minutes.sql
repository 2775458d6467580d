-- A minute's row keeps the tenant's head in `until`: since when a device is behind is then asked
-- of one index, as the last minute whose head the device still had.
CREATE INDEX sync_log_minutes ON sync_log (tenant_id, until, started) WHERE kind = 'minute';

COMMENT ON TABLE pgqueuer IS 'Jobs that wait or run (pgqueuer).';
COMMENT ON TABLE pgqueuer_log IS 'What became of each job (pgqueuer).';
COMMENT ON TABLE pgqueuer_schedules IS 'What runs at fixed times, and when next (pgqueuer).';
COMMENT ON TABLE pgqueuer_statistics IS 'How many jobs ended how, by second (pgqueuer).';
