-- The search index puts its entries off into a list, which is emptied when it is full: by whichever
-- write made it so, under the tenant's lock. Entries that go in together cost less, so emptying it at
-- 128 kB cost an import 140 µs a row, at 1 MB 76, at 4 MB 56 (measured); but a search reads the whole
-- list. So it may grow to 2 MB, and is emptied outside of the lock before a write meets it full: see
-- clean_search_backlog() and refresh_contact_search().
ALTER INDEX contacts_search SET (gin_pending_list_limit = 2048);

-- Most contacts have no tag, group or type, and many no owner: indexes of those that do have one are
-- not written for the others, at each version of theirs.
DROP INDEX contacts_tag_ids, contacts_group_ids, contacts_type_ids, contacts_owner;
-- Contacts of a tag, for filters and for the job that takes a deleted tag off. Without the tenant:
-- ids of tags are unique anyway.
CREATE INDEX contacts_tag_ids ON contacts USING gin (tag_ids)
    WITH (gin_pending_list_limit = 128) WHERE tag_ids <> '{}';
-- The same for groups.
CREATE INDEX contacts_group_ids ON contacts USING gin (group_ids)
    WITH (gin_pending_list_limit = 128) WHERE group_ids <> '{}';
-- The same for types.
CREATE INDEX contacts_type_ids ON contacts USING gin (type_ids)
    WITH (gin_pending_list_limit = 128) WHERE type_ids <> '{}';
-- Contacts of an agent: filters, and the foreign key.
CREATE INDEX contacts_owner ON contacts (tenant_id, owner_id) WHERE owner_id IS NOT NULL;

-- Foreign keys ask for each row by itself. That a contact's tenant is there, keep_head() sees once a
-- statement; an entry of the history is written by the triggers of such rows.
ALTER TABLE contacts DROP CONSTRAINT IF EXISTS contacts_tenant_id_fkey;
ALTER TABLE audit_log DROP CONSTRAINT IF EXISTS audit_log_tenant_id_fkey;
