-- name: read_settings
-- A tenant's settings; NULL where it follows the environment. The order is update_settings'.
SELECT region, max_tags, clean_phones, duplicates, agents_edit, min_app_version, conflict_days
FROM tenants WHERE id = $1::text;

-- name: read_name
-- What a tenant is called.
SELECT name FROM tenants WHERE id = $1::text;

-- name: update_settings
-- All of a tenant's settings at once.
UPDATE tenants
SET region = $2, max_tags = $3, clean_phones = $4, duplicates = $5, agents_edit = $6,
    min_app_version = $7, conflict_days = $8
WHERE id = $1::text;

-- name: list_tenant_ids
-- Every tenant, for what runs for all of them.
SELECT list_tenant_ids() AS id;
