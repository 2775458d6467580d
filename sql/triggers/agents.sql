-- Deleting an agent sets the owner of contacts to nobody, which writes contacts: so it takes the
-- versions' lock first, like every statement that does (a cascade deadlocked with an insert).
CREATE OR REPLACE TRIGGER lock_agents BEFORE DELETE ON agents
    FOR EACH STATEMENT EXECUTE FUNCTION take_version_lock();
-- A disabled agent's sockets are closed within seconds.
CREATE OR REPLACE TRIGGER notify_agent_access AFTER UPDATE OF role, disabled, name ON agents
    FOR EACH ROW EXECUTE FUNCTION notify_access();
