-- name: log_action
-- What changes no synced row enters the history: $1 action, $2 entity, $3 its id, $4 agent,
-- $5 device, $6 origin, $7 detail.
SELECT log_action($1, $2, $3, $4, $5, $6, $7::jsonb);
