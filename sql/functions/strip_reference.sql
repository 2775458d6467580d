-- One chunk of the job that takes a deleted tag, group or type off its contacts: as many of the
-- contacts, from the front, as `milliseconds` under the lock allow. Gives how many those were and
-- how long the lock was held before the commit; `done` is NULL when there is nothing to strip any
-- more, because the tag was restored meanwhile.
--
-- It takes the lock itself: volatile, so that each of its statements sees what the writer before
-- left, and in one call, so that nobody waits for a client while the lock is held. Contacts differ
-- a hundredfold in size, so the first few tell how many more there is time for.
CREATE OR REPLACE FUNCTION strip_reference(
    plural text, reference text, contact_ids text[], milliseconds real,
    OUT done integer, OUT held real
)
LANGUAGE plpgsql VOLATILE
AS $$
DECLARE
    step    integer := 10;
    spent   real;
    tenant  CONSTANT text := current_setting('app.tenant');
    author  text;
    deleted boolean;
    began   timestamptz;
    chunk   text := format(
        'UPDATE contacts
         SET %1$I = array_remove(%1$I, $3),
             stamps = stamps || jsonb_build_object(%2$L || $3, jsonb_strip_nulls(jsonb_build_object(
                 ''at'', (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
                 ''mutation'', '''', ''by'', $4))),
             written_in = pg_current_xact_id(), written_by = $4, written_device = NULL,
             written_mutation = NULL, written_origin = ''job''
         WHERE tenant_id = $1 AND id = ANY ($2) AND $3 = ANY (%1$I)',
        reference_column(plural), reference_column(plural) || '.');
BEGIN
    PERFORM lock_versions();
    began := clock_timestamp();
    -- Whoever deleted the tag took it off its contacts, too.
    EXECUTE format('SELECT deleted_at IS NOT NULL, updated_by FROM %I
                    WHERE tenant_id = $1 AND id = $2', plural)
    INTO deleted, author USING tenant, reference;
    IF deleted THEN
        done := 0;
        WHILE done < cardinality(contact_ids) LOOP
            EXECUTE chunk USING tenant, contact_ids[done + 1 : done + step], reference, author;
            done := least(done + step, cardinality(contact_ids));
            spent := extract(epoch FROM clock_timestamp() - began) * 1000;
            step := floor(0.8 * (milliseconds - spent) * done / spent);
            EXIT WHEN step < 10;
        END LOOP;
    END IF;
    held := extract(epoch FROM clock_timestamp() - began) * 1000;
END
$$;
