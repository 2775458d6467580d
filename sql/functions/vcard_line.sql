-- A line of a vCard about one of several e-mails, phones, addresses or websites; NULL without a
-- value. A label that vCard knows is its TYPE; any other goes into a line of its own, tied to the
-- first by a name that the card has once, with `number`: a text, as to make one of a number would
-- keep the planner from inlining this, at five times the cost. The marks are export_vcard's. Used
-- by exports.
CREATE OR REPLACE FUNCTION vcard_line(property text, label text, number text, value text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
    SELECT CASE
        WHEN label IS NULL THEN property || ':'
        WHEN label IN ('work', 'home') THEN property || E'\x1dTYPE=' || upper(label) || ':'
        WHEN property = 'TEL' AND label = 'mobile' THEN E'TEL\x1dTYPE=CELL:'
        WHEN property = 'TEL' AND label IN ('fax', 'pager') THEN
            E'TEL\x1dTYPE=' || upper(label) || ':'
        ELSE 'item' || number || '.' || property || ':'
        END || value || E'\x1e' || CASE
        WHEN label IS NULL OR label IN ('work', 'home') THEN ''
        WHEN property = 'TEL' AND label IN ('mobile', 'fax', 'pager') THEN ''
        ELSE 'item' || number || '.X-ABLabel:' || label || E'\x1e' END
$$;
