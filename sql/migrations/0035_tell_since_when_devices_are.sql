-- device_states() gains columns, which CREATE OR REPLACE can't add: it is made anew by its own file. And
-- functions of jobs that have other arguments now, which leaves those of before beside them.
DROP FUNCTION IF EXISTS device_states(text, text[]);
DROP FUNCTION IF EXISTS find_bulk_matches(text, text[], text[], text[], text[]);
DROP FUNCTION IF EXISTS write_bulk_chunk(
    text, text, text, bigint, text[], text[], text[], text[], jsonb[], real);
