-- A group: a set of contacts that belong together, such as a trade fair's visitors.
-- The columns of every synced row are explained at contacts.
CREATE TABLE groups (
    tenant_id        text COLLATE "C" NOT NULL REFERENCES tenants,
    id               text COLLATE "C" NOT NULL,
    version          bigint NOT NULL,
    live_version     bigint NOT NULL,
    name             text NOT NULL,
    description      text,
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    created_by       text,
    updated_by       text,
    deleted_at       timestamptz,
    stamps           jsonb NOT NULL DEFAULT '{}',
    written_by       text,
    written_device   text,
    written_mutation text,
    written_origin   text,
    written_in       xid8,
    wire             text NOT NULL,
    wire_author      text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
-- Every page, change set and catch-up.
CREATE UNIQUE INDEX groups_version ON groups (tenant_id, version);
-- Two groups of one name would be told apart by nobody; a deleted one frees its name.
CREATE UNIQUE INDEX groups_name ON groups (tenant_id, lower(name)) WHERE deleted_at IS NULL;

-- The server's role sees the rows of the tenant that its connection names, and none without one.
ALTER TABLE groups ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON groups USING (tenant_id = current_setting('app.tenant', true));
GRANT SELECT, INSERT, UPDATE, DELETE ON groups TO fieldbook_server;
