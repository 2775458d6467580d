-- The search index puts its entries off into a list, which is emptied when it is full: by whichever
-- write made it so, under the tenant's lock. Emptied at 128 kB it cost an import 140 µs a row, at
-- 4 MB it is 56 µs, since more entries of one page go in together (measured). So the list may grow
-- to that, and is emptied outside of the lock, before a write meets it full: see
-- clean_search_backlog() and refresh_contact_search().
ALTER INDEX contacts_search SET (gin_pending_list_limit = 4096);
