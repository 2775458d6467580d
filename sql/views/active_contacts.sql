-- The contacts that are not deleted: for reports, and for people with psql.
CREATE OR REPLACE VIEW active_contacts WITH (security_invoker = true) AS
SELECT tenant_id, id, version, external_id, first_name, last_name, display_name, company,
       department, job_title, emails, phones, addresses, websites, birthday, notes, custom,
       preferences, tag_ids, group_ids, type_ids, owner_id, photo, active, created_at, updated_at,
       created_by, updated_by
FROM contacts
WHERE deleted_at IS NULL;

GRANT SELECT ON active_contacts TO fieldbook_server;
