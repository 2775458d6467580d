-- What search looks through, beside the contacts. Each write makes a new version of a contact's
-- row, which enters all indexes of its table anew; the search index, with a hundred entries a
-- row, took as long as all else together (0.2 ms of a write) and most of the WAL. Here its rows
-- change only when a searched field does.
CREATE TABLE contact_search (
    tenant_id   text COLLATE "C" NOT NULL,
    id          text COLLATE "C" NOT NULL,
    search_text text NOT NULL,
    PRIMARY KEY (tenant_id, id)
);
INSERT INTO contact_search SELECT tenant_id, id, search_text FROM contacts;

DROP INDEX contacts_search;
ALTER TABLE contacts DROP COLUMN search_text;

-- Search by any part; leads with the tenant so that companies do not slow each other. Entries
-- that it puts off are bounded, as 0011 says.
CREATE INDEX contacts_search ON contact_search USING gin (tenant_id, search_text gin_trgm_ops)
    WITH (gin_pending_list_limit = 128);

-- Lists read it as its owner, for LIKE loses its index behind a policy; the trigger writes it.
ALTER TABLE contact_search ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON contact_search USING (tenant_id = current_setting('app.tenant', true));
GRANT SELECT ON contact_search TO fieldbook_server;

COMMENT ON TABLE contact_search IS 'What search looks through: one row for each contact, kept by triggers.';
COMMENT ON COLUMN contact_search.tenant_id IS 'The company that the contact belongs to.';
COMMENT ON COLUMN contact_search.id IS 'The contact.';
COMMENT ON COLUMN contact_search.search_text IS 'Names, company, e-mails and phone digits without capitals and accents.';
