-- The numbers of one page of the audit log, newest first. The filter's keys, all of which must hold:
-- entity, entity_id, agent_id, device_id, op, outcome, origin, field (it or a part of it changed), since
-- (included) and until (not), in microseconds since 1970. Only what is asked stands in the query, so that
-- the planner sees which index it may use. Used by the query list_audit.
CREATE OR REPLACE FUNCTION page_audit(tenant text, filter jsonb, before_id bigint, most bigint)
RETURNS SETOF bigint
LANGUAGE plpgsql STABLE
-- Of an index that sums up parts the planner thinks that it may pass over none, and would as soon read
-- the whole table.
SET enable_seqscan = off
AS $$
DECLARE
    since timestamptz := timestamptz 'epoch' + (filter ->> 'since')::bigint * interval '1 microsecond';
    until timestamptz := timestamptz 'epoch' + (filter ->> 'until')::bigint * interval '1 microsecond';
    conditions text := concat_ws(' AND ',
        format('tenant_id = %L', tenant),
        (SELECT string_agg(format('%I = %L', key, value), ' AND ')
         FROM jsonb_each_text(filter - '{field,since,until}'::text[])),
        'id < ' || before_id,
        CASE WHEN filter ? 'since' THEN
            format('at >= %L AND id >= %s', since, find_entry_at(tenant, since)) END,
        -- An entry of a day later may have a lower number, and find_entry_at() allows for a day itself.
        CASE WHEN filter ? 'until' THEN
            format('at < %L AND id < %s', until, find_entry_at(tenant, until + interval '2 days')) END,
        -- Of what was applied the whole field is kept; of what lost, the part: custom.size.
        CASE WHEN filter ? 'field' THEN
            format('(before ? %1$L OR after ? %1$L OR outcome <> ''applied'' AND EXISTS (
                         SELECT FROM jsonb_object_keys(after) AS key WHERE starts_with(key, %2$L)))',
                   filter ->> 'field', filter ->> 'field' || '.') END);
    part  record;
    count bigint;
BEGIN
    IF NOT filter ? 'field' THEN
        RETURN QUERY EXECUTE
            format('SELECT id FROM audit_log WHERE %s ORDER BY id DESC LIMIT %s', conditions, most);
        RETURN;
    END IF;
    FOR part IN SELECT * FROM find_entries_with_field(tenant, filter ->> 'field') LOOP
        RETURN QUERY EXECUTE format('SELECT id FROM audit_log WHERE %s ORDER BY id DESC LIMIT %s',
            concat_ws(' AND ', conditions, 'id >= ' || part.first_id, 'id < ' || part.end_id), most);
        GET DIAGNOSTICS count = ROW_COUNT;
        most := most - count;
        EXIT WHEN most = 0;
    END LOOP;
END
$$;
