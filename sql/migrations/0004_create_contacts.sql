-- The entities whose rows reach devices; publish_entity() enters them.
CREATE TABLE synced_entities (
    plural text PRIMARY KEY
);

-- A contact. Beside its fields a synced row carries:
--   version       given each time it changes; live_version: when it last became live
--   deleted_at    set on a tombstone, which keeps its hidden fields
--   stamps        {field: {at, mutation, version, by, device}} of each field changed since its
--                 creation, whose own stamp stands under "*"; `at` in microseconds since 1970
--   written_*     the author of the last change; they count only in the transaction written_in
--   wire          the row as it goes out; wire_author: its mutation and author, for events
--   search_text   folded names, company, e-mails and phone digits
--   sort_name     the beginning of the folded display name, '' for none: what lists are sorted by
CREATE TABLE contacts (
    tenant_id        text COLLATE "C" NOT NULL REFERENCES tenants,
    id               text COLLATE "C" NOT NULL,
    version          bigint NOT NULL,
    live_version     bigint NOT NULL,
    external_id      text,
    first_name       text,
    last_name        text,
    display_name     text,
    company          text,
    department       text,
    job_title        text,
    emails           jsonb NOT NULL DEFAULT '[]',
    phones           jsonb NOT NULL DEFAULT '[]',
    addresses        jsonb NOT NULL DEFAULT '[]',
    websites         jsonb NOT NULL DEFAULT '[]',
    birthday         text CHECK (birthday ~ '^(\d{4}|-)-\d\d-\d\d$'),
    notes            text,
    custom           jsonb NOT NULL DEFAULT '{}',
    preferences      jsonb NOT NULL DEFAULT '{}',
    tag_ids          text[] NOT NULL DEFAULT '{}',
    group_ids        text[] NOT NULL DEFAULT '{}',
    type_ids         text[] NOT NULL DEFAULT '{}',
    owner_id         text COLLATE "C",
    photo            jsonb,
    active           boolean NOT NULL DEFAULT true,
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
    search_text      text NOT NULL,
    sort_name        text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, owner_id) REFERENCES agents ON DELETE SET NULL (owner_id)
);
-- Every page, change set and catch-up.
CREATE UNIQUE INDEX contacts_version ON contacts (tenant_id, version);
-- Search by any part; leads with the tenant so that companies do not slow each other.
CREATE INDEX contacts_search ON contacts USING gin (tenant_id, search_text gin_trgm_ops);
-- An import matches rows by the id of the system that they come from.
CREATE INDEX contacts_external_id ON contacts (tenant_id, external_id)
    WHERE external_id IS NOT NULL;
-- The list as a person scrolls it: by name. Skips 50,000 in 7 ms, as it alone is read; over
-- lower(display_name), which has to be looked up in each row, that took 62 ms.
CREATE INDEX contacts_sort_name ON contacts (tenant_id, sort_name, id)
    WHERE deleted_at IS NULL;
-- Filters of the list, and the job that takes a deleted tag off its contacts.
CREATE INDEX contacts_tag_ids ON contacts USING gin (tag_ids);
CREATE INDEX contacts_group_ids ON contacts USING gin (group_ids);
CREATE INDEX contacts_type_ids ON contacts USING gin (type_ids);
-- "Mine", and the foreign key's ON DELETE.
CREATE INDEX contacts_owner ON contacts (tenant_id, owner_id);

-- The server's role sees the rows of the tenant that its connection names, and none without one.
ALTER TABLE contacts ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON contacts USING (tenant_id = current_setting('app.tenant', true));
GRANT SELECT, INSERT, UPDATE, DELETE ON contacts TO fieldbook_server;
GRANT SELECT ON synced_entities TO fieldbook_server;
