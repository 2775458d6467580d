-- The numbers of an app's version, to compare part by part: 2.10 is above 2.9, and 2.4 is 2.4.0. What
-- stands around them, as in v2.4.1-beta, does not count; NULL where there is no number. Used by the
-- view device_status.
CREATE OR REPLACE FUNCTION version_numbers(version text) RETURNS numeric[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT string_to_array(
        regexp_replace(substring(version FROM '[0-9]+(?:\.[0-9]+)*'), '(\.0+)+$', ''), '.')::numeric[]
$$;
