-- One chunk of the purge: removes these tombstones of the tenant in app.tenant, given by their
-- versions in order, as many from the front as `milliseconds` under the lock allow, and moves the
-- floor in the same transaction. Gives how many of the versions it is done with, what it removed
-- as {plural: rows}, and how long the lock was held before the commit.
--
-- It takes the lock itself and judges each row anew under it, by the time at which the version was
-- given: one that was restored meanwhile has another version. As the owner: the server's role may
-- only read heads. Called by the command `purge`.
CREATE OR REPLACE FUNCTION purge_tombstones(
    versions bigint[], given_before timestamptz, milliseconds real,
    OUT done integer, OUT removed jsonb, OUT held real
)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public, pg_temp
AS $$
DECLARE
    tenant  CONSTANT text := current_setting('app.tenant');
    step    integer := 10;
    spent   real;
    began   timestamptz;
    entity  text;
    rows    bigint;
    last    bigint;
    highest bigint;
BEGIN
    PERFORM lock_versions();
    began := clock_timestamp();
    done := 0;
    removed := '{}';
    PERFORM set_config('app.purge', 'on', true);
    WHILE done < cardinality(versions) LOOP
        FOR entity IN SELECT plural FROM synced_entities ORDER BY plural LOOP
            EXECUTE format(
                'WITH gone AS (
                     DELETE FROM %I
                     WHERE tenant_id = $1 AND version = ANY ($2) AND deleted_at IS NOT NULL
                         AND updated_at < $3
                     RETURNING version)
                 SELECT count(*), max(version) FROM gone', entity)
            INTO rows, last USING tenant, versions[done + 1 : done + step], given_before;
            IF rows > 0 THEN
                removed := removed || jsonb_build_object(
                    entity, coalesce((removed ->> entity)::bigint, 0) + rows);
                highest := greatest(highest, last);
            END IF;
        END LOOP;
        done := least(done + step, cardinality(versions));
        spent := extract(epoch FROM clock_timestamp() - began) * 1000;
        step := floor(0.8 * (milliseconds - spent) * done / spent);
        EXIT WHEN step < 10;
    END LOOP;
    PERFORM set_config('app.purge', '', true);
    -- Cursors below it have not heard of what is gone now. Where nothing is, it stays.
    UPDATE global_version SET floor = greatest(floor, highest)
    WHERE tenant_id = tenant AND highest IS NOT NULL;
    held := extract(epoch FROM clock_timestamp() - began) * 1000;
END
$$;
