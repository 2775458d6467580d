-- name: allow_time
-- For the rest of the transaction: an export may take $1 milliseconds, as its client may be slow.
-- The planner takes rows for cheap; these are worth a second process, but no third.
SELECT set_config('statement_timeout', $1::text, true),
       set_config('max_parallel_workers_per_gather', '1', true),
       set_config('parallel_setup_cost', '100', true),
       set_config('parallel_tuple_cost', '0.01', true);

-- name: plan_export
-- How many contacts an export has, the header of its table, and the query of its rows. $1 tenant,
-- $2 filter, $3 format.
SELECT total, header, query FROM plan_export($1::text, $2::jsonb, $3::text);
