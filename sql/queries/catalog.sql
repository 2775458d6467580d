-- name: list_tables
-- The tables, oldest first: the description, whether row-level security is on, and whether the
-- table is the job queue's own (pgqueuer's), which its library describes.
SELECT c.relname AS name, obj_description(c.oid) AS description, c.relrowsecurity AS secured,
       c.relname LIKE 'pgqueuer%' AS of_library
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
ORDER BY c.relname LIKE 'schema\_%', c.oid;

-- name: list_columns
-- The columns of tables and views in their order, as psql's \d shows them.
SELECT c.relname AS of_table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS required, pg_get_expr(d.adbin, d.adrelid) AS default_value,
       a.attidentity <> '' AS numbered, col_description(c.oid, a.attnum) AS description,
       coalesce(a.attnum = ANY (k.conkey), false) AS in_key
FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef AS d ON d.adrelid = c.oid AND d.adnum = a.attnum
LEFT JOIN pg_constraint AS k ON k.conrelid = c.oid AND k.contype = 'p'
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v')
ORDER BY c.oid, a.attnum;

-- name: list_references
-- The foreign keys: from which table to which, by which columns but tenant_id, which all share.
SELECT c.conrelid::regclass::text AS of_table, c.confrelid::regclass::text AS to_table,
       ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY AS k (number, place)
             JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = k.number
             WHERE a.attname <> 'tenant_id' ORDER BY k.place) AS columns
FROM pg_constraint AS c
WHERE c.connamespace = 'public'::regnamespace AND c.contype = 'f'
ORDER BY c.conrelid, c.conname;

-- name: list_checks
-- The conditions that a table's rows must fulfil.
SELECT conrelid::regclass::text AS of_table, pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE connamespace = 'public'::regnamespace AND contype = 'c'
ORDER BY conrelid, conname;

-- name: list_indexes
-- The indexes, the primary key's first, with what follows USING in their definition.
SELECT i.indrelid::regclass::text AS of_table, c.relname AS name, i.indisunique AS is_unique,
       i.indisprimary AS is_key,
       regexp_replace(pg_get_indexdef(i.indexrelid), '^.* USING ', '') AS definition
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT LIKE 'pgqueuer%'
ORDER BY i.indrelid, i.indisprimary DESC, c.relname;

-- name: list_triggers
-- Which function runs when: one row for all triggers of one moment and function.
SELECT p.proname AS function,
       regexp_replace(pg_get_triggerdef(t.oid), '^CREATE TRIGGER \w+ (.*) ON .*$', '\1') AS moment,
       CASE WHEN t.tgtype & 1 = 1 THEN 'each row' ELSE 'once a statement' END AS how_often,
       array_agg(t.tgname::text || ' on ' || t.tgrelid::regclass::text ORDER BY t.tgrelid) AS triggers
FROM pg_trigger AS t
JOIN pg_proc AS p ON p.oid = t.tgfoid
JOIN pg_class AS c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal
    AND c.relname NOT LIKE 'pgqueuer%'
GROUP BY 1, 2, 3
ORDER BY 1, 2, 3;

-- name: list_views
-- Our views.
SELECT c.relname AS name
FROM pg_class AS c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'v'
ORDER BY c.relname;

-- name: list_functions
-- Our functions: none of an extension's or of the job queue's library.
SELECT p.proname AS name, pg_get_function_identity_arguments(p.oid) AS arguments,
       pg_get_function_result(p.oid) AS result, p.prosecdef AS as_owner
FROM pg_proc AS p
WHERE p.pronamespace = 'public'::regnamespace
    AND p.proname NOT LIKE '%pgqueuer%'
    AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY p.proname;
