-- What lists are sorted by, beside what search looks through: contacts are wide, and a list that is in
-- the order of no index read all of them (251 MB for 100,000 that had been edited some times), folding
-- a name of each: 0.15 to 0.5 s a page. In contact_search, a tenth of that, the keys are ready, and
-- change only when a searched field does. Rows as the triggers would make them, in the order of ids.
ALTER TABLE contact_search RENAME TO old_contact_search;
ALTER INDEX contact_search_pkey RENAME TO old_contact_search_pkey;
DROP INDEX contacts_search;

CREATE TABLE contact_search (
    tenant_id       text COLLATE "C" NOT NULL,
    id              text COLLATE "C" NOT NULL,
    created_us      bigint NOT NULL,
    has_email       boolean NOT NULL,
    has_phone       boolean NOT NULL,
    sort_name       text COLLATE "C" NOT NULL,
    sort_first_name text COLLATE "C" NOT NULL,
    sort_last_name  text COLLATE "C" NOT NULL,
    sort_company    text COLLATE "C" NOT NULL,
    search_text     text NOT NULL
);
-- fold() in full: in a new database it is not there yet.
INSERT INTO contact_search
SELECT tenant_id, id, (extract(epoch FROM c.created_at) * 1000000)::bigint, c.emails <> '[]', c.phones <> '[]',
       c.sort_name,
       left(lower(public.unaccent('public.unaccent'::regdictionary, coalesce(c.first_name, ''))), 200),
       left(lower(public.unaccent('public.unaccent'::regdictionary, coalesce(c.last_name, ''))), 200),
       left(lower(public.unaccent('public.unaccent'::regdictionary, coalesce(c.company, ''))), 200),
       s.search_text
FROM old_contact_search AS s JOIN contacts AS c USING (tenant_id, id)
ORDER BY tenant_id, id;
DROP TABLE old_contact_search;

ALTER TABLE contact_search ADD PRIMARY KEY (tenant_id, id);
-- Search by any part; leads with the tenant so that companies do not slow each other. Entries that it
-- puts off are bounded, as 0025 says.
CREATE INDEX contacts_search ON contact_search USING gin (tenant_id, search_text gin_trgm_ops)
    WITH (gin_pending_list_limit = 2048);
-- Lists read it as its owner, for LIKE loses its index behind a policy; the trigger writes it.
ALTER TABLE contact_search ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_tenant ON contact_search USING (tenant_id = current_setting('app.tenant', true));
GRANT SELECT ON contact_search TO fieldbook_server;

-- What lists of contacts leave out, and the list of deleted ones. Few rows, and none that is written often.
CREATE INDEX contacts_tombstones ON contacts (tenant_id, id) WHERE deleted_at IS NOT NULL;
-- Every page, change set and catch-up. With the id and whether it is live, a list by version passes over
-- 50,000 contacts without reading them: 110 ms to 14.
DROP INDEX contacts_version;
CREATE UNIQUE INDEX contacts_version ON contacts (tenant_id, version) INCLUDE (id, deleted_at);

COMMENT ON TABLE contact_search IS 'What search looks through, and what lists are sorted by: one row for each contact, kept by triggers.';
COMMENT ON COLUMN contact_search.tenant_id IS 'The company that the contact belongs to.';
COMMENT ON COLUMN contact_search.id IS 'The contact.';
COMMENT ON COLUMN contact_search.created_us IS 'When it was created, in microseconds since 1970.';
COMMENT ON COLUMN contact_search.has_email IS 'Whether it has an e-mail.';
COMMENT ON COLUMN contact_search.has_phone IS 'Whether it has a phone.';
COMMENT ON COLUMN contact_search.sort_name IS 'That of the contact: the name to show, folded.';
COMMENT ON COLUMN contact_search.sort_first_name IS 'Folded, its first 200 characters; empty for none.';
COMMENT ON COLUMN contact_search.sort_last_name IS 'Folded, its first 200 characters; empty for none.';
COMMENT ON COLUMN contact_search.sort_company IS 'Folded, its first 200 characters; empty for none.';
COMMENT ON COLUMN contact_search.search_text IS 'Names, company, e-mails and phone digits without capitals and accents.';
