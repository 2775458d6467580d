-- Row trigger of the ledger: values that a mutation lost to a later stamp, or that were refused,
-- enter the history, from where they can be restored. `lost` is {"before": …, "after": …}.
CREATE OR REPLACE FUNCTION log_lost_values() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO audit_log (tenant_id, entity, entity_id, version, op, agent_id, device_id,
                           mutation_id, origin, outcome, before, after)
    VALUES (NEW.tenant_id, NEW.entity, NEW.entity_id, NEW.version, NEW.op, NEW.agent_id,
            NEW.device_id, NEW.mutation_id, NEW.origin,
            CASE WHEN NEW.outcome IN ('gone', 'forbidden') THEN 'refused' ELSE 'lost' END,
            NEW.lost -> 'before', NEW.lost -> 'after');
    RETURN NULL;
END
$$;
