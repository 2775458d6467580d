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
-- The counts of the dashboard's first page, as one JSON object. $1 tenant, $2 names in a top list. The
-- contacts are read once, and what they have alike is counted together, before it is looked at one by
-- one. Labels are unnested side by side where the rows are selected, which takes half as long as a join
-- with unnest() for each kind.
WITH days AS MATERIALIZED (
    SELECT array_agg(today - 29 + n ORDER BY n) AS days,
           array_agg((today - 29 + n)::timestamp AT TIME ZONE 'UTC' ORDER BY n) AS starts
    FROM (SELECT (now() AT TIME ZONE 'UTC')::date) AS now (today), generate_series(0, 29) AS n
), live AS MATERIALIZED (
    SELECT tag_ids, group_ids, type_ids, owner_id, active, emails <> '[]' AS has_email,
           phones <> '[]' AS has_phone, width_bucket(created_at, (SELECT starts FROM days)) AS day
    FROM contacts WHERE tenant_id = $1::text AND deleted_at IS NULL
), labelled AS MATERIALIZED (
    SELECT tag_id, group_id, type_id, count(*)
    FROM (SELECT unnest(tag_ids) AS tag_id, unnest(group_ids) AS group_id, unnest(type_ids) AS type_id
          FROM live) AS each
    GROUP BY tag_id, group_id, type_id
), used AS (
    SELECT 'tags' AS plural, tag_id AS id, sum(count)::bigint AS count
    FROM labelled WHERE tag_id IS NOT NULL GROUP BY tag_id
    UNION ALL
    SELECT 'groups', group_id, sum(count)::bigint
    FROM labelled WHERE group_id IS NOT NULL GROUP BY group_id
    UNION ALL
    SELECT 'types', type_id, sum(count)::bigint
    FROM labelled WHERE type_id IS NOT NULL GROUP BY type_id
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
), alike AS MATERIALIZED (
    SELECT owner_id, active, has_email, has_phone, day, count(*)
    FROM live GROUP BY owner_id, active, has_email, has_phone, day
), owners AS (
    SELECT owner_id AS id, a.name, sum(count)::bigint AS count
    FROM alike LEFT JOIN agents AS a ON a.tenant_id = $1 AND a.id = owner_id
    GROUP BY owner_id, a.name ORDER BY sum(count) DESC, owner_id LIMIT $2
), created AS (
    SELECT day, sum(count)::bigint AS count FROM alike GROUP BY day
)
SELECT json_build_object(
    'total', coalesce(sum(count), 0)::bigint,
    'active', coalesce(sum(count) FILTER (WHERE active), 0)::bigint,
    'with_email', coalesce(sum(count) FILTER (WHERE has_email), 0)::bigint,
    'with_phone', coalesce(sum(count) FILTER (WHERE has_phone), 0)::bigint,
    'by_tag', coalesce((SELECT names FROM top WHERE plural = 'tags'), '[]'),
    'by_group', coalesce((SELECT names FROM top WHERE plural = 'groups'), '[]'),
    'by_type', coalesce((SELECT names FROM top WHERE plural = 'types'), '[]'),
    'by_owner', (SELECT coalesce(json_agg(json_build_object('id', id, 'name', name, 'count', count)),
                                 '[]') FROM owners),
    'created_per_day', (
        SELECT json_agg(json_build_object('day', listed.day, 'count', coalesce(created.count, 0))
                        ORDER BY place)
        FROM days, unnest(days.days) WITH ORDINALITY AS listed (day, place)
        LEFT JOIN created ON created.day = listed.place)
)::text AS statistics
FROM alike;
