-- For rows of a file that have nothing to be found by: live contacts of the same name which have
-- none of these keys either and hold all that the row does, those that hold least first, a hundred at
-- most; as [place of the row, id]. Called by find_bulk_matches().
--
-- A row: {"name", "without": [kind of key], "by": field, "text", field: text or list}, where `by` is the
-- field of its longest text, or `street` of an address, and '' if it has none. Of thousands that a file
-- calls alike, those with another text there are passed over by a hash, said so that nothing else can be
-- planned.
CREATE OR REPLACE FUNCTION find_namesakes(tenant text, asked jsonb[]) RETURNS text[]
LANGUAGE sql STABLE SET enable_seqscan = off SET enable_nestloop = off SET enable_mergejoin = off
-- Its caller forbids it.
SET enable_hashjoin = on
AS $$
    WITH rows AS MATERIALIZED (
        SELECT each.place, each.held -> 'without' AS without, each.held ->> 'name' AS name,
               each.held ->> 'by' AS by, each.held ->> 'text' AS text,
               jsonb_populate_record(NULL::contacts, each.held) AS holds
        FROM unnest(asked) WITH ORDINALITY AS each (held, place)
    ), namesakes AS (
        SELECT c AS contact,
               unnest(ARRAY['', 'external_id', 'first_name', 'last_name', 'company', 'department',
                            'job_title', 'birthday', 'notes']
                      || array_fill('street'::text, ARRAY[cardinality(streets)])) AS by,
               unnest(ARRAY['', c.external_id, c.first_name, c.last_name, c.company, c.department,
                            c.job_title, c.birthday, c.notes] || streets) AS text
        FROM (SELECT DISTINCT left(fold(name), 200) AS sort_name FROM rows) AS named
        CROSS JOIN LATERAL (
            SELECT * FROM contacts AS c
            WHERE c.tenant_id = tenant AND c.deleted_at IS NULL AND c.sort_name = named.sort_name
            OFFSET 0) AS c
        CROSS JOIN LATERAL (
            SELECT ARRAY(SELECT address ->> 'street' FROM jsonb_array_elements(c.addresses) AS address)
        ) AS of_addresses (streets)
    ), found AS (
        SELECT r.place, (n.contact).id,
               row_number() OVER (PARTITION BY r.place
                                  ORDER BY length((n.contact).wire), (n.contact).id) AS number
        FROM rows AS r
        JOIN namesakes AS n ON (n.contact).display_name = r.name AND n.by = r.by AND n.text = r.text
        WHERE ((r.holds).external_id IS NULL OR (n.contact).external_id = (r.holds).external_id)
            AND ((r.holds).first_name IS NULL OR (n.contact).first_name = (r.holds).first_name)
            AND ((r.holds).last_name IS NULL OR (n.contact).last_name = (r.holds).last_name)
            AND ((r.holds).company IS NULL OR (n.contact).company = (r.holds).company)
            AND ((r.holds).department IS NULL OR (n.contact).department = (r.holds).department)
            AND ((r.holds).job_title IS NULL OR (n.contact).job_title = (r.holds).job_title)
            AND ((r.holds).birthday IS NULL OR (n.contact).birthday = (r.holds).birthday)
            AND ((r.holds).notes IS NULL OR (n.contact).notes = (r.holds).notes)
            AND ((r.holds).emails IS NULL OR (n.contact).emails @> (r.holds).emails)
            AND ((r.holds).phones IS NULL OR (n.contact).phones @> (r.holds).phones)
            AND ((r.holds).addresses IS NULL OR (n.contact).addresses @> (r.holds).addresses)
            AND ((r.holds).websites IS NULL OR (n.contact).websites @> (r.holds).websites)
            AND ((r.holds).custom IS NULL OR (n.contact).custom @> (r.holds).custom)
            AND NOT (r.without ? 'external_id' AND (n.contact).external_id IS NOT NULL)
            AND NOT (r.without ? 'email' AND (n.contact).emails <> '[]')
            AND NOT (r.without ? 'phone'
                     AND jsonb_path_exists((n.contact).phones, '$[*].e164'))
    )
    SELECT coalesce(array_agg(ARRAY[place::text, id] ORDER BY place, number), '{}')
    FROM found WHERE number <= 100
$$;
