-- The text of an expression that guards the cell `expression`, which should be a column: it stands
-- there three times. Two comparisons tell nearly every cell that needs no guard; guard_cell's
-- regular expressions cost twenty times as much. Used by the columns of CSV exports.
CREATE OR REPLACE FUNCTION export_cell(expression text) RETURNS text
LANGUAGE sql IMMUTABLE
AS $$
    SELECT format('CASE WHEN %1$s < ''A'' COLLATE "C" AND (%1$s < ''0'' COLLATE "C" '
                  'OR %1$s > ''9'' COLLATE "C") THEN guard_cell(%1$s) ELSE %1$s END', expression)
$$;
