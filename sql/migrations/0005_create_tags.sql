-- A tag: a coloured label that a contact may carry many of.
-- The columns of every synced row are explained at contacts.
CREATE TABLE tags (
    tenant_id        text COLLATE "C" NOT NULL REFERENCES tenants,
    id               text COLLATE "C" NOT NULL,
    version          bigint NOT NULL,
    live_version     bigint NOT NULL,
    name             text NOT NULL,
    color            text,
    category         text,
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
CREATE UNIQUE INDEX tags_version ON tags (tenant_id, version);
-- Two tags of one name would be told apart by nobody; a deleted one frees its name.
CREATE UNIQUE INDEX tags_name ON tags (tenant_id, lower(name)) WHERE deleted_at IS NULL;

-- The server's role sees the rows of the tenant that its connection names, and none without one.
ALTER TABLE tags ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON tags USING (tenant_id = current_setting('app.tenant', true));
GRANT SELECT, INSERT, UPDATE, DELETE ON tags TO fieldbook_server;
