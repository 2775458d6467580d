-- name: read_page
-- Rows after a version, of all entities, in version order, with the head of the same snapshot:
-- pages, catch-ups and the feed. $1 tenant, $2 since, $3 rows at most, $4 tombstones only after,
-- $5 bytes at most, $6 whether to give each row's version, life and author as the feed needs.
WITH head AS (
    SELECT version, epoch, floor, checksum::text AS checksum
    FROM global_version WHERE tenant_id = $1::text
), candidates AS (
    SELECT plural, version, live_version, deleted_at, wire, wire_author
    FROM synced_rows
    WHERE tenant_id = $1::text AND version > $2::bigint
        AND (deleted_at IS NULL OR version > $4::bigint)
    ORDER BY version
    LIMIT $3::bigint + 1
), measured AS (
    -- A flag, not a filter: a row that does not fit says that there are more. Keeping those that
    -- do in a CTE, to be read twice, copied every row's text four times.
    SELECT *, row_number() OVER following = 1
              OR (row_number() OVER following <= $3::bigint
                  AND sum(octet_length(wire) + 1) OVER following <= $5::bigint) AS fits
    FROM candidates
    WINDOW following AS (ORDER BY version ROWS UNBOUNDED PRECEDING)
), parts AS (
    SELECT plural, count(*) FILTER (WHERE fits) AS rows, max(version) FILTER (WHERE fits) AS until,
           bool_or(NOT fits) AS cut,
           -- As bytes, for text would be decoded to be encoded again.
           convert_to(string_agg(wire, ',' ORDER BY version)
               FILTER (WHERE fits AND deleted_at IS NULL), 'UTF8') AS put,
           convert_to(string_agg(wire, ',' ORDER BY version)
               FILTER (WHERE fits AND deleted_at IS NOT NULL), 'UTF8') AS del,
           array_agg(version ORDER BY version) FILTER (WHERE fits AND $6::boolean) AS versions,
           array_agg(CASE WHEN deleted_at IS NULL THEN live_version END ORDER BY version)
               FILTER (WHERE fits AND $6::boolean) AS live_versions,
           array_agg(wire ORDER BY version) FILTER (WHERE fits AND $6::boolean) AS wires,
           array_agg(wire_author ORDER BY version) FILTER (WHERE fits AND $6::boolean) AS authors
    FROM measured GROUP BY plural
)
SELECT head.version AS head, head.epoch, head.floor, head.checksum, parts.*
FROM head LEFT JOIN parts ON true;

-- name: read_head
-- The head without rows: auth, ping, readiness of a feed.
SELECT version AS head, epoch, floor, checksum::text AS checksum
FROM global_version WHERE tenant_id = $1::text;

-- name: count_rows
-- How many rows a catch-up has to come. $1 tenant, $2 since, $3 tombstones only after.
SELECT count(*) FROM synced_rows
WHERE tenant_id = $1::text AND version > $2::bigint
    AND (deleted_at IS NULL OR version > $3::bigint);

-- name: list_heads
-- Every tenant's head: once a second each process compares its feeds with it.
SELECT tenant_id, version, epoch FROM list_heads();

-- name: find_tombstones
-- Versions of tombstones after a version that were given before a time, in order: what the purge
-- removes. $1 tenant, $2 after, $3 the time, $4 at most.
SELECT version FROM synced_rows
WHERE tenant_id = $1::text AND version > $2::bigint AND deleted_at IS NOT NULL
    AND updated_at < $3::timestamptz
ORDER BY version LIMIT $4::bigint;

-- name: purge_tombstones
-- Removes tombstones and moves the floor. $1 their versions in order, $2 the time before which
-- they were given, $3 milliseconds under the lock.
SELECT done, removed::text AS removed, held
FROM purge_tombstones($1::bigint[], $2::timestamptz, $3::real);

-- name: read_cutoff
-- The time so long ago, by the database's clock: what was given before it is old. $1 how long.
SELECT clock_timestamp() - $1::interval;
