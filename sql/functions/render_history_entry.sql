-- An entry of the history as it goes out: who changed what from what to what.
CREATE OR REPLACE FUNCTION render_history_entry(entry audit_log) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT jsonb_build_object(
        'id', entry.id::text, 'version', entry.version, 'at', rfc3339(entry.at), 'op', entry.op,
        'agent', entry.agent_id, 'device', entry.device_id, 'mutation_id', entry.mutation_id,
        'origin', entry.origin, 'outcome', entry.outcome,
        'changes', coalesce((
            SELECT jsonb_object_agg(key, jsonb_build_object('from', entry.before -> key,
                                                            'to', entry.after -> key))
            FROM (SELECT jsonb_object_keys(entry.before)
                  UNION SELECT jsonb_object_keys(entry.after)) AS keys (key)), '{}'))
$$;
