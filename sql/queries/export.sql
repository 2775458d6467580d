-- name: plan_export
-- How many contacts an export has, its header and the query of its rows; and for the rest of the
-- transaction, as slow clients may take minutes, how long that may run: $4 milliseconds. The
-- planner believes that rows are cheap; these are worth a second process, but no third.
-- $1 tenant, $2 filter, $3 format.
SELECT plan.*,
       set_config('statement_timeout', $4::text, true) AS patience,
       set_config('max_parallel_workers_per_gather', '1', true) AS workers,
       set_config('parallel_setup_cost', '100', true) AS worker_cost,
       set_config('parallel_tuple_cost', '0.01', true) AS row_cost
FROM plan_export($1::text, $2::jsonb, $3::text) AS plan;
