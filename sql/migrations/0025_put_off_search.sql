-- The search index puts its entries off into a list, which is emptied when it is full: by whichever
-- write made it so, under the tenant's lock. Entries that go in together cost less, so emptying it at
-- 128 kB cost an import 140 µs a row, at 1 MB 76, at 4 MB 56 (measured); but a search reads the whole
-- list. So it may grow to 2 MB, and is emptied outside of the lock before a write meets it full: see
-- clean_search_backlog() and refresh_contact_search().
ALTER INDEX contacts_search SET (gin_pending_list_limit = 2048);
