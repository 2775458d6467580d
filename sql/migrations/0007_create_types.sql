-- A type: what a contact is to the company, such as a customer or a supplier.
-- The columns of every synced row are explained at contacts.
CREATE TABLE types (
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
CREATE UNIQUE INDEX types_version ON types (tenant_id, version);
-- Two types of one name would be told apart by nobody; a deleted one frees its name.
CREATE UNIQUE INDEX types_name ON types (tenant_id, lower(name)) WHERE deleted_at IS NULL;

-- The server's role sees the rows of the tenant that its connection names, and none without one.
ALTER TABLE types ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON types USING (tenant_id = current_setting('app.tenant', true));
GRANT SELECT, INSERT, UPDATE, DELETE ON types TO fieldbook_server;
