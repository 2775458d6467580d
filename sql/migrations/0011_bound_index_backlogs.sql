-- A GIN index puts its entries off into a list; the write that makes it full empties it, with the
-- tenant's lock held. A full list of the default 4 MB held it for 60 ms, one of 128 kB for some
-- milliseconds (measured); searches, which read the whole list, gain as well.
ALTER INDEX contacts_search SET (gin_pending_list_limit = 128);
ALTER INDEX contacts_tag_ids SET (gin_pending_list_limit = 128);
ALTER INDEX contacts_group_ids SET (gin_pending_list_limit = 128);
ALTER INDEX contacts_type_ids SET (gin_pending_list_limit = 128);
