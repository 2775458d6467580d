-- What happened on each day, kept once the day is over: the statistics of a year need not read a year's
-- history, and know what devices did when their log is purged.
CREATE TABLE daily_statistics (
    tenant_id           text COLLATE "C" NOT NULL REFERENCES tenants,
    day                 date NOT NULL,
    created             bigint NOT NULL,
    updated             bigint NOT NULL,
    deleted             bigint NOT NULL,
    restored            bigint NOT NULL,
    agents              jsonb NOT NULL,
    connections         bigint NOT NULL,
    syncs               bigint NOT NULL,
    pushes              bigint NOT NULL,
    failures            bigint NOT NULL,
    refused             bigint NOT NULL,
    rows                bigint NOT NULL,
    bytes               bigint NOT NULL,
    median_sync_ms      bigint,
    most_devices_online integer NOT NULL,
    greatest_lag        bigint NOT NULL,
    PRIMARY KEY (tenant_id, day)
);
ALTER TABLE daily_statistics ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON daily_statistics USING (tenant_id = current_setting('app.tenant', true));
GRANT SELECT, INSERT ON daily_statistics TO fieldbook_server;

COMMENT ON TABLE daily_statistics IS 'What happened on each day (UTC) that has been over for a day: see summarise_days(). No day between the first and the last is missing.';
COMMENT ON COLUMN daily_statistics.tenant_id IS 'The tenant.';
COMMENT ON COLUMN daily_statistics.day IS 'The day.';
COMMENT ON COLUMN daily_statistics.created IS 'Contacts created.';
COMMENT ON COLUMN daily_statistics.updated IS 'Updates of contacts.';
COMMENT ON COLUMN daily_statistics.deleted IS 'Contacts deleted.';
COMMENT ON COLUMN daily_statistics.restored IS 'Contacts brought back.';
COMMENT ON COLUMN daily_statistics.agents IS '[{agent, changes}]: whose changes these were, the busiest first.';
COMMENT ON COLUMN daily_statistics.connections IS 'Connections of devices.';
COMMENT ON COLUMN daily_statistics.syncs IS 'Syncs.';
COMMENT ON COLUMN daily_statistics.pushes IS 'Pushes.';
COMMENT ON COLUMN daily_statistics.failures IS 'Syncs and pushes that failed.';
COMMENT ON COLUMN daily_statistics.refused IS 'Events that were refused.';
COMMENT ON COLUMN daily_statistics.rows IS 'Rows sent by syncs.';
COMMENT ON COLUMN daily_statistics.bytes IS 'Bytes of the rows sent.';
COMMENT ON COLUMN daily_statistics.median_sync_ms IS 'The median time of a sync, where there was one.';
COMMENT ON COLUMN daily_statistics.most_devices_online IS 'The most devices that were online in one minute.';
COMMENT ON COLUMN daily_statistics.greatest_lag IS 'The most versions by which one of them was behind.';
