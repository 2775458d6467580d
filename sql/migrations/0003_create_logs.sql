-- The ledger: one row for each mutation, written in the transaction of its effects, so that a
-- mutation sent again is answered and not applied again. `source` is the device, or
-- 'agent:<id>' where there is none. `stamp` is in microseconds since 1970.
CREATE TABLE mutations (
    tenant_id   text COLLATE "C" NOT NULL REFERENCES tenants,
    source      text COLLATE "C" NOT NULL,
    mutation_id text COLLATE "C" NOT NULL,
    body_hash   bytea NOT NULL,
    stamp       bigint NOT NULL,
    op          text NOT NULL,
    entity      text NOT NULL,
    entity_id   text COLLATE "C" NOT NULL,
    outcome     text NOT NULL
                CHECK (outcome IN ('applied', 'merged', 'superseded', 'gone', 'forbidden')),
    version     bigint,
    conflicts   jsonb NOT NULL DEFAULT '[]',
    lost        jsonb,
    agent_id    text,
    device_id   text,
    origin      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, source, mutation_id)
);
-- The write path asks for a device's previous stamp; the purge for what is old.
CREATE INDEX mutations_stamp ON mutations (tenant_id, source, stamp);

-- The history. Written by triggers alone, never changed. `before` and `after` hold the changed
-- fields; `outcome` is 'lost' for values that a later stamp overruled and 'refused' for those
-- that were not let in.
CREATE TABLE audit_log (
    tenant_id   text COLLATE "C" NOT NULL REFERENCES tenants,
    id          bigint GENERATED ALWAYS AS IDENTITY,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    entity      text NOT NULL,
    entity_id   text COLLATE "C" NOT NULL,
    version     bigint,
    op          text NOT NULL,
    agent_id    text,
    device_id   text,
    mutation_id text,
    origin      text NOT NULL,
    outcome     text NOT NULL DEFAULT 'applied' CHECK (outcome IN ('applied', 'lost', 'refused')),
    before      jsonb,
    after       jsonb,
    PRIMARY KEY (tenant_id, id)
);
-- The history of one contact, newest first.
CREATE INDEX audit_log_entity ON audit_log (tenant_id, entity, entity_id, id);

-- What devices did, for device health: one row for each connection, sync, push and refused
-- event, and one a minute with the tenant's state. Buffered, kept 90 days.
CREATE TABLE sync_log (
    tenant_id      text COLLATE "C" NOT NULL REFERENCES tenants,
    id             text COLLATE "C" NOT NULL,
    kind           text NOT NULL CHECK (kind IN ('connection', 'sync', 'push', 'refused', 'minute')),
    device_id      text,
    agent_id       text,
    started        timestamptz NOT NULL,
    ended          timestamptz,
    since          bigint,
    until          bigint,
    rows           integer,
    bytes          bigint,
    outcome        text,
    error_code     text,
    address        text,
    devices_online integer,
    greatest_lag   bigint,
    PRIMARY KEY (tenant_id, id)
);
-- Statistics by day, and the purge after 90 days.
CREATE INDEX sync_log_started ON sync_log (tenant_id, started);
-- One device's day, on its page.
CREATE INDEX sync_log_device ON sync_log (tenant_id, device_id, started);

-- The server's role sees the rows of the tenant that its connection names, and none without one.
-- It reads the history and cannot write it: only the triggers' owner does.
ALTER TABLE mutations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON mutations USING (tenant_id = current_setting('app.tenant', true));
ALTER TABLE audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON audit_log USING (tenant_id = current_setting('app.tenant', true));
ALTER TABLE sync_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON sync_log USING (tenant_id = current_setting('app.tenant', true));
GRANT SELECT ON audit_log TO fieldbook_server;
GRANT SELECT, INSERT, UPDATE, DELETE ON mutations, sync_log TO fieldbook_server;
