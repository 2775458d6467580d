-- device_states() gains columns, which CREATE OR REPLACE can't add: it is made anew, with the view that
-- it reads, by their own files; a fresh database has neither yet.
DROP FUNCTION IF EXISTS device_states(text, text[]);
