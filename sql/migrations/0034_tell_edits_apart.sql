-- The list of jobs says what each bulk edit did. Its options may hold 100,000 ids, which would have to be
-- read whole for that, for each job of a page and four times a second while one runs; so what is shown of
-- them is kept beside them.
ALTER TABLE bulk_jobs
    ADD COLUMN asked jsonb GENERATED ALWAYS AS (options - 'ids') STORED,
    ADD COLUMN chosen integer GENERATED ALWAYS AS (jsonb_array_length(options -> 'ids')) STORED;
COMMENT ON COLUMN bulk_jobs.asked IS 'The options without the ids of an edit.';
COMMENT ON COLUMN bulk_jobs.chosen IS 'How many ids an edit names; NULL where it has a filter, or is none.';
