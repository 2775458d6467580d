-- Filters of the audit log that find little among much. What most entries have stays without an index,
-- which each write would pay for: the newest of those are found soon by walking back. No change of a
-- contact enters the last three, unless it was refused.

-- What was done on one device. Imports and REST have none.
CREATE INDEX audit_log_device ON audit_log (tenant_id, device_id, id) WHERE device_id IS NOT NULL;
-- What lost or was refused.
CREATE INDEX audit_log_not_applied ON audit_log (tenant_id, outcome, id) WHERE outcome <> 'applied';
-- What was done to anything but contacts.
CREATE INDEX audit_log_other_entities ON audit_log (tenant_id, entity, id) WHERE entity <> 'contact';
-- What changed no row: sign-ins, exports, revoked devices, settings.
CREATE INDEX audit_log_actions ON audit_log (tenant_id, op, id)
    WHERE op NOT IN ('create', 'update', 'delete', 'restore');
