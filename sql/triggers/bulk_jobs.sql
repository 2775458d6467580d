-- `job_progress` to a job's owner and the managers.
CREATE OR REPLACE TRIGGER notify_job AFTER INSERT OR UPDATE ON bulk_jobs
    FOR EACH ROW EXECUTE FUNCTION notify_job();
