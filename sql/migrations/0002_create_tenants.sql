-- One company's data; every other table leads its keys with tenant_id.
-- Settings that are NULL follow the server's environment.
CREATE TABLE tenants (
    id            text COLLATE "C" PRIMARY KEY,
    name          text NOT NULL,
    region        text,
    max_tags      integer NOT NULL DEFAULT 100,
    clean_phones  boolean NOT NULL DEFAULT false,
    duplicates    text NOT NULL DEFAULT 'allow' CHECK (duplicates IN ('allow', 'warn', 'refuse')),
    agents_edit   text NOT NULL DEFAULT 'all' CHECK (agents_edit IN ('all', 'own')),
    min_app_version text,
    conflict_days integer NOT NULL DEFAULT 7,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The head of each tenant, kept by statement triggers on the synced tables: `version` is the
-- highest one given, `floor` the one below which tombstones were purged, `epoch` names this
-- life of the database, `checksum` is {entity: {count, sum}} over the live rows.
CREATE TABLE global_version (
    tenant_id text COLLATE "C" PRIMARY KEY REFERENCES tenants,
    version   bigint NOT NULL DEFAULT 0,
    epoch     text NOT NULL DEFAULT replace(gen_random_uuid()::text, '-', ''),
    floor     bigint NOT NULL DEFAULT 0,
    checksum  jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 50);

-- Where versions come from. CACHE 1, so that no session hoards numbers and hands them out late;
-- below 2^52, so that a version is exact in every client's JSON numbers.
CREATE SEQUENCE version_sequence MAXVALUE 4503599627370495 CACHE 1;

CREATE TABLE agents (
    tenant_id  text COLLATE "C" NOT NULL REFERENCES tenants,
    id         text COLLATE "C" NOT NULL,
    code       text NOT NULL,
    name       text NOT NULL,
    role       text NOT NULL CHECK (role IN ('admin', 'manager', 'agent', 'api')),
    disabled   boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (tenant_id, id)
);
-- Registration refuses a code that is taken; capitals do not make another person.
CREATE UNIQUE INDEX agents_code ON agents (tenant_id, lower(code));

CREATE TABLE api_keys (
    tenant_id    text COLLATE "C" NOT NULL,
    id           text COLLATE "C" NOT NULL,
    agent_id     text COLLATE "C" NOT NULL,
    name         text NOT NULL DEFAULT '',
    prefix       text NOT NULL,
    hash         bytea NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    created_by   text,
    last_used_at timestamptz,
    revoked_at   timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents
);
-- Sign-in finds a key by the hash of what was sent, before any tenant is known.
CREATE UNIQUE INDEX api_keys_hash ON api_keys (hash);
-- The list of one agent's keys.
CREATE INDEX api_keys_agent ON api_keys (tenant_id, agent_id);

CREATE TABLE devices (
    tenant_id       text COLLATE "C" NOT NULL,
    id              text COLLATE "C" NOT NULL,
    agent_id        text COLLATE "C" NOT NULL,
    name            text,
    model           text,
    os              text,
    app_version     text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    last_seen       timestamptz,
    last_sync       timestamptz,
    version         bigint,
    queue_size      integer,
    queue_oldest_at timestamptz,
    queue_empty_at  timestamptz,
    battery         real,
    network         text,
    clock_skew_ms   bigint,
    sync_requested_at timestamptz,
    revoked_at      timestamptz,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, agent_id) REFERENCES agents
) WITH (fillfactor = 70);
-- The devices of one agent, on the agent's page.
CREATE INDEX devices_agent ON devices (tenant_id, agent_id);

INSERT INTO tenants (id, name) VALUES ('default', 'Default');
INSERT INTO global_version (tenant_id) VALUES ('default');

-- The server's role sees the rows of the tenant that its connection names in app.tenant, and
-- none at all while it names none. The owner (migrations, psql) sees everything.
ALTER TABLE tenants ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tenants USING (id = current_setting('app.tenant', true));
ALTER TABLE global_version ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON global_version USING (tenant_id = current_setting('app.tenant', true));
ALTER TABLE agents ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON agents USING (tenant_id = current_setting('app.tenant', true));
ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON api_keys USING (tenant_id = current_setting('app.tenant', true));
ALTER TABLE devices ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON devices USING (tenant_id = current_setting('app.tenant', true));

GRANT USAGE ON SCHEMA public TO fieldbook_server;
GRANT SELECT, UPDATE ON tenants TO fieldbook_server;
GRANT SELECT ON global_version TO fieldbook_server;
GRANT SELECT, INSERT, UPDATE ON agents, api_keys, devices TO fieldbook_server;
GRANT USAGE ON SEQUENCE version_sequence TO fieldbook_server;
