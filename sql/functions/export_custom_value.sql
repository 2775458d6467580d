-- A value of `custom` as our own CSV has it: texts as they are, numbers, true and false as JSON,
-- and a text that would be taken for one of those, or that begins with ", as a JSON string. Used
-- by exports.
CREATE OR REPLACE FUNCTION export_custom_value(value jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN jsonb_typeof(value) = 'string' AND value #>> '{}' ~ (
                    '^("|(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)$)')
                THEN value::text ELSE value #>> '{}' END
$$;
