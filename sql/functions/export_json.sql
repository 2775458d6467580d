-- A contact's JSON as REST's lists give it, and the names of its tags, groups and types and the code
-- of its owner besides, as the text of an expression over export_rows(). Used by plan_export().
CREATE OR REPLACE FUNCTION export_json() RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT 'concat(
        left(c.wire, -1),
        '',"email":'' || (c.emails -> 0 -> ''value'')::text,
        '',"phone":'' || (c.phones -> 0 -> ''value'')::text,
        CASE WHEN c.deleted_at IS NOT NULL THEN '',"deleted_at":"'' || rfc3339(c.deleted_at) || ''"'' END,
        '',"tags":'' || names.tags, '',"groups":'' || names.groups, '',"types":'' || names.types,
        '',"owner":'' || to_json(a.code), ''}'')'
$$;
