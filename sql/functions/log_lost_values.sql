-- Row trigger of the ledger: values that a mutation lost to a later stamp, or that were refused,
-- enter the history, from where they can be restored. `lost` is {"before": …, "after": …}.
-- What is forbidden is judged anew each time it is sent; its values enter once.
CREATE OR REPLACE FUNCTION log_lost_values() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.outcome = OLD.outcome
        AND OLD.lost -> 'after' @> (NEW.lost -> 'after')
    THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_log (tenant_id, entity, entity_id, version, op, agent_id, device_id,
                           mutation_id, origin, outcome, before, after)
    VALUES (NEW.tenant_id, NEW.entity, NEW.entity_id, NEW.version, NEW.op, NEW.agent_id,
            NEW.device_id, NEW.mutation_id, NEW.origin,
            CASE WHEN NEW.outcome IN ('gone', 'forbidden') THEN 'refused' ELSE 'lost' END,
            NEW.lost -> 'before', NEW.lost -> 'after');
    RETURN NULL;
END
$$;
