-- Values that lost or were refused enter the history with their ledger row.
CREATE OR REPLACE TRIGGER log_lost_values AFTER INSERT OR UPDATE ON mutations
    FOR EACH ROW WHEN (NEW.lost IS NOT NULL) EXECUTE FUNCTION log_lost_values();
