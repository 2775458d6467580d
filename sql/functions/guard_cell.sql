-- A cell that no spreadsheet runs as a formula: with ' in front where it begins with = + - @, a tab
-- or CR, or with ' before one of those, so that taking one ' off gives the text back. Numbers like
-- +41446681800 stay as they are. Used by CSV exports; server/files takes it off again.
CREATE OR REPLACE FUNCTION guard_cell(cell text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE WHEN cell ~ '^''*[=+\-@\t\r]' AND cell !~ '^\+[0-9]{7,15}$'
                THEN '''' || cell ELSE cell END
$$;
