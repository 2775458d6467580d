-- Which agents and origins stand in which part of the audit log, in half a megabyte for a million entries:
-- those that stand in none, or long ago, are found without walking through all of it (1 ms instead of
-- 150). A part is summed up once it is full, so that a write pays little.
CREATE INDEX audit_log_summary ON audit_log
    USING brin (agent_id text_bloom_ops, origin text_bloom_ops)
    WITH (pages_per_range = 64, autosummarize = on);
