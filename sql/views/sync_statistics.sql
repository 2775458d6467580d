-- What devices did on each day (UTC) that the log still knows: see summarise_sync_log().
CREATE OR REPLACE VIEW sync_statistics WITH (security_invoker = true) AS
SELECT t.id AS tenant_id, s.*
FROM tenants AS t
CROSS JOIN LATERAL summarise_sync_log(t.id, '-infinity', 'infinity') AS s;

GRANT SELECT ON sync_statistics TO fieldbook_server;
