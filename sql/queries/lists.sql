-- name: list_contacts
-- One page of contacts as JSON texts joined, with the total of the same snapshot. $1 tenant,
-- $2 filter, $3 sort, $4 descending, $5 the sort key and $6 the id of the row before, $7 rows to
-- pass over, $8 rows at most.
SELECT found.total, found.next_key, found.ids[$8::integer] AS next_id,
       (SELECT string_agg(render_contact_in_rest(c.wire, c.emails, c.phones, c.deleted_at), ','
                          ORDER BY listed.place)
        FROM unnest(found.ids) WITH ORDINALITY AS listed (id, place)
        JOIN contacts AS c ON c.tenant_id = $1::text AND c.id = listed.id) AS items
FROM list_contacts($1::text, $2::jsonb, $3, $4, $5, $6, $7, $8::integer) AS found;

-- name: list_rows
-- One page of tags, groups, types or the like, by name. $1 tenant, $2 plural, $3 text that the
-- name holds or NULL, $4 the sort key and $5 the id of the row before, $6 rows to pass over,
-- $7 rows at most.
WITH found AS MATERIALIZED (
    SELECT id, wire, fold(coalesce(wire::jsonb ->> 'name', '')) COLLATE "C" AS sort_key
    FROM synced_rows
    WHERE tenant_id = $1::text AND plural = $2::text AND deleted_at IS NULL
        AND ($3::text IS NULL OR fold(wire::jsonb ->> 'name') LIKE contains_pattern($3))
), page AS (
    SELECT *, row_number() OVER (ORDER BY sort_key, id) AS place
    FROM found
    WHERE $5::text IS NULL OR (sort_key, id) > ($4::text, $5)
    ORDER BY sort_key, id OFFSET $6::bigint LIMIT $7::bigint + 1
), bounds AS (
    SELECT coalesce(min(place), 1) + $7::bigint AS beyond FROM page
)
SELECT (SELECT count(*) FROM found) AS total,
       (SELECT sort_key FROM page WHERE place = beyond - 1
        AND EXISTS (SELECT FROM page WHERE place = beyond)) AS next_key,
       (SELECT id FROM page WHERE place = beyond - 1) AS next_id,
       (SELECT string_agg(wire, ',' ORDER BY place) FROM page WHERE place < beyond) AS items
FROM bounds;

-- name: read_statistics_state
-- What the statistics depend on: while it stays, so do they.
SELECT version, epoch, (now() AT TIME ZONE 'UTC')::date AS day
FROM global_version WHERE tenant_id = $1::text;

-- name: read_statistics
-- The counts of the dashboard's first page, as one JSON object. $1 tenant, $2 names in a top list.
WITH live AS MATERIALIZED (
    SELECT active, emails <> '[]' AS has_email, phones <> '[]' AS has_phone, tag_ids, group_ids,
           type_ids, owner_id, created_at
    FROM contacts WHERE tenant_id = $1::text AND deleted_at IS NULL
), used AS (
    SELECT 'tags' AS plural, id, count(*) FROM live, unnest(tag_ids) AS id GROUP BY id
    UNION ALL
    SELECT 'groups', id, count(*) FROM live, unnest(group_ids) AS id GROUP BY id
    UNION ALL
    SELECT 'types', id, count(*) FROM live, unnest(type_ids) AS id GROUP BY id
), ranked AS (
    SELECT used.*, r.wire::jsonb ->> 'name' AS name,
           row_number() OVER (PARTITION BY used.plural ORDER BY used.count DESC, used.id) AS place
    FROM used
    JOIN synced_rows AS r
        ON r.tenant_id = $1 AND r.plural = used.plural AND r.id = used.id AND r.deleted_at IS NULL
), top AS (
    SELECT plural, json_agg(json_build_object('id', id, 'name', name, 'count', count)
                            ORDER BY place) AS names
    FROM ranked WHERE place <= $2::bigint GROUP BY plural
), owners AS (
    SELECT owner_id AS id, a.name, count(*)
    FROM live LEFT JOIN agents AS a ON a.tenant_id = $1 AND a.id = owner_id
    GROUP BY owner_id, a.name ORDER BY count(*) DESC, owner_id LIMIT $2
), created AS (
    SELECT (created_at AT TIME ZONE 'UTC')::date AS day, count(*)
    FROM live GROUP BY 1
), days AS (
    SELECT day::date
    FROM generate_series((now() AT TIME ZONE 'UTC')::date - 29, (now() AT TIME ZONE 'UTC')::date,
                         interval '1 day') AS day
)
SELECT json_build_object(
    'total', count(*),
    'active', count(*) FILTER (WHERE active),
    'with_email', count(*) FILTER (WHERE has_email),
    'with_phone', count(*) FILTER (WHERE has_phone),
    'by_tag', coalesce((SELECT names FROM top WHERE plural = 'tags'), '[]'),
    'by_group', coalesce((SELECT names FROM top WHERE plural = 'groups'), '[]'),
    'by_type', coalesce((SELECT names FROM top WHERE plural = 'types'), '[]'),
    'by_owner', (SELECT coalesce(json_agg(json_build_object('id', id, 'name', name, 'count', count)),
                                 '[]') FROM owners),
    'created_per_day', (
        SELECT json_agg(json_build_object('day', day, 'count', coalesce(created.count, 0))
                        ORDER BY day)
        FROM days LEFT JOIN created USING (day))
)::text AS statistics
FROM live;
