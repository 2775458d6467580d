-- The schema that sql/ makes, for reading: written by `make schema`, compared by a test.
-- Change the files in migrations/, functions/, views/ and triggers/ instead.

CREATE EXTENSION IF NOT EXISTS btree_gin WITH SCHEMA public;

COMMENT ON EXTENSION btree_gin IS 'support for indexing common datatypes in GIN';

CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';

CREATE EXTENSION IF NOT EXISTS unaccent WITH SCHEMA public;

COMMENT ON EXTENSION unaccent IS 'text search dictionary that removes accents';

CREATE TYPE public.pgqueuer_status AS ENUM (
    'queued',
    'picked',
    'successful',
    'exception',
    'canceled',
    'deleted',
    'failed'
);

CREATE FUNCTION public.add_counts(counts jsonb, more jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT coalesce(counts, '{}') || coalesce(jsonb_object_agg(
        key, coalesce((counts ->> key)::bigint, 0) + value::bigint), '{}')
    FROM jsonb_each_text(more)
$$;

CREATE FUNCTION public.clean_search_backlog() RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT gin_clean_pending_list('contacts_search') $$;

CREATE FUNCTION public.contact_conditions(tenant text, filter jsonb) RETURNS text
    LANGUAGE sql STABLE
    AS $_$
    SELECT concat_ws(' AND ',
        format('tenant_id = %L', tenant),
        CASE WHEN (filter ->> 'deleted')::boolean THEN 'deleted_at IS NOT NULL'
             ELSE 'deleted_at IS NULL' END,
        -- A whole company is first found by its part, as the search index has it.
        CASE WHEN filter ?| '{words,company}' THEN
            format('id IN (SELECT id FROM contact_search WHERE %s)',
                   search_conditions(tenant, filter - '{has_email,has_phone}'::text[])) END,
        -- Joined, not compared with each of what may be 100,000.
        CASE WHEN filter ? 'ids' THEN
            format('id IN (SELECT unnest(%L::text[]))',
                   ARRAY(SELECT jsonb_array_elements_text(filter -> 'ids'))) END,
        CASE WHEN filter ->> 'owner_id' = 'none' THEN 'owner_id IS NULL'
             WHEN filter ? 'owner_id' THEN format('owner_id = %L', filter ->> 'owner_id') END,
        CASE WHEN filter ? 'tag' THEN
            format('tag_ids && %L::text[] AND tag_ids <> ''{}''',
                   find_named_ids(tenant, 'tags', filter -> 'tag')) END,
        CASE WHEN filter ? 'group' THEN
            format('group_ids && %L::text[] AND group_ids <> ''{}''',
                   find_named_ids(tenant, 'groups', filter -> 'group')) END,
        CASE WHEN filter ? 'type' THEN
            format('type_ids && %L::text[] AND type_ids <> ''{}''',
                   find_named_ids(tenant, 'types', filter -> 'type')) END,
        CASE WHEN filter ? 'carries' THEN
            format('%1$I && %2$L::text[] AND %1$I <> ''{}''', filter -> 'carries' ->> 'field',
                   ARRAY[filter -> 'carries' ->> 'id']) END,
        CASE WHEN filter ? 'company' THEN
            format('fold(company) = %L', fold(filter ->> 'company')) END,
        CASE WHEN filter ? 'active' THEN
            format('active = %L', filter ->> 'active') END,
        CASE WHEN filter ? 'has_email' THEN
            format('(emails <> ''[]'') = %L', filter ->> 'has_email') END,
        CASE WHEN filter ? 'has_phone' THEN
            format('(phones <> ''[]'') = %L', filter ->> 'has_phone') END,
        CASE WHEN filter ->> 'opted_out' IN ('any', 'none') THEN
            format('jsonb_path_exists(preferences, ''$.* ? (@ == "opted_out")'') = %L',
                   filter ->> 'opted_out' = 'any')
             WHEN filter ? 'opted_out' THEN
            format('preferences ->> %L = ''opted_out''', filter ->> 'opted_out') END,
        CASE WHEN filter ? 'updated_since' THEN
            format('updated_at >= %L AND version >= %s', since, find_version_at(tenant, since)) END)
    FROM (SELECT timestamptz 'epoch' + (filter ->> 'updated_since')::bigint * interval '1 microsecond')
         AS asked (since)
$_$;

CREATE FUNCTION public.contact_display_name(first_name text, last_name text, company text, emails jsonb, phones jsonb) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT coalesce(
        NULLIF(concat_ws(' ', NULLIF(first_name, ''), NULLIF(last_name, '')), ''),
        NULLIF(company, ''),
        emails -> 0 ->> 'value',
        phones -> 0 ->> 'value')
$$;

CREATE FUNCTION public.contact_key_texts(emails jsonb, phones jsonb) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT item ->> 'value' FROM jsonb_array_elements(emails) AS item
    WHERE length(item ->> 'value') <= 320
    UNION
    SELECT item ->> 'e164' FROM jsonb_array_elements(phones) AS item
    WHERE length(item ->> 'e164') <= 320
$$;

CREATE TABLE public.contact_search (
    tenant_id text CONSTRAINT contact_search_tenant_id_not_null1 NOT NULL COLLATE pg_catalog."C",
    id text CONSTRAINT contact_search_id_not_null1 NOT NULL COLLATE pg_catalog."C",
    created_us bigint NOT NULL,
    has_email boolean NOT NULL,
    has_phone boolean NOT NULL,
    sort_name text NOT NULL COLLATE pg_catalog."C",
    sort_first_name text NOT NULL COLLATE pg_catalog."C",
    sort_last_name text NOT NULL COLLATE pg_catalog."C",
    sort_company text NOT NULL COLLATE pg_catalog."C",
    search_text text CONSTRAINT contact_search_search_text_not_null1 NOT NULL
);

COMMENT ON TABLE public.contact_search IS 'What search looks through, and what lists are sorted by: one row for each contact, kept by triggers.';

COMMENT ON COLUMN public.contact_search.tenant_id IS 'The company that the contact belongs to.';

COMMENT ON COLUMN public.contact_search.id IS 'The contact.';

COMMENT ON COLUMN public.contact_search.created_us IS 'When it was created, in microseconds since 1970.';

COMMENT ON COLUMN public.contact_search.has_email IS 'Whether it has an e-mail.';

COMMENT ON COLUMN public.contact_search.has_phone IS 'Whether it has a phone.';

COMMENT ON COLUMN public.contact_search.sort_name IS 'That of the contact: the name to show, folded.';

COMMENT ON COLUMN public.contact_search.sort_first_name IS 'Folded, its first 200 characters; empty for none.';

COMMENT ON COLUMN public.contact_search.sort_last_name IS 'Folded, its first 200 characters; empty for none.';

COMMENT ON COLUMN public.contact_search.sort_company IS 'Folded, its first 200 characters; empty for none.';

COMMENT ON COLUMN public.contact_search.search_text IS 'Names, company, e-mails and phone digits without capitals and accents.';

CREATE TABLE public.contacts (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    live_version bigint NOT NULL,
    external_id text,
    first_name text,
    last_name text,
    display_name text,
    company text,
    department text,
    job_title text,
    emails jsonb DEFAULT '[]'::jsonb NOT NULL,
    phones jsonb DEFAULT '[]'::jsonb NOT NULL,
    addresses jsonb DEFAULT '[]'::jsonb NOT NULL,
    websites jsonb DEFAULT '[]'::jsonb NOT NULL,
    birthday text,
    notes text,
    custom jsonb DEFAULT '{}'::jsonb NOT NULL,
    preferences jsonb DEFAULT '{}'::jsonb NOT NULL,
    tag_ids text[] DEFAULT '{}'::text[] NOT NULL,
    group_ids text[] DEFAULT '{}'::text[] NOT NULL,
    type_ids text[] DEFAULT '{}'::text[] NOT NULL,
    owner_id text COLLATE pg_catalog."C",
    photo jsonb,
    active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    created_by text,
    updated_by text,
    deleted_at timestamp with time zone,
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL,
    written_by text,
    written_device text,
    written_mutation text,
    written_origin text,
    written_in xid8,
    wire text NOT NULL,
    wire_author text NOT NULL,
    sort_name text NOT NULL COLLATE pg_catalog."C",
    CONSTRAINT contacts_birthday_check CHECK ((birthday ~ '^(\d{4}|-)-\d\d-\d\d$'::text))
);

COMMENT ON TABLE public.contacts IS 'A person or a company that agents work with.';

COMMENT ON COLUMN public.contacts.tenant_id IS 'The company that the row belongs to.';

COMMENT ON COLUMN public.contacts.id IS 'Made by whoever creates the row, client or server; never changes.';

COMMENT ON COLUMN public.contacts.version IS 'Given each time the row changes visibly, in the order of commits.';

COMMENT ON COLUMN public.contacts.live_version IS 'The version at which it last became live: created or restored.';

COMMENT ON COLUMN public.contacts.external_id IS 'Its id in another system, such as a CRM.';

COMMENT ON COLUMN public.contacts.first_name IS 'First name.';

COMMENT ON COLUMN public.contacts.last_name IS 'Last name.';

COMMENT ON COLUMN public.contacts.display_name IS 'The name to show: first and last name, else company, else the first e-mail, else the first phone. Computed.';

COMMENT ON COLUMN public.contacts.company IS 'Company.';

COMMENT ON COLUMN public.contacts.department IS 'Department.';

COMMENT ON COLUMN public.contacts.job_title IS 'Job title.';

COMMENT ON COLUMN public.contacts.emails IS '[{label, value}], addresses in lower case.';

COMMENT ON COLUMN public.contacts.phones IS '[{label, value, e164}]: as typed, and as +41446681800 where it is a whole number.';

COMMENT ON COLUMN public.contacts.addresses IS '[{label, street, city, region, postal_code, country}].';

COMMENT ON COLUMN public.contacts.websites IS '[{label, value}].';

COMMENT ON COLUMN public.contacts.birthday IS 'YYYY-MM-DD, or --MM-DD without the year.';

COMMENT ON COLUMN public.contacts.notes IS 'Free text.';

COMMENT ON COLUMN public.contacts.custom IS '{name: value}: fields of the tenant''s own. Merges key by key.';

COMMENT ON COLUMN public.contacts.preferences IS '{email, phone, sms}: opted_in or opted_out. Merges key by key.';

COMMENT ON COLUMN public.contacts.tag_ids IS 'Ids of tags. Merges id by id.';

COMMENT ON COLUMN public.contacts.group_ids IS 'Ids of groups. Merges id by id.';

COMMENT ON COLUMN public.contacts.type_ids IS 'Ids of types. Merges id by id.';

COMMENT ON COLUMN public.contacts.owner_id IS 'The agent who looks after it.';

COMMENT ON COLUMN public.contacts.photo IS '{hash, url}. The server''s.';

COMMENT ON COLUMN public.contacts.active IS 'Whether the contact is still worked with.';

COMMENT ON COLUMN public.contacts.created_at IS 'When the row was made, by the database''s clock.';

COMMENT ON COLUMN public.contacts.updated_at IS 'When its version was given.';

COMMENT ON COLUMN public.contacts.created_by IS 'The agent who made it; NULL when it was typed into the database.';

COMMENT ON COLUMN public.contacts.updated_by IS 'The agent who gave it its version; NULL like created_by.';

COMMENT ON COLUMN public.contacts.deleted_at IS 'Set on a tombstone, which keeps its hidden fields until the purge.';

COMMENT ON COLUMN public.contacts.stamps IS '{name: {at, mutation, version, by, device, writer}} of each field changed since the creation, whose own stamp stands under "*"; `at` in microseconds since 1970. Merging decides by them.';

COMMENT ON COLUMN public.contacts.written_by IS 'The agent of the last write; counts only in the transaction written_in.';

COMMENT ON COLUMN public.contacts.written_device IS 'The device of the last write, if there was one.';

COMMENT ON COLUMN public.contacts.written_mutation IS 'The mutation_id of the last write.';

COMMENT ON COLUMN public.contacts.written_origin IS 'Where the last write came from: socket, rest, import, job or sql.';

COMMENT ON COLUMN public.contacts.written_in IS 'The transaction that set the written_… columns. In any other one they are void, and the change counts as typed into the database.';

COMMENT ON COLUMN public.contacts.wire IS 'The row''s JSON as it goes out, empty fields left out.';

COMMENT ON COLUMN public.contacts.wire_author IS 'JSON of the last write''s mutation and author, for events.';

COMMENT ON COLUMN public.contacts.sort_name IS 'The beginning of the display name without capitals and accents: what lists are sorted by. Computed.';

CREATE FUNCTION public.contact_search_row(contact public.contacts) RETURNS SETOF public.contact_search
    LANGUAGE sql STABLE ROWS 1
    AS $$
    SELECT contact.tenant_id, contact.id, (extract(epoch FROM contact.created_at) * 1000000)::bigint,
           contact.emails <> '[]', contact.phones <> '[]', contact.sort_name,
           left(fold(coalesce(contact.first_name, '')), 200),
           left(fold(coalesce(contact.last_name, '')), 200),
           left(fold(coalesce(contact.company, '')), 200),
           contact_search_text(contact)
$$;

CREATE FUNCTION public.contact_search_text(contact public.contacts) RETURNS text
    LANGUAGE sql STABLE
    AS $_$
    -- Nothing but an expression, so that it is inlined, which costs less than what is done twice.
    -- Digits of one phone stay together and apart from the next: the quotes between them stay.
    SELECT fold(concat_ws(' ',
        contact.first_name, contact.last_name, contact.company,
        jsonb_path_query_array(contact.emails, '$[*].value')::text,
        jsonb_path_query_array(contact.phones, '$[*].value')::text,
        regexp_replace(jsonb_path_query_array(contact.phones, '$[*].value')::text,
                       '[^0-9"]', '', 'g'),
        jsonb_path_query_array(contact.phones, '$[*].e164')::text))
$_$;

CREATE FUNCTION public.contains_pattern(value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT '%' || regexp_replace(fold(value), '([\\%_])', '\\\1', 'g') || '%' $$;

CREATE FUNCTION public.create_entity_triggers(entity text, entity_plural text) RETURNS void
    LANGUAGE plpgsql
    AS $_$
DECLARE
    definition text;
BEGIN
    FOREACH definition IN ARRAY ARRAY[
        -- Takes the tenant's lock before any row is touched: versions follow the order of commits.
        'lock_%2$s BEFORE INSERT OR UPDATE OR DELETE ON %2$s
            FOR EACH STATEMENT EXECUTE FUNCTION take_version_lock()',
        -- The fields' JSON and what is computed from them.
        'derive_%1$s_columns BEFORE INSERT OR UPDATE ON %2$s
            FOR EACH ROW EXECUTE FUNCTION derive_%1$s_columns()',
        -- Version, times, author, stamps, and the row as it goes out.
        'update_%1$s_timestamp BEFORE INSERT OR UPDATE ON %2$s
            FOR EACH ROW EXECUTE FUNCTION update_row_timestamp()',
        -- A DELETE leaves a tombstone.
        'keep_%1$s_tombstone BEFORE DELETE ON %2$s
            FOR EACH ROW EXECUTE FUNCTION keep_tombstone()',
        -- Devices would never learn of a TRUNCATE.
        'refuse_%1$s_truncate BEFORE TRUNCATE ON %2$s
            FOR EACH STATEMENT EXECUTE FUNCTION refuse_change(''use DELETE, which devices learn of'')',
        -- The head, the checksum and NOTIFY.
        'keep_head_of_inserted_%2$s AFTER INSERT ON %2$s
            REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION keep_head()',
        'keep_head_of_updated_%2$s AFTER UPDATE ON %2$s
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION keep_head()',
        -- The history.
        'log_inserted_%1$s_change AFTER INSERT ON %2$s
            REFERENCING NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION log_row_change(%1$s)',
        'log_updated_%1$s_change AFTER UPDATE ON %2$s
            REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
            FOR EACH STATEMENT EXECUTE FUNCTION log_row_change(%1$s)'
    ] LOOP
        EXECUTE 'CREATE OR REPLACE TRIGGER ' || format(definition, entity, entity_plural);
    END LOOP;
END
$_$;

CREATE FUNCTION public.derive_contact_columns() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.display_name := contact_display_name(
        NEW.first_name, NEW.last_name, NEW.company, NEW.emails, NEW.phones);
    -- 200 characters: an index refuses what is longer than 2,700 bytes.
    NEW.sort_name := left(fold(coalesce(NEW.display_name, '')), 200);
    -- Field by field, each with the comma before it: a null leaves its field out, and only what
    -- can hold nulls inside is searched for them. Half the time of json_strip_nulls on the whole.
    NEW.wire := '{' || right(concat(
        ',"external_id":' || to_json(NULLIF(NEW.external_id, ''))::text,
        ',"first_name":' || to_json(NULLIF(NEW.first_name, ''))::text,
        ',"last_name":' || to_json(NULLIF(NEW.last_name, ''))::text,
        ',"display_name":' || to_json(NEW.display_name)::text,
        ',"company":' || to_json(NULLIF(NEW.company, ''))::text,
        ',"department":' || to_json(NULLIF(NEW.department, ''))::text,
        ',"job_title":' || to_json(NULLIF(NEW.job_title, ''))::text,
        ',"emails":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.emails, '[]')))::text, 'null'),
        ',"phones":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.phones, '[]')))::text, 'null'),
        ',"addresses":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.addresses, '[]')))::text, 'null'),
        ',"websites":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.websites, '[]')))::text, 'null'),
        ',"birthday":' || to_json(NULLIF(NEW.birthday, ''))::text,
        ',"notes":' || to_json(NULLIF(NEW.notes, ''))::text,
        ',"custom":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.custom, '{}')))::text, 'null'),
        ',"preferences":' || NULLIF(json_strip_nulls(to_json(NULLIF(NEW.preferences, '{}')))::text, 'null'),
        ',"tag_ids":' || to_json(NULLIF(NEW.tag_ids, '{}'))::text,
        ',"group_ids":' || to_json(NULLIF(NEW.group_ids, '{}'))::text,
        ',"type_ids":' || to_json(NULLIF(NEW.type_ids, '{}'))::text,
        ',"owner_id":' || to_json(NEW.owner_id)::text,
        ',"photo":' || NULLIF(json_strip_nulls(to_json(NEW.photo))::text, 'null'),
        ',"active":' || to_json(NEW.active)::text), -1) || '}';
    RETURN NEW;
END
$$;

CREATE FUNCTION public.derive_group_columns() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.wire := json_strip_nulls(json_build_object(
        'name', NULLIF(NEW.name, ''),
        'description', NULLIF(NEW.description, '')));
    RETURN NEW;
END
$$;

CREATE FUNCTION public.derive_tag_columns() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.wire := json_strip_nulls(json_build_object(
        'name', NULLIF(NEW.name, ''),
        'color', NULLIF(NEW.color, ''),
        'category', NULLIF(NEW.category, '')));
    RETURN NEW;
END
$$;

CREATE FUNCTION public.derive_type_columns() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    NEW.wire := json_strip_nulls(json_build_object(
        'name', NULLIF(NEW.name, ''),
        'description', NULLIF(NEW.description, '')));
    RETURN NEW;
END
$$;

CREATE FUNCTION public.describe_synced_columns(entity_plural text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    described record;
BEGIN
    FOR described IN VALUES
        ('tenant_id', 'The company that the row belongs to.'),
        ('id', 'Made by whoever creates the row, client or server; never changes.'),
        ('version', 'Given each time the row changes visibly, in the order of commits.'),
        ('live_version', 'The version at which it last became live: created or restored.'),
        ('created_at', 'When the row was made, by the database''s clock.'),
        ('updated_at', 'When its version was given.'),
        ('created_by', 'The agent who made it; NULL when it was typed into the database.'),
        ('updated_by', 'The agent who gave it its version; NULL like created_by.'),
        ('deleted_at', 'Set on a tombstone, which keeps its hidden fields until the purge.'),
        ('stamps', '{name: {at, mutation, version, by, device, writer}} of each field changed since the creation, whose own stamp stands under "*"; `at` in microseconds since 1970. Merging decides by them.'),
        ('written_by', 'The agent of the last write; counts only in the transaction written_in.'),
        ('written_device', 'The device of the last write, if there was one.'),
        ('written_mutation', 'The mutation_id of the last write.'),
        ('written_origin', 'Where the last write came from: socket, rest, import, job or sql.'),
        ('written_in', 'The transaction that set the written_… columns. In any other one they are void, and the change counts as typed into the database.'),
        ('wire', 'The row''s JSON as it goes out, empty fields left out.'),
        ('wire_author', 'JSON of the last write''s mutation and author, for events.')
    LOOP
        EXECUTE format('COMMENT ON COLUMN %I.%I IS %L',
                       entity_plural, described.column1, described.column2);
    END LOOP;
END
$$;

CREATE FUNCTION public.device_states(tenant text, online text[]) RETURNS TABLE(id text, agent_id text, agent_code text, agent_name text, name text, model text, os text, app_version text, last_seen text, last_sync text, version bigint, queue_size integer, queue_oldest_at text, battery real, network text, clock_skew_ms bigint, lag_versions bigint, lag_seconds bigint, is_online boolean, state text, app_outdated boolean, queue_stuck boolean, created_at text, revoked_at text)
    LANGUAGE sql STABLE
    AS $$
    SELECT s.id, s.agent_id, s.agent_code, s.agent_name, s.name, s.model, s.os, s.app_version,
           rfc3339(s.last_seen), rfc3339(s.last_sync), s.version, s.queue_size,
           rfc3339(s.queue_oldest_at), s.battery, s.network, s.clock_skew_ms, s.lag_versions,
           s.lag_seconds,
           s.id = ANY (online) AND s.state <> 'revoked',
           CASE WHEN s.id = ANY (online) AND s.state IN ('missing', 'late', 'idle') THEN 'online'
                ELSE s.state END,
           s.app_outdated, s.queue_stuck, rfc3339(s.created_at), rfc3339(s.revoked_at)
    FROM device_status AS s
    WHERE s.tenant_id = tenant
$$;

CREATE FUNCTION public.enqueue_job(entrypoint text, payload jsonb) RETURNS bigint
    LANGUAGE sql
    AS $$
    WITH job AS (
        INSERT INTO pgqueuer (priority, entrypoint, payload, status)
        VALUES (0, entrypoint, convert_to(payload::text, 'UTF8'), 'queued')
        RETURNING id, priority, entrypoint, status
    ), logged AS (
        INSERT INTO pgqueuer_log (job_id, status, priority, entrypoint)
        SELECT id, status, priority, entrypoint FROM job
    )
    SELECT id FROM job
$$;

CREATE FUNCTION public.enqueue_strip() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    PERFORM enqueue_job('strip_reference', jsonb_build_object(
        'tenant', NEW.tenant_id, 'plural', TG_TABLE_NAME, 'id', NEW.id));
    RETURN NULL;
END
$$;

CREATE FUNCTION public.export_cell(expression text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$
    SELECT format('CASE WHEN %1$s < ''A'' COLLATE "C" AND (%1$s < ''0'' COLLATE "C" '
                  'OR %1$s > ''9'' COLLATE "C") THEN guard_cell(%1$s) ELSE %1$s END', expression)
$_$;

CREATE FUNCTION public.export_conditions(tenant text, filter jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    most constant integer := 10000;
    ids text[];
BEGIN
    IF filter ?| '{words,company,tag,group,type}' THEN
        ids := ARRAY(SELECT page_contact_ids(tenant, filter, '', most + 1));
        IF cardinality(ids) <= most THEN
            RETURN format('tenant_id = %L AND id = ANY (%L)', tenant, ids);
        END IF;
    END IF;
    RETURN contact_conditions(tenant, filter);
END
$$;

CREATE FUNCTION public.export_custom_value(value jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
    SELECT CASE WHEN jsonb_typeof(value) = 'string' AND value #>> '{}' ~ (
                    '^("|(true|false|null|-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)$)')
                THEN value::text ELSE value #>> '{}' END
$_$;

CREATE FUNCTION public.export_google_columns(shape jsonb) RETURNS TABLE(heading text, cell text)
    LANGUAGE sql IMMUTABLE
    AS $_$
    WITH customs AS (
        SELECT place, 'Fieldbook ' || name AS label, value
        FROM (VALUES
            (1, 'id', 'c.id'), (2, 'external_id', 'c.external_id'), (3, 'groups', 'names.groups'),
            (4, 'types', 'names.types'), (5, 'owner', 'a.code'),
            (6, 'active', 'CASE WHEN NOT c.active THEN ''false'' END'),
            (7, 'preferences.email', 'c.preference_email'),
            (8, 'preferences.phone', 'c.preference_phone'),
            (9, 'preferences.sms', 'c.preference_sms')
        ) AS ours (place, name, value)
        UNION ALL
        SELECT 9 + place, name, format('c.custom_%s', place)
        FROM jsonb_array_elements_text(shape -> 'custom') WITH ORDINALITY AS names (name, place)
    ), address_parts AS (
        SELECT * FROM (VALUES
            (1, 'Label', 'label'), (2, 'Formatted', NULL), (3, 'Street', 'street'),
            (4, 'City', 'city'), (5, 'PO Box', NULL), (6, 'Region', 'region'),
            (7, 'Postal Code', 'postal_code'), (8, 'Country', 'country'),
            (9, 'Extended Address', NULL)
        ) AS parts (place, heading, part)
    )
    SELECT heading, cell
    FROM (
        SELECT 1 AS section, 0 AS item, place, heading,
               CASE WHEN field IS NULL THEN 'NULL' ELSE export_cell('c.' || field) END AS cell
        FROM (VALUES
            (1, 'First Name', 'first_name'), (2, 'Middle Name', NULL),
            (3, 'Last Name', 'last_name'), (4, 'Phonetic First Name', NULL),
            (5, 'Phonetic Middle Name', NULL), (6, 'Phonetic Last Name', NULL),
            (7, 'Name Prefix', NULL), (8, 'Name Suffix', NULL), (9, 'Nickname', NULL),
            (10, 'File As', NULL), (11, 'Organization Name', 'company'),
            (12, 'Organization Title', 'job_title'),
            (13, 'Organization Department', 'department'), (14, 'Birthday', 'birthday'),
            (15, 'Notes', 'notes'), (16, 'Photo', NULL)
        ) AS fields (place, heading, field)
        UNION ALL
        SELECT 2, 0, 1, 'Labels',
               'CASE WHEN names.tags IS NULL THEN ''* myContacts''
                     ELSE guard_cell(names.tags || '' ::: * myContacts'') END'
        UNION ALL
        SELECT CASE list WHEN 'emails' THEN 3 WHEN 'phones' THEN 4 ELSE 6 END, item,
               CASE part WHEN 'label' THEN 1 ELSE 2 END,
               format('%s %s - %s',
                      CASE list WHEN 'emails' THEN 'E-mail' WHEN 'phones' THEN 'Phone' ELSE 'Website' END,
                      item, initcap(part)),
               export_cell('c.' || name)
        FROM export_items(shape) WHERE list <> 'addresses'
        UNION ALL
        SELECT 5, item, place, format('Address %s - %s', item, heading),
               CASE WHEN part IS NOT NULL THEN export_cell(format('c.addresses_%s_%s', item, part))
                    WHEN heading = 'Formatted' THEN format(
                        'guard_cell(NULLIF(concat_ws(E''\n'', %1$s_street,
                         NULLIF(concat_ws('' '', %1$s_postal_code, %1$s_city), ''''),
                         %1$s_region, %1$s_country), ''''))', 'c.addresses_' || item)
                    ELSE 'NULL' END
        FROM generate_series(1, (shape ->> 'addresses')::integer) AS item, address_parts
        UNION ALL
        SELECT 7, place::integer, 1, format('Custom Field %s - Label', place),
               format('CASE WHEN %s IS NOT NULL THEN %L END', value, guard_cell(label))
        FROM customs
        UNION ALL
        SELECT 7, place::integer, 2, format('Custom Field %s - Value', place),
               CASE WHEN place < max(place) OVER () THEN export_cell(value)
                    ELSE format('concat(%s, %L)', export_cell(value), E'\x1e') END
        FROM customs
    ) AS columns
    ORDER BY section, item, place
$_$;

CREATE FUNCTION public.export_items(shape jsonb) RETURNS TABLE(list text, item integer, part text, name text, place bigint)
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT lists.list, item, part, format('%s_%s_%s', lists.list, item, part),
           row_number() OVER (ORDER BY lists.place, item, parts.place)
    FROM unnest('{emails,phones,addresses,websites}'::text[]) WITH ORDINALITY AS lists (list, place),
         generate_series(1, (shape ->> lists.list)::integer) AS item,
         unnest(CASE WHEN lists.list = 'addresses'
                     THEN '{label,street,city,region,postal_code,country}'::text[]
                     ELSE '{value,label}' END) WITH ORDINALITY AS parts (part, place)
$$;

CREATE FUNCTION public.export_json() RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT 'concat(
        left(c.wire, -1),
        '',"email":'' || (c.emails -> 0 -> ''value'')::text,
        '',"phone":'' || (c.phones -> 0 -> ''value'')::text,
        CASE WHEN c.deleted_at IS NOT NULL THEN '',"deleted_at":"'' || rfc3339(c.deleted_at) || ''"'' END,
        '',"tags":'' || names.tags, '',"groups":'' || names.groups, '',"types":'' || names.types,
        '',"owner":'' || to_json(a.code), ''}'')'
$$;

CREATE FUNCTION public.export_names(tenant text, conditions text, joined text) RETURNS text
    LANGUAGE sql STABLE
    AS $_$
    SELECT CASE WHEN NOT EXISTS (
        SELECT FROM synced_rows AS r
        WHERE r.tenant_id = tenant AND r.plural IN ('tags', 'groups', 'types')
            AND r.deleted_at IS NULL)
    THEN 'CROSS JOIN (SELECT NULL::text AS tags, NULL::text AS groups, NULL::text AS types) AS names'
    ELSE format(
        'LEFT JOIN (
             SELECT * %2$s
             FROM (SELECT DISTINCT tag_ids, group_ids, type_ids FROM contacts WHERE %1$s) AS used
         ) AS names ON names.tag_ids = c.tag_ids AND names.group_ids = c.group_ids
             AND names.type_ids = c.type_ids',
        conditions,
        (SELECT string_agg(format(
             ', (SELECT %s FROM (
                    SELECT named.name
                    FROM unnest(used.%I) AS has (id)
                    JOIN %I AS named
                        ON named.tenant_id = %L AND named.id = has.id AND named.deleted_at IS NULL
                 ) AS r) AS %I', joined, ids, plural, tenant, plural), '')
         FROM (VALUES ('tag_ids', 'tags'), ('group_ids', 'groups'), ('type_ids', 'types'))
             AS kinds (ids, plural)))
    END
$_$;

CREATE FUNCTION public.export_own_columns(shape jsonb) RETURNS TABLE(heading text, cell text)
    LANGUAGE sql IMMUTABLE
    AS $_$
    SELECT heading, cell
    FROM (
        SELECT 1 AS section, place, name AS heading, export_cell('c.' || name) AS cell
        FROM unnest('{id,external_id,first_name,last_name,company,department,job_title}'::text[])
            WITH ORDINALITY AS fields (name, place)
        UNION ALL
        SELECT 2, place, format('%s.%s.%s', list, item, part), export_cell('c.' || name)
        FROM export_items(shape)
        UNION ALL
        SELECT 3, place, heading, cell
        FROM (VALUES
            (1, 'birthday', export_cell('c.birthday')),
            (2, 'notes', export_cell('c.notes')),
            (3, 'tags', export_cell('names.tags')),
            (4, 'groups', export_cell('names.groups')),
            (5, 'types', export_cell('names.types')),
            (6, 'owner', export_cell('a.code')),
            (7, 'active', 'CASE WHEN c.active THEN ''true'' ELSE ''false'' END'),
            (8, 'preferences.email', export_cell('c.preference_email')),
            (9, 'preferences.phone', export_cell('c.preference_phone')),
            (10, 'preferences.sms', export_cell('c.preference_sms'))
        ) AS fields (place, heading, cell)
        UNION ALL
        -- All that export_custom_value changes begins below A, but for three words.
        SELECT 4, place, 'custom.' || name, format(
            'CASE WHEN c.custom_%1$s < ''A'' COLLATE "C" OR c.custom_%1$s IN (''true'', ''false'', ''null'')
                  THEN guard_cell(export_custom_value(c.custom -> %2$L)) ELSE c.custom_%1$s END',
            place, name)
        FROM jsonb_array_elements_text(shape -> 'custom') WITH ORDINALITY AS names (name, place)
        UNION ALL
        -- rfc3339() would take two fifths of the whole export.
        SELECT 5, place, heading, format(
            'replace(date_trunc(''milliseconds'', timezone(''UTC'', c.%s))::text, '' '', ''T'') || %L',
            heading, mark)
        FROM (VALUES (1, 'created_at', 'Z'), (2, 'updated_at', E'Z\x1e'))
            AS fields (place, heading, mark)
    ) AS columns
    ORDER BY section, place
$_$;

CREATE FUNCTION public.export_rows(tenant text, conditions text, shape jsonb, joined text) RETURNS text
    LANGUAGE sql STABLE
    AS $_$
    SELECT format(
        '(SELECT *, clock_timestamp() AS apart_2,
                 preferences ->> ''email'' AS preference_email,
                 preferences ->> ''phone'' AS preference_phone,
                 preferences ->> ''sms'' AS preference_sms %3$s %4$s
          FROM (SELECT clock_timestamp() AS apart_1, id, external_id, first_name, last_name,
                       display_name, company, department, job_title, emails, phones, addresses,
                       websites, birthday, notes, custom, preferences, tag_ids, group_ids, type_ids,
                       owner_id, active, created_at, updated_at, deleted_at, wire %2$s
                FROM contacts WHERE %1$s) AS listed) AS c
         LEFT JOIN agents AS a ON a.tenant_id = %5$L AND a.id = c.owner_id
         %6$s',
        conditions,
        (SELECT string_agg(format(', %1$s -> %2$s AS %1$s_%3$s', list, item - 1, item), '')
         FROM (SELECT DISTINCT list, item FROM export_items(shape)) AS items),
        (SELECT string_agg(format(', %s_%s ->> %L AS %s', list, item, part, name), '')
         FROM export_items(shape)),
        (SELECT string_agg(format(', custom ->> %L AS custom_%s', name, place), '')
         FROM jsonb_array_elements_text(shape -> 'custom') WITH ORDINALITY AS names (name, place)),
        tenant,
        export_names(tenant, conditions, joined))
$_$;

CREATE FUNCTION public.export_shape(conditions text, columns boolean) RETURNS jsonb
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    shape jsonb;
    names jsonb;
BEGIN
    IF NOT columns THEN
        EXECUTE format(
            'SELECT jsonb_build_object(''total'', count(*)) FROM contacts WHERE %s', conditions)
        INTO shape;
        RETURN shape;
    END IF;
    EXECUTE format(
        'SELECT jsonb_build_object(
             ''total'', count(*),
             ''emails'', coalesce(max(jsonb_array_length(emails)), 0),
             ''phones'', coalesce(max(jsonb_array_length(phones)), 0),
             ''addresses'', coalesce(max(jsonb_array_length(addresses)), 0),
             ''websites'', coalesce(max(jsonb_array_length(websites)), 0))
         FROM contacts WHERE %s', conditions)
    INTO shape;
    EXECUTE format(
        'SELECT coalesce(jsonb_agg(name ORDER BY name COLLATE "C"), ''[]'')
         FROM (SELECT jsonb_object_keys(custom) AS name FROM contacts
               WHERE %s AND custom <> ''{}'' GROUP BY name) AS used', conditions)
    INTO names;
    RETURN shape || jsonb_build_object('custom', names);
END
$$;

CREATE FUNCTION public.export_vcard(shape jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$
    WITH items AS (
        SELECT string_agg(format('vcard_line(%L, %s_label, %L, %s)', property, item, place, value), ', '
                          ORDER BY place) AS lines
        FROM (
            SELECT row_number() OVER (ORDER BY number, item) AS place, property,
                   format('c.%s_%s', list, item) AS item,
                   replace(value, '@', format('c.%s_%s', list, item)) AS value
            FROM (VALUES
                (1, 'emails', 'EMAIL', '@_value'),
                (2, 'phones', 'TEL', '@_value'),
                (3, 'addresses', 'ADR',
                 'CASE WHEN @ IS NOT NULL THEN concat(E''\x1d\x1d'', @_street, E''\x1d'', @_city,
                      E''\x1d'', @_region, E''\x1d'', @_postal_code, E''\x1d'', @_country) END'),
                (4, 'websites', 'URL', '@_value')
            ) AS kinds (number, list, property, value),
            generate_series(1, (shape ->> list)::integer) AS item
        ) AS items
    ), texts AS (
        SELECT string_agg(format('%L || %s || E''\x1e''', property || ':', value), ', '
                          ORDER BY place) AS lines
        FROM (VALUES
            -- Without a year it is written as Google does; the standard has no way to.
            (1, 'BDAY', 'regexp_replace(c.birthday, ''^--(\d\d)-'', ''--\1'')'),
            (2, 'NOTE', 'NULLIF(c.notes, '''')'),
            (3, 'CATEGORIES', 'names.tags'),
            (4, 'X-FIELDBOOK-EXTERNAL-ID', 'NULLIF(c.external_id, '''')'),
            (5, 'X-FIELDBOOK-GROUPS', 'replace(names.groups, E''\x1c'', '' ::: '')'),
            (6, 'X-FIELDBOOK-TYPES', 'replace(names.types, E''\x1c'', '' ::: '')'),
            (7, 'X-FIELDBOOK-OWNER', 'a.code'),
            -- Always there: it says that the card is ours, and its UID the contact's id.
            (8, 'X-FIELDBOOK-ACTIVE', 'CASE WHEN c.active THEN ''true'' ELSE ''false'' END'),
            (9, 'X-FIELDBOOK-PREFERENCES-EMAIL', 'c.preference_email'),
            (10, 'X-FIELDBOOK-PREFERENCES-PHONE', 'c.preference_phone'),
            (11, 'X-FIELDBOOK-PREFERENCES-SMS', 'c.preference_sms'),
            (12, 'REV', 'replace(date_trunc(''second'', timezone(''UTC'', c.updated_at))::text, '' '', ''T'') || ''Z''')
        ) AS properties (place, property, value)
    ), customs AS (
        SELECT string_agg(format(
            'CASE WHEN c.custom_%1$s IS NOT NULL THEN
                %2$L || E''\x1d'' || export_custom_value(c.custom -> %3$L) || E''\x1e'' END',
            place, 'X-FIELDBOOK-CUSTOM:' || name, name), ', ' ORDER BY place) AS lines
        FROM jsonb_array_elements_text(shape -> 'custom') WITH ORDINALITY AS names (name, place)
    )
    SELECT format(
        'array_to_string(ARRAY[E''BEGIN:VCARD\x1eVERSION:3.0\x1eUID:'', c.id,
            E''\x1eFN:'', coalesce(c.display_name, c.id),
            E''\x1eN:'', c.last_name, E''\x1d'', c.first_name, E''\x1d\x1d\x1d\x1e'',
            CASE WHEN c.company <> '''' OR c.department <> '''' THEN
                concat(''ORG:'', c.company, E''\x1d'' || NULLIF(c.department, ''''), E''\x1e'') END,
            ''TITLE:'' || NULLIF(c.job_title, '''') || E''\x1e'',
            %s, E''END:VCARD\x1e''], '''')', concat_ws(', ', items.lines, texts.lines, customs.lines))
    FROM items, texts, customs
$_$;

CREATE FUNCTION public.find_api_key(key_hash bytea) RETURNS TABLE(tenant_id text, key_id text, agent_id text, code text, name text, role text, disabled boolean, revoked boolean)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    SELECT k.tenant_id, k.id, a.id, a.code, a.name, a.role, a.disabled, k.revoked_at IS NOT NULL
    FROM api_keys AS k
    JOIN agents AS a ON a.tenant_id = k.tenant_id AND a.id = k.agent_id
    WHERE k.hash = key_hash
$$;

CREATE FUNCTION public.find_bulk_matches(tenant text, asked_ids text[], asked_external_ids text[], asked_keys text[], asked_names jsonb[], OUT head bigint, OUT now bigint, OUT ids text[], OUT external_ids text[], OUT keys text[], OUT names text[]) RETURNS record
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
    SELECT g.version, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
           (SELECT coalesce(array_agg(found.id), '{}')
            FROM unnest(asked_ids) AS asked (id)
            CROSS JOIN LATERAL (
                SELECT c.id FROM contacts AS c
                WHERE c.tenant_id = tenant AND c.id = asked.id OFFSET 0) AS found),
           (SELECT coalesce(array_agg(ARRAY[asked.external_id, found.id]), '{}')
            FROM unnest(asked_external_ids) AS asked (external_id)
            CROSS JOIN LATERAL (
                SELECT c.id FROM contacts AS c
                WHERE c.tenant_id = tenant AND c.external_id = asked.external_id OFFSET 0) AS found),
           (SELECT coalesce(array_agg(ARRAY[asked.key, found.contact_id]), '{}')
            FROM unnest(asked_keys) AS asked (key)
            CROSS JOIN LATERAL (
                SELECT k.contact_id FROM contact_keys AS k
                WHERE k.tenant_id = tenant AND k.key = asked.key OFFSET 0) AS found),
           CASE WHEN cardinality(asked_names) = 0 THEN '{}'
                ELSE find_namesakes(tenant, asked_names) END
    FROM global_version AS g WHERE g.tenant_id = tenant
$$;

CREATE FUNCTION public.find_duplicate_contacts(tenant text, addresses text[], numbers text[]) RETURNS SETOF text
    LANGUAGE sql STABLE
    AS $$
    -- Named in full: contacts have a column of this name.
    SELECT DISTINCT k.contact_id
    FROM contact_keys AS k
    JOIN contacts AS c ON c.tenant_id = k.tenant_id AND c.id = k.contact_id
    WHERE k.tenant_id = tenant AND k.key = ANY (find_duplicate_contacts.addresses || numbers) AND c.deleted_at IS NULL
    ORDER BY k.contact_id LIMIT 10
$$;

CREATE FUNCTION public.find_entries_with_field(tenant text, field text) RETURNS TABLE(first_id bigint, end_id bigint)
    LANGUAGE sql STABLE
    AS $$
    WITH kept AS (
        SELECT day, fields FROM daily_statistics WHERE tenant_id = tenant
    ), asked AS (
        SELECT day FROM kept WHERE fields IS NULL OR fields ? field
        UNION ALL
        SELECT coalesce((SELECT max(day) + 1 FROM kept), '-infinity')
    ), parted AS (
        SELECT day, count(*) FILTER (WHERE far) OVER (ORDER BY day) AS part
        FROM (SELECT day, day > lag(day) OVER (ORDER BY day) + 5 AS far FROM asked) AS each
    )
    SELECT find_entry_at(tenant, min(day)::timestamp AT TIME ZONE 'UTC'),
           -- An entry of a day later may have a lower number: see find_entry_at().
           CASE WHEN max(day) <= (SELECT max(day) FROM kept)
                THEN find_entry_at(tenant, (max(day) + 3)::timestamp AT TIME ZONE 'UTC') END
    FROM parted GROUP BY part ORDER BY part DESC
$$;

CREATE FUNCTION public.find_entry_at(tenant text, moment timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    low    bigint;
    high   bigint;
    middle record;
BEGIN
    SELECT min(id), max(id) + 1 INTO low, high FROM audit_log WHERE tenant_id = tenant;
    WHILE low < high LOOP
        SELECT id, at INTO middle FROM audit_log
        WHERE tenant_id = tenant AND id >= (low + high) / 2 ORDER BY id LIMIT 1;
        IF middle.at >= moment - interval '1 day' THEN
            high := (low + high) / 2;
        ELSE
            low := middle.id + 1;
        END IF;
    END LOOP;
    RETURN coalesce(low, 0);
END
$$;

CREATE FUNCTION public.find_named_ids(tenant text, entity_plural text, ids_or_names jsonb) RETURNS text[]
    LANGUAGE sql STABLE
    AS $$
    SELECT coalesce(array_agg(r.id), '{}')
    FROM synced_rows AS r
    WHERE r.tenant_id = tenant AND r.plural = entity_plural AND r.deleted_at IS NULL
        AND EXISTS (SELECT FROM jsonb_array_elements_text(ids_or_names) AS asked
                    WHERE asked = r.id OR lower(asked) = lower(r.wire::jsonb ->> 'name'))
$$;

CREATE FUNCTION public.find_namesakes(tenant text, asked jsonb[]) RETURNS text[]
    LANGUAGE sql STABLE
    SET enable_seqscan TO 'off'
    SET enable_nestloop TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_hashjoin TO 'on'
    AS $_$
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
$_$;

CREATE FUNCTION public.find_referring_contacts(tenant text, plural text, reference text, most integer) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $_$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT id FROM contacts
         WHERE %1$I @> ARRAY[$2] AND %1$I <> ''{}'' AND tenant_id = $1 AND $1 = current_setting(''app.tenant'', true)
         LIMIT $3', reference_column(plural)) USING tenant, reference, most;
END
$_$;

CREATE FUNCTION public.find_version_at(tenant text, moment timestamp with time zone) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    AS $$
DECLARE
    since  timestamptz := moment - interval '1 minute' - (
        SELECT clock_set_back FROM global_version WHERE tenant_id = tenant);
    low    bigint;
    high   bigint;
    middle record;
BEGIN
    SELECT min(version), max(version) + 1 INTO low, high FROM contacts WHERE tenant_id = tenant;
    WHILE low < high LOOP
        SELECT version, updated_at INTO middle FROM contacts
        WHERE tenant_id = tenant AND version >= (low + high) / 2 ORDER BY version LIMIT 1;
        IF middle.updated_at >= since THEN
            high := (low + high) / 2;
        ELSE
            low := middle.version + 1;
        END IF;
    END LOOP;
    RETURN coalesce(low, 0);
END
$$;

CREATE FUNCTION public.fn_pgqueuer_changed() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
DECLARE
    to_emit BOOLEAN := false;  -- Flag to decide whether to emit a notification
BEGIN
    -- Check operation type and set the emit flag accordingly
    IF TG_OP = 'UPDATE' AND OLD IS DISTINCT FROM NEW THEN
        to_emit := true;
    ELSIF TG_OP = 'DELETE' THEN
        to_emit := true;
    ELSIF TG_OP = 'INSERT' THEN
        to_emit := true;
    ELSIF TG_OP = 'TRUNCATE' THEN
        to_emit := true;
    END IF;

    -- Perform notification if the emit flag is set
    IF to_emit THEN
        PERFORM pg_notify(
            'ch_pgqueuer',
            json_build_object(
                'channel', 'ch_pgqueuer',
                'operation', lower(TG_OP),
                'sent_at', NOW(),
                'table', TG_TABLE_NAME,
                'type', 'table_changed_event'
            )::text
        );
    END IF;

    -- Return appropriate value based on the operation
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        RETURN NEW;
    ELSIF TG_OP = 'DELETE' THEN
        RETURN OLD;
    ELSE
        RETURN NULL; -- For TRUNCATE and other non-row-specific contexts
    END IF;

END;
$$;

CREATE FUNCTION public.fold(value text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT lower(public.unaccent('public.unaccent'::regdictionary, value)) $$;

CREATE FUNCTION public.get_next_version() RETURNS bigint
    LANGUAGE sql
    AS $$ SELECT nextval('version_sequence') $$;

CREATE FUNCTION public.guard_cell(cell text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
    SELECT CASE WHEN cell ~ '^''*[=+\-@\t\r]' AND cell !~ '^\+[0-9]{7,15}$'
                THEN '''' || cell ELSE cell END
$_$;

CREATE FUNCTION public.insert_contacts(tenant text, records jsonb) RETURNS TABLE(row_id text, row_version bigint, row_live_version bigint, row_wire text, row_author text)
    LANGUAGE plpgsql
    AS $$
BEGIN
    RETURN QUERY INSERT INTO contacts (
        tenant_id, id,
        external_id, first_name, last_name, company, department, job_title, emails, phones,
        addresses, websites, birthday, notes, custom, preferences, tag_ids, group_ids, type_ids,
        owner_id, active,
        stamps, written_in, written_by, written_device, written_mutation, written_origin)
    SELECT tenant, r.id,
           r.external_id, r.first_name, r.last_name, r.company, r.department, r.job_title,
           coalesce(r.emails, '[]'), coalesce(r.phones, '[]'), coalesce(r.addresses, '[]'),
           coalesce(r.websites, '[]'), r.birthday, r.notes, coalesce(r.custom, '{}'),
           coalesce(r.preferences, '{}'), coalesce(r.tag_ids, '{}'), coalesce(r.group_ids, '{}'),
           coalesce(r.type_ids, '{}'), r.owner_id, coalesce(r.active, true),
           r.stamps, pg_current_xact_id(), r.written_by, r.written_device, r.written_mutation,
           r.written_origin
    FROM jsonb_populate_recordset(NULL::contacts, records) AS r
    RETURNING id, version, live_version, wire, wire_author;
END
$$;

CREATE FUNCTION public.keep_contact_keys() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO contact_keys (tenant_id, key, contact_id)
        SELECT n.tenant_id, item ->> 'value', n.id
        FROM new_rows AS n, jsonb_array_elements(n.emails) AS item
        WHERE length(item ->> 'value') <= 320
        UNION
        SELECT n.tenant_id, item ->> 'e164', n.id
        FROM new_rows AS n, jsonb_array_elements(n.phones) AS item
        WHERE length(item ->> 'e164') <= 320;
    ELSE
        DELETE FROM contact_keys
        WHERE tenant_id = OLD.tenant_id AND contact_id = OLD.id
            AND key IN (SELECT contact_key_texts(OLD.emails, OLD.phones));
        IF TG_OP = 'UPDATE' THEN
            INSERT INTO contact_keys (tenant_id, key, contact_id)
            SELECT NEW.tenant_id, key, NEW.id
            FROM contact_key_texts(NEW.emails, NEW.phones) AS key;
        END IF;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.keep_contact_search() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF TG_OP <> 'DELETE' AND current_setting('app.search_later', true) = 'on' THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        INSERT INTO contact_search
        SELECT made.* FROM new_rows AS n CROSS JOIN LATERAL contact_search_row(n::contacts) AS made;
    ELSIF TG_OP = 'DELETE' THEN
        DELETE FROM contact_search WHERE tenant_id = OLD.tenant_id AND id = OLD.id;
    ELSE
        -- Of a contact that a bulk job has just made, it may not be there yet.
        INSERT INTO contact_search SELECT * FROM contact_search_row(NEW)
        ON CONFLICT (tenant_id, id) DO UPDATE
        SET has_email = excluded.has_email, has_phone = excluded.has_phone,
            sort_name = excluded.sort_name, sort_first_name = excluded.sort_first_name,
            sort_last_name = excluded.sort_last_name, sort_company = excluded.sort_company,
            search_text = excluded.search_text;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.keep_head() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
DECLARE
    changes refcursor;
    change  record;
    moment  timestamptz := clock_timestamp();
BEGIN
    IF TG_OP = 'INSERT' THEN
        OPEN changes FOR
            SELECT tenant_id, max(version) AS head,
                   count(*) FILTER (WHERE deleted_at IS NULL) AS count,
                   coalesce(sum(version) FILTER (WHERE deleted_at IS NULL), 0) AS sum
            FROM new_rows GROUP BY tenant_id;
    ELSE
        -- What was is taken away from what is: a row that kept its version adds nothing. No join
        -- of the two, whose plan is kept and slow for many rows when it was made for few.
        OPEN changes FOR
            SELECT tenant_id, max(version) AS head,
                   coalesce(sum(sign) FILTER (WHERE deleted_at IS NULL), 0) AS count,
                   coalesce(sum(sign * version) FILTER (WHERE deleted_at IS NULL), 0) AS sum
            FROM (SELECT tenant_id, version, deleted_at, 1 AS sign FROM new_rows
                  UNION ALL
                  SELECT tenant_id, version, deleted_at, -1 FROM old_rows) AS rows
            GROUP BY tenant_id
            HAVING sum(sign * version) > 0;
    END IF;
    LOOP
        FETCH changes INTO change;
        EXIT WHEN NOT FOUND;
        UPDATE global_version AS g
        SET version = greatest(g.version, change.head),
            moved_at = greatest(g.moved_at, moment),
            clock_set_back = greatest(g.clock_set_back, g.moved_at - moment),
            checksum = g.checksum || jsonb_build_object(TG_TABLE_NAME, jsonb_build_object(
                'count', coalesce((g.checksum -> TG_TABLE_NAME -> 'count')::bigint, 0) + change.count,
                -- Modulo 2^52, and never negative: an update may take away more than it adds.
                'sum', mod(mod(coalesce((g.checksum -> TG_TABLE_NAME -> 'sum')::numeric, 0)
                               + change.sum, 4503599627370496) + 4503599627370496,
                           4503599627370496)))
        WHERE g.tenant_id = change.tenant_id;
        -- In place of a foreign key, which would ask for each row by itself.
        IF NOT FOUND THEN
            RAISE EXCEPTION 'there is no tenant %', change.tenant_id
                USING ERRCODE = 'foreign_key_violation';
        END IF;
        PERFORM pg_notify('contact_changes', change.tenant_id || ' ' || change.head);
    END LOOP;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.keep_tombstone() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
BEGIN
    IF OLD.deleted_at IS NOT NULL AND current_setting('app.purge', true) = 'on' THEN
        RETURN OLD;
    END IF;
    IF OLD.deleted_at IS NULL THEN
        EXECUTE format(
            'UPDATE %I SET deleted_at = clock_timestamp() WHERE tenant_id = $1 AND id = $2',
            TG_TABLE_NAME) USING OLD.tenant_id, OLD.id;
    END IF;
    RETURN NULL;
END
$_$;

CREATE TABLE public.audit_log (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    entity text NOT NULL,
    entity_id text NOT NULL COLLATE pg_catalog."C",
    version bigint,
    op text NOT NULL,
    agent_id text,
    device_id text,
    mutation_id text,
    origin text NOT NULL,
    outcome text DEFAULT 'applied'::text NOT NULL,
    before jsonb,
    after jsonb,
    CONSTRAINT audit_log_outcome_check CHECK ((outcome = ANY (ARRAY['applied'::text, 'lost'::text, 'refused'::text])))
);

COMMENT ON TABLE public.audit_log IS 'The history of every synced row, and of sign-ins, exports and settings. Written by triggers and log_action() alone; it only grows.';

COMMENT ON COLUMN public.audit_log.tenant_id IS 'The tenant.';

COMMENT ON COLUMN public.audit_log.id IS 'Numbers the entries.';

COMMENT ON COLUMN public.audit_log.at IS 'When it happened, by the database''s clock.';

COMMENT ON COLUMN public.audit_log.entity IS 'What was changed: contact, tag, …, or tenant, agent, device.';

COMMENT ON COLUMN public.audit_log.entity_id IS 'Which one.';

COMMENT ON COLUMN public.audit_log.version IS 'The version that the change gave, where it gave one.';

COMMENT ON COLUMN public.audit_log.op IS 'create, update, delete, restore, or the name of an action.';

COMMENT ON COLUMN public.audit_log.agent_id IS 'Who did it; NULL when it was typed into the database.';

COMMENT ON COLUMN public.audit_log.device_id IS 'On which device, if on one.';

COMMENT ON COLUMN public.audit_log.mutation_id IS 'By which mutation.';

COMMENT ON COLUMN public.audit_log.origin IS 'socket, rest, import, job or sql.';

COMMENT ON COLUMN public.audit_log.outcome IS 'Whether the values were applied, lost to a later stamp, or were refused.';

COMMENT ON COLUMN public.audit_log.before IS 'The changed fields before.';

COMMENT ON COLUMN public.audit_log.after IS 'The changed fields after.';

CREATE FUNCTION public.label_of_entry(entry public.audit_log, plurals jsonb) RETURNS text
    LANGUAGE plpgsql STABLE
    AS $_$
DECLARE
    label  text;
    fields jsonb;
BEGIN
    IF plurals ? entry.entity THEN
        -- The row's own JSON, which a tombstone hides and keeps.
        EXECUTE format(
            'SELECT coalesce(wire::jsonb ->> ''display_name'', wire::jsonb ->> ''name'')
             FROM %I WHERE tenant_id = $1 AND id = $2', plurals ->> entry.entity)
        INTO label USING entry.tenant_id, entry.entity_id;
        IF label IS NULL THEN
            SELECT jsonb_object_agg(key, value) INTO fields
            FROM (SELECT DISTINCT ON (key) key, e.after -> key AS value
                  FROM audit_log AS e,
                       jsonb_object_keys(coalesce(e.before, '{}') || coalesce(e.after, '{}')) AS key
                  WHERE e.tenant_id = entry.tenant_id AND e.entity = entry.entity
                      AND e.entity_id = entry.entity_id AND e.outcome = 'applied'
                  ORDER BY key, e.id DESC) AS latest;
            label := coalesce(fields ->> 'name', contact_display_name(
                fields ->> 'first_name', fields ->> 'last_name', fields ->> 'company',
                fields -> 'emails', fields -> 'phones'));
        END IF;
    ELSIF entry.entity = 'agent' THEN
        SELECT name INTO label FROM agents
        WHERE tenant_id = entry.tenant_id AND id = entry.entity_id;
    ELSIF entry.entity = 'device' THEN
        SELECT name INTO label FROM devices
        WHERE tenant_id = entry.tenant_id AND id = entry.entity_id;
    END IF;
    RETURN label;
END
$_$;

CREATE FUNCTION public.lean_conditions(tenant text, filter jsonb) RETURNS text
    LANGUAGE sql STABLE
    AS $_$
    SELECT string_agg(format(
        '%s (SELECT FROM contacts AS c WHERE c.tenant_id = %L AND c.id = s.id AND %s)',
        CASE WHEN are_those THEN 'EXISTS' ELSE 'NOT EXISTS' END, tenant, which), ' AND ')
    FROM (
        SELECT (filter ->> 'deleted')::boolean, 'c.deleted_at IS NOT NULL' WHERE filter ? 'deleted'
        UNION ALL
        SELECT NOT (filter ->> 'active')::boolean, 'NOT c.active' WHERE filter ? 'active'
        UNION ALL
        -- Said as the index says it.
        SELECT filter ->> 'opted_out' <> 'none',
               'jsonb_path_exists(c.preferences, ''$.* ? (@ == "opted_out")'')'
               || CASE WHEN filter ->> 'opted_out' IN ('any', 'none') THEN ''
                       ELSE format(' AND c.preferences ->> %L = ''opted_out''', filter ->> 'opted_out')
                  END
        WHERE filter ? 'opted_out'
    ) AS conditions (are_those, which)
$_$;

CREATE FUNCTION public.list_changed_fields(tenant text, first_day date, last_day date) RETURNS TABLE(day date, fields jsonb)
    LANGUAGE sql STABLE
    AS $$
    WITH changed AS (
        SELECT DISTINCT (at AT TIME ZONE 'UTC')::date AS day, key
        FROM audit_log,
             jsonb_object_keys(coalesce(before, '{}') || coalesce(after, '{}')) AS key
        WHERE tenant_id = tenant
            AND at >= first_day::timestamp AT TIME ZONE 'UTC'
            AND at < (last_day + 1)::timestamp AT TIME ZONE 'UTC'
            AND id >= (SELECT find_entry_at(tenant, first_day::timestamp AT TIME ZONE 'UTC'))
            AND id < (SELECT find_entry_at(tenant, (last_day + 3)::timestamp AT TIME ZONE 'UTC'))
    )
    SELECT changed.day, jsonb_agg(DISTINCT name)
    FROM changed, unnest(ARRAY[key, split_part(key, '.', 1)]) AS name
    GROUP BY changed.day
$$;

CREATE FUNCTION public.list_contacts(tenant text, filter jsonb, sort text, descending boolean, after_key text, after_id text, skip bigint, most integer) RETURNS TABLE(ids text[], next_key text, total bigint)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET work_mem TO '16MB'
    AS $_$
DECLARE
    -- What contact_search and the indexes of few contacts answer, beside the table of contacts.
    lean   boolean := filter - '{words,has_email,has_phone,active,opted_out}'::text[] = '{}';
    -- By version, and by name without a filter, contacts have an index that holds all of it.
    beside boolean := lean AND sort NOT IN ('version', 'updated_at')
                      AND (sort <> 'display_name' OR filter <> '{}');
    -- updated_at is given together with the version, so their order is the same; and the
    -- version has an index.
    sort_key text := CASE
        WHEN sort = 'display_name' THEN 'sort_name'
        WHEN sort IN ('version', 'updated_at') THEN 'version'
        WHEN sort = 'created_at' AND beside THEN 'created_us'
        WHEN sort = 'created_at' THEN '(extract(epoch FROM created_at) * 1000000)::bigint'
        WHEN beside THEN quote_ident('sort_' || sort)
        WHEN sort IN ('first_name', 'last_name', 'company')
            THEN format('left(fold(coalesce(%I, '''')), 200) COLLATE "C"', sort)
        END;
    key_type text := CASE WHEN sort IN ('version', 'updated_at', 'created_at')
                          THEN 'bigint' ELSE 'text' END;
    direction text := CASE WHEN descending THEN 'DESC' ELSE 'ASC' END;
    keys text[];
BEGIN
    IF tenant IS DISTINCT FROM current_setting('app.tenant', true) THEN
        RAISE EXCEPTION 'contacts of tenant % asked for while app.tenant is another', tenant;
    END IF;
    EXECUTE format(
        'WITH found AS %1$s (SELECT id, %2$s AS sort_key FROM %3$s)
         SELECT array_agg(id), array_agg(sort_key::text), (%4$s)
         FROM (SELECT id, sort_key FROM found %5$s
               ORDER BY sort_key %6$s, id %6$s OFFSET %7$s LIMIT %8$s) AS page',
        CASE WHEN filter = '{}' THEN 'NOT MATERIALIZED' ELSE 'MATERIALIZED' END,
        sort_key,
        CASE WHEN beside THEN 'contact_search AS s WHERE '
                 || concat_ws(' AND ', search_conditions(tenant, filter),
                              lean_conditions(tenant, filter || '{"deleted": false}'))
             WHEN lean AND filter <> '{}' THEN 'contacts AS s WHERE '
                 || concat_ws(' AND ', format('tenant_id = %L AND deleted_at IS NULL', tenant),
                              CASE WHEN filter ?| '{words,has_email,has_phone}' THEN
                                  format('id IN (SELECT id FROM contact_search WHERE %s)',
                                         search_conditions(tenant, filter)) END,
                              lean_conditions(tenant, filter))
             ELSE 'contacts WHERE ' || contact_conditions(tenant, filter) END,
        CASE WHEN filter = '{}' THEN format(
                 'SELECT (checksum -> ''contacts'' ->> ''count'')::bigint
                  FROM global_version WHERE tenant_id = %L', tenant)
             ELSE 'SELECT count(*) FROM found' END,
        CASE WHEN after_id IS NOT NULL THEN format(
            'WHERE (sort_key, id) %s (%L::%s, %L)',
            CASE WHEN descending THEN '<' ELSE '>' END, after_key, key_type, after_id) END,
        direction, skip, most + 1)
    INTO ids, keys, total;
    total := coalesce(total, 0);
    ids := coalesce(ids, '{}');
    IF cardinality(ids) > most THEN
        ids := ids[:most];
        next_key := keys[most];
    END IF;
    RETURN NEXT;
END
$_$;

CREATE FUNCTION public.list_heads() RETURNS TABLE(tenant_id text, version bigint, epoch text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT tenant_id, version, epoch FROM global_version $$;

CREATE FUNCTION public.list_tenant_ids() RETURNS SETOF text
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$ SELECT id FROM tenants ORDER BY id $$;

CREATE FUNCTION public.lock_versions() RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    tenant text := NULLIF(current_setting('app.tenant', true), '');
BEGIN
    IF tenant IS NULL THEN
        PERFORM pg_advisory_xact_lock(7201, 0);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(7201, 0);
        PERFORM pg_advisory_xact_lock(7202, hashtext(tenant));
    END IF;
END
$$;

CREATE FUNCTION public.log_action(action text, entity text, entity_id text, agent text, device text, origin text, detail jsonb) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
    INSERT INTO audit_log (tenant_id, op, entity, entity_id, agent_id, device_id, origin, after)
    VALUES (current_setting('app.tenant'), action, entity, entity_id, agent, device, origin, detail)
$$;

CREATE FUNCTION public.log_lost_values() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.outcome = OLD.outcome
        AND OLD.lost -> 'after' @> (NEW.lost -> 'after')
    THEN
        RETURN NULL;
    END IF;
    INSERT INTO audit_log (tenant_id, entity, entity_id, version, op, agent_id, device_id,
                           mutation_id, origin, outcome, before, after)
    VALUES (NEW.tenant_id, NEW.entity, NEW.entity_id, NEW.version, NEW.op, NEW.agent_id,
            NEW.device_id, NEW.mutation_id, NEW.origin,
            CASE WHEN NEW.outcome IN ('gone', 'forbidden') THEN 'refused' ELSE 'lost' END,
            NEW.lost -> 'before', NEW.lost -> 'after');
    RETURN NULL;
END
$$;

CREATE FUNCTION public.log_row_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_hashjoin TO 'on'
    AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO audit_log (tenant_id, at, entity, entity_id, version, op, agent_id, device_id,
                               mutation_id, origin, after)
        SELECT tenant_id, updated_at, TG_ARGV[0], id, version, 'create', written_by,
               written_device, written_mutation, written_origin, visible_fields(wire)
        FROM new_rows;
    ELSE
        -- Materialized: each row's JSON is parsed once, not once for each time it is named.
        INSERT INTO audit_log (tenant_id, at, entity, entity_id, version, op, agent_id, device_id,
                               mutation_id, origin, before, after)
        WITH changes AS MATERIALIZED (
            SELECT n.tenant_id, n.updated_at, n.id, n.version, n.written_by, n.written_device,
                   n.written_mutation, n.written_origin,
                   o.deleted_at IS NOT NULL AS was_deleted, n.deleted_at IS NOT NULL AS is_deleted,
                   visible_fields(o.wire) AS was, visible_fields(n.wire) AS becomes
            FROM new_rows AS n JOIN old_rows AS o USING (tenant_id, id)
            WHERE n.version <> o.version
        )
        SELECT tenant_id, updated_at, TG_ARGV[0], id, version,
               CASE WHEN is_deleted THEN 'delete' WHEN was_deleted THEN 'restore' ELSE 'update' END,
               written_by, written_device, written_mutation, written_origin,
               CASE WHEN was_deleted <> is_deleted
                    THEN jsonb_build_object('deleted', was_deleted) ELSE '{}' END
                   || coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(was)
                                WHERE becomes -> key IS DISTINCT FROM value), '{}'),
               CASE WHEN was_deleted <> is_deleted
                    THEN jsonb_build_object('deleted', is_deleted) ELSE '{}' END
                   || coalesce((SELECT jsonb_object_agg(key, value) FROM jsonb_each(becomes)
                                WHERE was -> key IS DISTINCT FROM value), '{}')
        FROM changes
        ORDER BY version;
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION public.notify_access() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('access_changes',
                      CASE TG_TABLE_NAME WHEN 'tenants' THEN to_jsonb(NEW) ->> 'id'
                                         ELSE to_jsonb(NEW) ->> 'tenant_id' END);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.notify_job() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM pg_notify('job_changes', NEW.tenant_id || ' ' || NEW.id);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.page_audit(tenant text, filter jsonb, before_id bigint, most bigint) RETURNS SETOF bigint
    LANGUAGE plpgsql STABLE
    SET enable_seqscan TO 'off'
    AS $_$
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
$_$;

CREATE FUNCTION public.page_contact_ids(tenant text, filter jsonb, after text, most integer) RETURNS SETOF text
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    IF tenant IS DISTINCT FROM current_setting('app.tenant', true) THEN
        RAISE EXCEPTION 'contacts of tenant % asked for while app.tenant is another', tenant;
    END IF;
    RETURN QUERY EXECUTE format('SELECT id FROM contacts WHERE %s AND id > %L ORDER BY id LIMIT %s',
                                contact_conditions(tenant, filter), after, most);
END
$$;

CREATE FUNCTION public.plan_export(tenant text, filter jsonb, format text) RETURNS TABLE(total bigint, header text[], query text)
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    conditions text := export_conditions(tenant, filter);
    shape jsonb := export_shape(conditions, columns => format <> 'json');
    cells text;
    joined text;
BEGIN
    CASE format
        WHEN 'csv' THEN
            SELECT array_agg(heading), string_agg(cell, ', ') INTO header, cells
            FROM export_own_columns(shape);
            joined := 'string_agg(r.name, '' ::: '' ORDER BY r.name COLLATE "C")';
        WHEN 'google' THEN
            SELECT array_agg(heading), string_agg(cell, ', ') INTO header, cells
            FROM export_google_columns(shape);
            joined := 'string_agg(r.name, '' ::: '' ORDER BY r.name COLLATE "C")';
        WHEN 'json' THEN
            cells := export_json();
            joined := 'array_to_json(array_agg(r.name ORDER BY r.name COLLATE "C"))::text';
        WHEN 'vcf' THEN
            cells := export_vcard(shape);
            -- CATEGORIES is a list of vCard's; groups and types are written as in our own CSV.
            joined := 'string_agg(r.name, E''\x1c'' ORDER BY r.name COLLATE "C")';
    END CASE;
    total := (shape ->> 'total')::bigint;
    query := pg_catalog.format('SELECT %s FROM %s', cells,
                               export_rows(tenant, conditions, shape, joined));
    RETURN NEXT;
END
$$;

CREATE FUNCTION public.publish_entity(entity_plural text) RETURNS void
    LANGUAGE plpgsql
    AS $$
DECLARE
    branches text;
BEGIN
    INSERT INTO synced_entities (plural) VALUES (entity_plural) ON CONFLICT DO NOTHING;
    PERFORM describe_synced_columns(entity_plural);
    SELECT string_agg(format(
        'SELECT tenant_id, version, %L::text AS plural, id, live_version, deleted_at,
                CASE WHEN deleted_at IS NULL THEN wire
                     ELSE render_tombstone(id, version, deleted_at) END AS wire,
                wire_author, updated_at
         FROM %I', plural, plural), ' UNION ALL ' ORDER BY plural)
    INTO branches FROM synced_entities;
    EXECUTE 'CREATE OR REPLACE VIEW synced_rows WITH (security_invoker = true) AS ' || branches;
    EXECUTE 'COMMENT ON VIEW synced_rows IS ''Every row that reaches devices, tombstones too, as it goes out. Made by publish_entity().''';
    GRANT SELECT ON synced_rows TO fieldbook_server;
END
$$;

CREATE FUNCTION public.purge_tombstones(versions bigint[], given_before timestamp with time zone, milliseconds real, OUT done integer, OUT removed jsonb, OUT held real) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $_$
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
$_$;

CREATE FUNCTION public.reference_column(plural text) RETURNS text
    LANGUAGE sql IMMUTABLE
    AS $_$ SELECT regexp_replace(plural, 's$', '_ids') $_$;

CREATE FUNCTION public.refresh_contact_search(tenant text, created text[], changed text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    SET enable_seqscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
BEGIN
    IF tenant IS DISTINCT FROM current_setting('app.tenant', true) THEN
        RAISE EXCEPTION 'contacts of tenant % refreshed while app.tenant is another', tenant;
    END IF;
    -- What a crash of the database takes away, the run that goes on does again; and the job's end,
    -- which waits for the disk, waits for this, too.
    PERFORM set_config('synchronous_commit', 'off', true);
    IF cardinality(created) > 0 THEN
        INSERT INTO contact_search
        SELECT made.*
        FROM unnest(created) AS asked (id)
        CROSS JOIN LATERAL (
            SELECT c AS contact FROM contacts AS c
            WHERE c.tenant_id = tenant AND c.id = asked.id OFFSET 0) AS found
        CROSS JOIN LATERAL contact_search_row(found.contact) AS made
        ON CONFLICT (tenant_id, id) DO NOTHING;
    END IF;
    IF cardinality(changed) > 0 THEN
        INSERT INTO contact_search
        SELECT made.*
        -- A contact may stand in two steps of a chunk.
        FROM (SELECT DISTINCT unnest(changed) AS id ORDER BY id) AS asked
        CROSS JOIN LATERAL (
            SELECT c AS contact FROM contacts AS c
            WHERE c.tenant_id = tenant AND c.id = asked.id OFFSET 0
            FOR SHARE) AS found
        CROSS JOIN LATERAL contact_search_row(found.contact) AS made
        ON CONFLICT (tenant_id, id) DO UPDATE
        SET has_email = excluded.has_email, has_phone = excluded.has_phone,
            sort_name = excluded.sort_name, sort_first_name = excluded.sort_first_name,
            sort_last_name = excluded.sort_last_name, sort_company = excluded.sort_company,
            search_text = excluded.search_text
        WHERE contact_search IS DISTINCT FROM excluded;
    END IF;
END
$$;

CREATE FUNCTION public.refuse_change() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION '% of % is not allowed: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0];
END
$$;

CREATE FUNCTION public.render_contact_in_rest(wire text, emails jsonb, phones jsonb, deleted_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT left(wire, -1)
        || coalesce(',"email":' || (emails -> 0 -> 'value')::text, '')
        || coalesce(',"phone":' || (phones -> 0 -> 'value')::text, '')
        || coalesce(',"deleted_at":"' || rfc3339(deleted_at) || '"', '') || '}'
$$;

CREATE FUNCTION public.render_history_entry(entry public.audit_log) RETURNS jsonb
    LANGUAGE sql STABLE
    AS $$
    SELECT jsonb_build_object(
        'id', entry.id::text, 'version', entry.version, 'at', rfc3339(entry.at), 'op', entry.op,
        'agent', entry.agent_id, 'device', entry.device_id, 'mutation_id', entry.mutation_id,
        'origin', entry.origin, 'outcome', entry.outcome,
        'changes', coalesce((
            SELECT jsonb_object_agg(key, jsonb_build_object('from', entry.before -> key,
                                                            'to', entry.after -> key))
            FROM (SELECT jsonb_object_keys(entry.before)
                  UNION SELECT jsonb_object_keys(entry.after)) AS keys (key)), '{}'))
$$;

CREATE FUNCTION public.render_row(id text, version bigint, created_at timestamp with time zone, updated_at timestamp with time zone, created_by text, updated_by text, body text) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT '{"id":' || to_json(id)::text
        || ',"version":' || version
        || ',"created_at":"' || rfc3339(created_at)
        || '","updated_at":"' || rfc3339(updated_at) || '"'
        || CASE WHEN created_by IS NULL THEN '' ELSE ',"created_by":' || to_json(created_by)::text END
        || CASE WHEN updated_by IS NULL THEN '' ELSE ',"updated_by":' || to_json(updated_by)::text END
        || CASE WHEN body = '{}' THEN '}' ELSE ',' || right(body, -1) END
$$;

CREATE FUNCTION public.render_tombstone(id text, version bigint, deleted_at timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT '{"id":' || to_json(id)::text || ',"version":' || version
        || ',"deleted_at":"' || rfc3339(deleted_at) || '"}'
$$;

CREATE FUNCTION public.rfc3339(moment timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$ SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') $$;

CREATE FUNCTION public.search_conditions(tenant text, filter jsonb) RETURNS text
    LANGUAGE sql STABLE
    AS $$
    SELECT concat_ws(' AND ',
        format('tenant_id = %L', tenant),
        (SELECT string_agg(format('search_text LIKE %L', contains_pattern(part)), ' AND ')
         FROM (SELECT jsonb_array_elements_text(filter -> 'words')
               UNION ALL SELECT filter ->> 'company' WHERE filter ? 'company') AS parts (part)),
        CASE WHEN filter ? 'has_email' THEN format('has_email = %L', filter ->> 'has_email') END,
        CASE WHEN filter ? 'has_phone' THEN format('has_phone = %L', filter ->> 'has_phone') END)
$$;

CREATE FUNCTION public.stamp_names(before jsonb, after jsonb) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE
    AS $$
    WITH changed AS (
        SELECT key, before -> key AS old, after -> key AS new
        FROM (SELECT jsonb_object_keys(before) UNION SELECT jsonb_object_keys(after)) AS keys (key)
        WHERE before -> key IS DISTINCT FROM after -> key
    )
    SELECT key FROM changed
    WHERE coalesce(jsonb_typeof(new), jsonb_typeof(old)) <> 'object' AND key NOT LIKE '%\_ids'
    UNION ALL
    SELECT key || '.' || member
    FROM changed, LATERAL (
        SELECT jsonb_object_keys(old) UNION SELECT jsonb_object_keys(new)
    ) AS members (member)
    WHERE coalesce(jsonb_typeof(new), jsonb_typeof(old)) = 'object'
        AND old -> member IS DISTINCT FROM new -> member
    UNION ALL
    SELECT key || '.' || member
    FROM changed, LATERAL (
        SELECT jsonb_array_elements_text(coalesce(old, '[]') || coalesce(new, '[]'))
    ) AS members (member)
    WHERE key LIKE '%\_ids'
        AND coalesce(old, '[]') ? member IS DISTINCT FROM coalesce(new, '[]') ? member
$$;

CREATE FUNCTION public.start_tenant() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'public', 'pg_temp'
    AS $$
BEGIN
    INSERT INTO global_version (tenant_id) VALUES (NEW.id);
    RETURN NULL;
END
$$;

CREATE FUNCTION public.strip_reference(plural text, reference text, contact_ids text[], milliseconds real, OUT done integer, OUT held real) RETURNS record
    LANGUAGE plpgsql
    AS $_$
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
$_$;

CREATE FUNCTION public.summarise_days(tenant text, first_day date, last_day date) RETURNS TABLE(day date, created bigint, updated bigint, deleted bigint, restored bigint, agents jsonb, connections bigint, syncs bigint, pushes bigint, failures bigint, refused bigint, rows bigint, bytes bigint, median_sync_ms bigint, most_devices_online integer, greatest_lag bigint)
    LANGUAGE sql STABLE
    AS $$
    WITH changes AS MATERIALIZED (
        SELECT (at AT TIME ZONE 'UTC')::date AS day, agent_id, op, count(*) AS entries
        FROM audit_log
        WHERE tenant_id = tenant AND entity = 'contact' AND outcome = 'applied'
            AND at >= first_day::timestamp AT TIME ZONE 'UTC'
            AND at < (last_day + 1)::timestamp AT TIME ZONE 'UTC'
            -- Each asked once; an entry of a day later may have a lower number.
            AND id >= (SELECT find_entry_at(tenant, first_day::timestamp AT TIME ZONE 'UTC'))
            AND id < (SELECT find_entry_at(tenant, (last_day + 3)::timestamp AT TIME ZONE 'UTC'))
        GROUP BY 1, 2, 3
    ), by_op AS (
        SELECT c.day, sum(entries) FILTER (WHERE op = 'create') AS created,
               sum(entries) FILTER (WHERE op = 'update') AS updated,
               sum(entries) FILTER (WHERE op = 'delete') AS deleted,
               sum(entries) FILTER (WHERE op = 'restore') AS restored
        FROM changes AS c GROUP BY c.day
    ), by_agent AS (
        SELECT each.day, jsonb_agg(jsonb_build_object('agent', agent_id, 'changes', changes)
                                   ORDER BY changes DESC, agent_id) AS agents
        FROM (SELECT c.day, agent_id, sum(entries) AS changes
              FROM changes AS c GROUP BY c.day, agent_id) AS each
        GROUP BY each.day
    )
    SELECT days.day, coalesce(by_op.created, 0)::bigint, coalesce(by_op.updated, 0)::bigint,
           coalesce(by_op.deleted, 0)::bigint, coalesce(by_op.restored, 0)::bigint,
           coalesce(by_agent.agents, '[]'), coalesce(s.connections, 0), coalesce(s.syncs, 0),
           coalesce(s.pushes, 0), coalesce(s.failures, 0), coalesce(s.refused, 0),
           coalesce(s.rows, 0), coalesce(s.bytes, 0)::bigint, round(s.median_sync_ms)::bigint,
           coalesce(s.most_devices_online, 0), coalesce(s.greatest_lag, 0)
    FROM (SELECT day::date FROM generate_series(first_day, last_day, interval '1 day') AS day) AS days
    LEFT JOIN by_op USING (day)
    LEFT JOIN by_agent USING (day)
    LEFT JOIN summarise_sync_log(
        tenant, first_day::timestamp AT TIME ZONE 'UTC', (last_day + 1)::timestamp AT TIME ZONE 'UTC'
    ) AS s USING (day)
$$;

CREATE FUNCTION public.summarise_sync_log(tenant text, from_time timestamp with time zone, to_time timestamp with time zone) RETURNS TABLE(day date, connections bigint, syncs bigint, pushes bigint, failures bigint, refused bigint, rows bigint, bytes numeric, median_sync_ms double precision, most_devices_online integer, greatest_lag bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT (l.started AT TIME ZONE 'UTC')::date,
           count(*) FILTER (WHERE l.kind = 'connection'),
           count(*) FILTER (WHERE l.kind = 'sync'),
           count(*) FILTER (WHERE l.kind = 'push'),
           count(*) FILTER (WHERE l.kind IN ('sync', 'push') AND l.error_code IS NOT NULL),
           count(*) FILTER (WHERE l.kind = 'refused'),
           coalesce(sum(l.rows) FILTER (WHERE l.kind = 'sync'), 0),
           coalesce(sum(l.bytes), 0),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM l.ended - l.started) * 1000)
               FILTER (WHERE l.kind = 'sync' AND l.ended IS NOT NULL),
           max(l.devices_online),
           max(l.greatest_lag)
    FROM sync_log AS l
    WHERE l.tenant_id = tenant AND l.started >= from_time AND l.started < to_time
    GROUP BY 1
$$;

CREATE FUNCTION public.take_version_lock() RETURNS trigger
    LANGUAGE plpgsql
    AS $$
BEGIN
    PERFORM lock_versions();
    RETURN NULL;
END
$$;

CREATE FUNCTION public.update_contacts(tenant text, records jsonb) RETURNS TABLE(row_id text, row_version bigint, row_live_version bigint, row_deleted boolean, row_wire text, row_author text)
    LANGUAGE plpgsql
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    SET enable_seqscan TO 'off'
    AS $$
BEGIN
    RETURN QUERY UPDATE contacts AS c
    SET external_id = r.external_id, first_name = r.first_name, last_name = r.last_name,
        company = r.company, department = r.department, job_title = r.job_title,
        emails = coalesce(r.emails, '[]'), phones = coalesce(r.phones, '[]'),
        addresses = coalesce(r.addresses, '[]'), websites = coalesce(r.websites, '[]'),
        birthday = r.birthday, notes = r.notes, custom = coalesce(r.custom, '{}'),
        preferences = coalesce(r.preferences, '{}'), tag_ids = coalesce(r.tag_ids, '{}'),
        group_ids = coalesce(r.group_ids, '{}'), type_ids = coalesce(r.type_ids, '{}'),
        owner_id = r.owner_id, active = coalesce(r.active, true),
        deleted_at = CASE WHEN r.deleted_at IS NOT NULL
                          THEN coalesce(c.deleted_at, clock_timestamp()) END,
        stamps = c.stamps || r.stamps, written_in = pg_current_xact_id(),
        written_by = r.written_by, written_device = r.written_device,
        written_mutation = r.written_mutation, written_origin = r.written_origin
    FROM jsonb_populate_recordset(NULL::contacts, records) AS r
    CROSS JOIN LATERAL (
        SELECT k.ctid AS place FROM contacts AS k
        WHERE k.tenant_id = tenant AND k.id = r.id OFFSET 0) AS found
    WHERE c.ctid = found.place
    RETURNING c.id, c.version, c.live_version, c.deleted_at IS NOT NULL,
              CASE WHEN c.deleted_at IS NULL THEN c.wire
                   ELSE render_tombstone(c.id, c.version, c.deleted_at) END,
              c.wire_author;
END
$$;

CREATE FUNCTION public.update_row_timestamp() RETURNS trigger
    LANGUAGE plpgsql
    AS $_$
DECLARE
    tenant text := NULLIF(current_setting('app.tenant', true), '');
    moment timestamptz := clock_timestamp();
    body   text := NEW.wire;
    names  text[] := '{}';
BEGIN
    IF NEW.tenant_id <> tenant THEN
        RAISE EXCEPTION 'row of tenant % written while app.tenant is %', NEW.tenant_id, tenant;
    END IF;

    IF NEW.written_in IS DISTINCT FROM pg_current_xact_id() THEN
        NEW.written_by := NULL;
        NEW.written_device := NULL;
        NEW.written_mutation := NULL;
        NEW.written_origin := 'sql';
        NEW.written_in := NULL;
        IF TG_OP = 'INSERT' THEN
            names := ARRAY['*'];
        ELSE
            names := ARRAY(SELECT stamp_names(visible_fields(OLD.wire), body::jsonb - 'display_name'));
            IF (NEW.deleted_at IS NULL) <> (OLD.deleted_at IS NULL) THEN
                names := names || 'deleted'::text;
            END IF;
        END IF;
        NEW.stamps := NEW.stamps || coalesce((
            SELECT jsonb_object_agg(name, jsonb_build_object(
                'at', (extract(epoch FROM moment) * 1000000)::bigint, 'mutation', ''))
            FROM unnest(names) AS name
        ), '{}');
    END IF;

    IF TG_OP = 'INSERT' THEN
        NEW.version := get_next_version();
        NEW.live_version := NEW.version;
        NEW.created_at := moment;
        NEW.created_by := NEW.written_by;
        NEW.updated_at := moment;
        NEW.updated_by := NEW.written_by;
    ELSE
        IF NEW.tenant_id <> OLD.tenant_id OR NEW.id <> OLD.id THEN
            RAISE EXCEPTION 'the tenant and the id of a row never change';
        END IF;
        NEW.created_at := OLD.created_at;
        NEW.created_by := OLD.created_by;
        NEW.version := OLD.version;
        NEW.live_version := OLD.live_version;
        NEW.updated_at := OLD.updated_at;
        NEW.updated_by := OLD.updated_by;
        -- A change that nobody sees moves no version: equal values, or a tombstone's hidden row.
        IF (OLD.deleted_at IS NULL OR NEW.deleted_at IS NULL)
            AND ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)
                OR OLD.wire <> render_row(NEW.id, OLD.version, OLD.created_at, OLD.updated_at,
                                          OLD.created_by, OLD.updated_by, body))
        THEN
            NEW.version := get_next_version();
            NEW.updated_at := moment;
            NEW.updated_by := NEW.written_by;
            IF OLD.deleted_at IS NOT NULL THEN
                NEW.live_version := NEW.version;
            END IF;
        END IF;
    END IF;

    -- A new row's one stamp, without a query.
    IF NEW.stamps - '*' = '{}' AND NOT (NEW.stamps -> '*') ? 'version' THEN
        NEW.stamps := jsonb_set(NEW.stamps, '{*,version}', to_jsonb(NEW.version));
    ELSIF NEW.stamps @? '$.* ? (!exists(@.version))' THEN
        NEW.stamps := (
            SELECT jsonb_object_agg(key,
                CASE WHEN value ? 'version' THEN value
                     ELSE value || jsonb_build_object('version', NEW.version) END)
            FROM jsonb_each(NEW.stamps)
        );
    END IF;
    NEW.wire := render_row(NEW.id, NEW.version, NEW.created_at, NEW.updated_at,
                           NEW.created_by, NEW.updated_by, body);
    -- Of whoever made this version: who writes an equal value, or edits what is deleted, did not.
    IF TG_OP = 'INSERT' OR NEW.version <> OLD.version THEN
        NEW.wire_author := concat(
            '{', '"mutation_id":' || to_json(NEW.written_mutation)::text || ',',
            '"actor":{', '"agent":' || to_json(NEW.written_by)::text,
            CASE WHEN NEW.written_by IS NOT NULL AND NEW.written_device IS NOT NULL THEN ',' END,
            '"device":' || to_json(NEW.written_device)::text, '}}');
    ELSE
        NEW.wire_author := OLD.wire_author;
    END IF;
    RETURN NEW;
END
$_$;

CREATE FUNCTION public.vcard_line(property text, label text, number text, value text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$
    SELECT CASE
        WHEN label IS NULL THEN property || ':'
        WHEN label IN ('work', 'home') THEN property || E'\x1dTYPE=' || upper(label) || ':'
        WHEN property = 'TEL' AND label = 'mobile' THEN E'TEL\x1dTYPE=CELL:'
        WHEN property = 'TEL' AND label IN ('fax', 'pager') THEN
            E'TEL\x1dTYPE=' || upper(label) || ':'
        ELSE 'item' || number || '.' || property || ':'
        END || value || E'\x1e' || CASE
        WHEN label IS NULL OR label IN ('work', 'home') THEN ''
        WHEN property = 'TEL' AND label IN ('mobile', 'fax', 'pager') THEN ''
        ELSE 'item' || number || '.X-ABLabel:' || label || E'\x1e' END
$$;

CREATE FUNCTION public.version_numbers(version text) RETURNS numeric[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $_$
    SELECT string_to_array(
        regexp_replace(substring(version FROM '[0-9]+(?:\.[0-9]+)*'), '(\.0+)+$', ''), '.')::numeric[]
$_$;

CREATE FUNCTION public.visible_fields(wire text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$
    SELECT wire::jsonb
        - '{id,version,created_at,updated_at,created_by,updated_by,display_name,photo}'::text[]
$$;

CREATE FUNCTION public.write_bulk_chunk(job text, this_run text, mutation text, read_head bigint, ids text[], keys text[], external_ids text[], names text[], label_ids text[], steps jsonb[], milliseconds real, OUT verdict text, OUT done integer, OUT held real, OUT waited real) RETURNS record
    LANGUAGE plpgsql
    SET enable_seqscan TO 'off'
    AS $$
DECLARE
    tenant CONSTANT text := current_setting('app.tenant');
    standing bulk_jobs;
    step     jsonb;
    rows     integer := 0;
    tally    jsonb := '{}';
    began    timestamptz;
    slowest  real := 0;
    spent    real := 0;
BEGIN
    done := 0;
    held := 0;
    waited := 0;
    -- A chunk that changes no contact keeps nobody waiting.
    IF EXISTS (SELECT FROM unnest(steps) AS each WHERE each ? 'created' OR each ? 'changed') THEN
        began := clock_timestamp();
        PERFORM lock_versions();
        waited := extract(epoch FROM clock_timestamp() - began) * 1000;
        began := clock_timestamp();
        PERFORM set_config('app.search_later', 'on', true);
        IF EXISTS (
            SELECT FROM contacts AS c
            WHERE c.tenant_id = tenant AND c.version > read_head
                AND c.written_mutation IS DISTINCT FROM mutation
                AND (c.id = ANY (ids) OR c.external_id = ANY (external_ids)
                     OR c.display_name = ANY (names)
                     OR EXISTS (SELECT FROM contact_key_texts(c.emails, c.phones) AS key
                                WHERE key = ANY (keys)))
        ) OR EXISTS (
            SELECT FROM synced_rows AS r
            WHERE r.tenant_id = tenant AND r.version > read_head AND r.plural <> 'contacts'
                AND r.deleted_at IS NOT NULL AND r.id = ANY (label_ids)
        ) THEN
            verdict := 'stale';
            RETURN;
        END IF;
    END IF;
    began := coalesce(began, clock_timestamp());
    SELECT * INTO standing FROM bulk_jobs WHERE tenant_id = tenant AND id = job FOR UPDATE;
    verdict := CASE WHEN standing.run IS DISTINCT FROM this_run OR standing.state <> 'running'
                    THEN 'over'
                    WHEN standing.cancelling THEN 'cancelled'
                    WHEN NOT standing.undoing AND EXISTS (
                        SELECT FROM agents WHERE tenant_id = tenant AND id = standing.agent_id
                            AND disabled) THEN 'disabled'
                    ELSE 'written' END;
    IF verdict <> 'written' THEN
        RETURN;
    END IF;
    WHILE done < cardinality(steps) AND (done = 0 OR spent + slowest <= milliseconds) LOOP
        step := steps[done + 1];
        IF step ? 'created' THEN
            PERFORM insert_contacts(tenant, step -> 'created');
        END IF;
        IF step ? 'changed' THEN
            PERFORM update_contacts(tenant, step -> 'changed');
        END IF;
        IF step ? 'findings' THEN
            INSERT INTO bulk_findings (tenant_id, job_id, kind, row, contact_id, field, message,
                                       detail, original)
            SELECT tenant, job, f.kind, f.row, f.contact_id, f.field, f.message, f.detail, f.original
            FROM jsonb_populate_recordset(NULL::bulk_findings, step -> 'findings') AS f;
        END IF;
        rows := rows + (step ->> 'rows')::integer;
        tally := add_counts(tally, coalesce(step -> 'counts', '{}'));
        done := done + 1;
        slowest := greatest(slowest, extract(epoch FROM clock_timestamp() - began) * 1000 - spent);
        spent := extract(epoch FROM clock_timestamp() - began) * 1000;
    END LOOP;
    UPDATE bulk_jobs
    SET done = bulk_jobs.done + rows,
        -- It came forward: what ended runs before this one was not the job itself.
        runs = 0,
        position = coalesce(steps[write_bulk_chunk.done] ->> 'position', position),
        counts = CASE WHEN undoing THEN counts ELSE add_counts(counts, tally) END,
        undo_counts = CASE WHEN undoing THEN add_counts(undo_counts, tally) ELSE undo_counts END
    WHERE tenant_id = tenant AND id = job;
    held := extract(epoch FROM clock_timestamp() - began) * 1000;
END
$$;

CREATE VIEW public.active_contacts WITH (security_invoker='true') AS
 SELECT tenant_id,
    id,
    version,
    external_id,
    first_name,
    last_name,
    display_name,
    company,
    department,
    job_title,
    emails,
    phones,
    addresses,
    websites,
    birthday,
    notes,
    custom,
    preferences,
    tag_ids,
    group_ids,
    type_ids,
    owner_id,
    photo,
    active,
    created_at,
    updated_at,
    created_by,
    updated_by
   FROM public.contacts
  WHERE (deleted_at IS NULL);

CREATE TABLE public.agents (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    code text NOT NULL,
    name text NOT NULL,
    role text NOT NULL,
    disabled boolean DEFAULT false NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT agents_role_check CHECK ((role = ANY (ARRAY['admin'::text, 'manager'::text, 'agent'::text, 'api'::text])))
);

COMMENT ON TABLE public.agents IS 'A person or a program that signs in.';

COMMENT ON COLUMN public.agents.tenant_id IS 'The company that the agent works for.';

COMMENT ON COLUMN public.agents.id IS 'A nanoid.';

COMMENT ON COLUMN public.agents.code IS 'A short name that people type; unique in the tenant, capitals aside.';

COMMENT ON COLUMN public.agents.name IS 'The full name.';

COMMENT ON COLUMN public.agents.role IS 'What the agent may do.';

COMMENT ON COLUMN public.agents.disabled IS 'A disabled agent is signed out and can''t sign in.';

COMMENT ON COLUMN public.agents.created_at IS 'When the agent was registered.';

CREATE TABLE public.api_keys (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    name text DEFAULT ''::text NOT NULL,
    prefix text NOT NULL,
    hash bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    created_by text,
    last_used_at timestamp with time zone,
    revoked_at timestamp with time zone
);

COMMENT ON TABLE public.api_keys IS 'The keys that agents sign in with. Only hashes are kept.';

COMMENT ON COLUMN public.api_keys.tenant_id IS 'The agent''s tenant.';

COMMENT ON COLUMN public.api_keys.id IS 'A nanoid, by which a key is revoked.';

COMMENT ON COLUMN public.api_keys.agent_id IS 'Whose key it is.';

COMMENT ON COLUMN public.api_keys.name IS 'What the key is for, in its owner''s words.';

COMMENT ON COLUMN public.api_keys.prefix IS 'The first characters, to tell keys apart.';

COMMENT ON COLUMN public.api_keys.hash IS 'HMAC-SHA256 of the key with the server''s API_KEY_SALT.';

COMMENT ON COLUMN public.api_keys.created_at IS 'When the key was made.';

COMMENT ON COLUMN public.api_keys.created_by IS 'The agent who made it.';

COMMENT ON COLUMN public.api_keys.last_used_at IS 'When somebody last signed in with it.';

COMMENT ON COLUMN public.api_keys.revoked_at IS 'Since when it opens nothing.';

ALTER TABLE public.audit_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.bulk_files (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    job_id text NOT NULL COLLATE pg_catalog."C",
    part integer NOT NULL,
    content bytea NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
ALTER TABLE ONLY public.bulk_files ALTER COLUMN content SET STORAGE EXTERNAL;

COMMENT ON TABLE public.bulk_files IS 'Files to import, until the job has ended: any process may run the job.';

COMMENT ON COLUMN public.bulk_files.tenant_id IS 'The job''s tenant.';

COMMENT ON COLUMN public.bulk_files.job_id IS 'The job; a preview has no row of its own.';

COMMENT ON COLUMN public.bulk_files.part IS 'Numbers the parts, from 0.';

COMMENT ON COLUMN public.bulk_files.content IS 'At most a megabyte of the file.';

COMMENT ON COLUMN public.bulk_files.created_at IS 'When it arrived: parts of an upload that was cut off are purged a day later.';

CREATE TABLE public.bulk_findings (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    job_id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    id bigint NOT NULL,
    "row" bigint,
    contact_id text,
    field text,
    message text,
    detail jsonb,
    original text,
    CONSTRAINT bulk_findings_kind_check CHECK ((kind = ANY (ARRAY['error'::text, 'conflict'::text, 'left'::text])))
);

COMMENT ON TABLE public.bulk_findings IS 'What a job''s owner must know about single rows. Only added to, with the rows they are about.';

COMMENT ON COLUMN public.bulk_findings.tenant_id IS 'The job''s tenant.';

COMMENT ON COLUMN public.bulk_findings.job_id IS 'The job.';

COMMENT ON COLUMN public.bulk_findings.kind IS 'error: the row was refused. conflict: it changed what somebody had just edited. left: it was edited since and not undone.';

COMMENT ON COLUMN public.bulk_findings.id IS 'Numbers the findings.';

COMMENT ON COLUMN public.bulk_findings."row" IS 'The file''s row, as a spreadsheet counts it.';

COMMENT ON COLUMN public.bulk_findings.contact_id IS 'The contact that it is about, where there is one.';

COMMENT ON COLUMN public.bulk_findings.field IS 'The field, or the column of the file.';

COMMENT ON COLUMN public.bulk_findings.message IS 'What is wrong, for the person who mends it.';

COMMENT ON COLUMN public.bulk_findings.detail IS 'A conflict''s {from, to, by, at}.';

COMMENT ON COLUMN public.bulk_findings.original IS 'The refused row as it stood in the file, on its first finding.';

ALTER TABLE public.bulk_findings ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.bulk_findings_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.bulk_jobs (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    state text DEFAULT 'queued'::text NOT NULL,
    undoing boolean DEFAULT false NOT NULL,
    cancelling boolean DEFAULT false NOT NULL,
    agent_id text NOT NULL COLLATE pg_catalog."C",
    device_id text,
    file_name text,
    content_type text,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    detected jsonb,
    columns jsonb,
    mapping jsonb,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL,
    undo_counts jsonb,
    done bigint DEFAULT 0 NOT NULL,
    total bigint,
    "position" text,
    error text,
    run text,
    runs integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    started_at timestamp with time zone,
    ended_at timestamp with time zone,
    asked jsonb GENERATED ALWAYS AS ((options - 'ids'::text)) STORED,
    chosen integer GENERATED ALWAYS AS (jsonb_array_length((options -> 'ids'::text))) STORED,
    CONSTRAINT bulk_jobs_kind_check CHECK ((kind = ANY (ARRAY['import'::text, 'update'::text]))),
    CONSTRAINT bulk_jobs_state_check CHECK ((state = ANY (ARRAY['queued'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text, 'undone'::text])))
)
WITH (fillfactor='50');

COMMENT ON TABLE public.bulk_jobs IS 'Imports and bulk edits, run by the job queue.';

COMMENT ON COLUMN public.bulk_jobs.tenant_id IS 'The company whose contacts it changes.';

COMMENT ON COLUMN public.bulk_jobs.id IS 'A nanoid. `import.<id>`, `update.<id>` and `undo.<id>` are the mutations of its writes.';

COMMENT ON COLUMN public.bulk_jobs.kind IS 'What it is.';

COMMENT ON COLUMN public.bulk_jobs.state IS 'How far it is; `queued` and `running` again while it is undone.';

COMMENT ON COLUMN public.bulk_jobs.undoing IS 'Whether it is being taken back.';

COMMENT ON COLUMN public.bulk_jobs.cancelling IS 'Whether somebody asked it to stop: it does so before its next chunk.';

COMMENT ON COLUMN public.bulk_jobs.agent_id IS 'Who started it, and the author of what it writes.';

COMMENT ON COLUMN public.bulk_jobs.device_id IS 'On which device, if on one.';

COMMENT ON COLUMN public.bulk_jobs.file_name IS 'The name of the imported file.';

COMMENT ON COLUMN public.bulk_jobs.content_type IS 'What its sender called it.';

COMMENT ON COLUMN public.bulk_jobs.options IS 'What was asked: an import''s parameters, or an edit''s filter or ids with its changes.';

COMMENT ON COLUMN public.bulk_jobs.detected IS '{format, encoding, delimiter} of the file.';

COMMENT ON COLUMN public.bulk_jobs.columns IS 'The file''s columns, in order.';

COMMENT ON COLUMN public.bulk_jobs.mapping IS '{column: field}, null for a column that is left out.';

COMMENT ON COLUMN public.bulk_jobs.counts IS '{rows, created, updated, unchanged, conflicts, errors, photos} so far.';

COMMENT ON COLUMN public.bulk_jobs.undo_counts IS '{undone, left} so far, of an undo.';

COMMENT ON COLUMN public.bulk_jobs.done IS 'Rows that are dealt with; written together with what became of them.';

COMMENT ON COLUMN public.bulk_jobs.total IS 'Rows that there are, once they were counted.';

COMMENT ON COLUMN public.bulk_jobs."position" IS 'Where a bulk edit or an undo goes on: the last contact that it dealt with.';

COMMENT ON COLUMN public.bulk_jobs.error IS 'Why it failed, for the person who started it.';

COMMENT ON COLUMN public.bulk_jobs.run IS 'The run that may write; a run before it, which does not know that it is over, may not.';

COMMENT ON COLUMN public.bulk_jobs.runs IS 'How often it was begun since it last came forward.';

COMMENT ON COLUMN public.bulk_jobs.created_at IS 'When it was asked for.';

COMMENT ON COLUMN public.bulk_jobs.started_at IS 'When it first ran.';

COMMENT ON COLUMN public.bulk_jobs.ended_at IS 'When it came to its end, or to that of its undo.';

COMMENT ON COLUMN public.bulk_jobs.asked IS 'The options without the ids of an edit.';

COMMENT ON COLUMN public.bulk_jobs.chosen IS 'How many ids an edit names; NULL where it has a filter, or is none.';

CREATE TABLE public.contact_keys (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    contact_id text NOT NULL COLLATE pg_catalog."C"
);

COMMENT ON TABLE public.contact_keys IS 'E-mails and numbers by which contacts are found, of deleted ones too. Kept by triggers.';

COMMENT ON COLUMN public.contact_keys.tenant_id IS 'The contact''s tenant.';

COMMENT ON COLUMN public.contact_keys.key IS 'An e-mail address or an E.164 number.';

COMMENT ON COLUMN public.contact_keys.contact_id IS 'A contact that has it.';

CREATE TABLE public.daily_statistics (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    day date NOT NULL,
    created bigint NOT NULL,
    updated bigint NOT NULL,
    deleted bigint NOT NULL,
    restored bigint NOT NULL,
    agents jsonb NOT NULL,
    connections bigint NOT NULL,
    syncs bigint NOT NULL,
    pushes bigint NOT NULL,
    failures bigint NOT NULL,
    refused bigint NOT NULL,
    rows bigint NOT NULL,
    bytes bigint NOT NULL,
    median_sync_ms bigint,
    most_devices_online integer NOT NULL,
    greatest_lag bigint NOT NULL,
    fields jsonb
);

COMMENT ON TABLE public.daily_statistics IS 'What happened on each day (UTC) that has been over for a day: see summarise_days(). No day between the first and the last is missing.';

COMMENT ON COLUMN public.daily_statistics.tenant_id IS 'The tenant.';

COMMENT ON COLUMN public.daily_statistics.day IS 'The day.';

COMMENT ON COLUMN public.daily_statistics.created IS 'Contacts created.';

COMMENT ON COLUMN public.daily_statistics.updated IS 'Updates of contacts.';

COMMENT ON COLUMN public.daily_statistics.deleted IS 'Contacts deleted.';

COMMENT ON COLUMN public.daily_statistics.restored IS 'Contacts brought back.';

COMMENT ON COLUMN public.daily_statistics.agents IS '[{agent, changes}]: whose changes these were, the busiest first.';

COMMENT ON COLUMN public.daily_statistics.connections IS 'Connections of devices.';

COMMENT ON COLUMN public.daily_statistics.syncs IS 'Syncs.';

COMMENT ON COLUMN public.daily_statistics.pushes IS 'Pushes.';

COMMENT ON COLUMN public.daily_statistics.failures IS 'Syncs and pushes that failed.';

COMMENT ON COLUMN public.daily_statistics.refused IS 'Events that were refused.';

COMMENT ON COLUMN public.daily_statistics.rows IS 'Rows sent by syncs.';

COMMENT ON COLUMN public.daily_statistics.bytes IS 'Bytes of the rows sent.';

COMMENT ON COLUMN public.daily_statistics.median_sync_ms IS 'The median time of a sync, where there was one.';

COMMENT ON COLUMN public.daily_statistics.most_devices_online IS 'The most devices that were online in one minute.';

COMMENT ON COLUMN public.daily_statistics.greatest_lag IS 'The most versions by which one of them was behind.';

COMMENT ON COLUMN public.daily_statistics.fields IS 'The fields that anything changed on it, by the history''s names; NULL where that was not noted.';

CREATE TABLE public.devices (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    agent_id text NOT NULL COLLATE pg_catalog."C",
    name text,
    model text,
    os text,
    app_version text,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    last_seen timestamp with time zone,
    last_sync timestamp with time zone,
    version bigint,
    queue_size integer,
    queue_oldest_at timestamp with time zone,
    queue_empty_at timestamp with time zone,
    battery real,
    network text,
    clock_skew_ms bigint,
    sync_requested_at timestamp with time zone,
    revoked_at timestamp with time zone
)
WITH (fillfactor='70');

COMMENT ON TABLE public.devices IS 'One installation that syncs. Enters itself at its first sign-in.';

COMMENT ON COLUMN public.devices.tenant_id IS 'The agent''s tenant.';

COMMENT ON COLUMN public.devices.id IS 'Made by the device, or by the server at the first sign-in.';

COMMENT ON COLUMN public.devices.agent_id IS 'Whose device it is; never another''s.';

COMMENT ON COLUMN public.devices.name IS 'What its owner calls it.';

COMMENT ON COLUMN public.devices.model IS 'What it says of its make.';

COMMENT ON COLUMN public.devices.os IS 'Its operating system.';

COMMENT ON COLUMN public.devices.app_version IS 'The version of the app on it.';

COMMENT ON COLUMN public.devices.created_at IS 'Its first sign-in.';

COMMENT ON COLUMN public.devices.last_seen IS 'Its last sign-in or ping.';

COMMENT ON COLUMN public.devices.last_sync IS 'When it last had everything, but for the last minute''s changes.';

COMMENT ON COLUMN public.devices.version IS 'Its cursor, as it last said.';

COMMENT ON COLUMN public.devices.queue_size IS 'Edits that wait on it, as it last said.';

COMMENT ON COLUMN public.devices.queue_oldest_at IS 'When the oldest of them was made.';

COMMENT ON COLUMN public.devices.queue_empty_at IS 'When it last said that none waits: until then its ledger rows are kept.';

COMMENT ON COLUMN public.devices.battery IS 'Per cent.';

COMMENT ON COLUMN public.devices.network IS 'What it says of its network, such as wifi.';

COMMENT ON COLUMN public.devices.clock_skew_ms IS 'The server''s clock minus the device''s, in milliseconds.';

COMMENT ON COLUMN public.devices.sync_requested_at IS 'When somebody last asked it to sync.';

COMMENT ON COLUMN public.devices.revoked_at IS 'Since when it may not connect.';

CREATE TABLE public.global_version (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    version bigint DEFAULT 0 NOT NULL,
    epoch text DEFAULT replace((gen_random_uuid())::text, '-'::text, ''::text) NOT NULL,
    floor bigint DEFAULT 0 NOT NULL,
    checksum jsonb DEFAULT '{}'::jsonb NOT NULL,
    moved_at timestamp with time zone DEFAULT '1970-01-01 00:00:00+00'::timestamp with time zone NOT NULL,
    clock_set_back interval DEFAULT '00:00:00'::interval NOT NULL
)
WITH (fillfactor='50');

COMMENT ON TABLE public.global_version IS 'The head of each tenant: one row, kept by triggers, from which every page takes its bounds.';

COMMENT ON COLUMN public.global_version.tenant_id IS 'The tenant.';

COMMENT ON COLUMN public.global_version.version IS 'The head: the highest version given.';

COMMENT ON COLUMN public.global_version.epoch IS 'Names this life of the database. `python -m server restore` gives a new one.';

COMMENT ON COLUMN public.global_version.floor IS 'The highest version of a purged tombstone: cursors below it must sync from 0.';

COMMENT ON COLUMN public.global_version.checksum IS '{plural: {count, sum}}: the live rows of each entity, and the sum of their versions modulo 2^52.';

COMMENT ON COLUMN public.global_version.moved_at IS 'The latest time at which the head moved.';

COMMENT ON COLUMN public.global_version.clock_set_back IS 'By how much the clock was set back between two changes, at most.';

CREATE TABLE public.sync_log (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    kind text NOT NULL,
    device_id text,
    agent_id text,
    started timestamp with time zone NOT NULL,
    ended timestamp with time zone,
    since bigint,
    until bigint,
    rows integer,
    bytes bigint,
    outcome text,
    error_code text,
    address text,
    devices_online integer,
    greatest_lag bigint,
    CONSTRAINT sync_log_kind_check CHECK ((kind = ANY (ARRAY['connection'::text, 'sync'::text, 'push'::text, 'refused'::text, 'minute'::text])))
);

COMMENT ON TABLE public.sync_log IS 'What devices did: a row for each connection, sync, push and refused event, and once a minute one for the tenant. Kept 90 days.';

COMMENT ON COLUMN public.sync_log.tenant_id IS 'The tenant.';

COMMENT ON COLUMN public.sync_log.id IS 'A nanoid; the minute''s own row is named by its time.';

COMMENT ON COLUMN public.sync_log.kind IS 'What the row tells of.';

COMMENT ON COLUMN public.sync_log.device_id IS 'The device, where one is known.';

COMMENT ON COLUMN public.sync_log.agent_id IS 'Its agent.';

COMMENT ON COLUMN public.sync_log.started IS 'When it began.';

COMMENT ON COLUMN public.sync_log.ended IS 'When it was over; NULL while it lasts.';

COMMENT ON COLUMN public.sync_log.since IS 'The cursor that a sync began with.';

COMMENT ON COLUMN public.sync_log.until IS 'The version that it came to; in the minute''s row, the head.';

COMMENT ON COLUMN public.sync_log.rows IS 'Rows sent, or mutations pushed.';

COMMENT ON COLUMN public.sync_log.bytes IS 'Bytes of the rows sent.';

COMMENT ON COLUMN public.sync_log.outcome IS 'How it ended.';

COMMENT ON COLUMN public.sync_log.error_code IS 'The error''s code, where it failed.';

COMMENT ON COLUMN public.sync_log.address IS 'The client''s IP address.';

COMMENT ON COLUMN public.sync_log.devices_online IS 'In the minute''s row: devices that were connected.';

COMMENT ON COLUMN public.sync_log.greatest_lag IS 'In the minute''s row: versions by which the last of them was behind.';

CREATE TABLE public.tenants (
    id text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    region text,
    max_tags integer DEFAULT 100 NOT NULL,
    clean_phones boolean DEFAULT false NOT NULL,
    duplicates text DEFAULT 'allow'::text NOT NULL,
    agents_edit text DEFAULT 'all'::text NOT NULL,
    min_app_version text,
    conflict_days integer DEFAULT 7 NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT tenants_agents_edit_check CHECK ((agents_edit = ANY (ARRAY['all'::text, 'own'::text]))),
    CONSTRAINT tenants_duplicates_check CHECK ((duplicates = ANY (ARRAY['allow'::text, 'warn'::text, 'refuse'::text])))
);

COMMENT ON TABLE public.tenants IS 'A company and its settings. Nothing crosses from one tenant to another.';

COMMENT ON COLUMN public.tenants.id IS 'A short name, as in app.tenant; a fresh server has `default`.';

COMMENT ON COLUMN public.tenants.name IS 'The company''s name, for people.';

COMMENT ON COLUMN public.tenants.region IS 'The country (ISO 3166, two letters) of phone numbers without a country code; NULL: the server''s DEFAULT_REGION.';

COMMENT ON COLUMN public.tenants.max_tags IS 'How many tags a contact may have.';

COMMENT ON COLUMN public.tenants.clean_phones IS 'Whether phone numbers are rewritten to their international form.';

COMMENT ON COLUMN public.tenants.duplicates IS 'What a new contact with the e-mail or number of another one meets: nothing, a warning, a refusal.';

COMMENT ON COLUMN public.tenants.agents_edit IS 'Whether the role `agent` may edit all contacts or only its own.';

COMMENT ON COLUMN public.tenants.min_app_version IS 'The oldest version of the app that the company still wants to see; NULL: any.';

COMMENT ON COLUMN public.tenants.conflict_days IS 'For how many days a conflict counts as recent.';

COMMENT ON COLUMN public.tenants.created_at IS 'When the tenant was made.';

CREATE VIEW public.device_status WITH (security_invoker='true') AS
 SELECT d.tenant_id,
    d.id,
    d.agent_id,
    a.code AS agent_code,
    a.name AS agent_name,
    d.name,
    d.model,
    d.os,
    d.app_version,
    d.last_seen,
    d.last_sync,
    d.version,
    d.queue_size,
    d.queue_oldest_at,
    d.battery,
    d.network,
    d.clock_skew_ms,
    d.created_at,
    d.revoked_at,
    lag.versions AS lag_versions,
    (
        CASE
            WHEN (lag.versions = 0) THEN (0)::numeric
            ELSE GREATEST(EXTRACT(epoch FROM (now() - lag.since)), (0)::numeric)
        END)::bigint AS lag_seconds,
        CASE
            WHEN (d.revoked_at IS NOT NULL) THEN 'revoked'::text
            WHEN (d.last_sync IS NULL) THEN 'never_synced'::text
            WHEN (d.last_seen < (now() - '7 days'::interval)) THEN 'missing'::text
            WHEN ((lag.versions > 0) AND (lag.since < (now() - '24:00:00'::interval))) THEN 'late'::text
            ELSE 'idle'::text
        END AS state,
    COALESCE(((d.revoked_at IS NULL) AND (public.version_numbers(d.app_version) < public.version_numbers(t.min_app_version))), false) AS app_outdated,
    COALESCE(((d.revoked_at IS NULL) AND (d.queue_size > 0) AND (((now() - d.queue_oldest_at) - ((COALESCE(d.clock_skew_ms, (0)::bigint))::double precision * '00:00:00.001'::interval)) > '01:00:00'::interval)), false) AS queue_stuck,
    ( SELECT count(*) AS count
           FROM public.sync_log l
          WHERE ((l.tenant_id = d.tenant_id) AND (l.device_id = d.id) AND (l.error_code IS NOT NULL) AND (l.started > (now() - '24:00:00'::interval)))) AS errors_today
   FROM ((((public.devices d
     JOIN public.agents a ON (((a.tenant_id = d.tenant_id) AND (a.id = d.agent_id))))
     JOIN public.global_version g ON ((g.tenant_id = d.tenant_id)))
     JOIN public.tenants t ON ((t.id = d.tenant_id)))
     CROSS JOIN LATERAL ( SELECT GREATEST((g.version - COALESCE(d.version, (0)::bigint)), (0)::bigint) AS versions,
            GREATEST(COALESCE(d.last_sync, d.created_at), ( SELECT l.started
                   FROM public.sync_log l
                  WHERE ((l.tenant_id = d.tenant_id) AND (l.kind = 'minute'::text) AND (l.until <= d.version))
                  ORDER BY l.until DESC, l.started DESC
                 LIMIT 1)) AS since) lag);

CREATE TABLE public.groups (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    live_version bigint NOT NULL,
    name text NOT NULL,
    description text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    created_by text,
    updated_by text,
    deleted_at timestamp with time zone,
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL,
    written_by text,
    written_device text,
    written_mutation text,
    written_origin text,
    written_in xid8,
    wire text NOT NULL,
    wire_author text NOT NULL
);

COMMENT ON TABLE public.groups IS 'Contacts that belong together, such as a trade fair''s visitors.';

COMMENT ON COLUMN public.groups.tenant_id IS 'The company that the row belongs to.';

COMMENT ON COLUMN public.groups.id IS 'Made by whoever creates the row, client or server; never changes.';

COMMENT ON COLUMN public.groups.version IS 'Given each time the row changes visibly, in the order of commits.';

COMMENT ON COLUMN public.groups.live_version IS 'The version at which it last became live: created or restored.';

COMMENT ON COLUMN public.groups.name IS 'Unique among the tenant''s live groups, capitals aside.';

COMMENT ON COLUMN public.groups.description IS 'Free text.';

COMMENT ON COLUMN public.groups.created_at IS 'When the row was made, by the database''s clock.';

COMMENT ON COLUMN public.groups.updated_at IS 'When its version was given.';

COMMENT ON COLUMN public.groups.created_by IS 'The agent who made it; NULL when it was typed into the database.';

COMMENT ON COLUMN public.groups.updated_by IS 'The agent who gave it its version; NULL like created_by.';

COMMENT ON COLUMN public.groups.deleted_at IS 'Set on a tombstone, which keeps its hidden fields until the purge.';

COMMENT ON COLUMN public.groups.stamps IS '{name: {at, mutation, version, by, device, writer}} of each field changed since the creation, whose own stamp stands under "*"; `at` in microseconds since 1970. Merging decides by them.';

COMMENT ON COLUMN public.groups.written_by IS 'The agent of the last write; counts only in the transaction written_in.';

COMMENT ON COLUMN public.groups.written_device IS 'The device of the last write, if there was one.';

COMMENT ON COLUMN public.groups.written_mutation IS 'The mutation_id of the last write.';

COMMENT ON COLUMN public.groups.written_origin IS 'Where the last write came from: socket, rest, import, job or sql.';

COMMENT ON COLUMN public.groups.written_in IS 'The transaction that set the written_… columns. In any other one they are void, and the change counts as typed into the database.';

COMMENT ON COLUMN public.groups.wire IS 'The row''s JSON as it goes out, empty fields left out.';

COMMENT ON COLUMN public.groups.wire_author IS 'JSON of the last write''s mutation and author, for events.';

CREATE TABLE public.mutations (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    source text NOT NULL COLLATE pg_catalog."C",
    mutation_id text NOT NULL COLLATE pg_catalog."C",
    body_hash bytea NOT NULL,
    stamp bigint NOT NULL,
    op text NOT NULL,
    entity text NOT NULL,
    entity_id text NOT NULL COLLATE pg_catalog."C",
    outcome text NOT NULL,
    version bigint,
    conflicts jsonb DEFAULT '[]'::jsonb NOT NULL,
    lost jsonb,
    agent_id text,
    device_id text,
    origin text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT mutations_outcome_check CHECK ((outcome = ANY (ARRAY['applied'::text, 'merged'::text, 'superseded'::text, 'gone'::text, 'forbidden'::text])))
);

COMMENT ON TABLE public.mutations IS 'The ledger: each write by a client, entered in the transaction of its effects, so that one sent again is answered and not applied again.';

COMMENT ON COLUMN public.mutations.tenant_id IS 'The tenant.';

COMMENT ON COLUMN public.mutations.source IS 'The device that wrote, or `agent:<id>` where there was none.';

COMMENT ON COLUMN public.mutations.mutation_id IS 'The client''s name for the write.';

COMMENT ON COLUMN public.mutations.body_hash IS 'SHA-256 of the body, to tell another body of the same id.';

COMMENT ON COLUMN public.mutations.stamp IS 'When the edit was made, as merging counts it, in microseconds since 1970.';

COMMENT ON COLUMN public.mutations.op IS 'create, update, delete or restore.';

COMMENT ON COLUMN public.mutations.entity IS 'The entity''s name, such as contact.';

COMMENT ON COLUMN public.mutations.entity_id IS 'The row that it was meant for.';

COMMENT ON COLUMN public.mutations.outcome IS 'What became of it. `forbidden` does not answer for the mutation: a later try is judged anew.';

COMMENT ON COLUMN public.mutations.version IS 'The row''s version after it.';

COMMENT ON COLUMN public.mutations.conflicts IS 'The conflicts that its ack listed.';

COMMENT ON COLUMN public.mutations.lost IS '{before, after} of the values that lost or were refused; a trigger copies them into the history.';

COMMENT ON COLUMN public.mutations.agent_id IS 'Who wrote.';

COMMENT ON COLUMN public.mutations.device_id IS 'On which device, if on one.';

COMMENT ON COLUMN public.mutations.origin IS 'socket, rest, import or job.';

COMMENT ON COLUMN public.mutations.created_at IS 'When it was entered.';

CREATE TABLE public.pgqueuer (
    id bigint NOT NULL,
    priority integer NOT NULL,
    queue_manager_id uuid,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    execute_after timestamp with time zone DEFAULT now() NOT NULL,
    status public.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL,
    dedupe_key text,
    payload bytea,
    headers jsonb,
    attempts integer DEFAULT 0 NOT NULL,
    slot bigint
);

COMMENT ON TABLE public.pgqueuer IS 'Jobs that wait, run or have failed.';

CREATE SEQUENCE public.pgqueuer_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.pgqueuer_id_seq OWNED BY public.pgqueuer.id;

CREATE TABLE public.pgqueuer_log (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    job_id bigint NOT NULL,
    status public.pgqueuer_status NOT NULL,
    priority integer NOT NULL,
    entrypoint text NOT NULL,
    traceback jsonb,
    aggregated boolean DEFAULT false
);

COMMENT ON TABLE public.pgqueuer_log IS 'What became of each job. Kept 90 days.';

ALTER TABLE public.pgqueuer_log ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY (
    SEQUENCE NAME public.pgqueuer_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE public.pgqueuer_schedules (
    id bigint NOT NULL,
    expression text NOT NULL,
    entrypoint text NOT NULL,
    heartbeat timestamp with time zone DEFAULT now() NOT NULL,
    created timestamp with time zone DEFAULT now() NOT NULL,
    updated timestamp with time zone DEFAULT now() NOT NULL,
    next_run timestamp with time zone DEFAULT now() NOT NULL,
    last_run timestamp with time zone,
    status public.pgqueuer_status DEFAULT 'queued'::public.pgqueuer_status
);

COMMENT ON TABLE public.pgqueuer_schedules IS 'What runs at fixed times, and when next.';

CREATE SEQUENCE public.pgqueuer_schedules_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.pgqueuer_schedules_id_seq OWNED BY public.pgqueuer_schedules.id;

CREATE TABLE public.pgqueuer_statistics (
    id bigint NOT NULL,
    created timestamp with time zone DEFAULT date_trunc('sec'::text, now()) NOT NULL,
    count bigint NOT NULL,
    priority integer NOT NULL,
    status public.pgqueuer_status NOT NULL,
    entrypoint text NOT NULL
);

COMMENT ON TABLE public.pgqueuer_statistics IS 'How many jobs ended how in each second. Kept 90 days.';

CREATE SEQUENCE public.pgqueuer_statistics_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.pgqueuer_statistics_id_seq OWNED BY public.pgqueuer_statistics.id;

CREATE TABLE public.schema_migrations (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE public.schema_migrations IS 'The migrations that were applied; kept by the migration runner.';

COMMENT ON COLUMN public.schema_migrations.name IS 'The file''s path in sql/.';

COMMENT ON COLUMN public.schema_migrations.checksum IS 'SHA-256 of its text: an edited migration is refused.';

COMMENT ON COLUMN public.schema_migrations.applied_at IS 'When it was applied.';

CREATE TABLE public.schema_objects (
    name text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);

COMMENT ON TABLE public.schema_objects IS 'Functions, views and triggers as they were last applied; kept by the migration runner.';

COMMENT ON COLUMN public.schema_objects.name IS 'The file''s path in sql/.';

COMMENT ON COLUMN public.schema_objects.checksum IS 'SHA-256 of its text: a changed file is applied again.';

COMMENT ON COLUMN public.schema_objects.applied_at IS 'When it was applied.';

CREATE VIEW public.sync_statistics WITH (security_invoker='true') AS
 SELECT t.id AS tenant_id,
    s.day,
    s.connections,
    s.syncs,
    s.pushes,
    s.failures,
    s.refused,
    s.rows,
    s.bytes,
    s.median_sync_ms,
    s.most_devices_online,
    s.greatest_lag
   FROM (public.tenants t
     CROSS JOIN LATERAL public.summarise_sync_log(t.id, '-infinity'::timestamp with time zone, 'infinity'::timestamp with time zone) s(day, connections, syncs, pushes, failures, refused, rows, bytes, median_sync_ms, most_devices_online, greatest_lag));

CREATE TABLE public.synced_entities (
    plural text NOT NULL
);

COMMENT ON TABLE public.synced_entities IS 'The tables whose rows reach devices, entered by publish_entity().';

COMMENT ON COLUMN public.synced_entities.plural IS 'The table''s name, and the entity''s key in change sets.';

CREATE TABLE public.tags (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    live_version bigint NOT NULL,
    name text NOT NULL,
    color text,
    category text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    created_by text,
    updated_by text,
    deleted_at timestamp with time zone,
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL,
    written_by text,
    written_device text,
    written_mutation text,
    written_origin text,
    written_in xid8,
    wire text NOT NULL,
    wire_author text NOT NULL
);

COMMENT ON TABLE public.tags IS 'A coloured label; a contact may carry many.';

COMMENT ON COLUMN public.tags.tenant_id IS 'The company that the row belongs to.';

COMMENT ON COLUMN public.tags.id IS 'Made by whoever creates the row, client or server; never changes.';

COMMENT ON COLUMN public.tags.version IS 'Given each time the row changes visibly, in the order of commits.';

COMMENT ON COLUMN public.tags.live_version IS 'The version at which it last became live: created or restored.';

COMMENT ON COLUMN public.tags.name IS 'Unique among the tenant''s live tags, capitals aside.';

COMMENT ON COLUMN public.tags.color IS '#rrggbb.';

COMMENT ON COLUMN public.tags.category IS 'What the tag is about, to list tags under headings.';

COMMENT ON COLUMN public.tags.created_at IS 'When the row was made, by the database''s clock.';

COMMENT ON COLUMN public.tags.updated_at IS 'When its version was given.';

COMMENT ON COLUMN public.tags.created_by IS 'The agent who made it; NULL when it was typed into the database.';

COMMENT ON COLUMN public.tags.updated_by IS 'The agent who gave it its version; NULL like created_by.';

COMMENT ON COLUMN public.tags.deleted_at IS 'Set on a tombstone, which keeps its hidden fields until the purge.';

COMMENT ON COLUMN public.tags.stamps IS '{name: {at, mutation, version, by, device, writer}} of each field changed since the creation, whose own stamp stands under "*"; `at` in microseconds since 1970. Merging decides by them.';

COMMENT ON COLUMN public.tags.written_by IS 'The agent of the last write; counts only in the transaction written_in.';

COMMENT ON COLUMN public.tags.written_device IS 'The device of the last write, if there was one.';

COMMENT ON COLUMN public.tags.written_mutation IS 'The mutation_id of the last write.';

COMMENT ON COLUMN public.tags.written_origin IS 'Where the last write came from: socket, rest, import, job or sql.';

COMMENT ON COLUMN public.tags.written_in IS 'The transaction that set the written_… columns. In any other one they are void, and the change counts as typed into the database.';

COMMENT ON COLUMN public.tags.wire IS 'The row''s JSON as it goes out, empty fields left out.';

COMMENT ON COLUMN public.tags.wire_author IS 'JSON of the last write''s mutation and author, for events.';

CREATE TABLE public.types (
    tenant_id text NOT NULL COLLATE pg_catalog."C",
    id text NOT NULL COLLATE pg_catalog."C",
    version bigint NOT NULL,
    live_version bigint NOT NULL,
    name text NOT NULL,
    description text,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    created_by text,
    updated_by text,
    deleted_at timestamp with time zone,
    stamps jsonb DEFAULT '{}'::jsonb NOT NULL,
    written_by text,
    written_device text,
    written_mutation text,
    written_origin text,
    written_in xid8,
    wire text NOT NULL,
    wire_author text NOT NULL
);

COMMENT ON TABLE public.types IS 'What a contact is to the company, such as a customer or a supplier.';

COMMENT ON COLUMN public.types.tenant_id IS 'The company that the row belongs to.';

COMMENT ON COLUMN public.types.id IS 'Made by whoever creates the row, client or server; never changes.';

COMMENT ON COLUMN public.types.version IS 'Given each time the row changes visibly, in the order of commits.';

COMMENT ON COLUMN public.types.live_version IS 'The version at which it last became live: created or restored.';

COMMENT ON COLUMN public.types.name IS 'Unique among the tenant''s live types, capitals aside.';

COMMENT ON COLUMN public.types.description IS 'Free text.';

COMMENT ON COLUMN public.types.created_at IS 'When the row was made, by the database''s clock.';

COMMENT ON COLUMN public.types.updated_at IS 'When its version was given.';

COMMENT ON COLUMN public.types.created_by IS 'The agent who made it; NULL when it was typed into the database.';

COMMENT ON COLUMN public.types.updated_by IS 'The agent who gave it its version; NULL like created_by.';

COMMENT ON COLUMN public.types.deleted_at IS 'Set on a tombstone, which keeps its hidden fields until the purge.';

COMMENT ON COLUMN public.types.stamps IS '{name: {at, mutation, version, by, device, writer}} of each field changed since the creation, whose own stamp stands under "*"; `at` in microseconds since 1970. Merging decides by them.';

COMMENT ON COLUMN public.types.written_by IS 'The agent of the last write; counts only in the transaction written_in.';

COMMENT ON COLUMN public.types.written_device IS 'The device of the last write, if there was one.';

COMMENT ON COLUMN public.types.written_mutation IS 'The mutation_id of the last write.';

COMMENT ON COLUMN public.types.written_origin IS 'Where the last write came from: socket, rest, import, job or sql.';

COMMENT ON COLUMN public.types.written_in IS 'The transaction that set the written_… columns. In any other one they are void, and the change counts as typed into the database.';

COMMENT ON COLUMN public.types.wire IS 'The row''s JSON as it goes out, empty fields left out.';

COMMENT ON COLUMN public.types.wire_author IS 'JSON of the last write''s mutation and author, for events.';

CREATE VIEW public.synced_rows WITH (security_invoker='true') AS
 SELECT contacts.tenant_id,
    contacts.version,
    'contacts'::text AS plural,
    contacts.id,
    contacts.live_version,
    contacts.deleted_at,
        CASE
            WHEN (contacts.deleted_at IS NULL) THEN contacts.wire
            ELSE public.render_tombstone(contacts.id, contacts.version, contacts.deleted_at)
        END AS wire,
    contacts.wire_author,
    contacts.updated_at
   FROM public.contacts
UNION ALL
 SELECT groups.tenant_id,
    groups.version,
    'groups'::text AS plural,
    groups.id,
    groups.live_version,
    groups.deleted_at,
        CASE
            WHEN (groups.deleted_at IS NULL) THEN groups.wire
            ELSE public.render_tombstone(groups.id, groups.version, groups.deleted_at)
        END AS wire,
    groups.wire_author,
    groups.updated_at
   FROM public.groups
UNION ALL
 SELECT tags.tenant_id,
    tags.version,
    'tags'::text AS plural,
    tags.id,
    tags.live_version,
    tags.deleted_at,
        CASE
            WHEN (tags.deleted_at IS NULL) THEN tags.wire
            ELSE public.render_tombstone(tags.id, tags.version, tags.deleted_at)
        END AS wire,
    tags.wire_author,
    tags.updated_at
   FROM public.tags
UNION ALL
 SELECT types.tenant_id,
    types.version,
    'types'::text AS plural,
    types.id,
    types.live_version,
    types.deleted_at,
        CASE
            WHEN (types.deleted_at IS NULL) THEN types.wire
            ELSE public.render_tombstone(types.id, types.version, types.deleted_at)
        END AS wire,
    types.wire_author,
    types.updated_at
   FROM public.types;

COMMENT ON VIEW public.synced_rows IS 'Every row that reaches devices, tombstones too, as it goes out. Made by publish_entity().';

CREATE SEQUENCE public.version_sequence
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 4503599627370495
    CACHE 1;

ALTER TABLE ONLY public.pgqueuer ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_id_seq'::regclass);

ALTER TABLE ONLY public.pgqueuer_schedules ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_schedules_id_seq'::regclass);

ALTER TABLE ONLY public.pgqueuer_statistics ALTER COLUMN id SET DEFAULT nextval('public.pgqueuer_statistics_id_seq'::regclass);

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.bulk_files
    ADD CONSTRAINT bulk_files_pkey PRIMARY KEY (tenant_id, job_id, part);

ALTER TABLE ONLY public.bulk_findings
    ADD CONSTRAINT bulk_findings_pkey PRIMARY KEY (tenant_id, job_id, kind, id);

ALTER TABLE ONLY public.bulk_jobs
    ADD CONSTRAINT bulk_jobs_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.contact_keys
    ADD CONSTRAINT contact_keys_pkey PRIMARY KEY (tenant_id, key, contact_id);

ALTER TABLE ONLY public.contact_search
    ADD CONSTRAINT contact_search_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.daily_statistics
    ADD CONSTRAINT daily_statistics_pkey PRIMARY KEY (tenant_id, day);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.global_version
    ADD CONSTRAINT global_version_pkey PRIMARY KEY (tenant_id);

ALTER TABLE ONLY public.groups
    ADD CONSTRAINT groups_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.mutations
    ADD CONSTRAINT mutations_pkey PRIMARY KEY (tenant_id, source, mutation_id);

ALTER TABLE ONLY public.pgqueuer_log
    ADD CONSTRAINT pgqueuer_log_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pgqueuer
    ADD CONSTRAINT pgqueuer_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_expression_entrypoint_key UNIQUE (expression, entrypoint);

ALTER TABLE ONLY public.pgqueuer_schedules
    ADD CONSTRAINT pgqueuer_schedules_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.pgqueuer_statistics
    ADD CONSTRAINT pgqueuer_statistics_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.schema_objects
    ADD CONSTRAINT schema_objects_pkey PRIMARY KEY (name);

ALTER TABLE ONLY public.sync_log
    ADD CONSTRAINT sync_log_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.synced_entities
    ADD CONSTRAINT synced_entities_pkey PRIMARY KEY (plural);

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_pkey PRIMARY KEY (tenant_id, id);

ALTER TABLE ONLY public.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.types
    ADD CONSTRAINT types_pkey PRIMARY KEY (tenant_id, id);

CREATE UNIQUE INDEX agents_code ON public.agents USING btree (tenant_id, lower(code));

CREATE INDEX api_keys_agent ON public.api_keys USING btree (tenant_id, agent_id);

CREATE UNIQUE INDEX api_keys_hash ON public.api_keys USING btree (hash);

CREATE INDEX audit_log_actions ON public.audit_log USING btree (tenant_id, op, id) WHERE (op <> ALL (ARRAY['create'::text, 'update'::text, 'delete'::text, 'restore'::text]));

CREATE INDEX audit_log_bulk ON public.audit_log USING btree (tenant_id, mutation_id, id) WHERE ((origin = ANY (ARRAY['import'::text, 'job'::text])) AND (mutation_id IS NOT NULL));

CREATE INDEX audit_log_device ON public.audit_log USING btree (tenant_id, device_id, id) WHERE (device_id IS NOT NULL);

CREATE INDEX audit_log_entity ON public.audit_log USING btree (tenant_id, entity, entity_id, id);

CREATE INDEX audit_log_not_applied ON public.audit_log USING btree (tenant_id, outcome, id) WHERE (outcome <> 'applied'::text);

CREATE INDEX audit_log_other_entities ON public.audit_log USING btree (tenant_id, entity, id) WHERE (entity <> 'contact'::text);

CREATE INDEX audit_log_summary ON public.audit_log USING brin (agent_id text_bloom_ops, origin text_bloom_ops) WITH (pages_per_range='64', autosummarize='on');

CREATE INDEX bulk_jobs_created ON public.bulk_jobs USING btree (tenant_id, created_at, id);

CREATE INDEX contacts_external_id ON public.contacts USING btree (tenant_id, external_id) WHERE (external_id IS NOT NULL);

CREATE INDEX contacts_group_ids ON public.contacts USING gin (group_ids) WITH (gin_pending_list_limit='128') WHERE (group_ids <> '{}'::text[]);

CREATE INDEX contacts_inactive ON public.contacts USING btree (tenant_id, id) WHERE (NOT active);

CREATE INDEX contacts_opted_out ON public.contacts USING btree (tenant_id, id) WHERE jsonb_path_exists(preferences, '$.*?(@ == "opted_out")'::jsonpath);

CREATE INDEX contacts_owner ON public.contacts USING btree (tenant_id, owner_id) WHERE (owner_id IS NOT NULL);

CREATE INDEX contacts_search ON public.contact_search USING gin (tenant_id, search_text public.gin_trgm_ops) WITH (gin_pending_list_limit='2048');

CREATE INDEX contacts_sort_name ON public.contacts USING btree (tenant_id, sort_name, id) WHERE (deleted_at IS NULL);

CREATE INDEX contacts_tag_ids ON public.contacts USING gin (tag_ids) WITH (gin_pending_list_limit='128') WHERE (tag_ids <> '{}'::text[]);

CREATE INDEX contacts_tombstones ON public.contacts USING btree (tenant_id, id) WHERE (deleted_at IS NOT NULL);

CREATE INDEX contacts_type_ids ON public.contacts USING gin (type_ids) WITH (gin_pending_list_limit='128') WHERE (type_ids <> '{}'::text[]);

CREATE UNIQUE INDEX contacts_version ON public.contacts USING btree (tenant_id, version) INCLUDE (id, deleted_at);

CREATE INDEX devices_agent ON public.devices USING btree (tenant_id, agent_id);

CREATE UNIQUE INDEX groups_name ON public.groups USING btree (tenant_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX groups_version ON public.groups USING btree (tenant_id, version);

CREATE INDEX mutations_stamp ON public.mutations USING btree (tenant_id, source, stamp);

CREATE INDEX pgqueuer_ep_ea_idx ON public.pgqueuer USING btree (entrypoint, execute_after) WHERE (status = 'queued'::public.pgqueuer_status);

CREATE INDEX pgqueuer_ep_prio_id_idx ON public.pgqueuer USING btree (entrypoint, priority DESC, id) WHERE (status = 'queued'::public.pgqueuer_status);

CREATE INDEX pgqueuer_log_created ON public.pgqueuer_log USING btree (created);

CREATE INDEX pgqueuer_log_job_id_status ON public.pgqueuer_log USING btree (job_id, created DESC);

CREATE INDEX pgqueuer_log_not_aggregated ON public.pgqueuer_log USING btree ((1)) WHERE (NOT aggregated);

CREATE INDEX pgqueuer_log_status ON public.pgqueuer_log USING btree (status);

CREATE INDEX pgqueuer_picked_heartbeat_idx ON public.pgqueuer USING btree (heartbeat) WHERE (status = 'picked'::public.pgqueuer_status);

CREATE UNIQUE INDEX pgqueuer_picked_slot_idx ON public.pgqueuer USING btree (entrypoint, slot) WHERE ((status = 'picked'::public.pgqueuer_status) AND (slot IS NOT NULL));

CREATE INDEX pgqueuer_priority_id_id1_idx ON public.pgqueuer USING btree (priority, id DESC) INCLUDE (id) WHERE (status = 'queued'::public.pgqueuer_status);

CREATE INDEX pgqueuer_queue_manager_id_idx ON public.pgqueuer USING btree (queue_manager_id) WHERE (queue_manager_id IS NOT NULL);

CREATE UNIQUE INDEX pgqueuer_statistics_unique_count ON public.pgqueuer_statistics USING btree (priority, date_trunc('sec'::text, timezone('UTC'::text, created)), status, entrypoint);

CREATE UNIQUE INDEX pgqueuer_unique_dedupe_key ON public.pgqueuer USING btree (dedupe_key) WHERE ((status = ANY (ARRAY['queued'::public.pgqueuer_status, 'picked'::public.pgqueuer_status])) AND (dedupe_key IS NOT NULL));

CREATE INDEX pgqueuer_updated_id_id1_idx ON public.pgqueuer USING btree (updated, id DESC) INCLUDE (id) WHERE (status = 'picked'::public.pgqueuer_status);

CREATE INDEX sync_log_device ON public.sync_log USING btree (tenant_id, device_id, started);

CREATE INDEX sync_log_minutes ON public.sync_log USING btree (tenant_id, until, started) WHERE (kind = 'minute'::text);

CREATE INDEX sync_log_started ON public.sync_log USING btree (tenant_id, started);

CREATE UNIQUE INDEX tags_name ON public.tags USING btree (tenant_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX tags_version ON public.tags USING btree (tenant_id, version);

CREATE UNIQUE INDEX types_name ON public.types USING btree (tenant_id, lower(name)) WHERE (deleted_at IS NULL);

CREATE UNIQUE INDEX types_version ON public.types USING btree (tenant_id, version);

CREATE TRIGGER derive_contact_columns BEFORE INSERT OR UPDATE ON public.contacts FOR EACH ROW EXECUTE FUNCTION public.derive_contact_columns();

CREATE TRIGGER derive_group_columns BEFORE INSERT OR UPDATE ON public.groups FOR EACH ROW EXECUTE FUNCTION public.derive_group_columns();

CREATE TRIGGER derive_tag_columns BEFORE INSERT OR UPDATE ON public.tags FOR EACH ROW EXECUTE FUNCTION public.derive_tag_columns();

CREATE TRIGGER derive_type_columns BEFORE INSERT OR UPDATE ON public.types FOR EACH ROW EXECUTE FUNCTION public.derive_type_columns();

CREATE TRIGGER keep_contact_tombstone BEFORE DELETE ON public.contacts FOR EACH ROW EXECUTE FUNCTION public.keep_tombstone();

CREATE TRIGGER keep_group_tombstone BEFORE DELETE ON public.groups FOR EACH ROW EXECUTE FUNCTION public.keep_tombstone();

CREATE TRIGGER keep_head_of_inserted_contacts AFTER INSERT ON public.contacts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_head();

CREATE TRIGGER keep_head_of_inserted_groups AFTER INSERT ON public.groups REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_head();

CREATE TRIGGER keep_head_of_inserted_tags AFTER INSERT ON public.tags REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_head();

CREATE TRIGGER keep_head_of_inserted_types AFTER INSERT ON public.types REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_head();

CREATE TRIGGER keep_head_of_updated_contacts AFTER UPDATE ON public.contacts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_head();

CREATE TRIGGER keep_head_of_updated_groups AFTER UPDATE ON public.groups REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_head();

CREATE TRIGGER keep_head_of_updated_tags AFTER UPDATE ON public.tags REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_head();

CREATE TRIGGER keep_head_of_updated_types AFTER UPDATE ON public.types REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_head();

CREATE TRIGGER keep_keys_of_inserted_contacts AFTER INSERT ON public.contacts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_contact_keys();

CREATE TRIGGER keep_keys_of_purged_contacts AFTER DELETE ON public.contacts FOR EACH ROW EXECUTE FUNCTION public.keep_contact_keys();

CREATE TRIGGER keep_keys_of_updated_contacts AFTER UPDATE ON public.contacts FOR EACH ROW WHEN (((old.emails IS DISTINCT FROM new.emails) OR (old.phones IS DISTINCT FROM new.phones))) EXECUTE FUNCTION public.keep_contact_keys();

CREATE TRIGGER keep_search_of_inserted_contacts AFTER INSERT ON public.contacts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.keep_contact_search();

CREATE TRIGGER keep_search_of_purged_contacts AFTER DELETE ON public.contacts FOR EACH ROW EXECUTE FUNCTION public.keep_contact_search();

CREATE TRIGGER keep_search_of_updated_contacts AFTER UPDATE ON public.contacts FOR EACH ROW WHEN ((((((old.first_name IS DISTINCT FROM new.first_name) OR (old.last_name IS DISTINCT FROM new.last_name)) OR (old.company IS DISTINCT FROM new.company)) OR (old.emails IS DISTINCT FROM new.emails)) OR (old.phones IS DISTINCT FROM new.phones))) EXECUTE FUNCTION public.keep_contact_search();

CREATE TRIGGER keep_tag_tombstone BEFORE DELETE ON public.tags FOR EACH ROW EXECUTE FUNCTION public.keep_tombstone();

CREATE TRIGGER keep_type_tombstone BEFORE DELETE ON public.types FOR EACH ROW EXECUTE FUNCTION public.keep_tombstone();

CREATE TRIGGER lock_agents BEFORE DELETE ON public.agents FOR EACH STATEMENT EXECUTE FUNCTION public.take_version_lock();

CREATE TRIGGER lock_contacts BEFORE INSERT OR DELETE OR UPDATE ON public.contacts FOR EACH STATEMENT EXECUTE FUNCTION public.take_version_lock();

CREATE TRIGGER lock_groups BEFORE INSERT OR DELETE OR UPDATE ON public.groups FOR EACH STATEMENT EXECUTE FUNCTION public.take_version_lock();

CREATE TRIGGER lock_tags BEFORE INSERT OR DELETE OR UPDATE ON public.tags FOR EACH STATEMENT EXECUTE FUNCTION public.take_version_lock();

CREATE TRIGGER lock_types BEFORE INSERT OR DELETE OR UPDATE ON public.types FOR EACH STATEMENT EXECUTE FUNCTION public.take_version_lock();

CREATE TRIGGER log_inserted_contact_change AFTER INSERT ON public.contacts REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.log_row_change('contact');

CREATE TRIGGER log_inserted_group_change AFTER INSERT ON public.groups REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.log_row_change('group');

CREATE TRIGGER log_inserted_tag_change AFTER INSERT ON public.tags REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.log_row_change('tag');

CREATE TRIGGER log_inserted_type_change AFTER INSERT ON public.types REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.log_row_change('type');

CREATE TRIGGER log_lost_values AFTER INSERT OR UPDATE ON public.mutations FOR EACH ROW WHEN ((new.lost IS NOT NULL)) EXECUTE FUNCTION public.log_lost_values();

CREATE TRIGGER log_updated_contact_change AFTER UPDATE ON public.contacts REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.log_row_change('contact');

CREATE TRIGGER log_updated_group_change AFTER UPDATE ON public.groups REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.log_row_change('group');

CREATE TRIGGER log_updated_tag_change AFTER UPDATE ON public.tags REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.log_row_change('tag');

CREATE TRIGGER log_updated_type_change AFTER UPDATE ON public.types REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION public.log_row_change('type');

CREATE TRIGGER notify_agent_access AFTER UPDATE OF role, disabled, name ON public.agents FOR EACH ROW EXECUTE FUNCTION public.notify_access();

CREATE TRIGGER notify_device_access AFTER UPDATE OF revoked_at, sync_requested_at ON public.devices FOR EACH ROW EXECUTE FUNCTION public.notify_access();

CREATE TRIGGER notify_job AFTER INSERT OR UPDATE ON public.bulk_jobs FOR EACH ROW EXECUTE FUNCTION public.notify_job();

CREATE TRIGGER notify_key_access AFTER UPDATE OF revoked_at ON public.api_keys FOR EACH ROW EXECUTE FUNCTION public.notify_access();

CREATE TRIGGER notify_tenant_settings AFTER UPDATE ON public.tenants FOR EACH ROW EXECUTE FUNCTION public.notify_access();

CREATE TRIGGER refuse_audit_change BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_log FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change('the history only grows');

CREATE TRIGGER refuse_contact_truncate BEFORE TRUNCATE ON public.contacts FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change('use DELETE, which devices learn of');

CREATE TRIGGER refuse_group_truncate BEFORE TRUNCATE ON public.groups FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change('use DELETE, which devices learn of');

CREATE TRIGGER refuse_tag_truncate BEFORE TRUNCATE ON public.tags FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change('use DELETE, which devices learn of');

CREATE TRIGGER refuse_type_truncate BEFORE TRUNCATE ON public.types FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change('use DELETE, which devices learn of');

CREATE TRIGGER start_tenant AFTER INSERT ON public.tenants FOR EACH ROW EXECUTE FUNCTION public.start_tenant();

CREATE TRIGGER strip_group AFTER UPDATE ON public.groups FOR EACH ROW WHEN (((old.deleted_at IS NULL) AND (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION public.enqueue_strip();

CREATE TRIGGER strip_tag AFTER UPDATE ON public.tags FOR EACH ROW WHEN (((old.deleted_at IS NULL) AND (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION public.enqueue_strip();

CREATE TRIGGER strip_type AFTER UPDATE ON public.types FOR EACH ROW WHEN (((old.deleted_at IS NULL) AND (new.deleted_at IS NOT NULL))) EXECUTE FUNCTION public.enqueue_strip();

CREATE TRIGGER tg_pgqueuer_changed AFTER INSERT OR DELETE OR UPDATE OR TRUNCATE ON public.pgqueuer FOR EACH STATEMENT EXECUTE FUNCTION public.fn_pgqueuer_changed();

CREATE TRIGGER update_contact_timestamp BEFORE INSERT OR UPDATE ON public.contacts FOR EACH ROW EXECUTE FUNCTION public.update_row_timestamp();

CREATE TRIGGER update_group_timestamp BEFORE INSERT OR UPDATE ON public.groups FOR EACH ROW EXECUTE FUNCTION public.update_row_timestamp();

CREATE TRIGGER update_tag_timestamp BEFORE INSERT OR UPDATE ON public.tags FOR EACH ROW EXECUTE FUNCTION public.update_row_timestamp();

CREATE TRIGGER update_type_timestamp BEFORE INSERT OR UPDATE ON public.types FOR EACH ROW EXECUTE FUNCTION public.update_row_timestamp();

ALTER TABLE ONLY public.agents
    ADD CONSTRAINT agents_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.bulk_files
    ADD CONSTRAINT bulk_files_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.bulk_findings
    ADD CONSTRAINT bulk_findings_tenant_id_job_id_fkey FOREIGN KEY (tenant_id, job_id) REFERENCES public.bulk_jobs(tenant_id, id) ON DELETE CASCADE;

ALTER TABLE ONLY public.bulk_jobs
    ADD CONSTRAINT bulk_jobs_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.bulk_jobs
    ADD CONSTRAINT bulk_jobs_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.contacts
    ADD CONSTRAINT contacts_tenant_id_owner_id_fkey FOREIGN KEY (tenant_id, owner_id) REFERENCES public.agents(tenant_id, id) ON DELETE SET NULL (owner_id);

ALTER TABLE ONLY public.daily_statistics
    ADD CONSTRAINT daily_statistics_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.devices
    ADD CONSTRAINT devices_tenant_id_agent_id_fkey FOREIGN KEY (tenant_id, agent_id) REFERENCES public.agents(tenant_id, id);

ALTER TABLE ONLY public.global_version
    ADD CONSTRAINT global_version_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.groups
    ADD CONSTRAINT groups_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.mutations
    ADD CONSTRAINT mutations_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.sync_log
    ADD CONSTRAINT sync_log_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.tags
    ADD CONSTRAINT tags_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE ONLY public.types
    ADD CONSTRAINT types_tenant_id_fkey FOREIGN KEY (tenant_id) REFERENCES public.tenants(id);

ALTER TABLE public.agents ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.api_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.audit_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.bulk_files ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.bulk_findings ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.bulk_jobs ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_keys ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contact_search ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.contacts ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.daily_statistics ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.devices ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.global_version ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.groups ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.mutations ENABLE ROW LEVEL SECURITY;

CREATE POLICY own_tenant ON public.agents USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.api_keys USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.audit_log USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.bulk_files USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.bulk_findings USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.bulk_jobs USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.contact_keys USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.contact_search USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.contacts USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.daily_statistics USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.devices USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.global_version USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.groups USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.mutations USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.sync_log USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.tags USING ((tenant_id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.tenants USING ((id = current_setting('app.tenant'::text, true)));

CREATE POLICY own_tenant ON public.types USING ((tenant_id = current_setting('app.tenant'::text, true)));

ALTER TABLE public.sync_log ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tags ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.tenants ENABLE ROW LEVEL SECURITY;

ALTER TABLE public.types ENABLE ROW LEVEL SECURITY;

GRANT USAGE ON SCHEMA public TO fieldbook_server;

GRANT SELECT ON TABLE public.contact_search TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.contacts TO fieldbook_server;

GRANT SELECT ON TABLE public.audit_log TO fieldbook_server;

GRANT SELECT ON TABLE public.active_contacts TO fieldbook_server;

GRANT SELECT,INSERT,UPDATE ON TABLE public.agents TO fieldbook_server;

GRANT SELECT,INSERT,UPDATE ON TABLE public.api_keys TO fieldbook_server;

GRANT SELECT,INSERT,DELETE ON TABLE public.bulk_files TO fieldbook_server;

GRANT UPDATE(job_id) ON TABLE public.bulk_files TO fieldbook_server;

GRANT SELECT,INSERT ON TABLE public.bulk_findings TO fieldbook_server;

GRANT SELECT,INSERT,UPDATE ON TABLE public.bulk_jobs TO fieldbook_server;

GRANT SELECT ON TABLE public.contact_keys TO fieldbook_server;

GRANT SELECT,INSERT ON TABLE public.daily_statistics TO fieldbook_server;

GRANT SELECT,INSERT,UPDATE ON TABLE public.devices TO fieldbook_server;

GRANT SELECT ON TABLE public.global_version TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.sync_log TO fieldbook_server;

GRANT SELECT,UPDATE ON TABLE public.tenants TO fieldbook_server;

GRANT SELECT ON TABLE public.device_status TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.groups TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.mutations TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pgqueuer TO fieldbook_server;

GRANT USAGE ON SEQUENCE public.pgqueuer_id_seq TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pgqueuer_log TO fieldbook_server;

GRANT USAGE ON SEQUENCE public.pgqueuer_log_id_seq TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pgqueuer_schedules TO fieldbook_server;

GRANT USAGE ON SEQUENCE public.pgqueuer_schedules_id_seq TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.pgqueuer_statistics TO fieldbook_server;

GRANT USAGE ON SEQUENCE public.pgqueuer_statistics_id_seq TO fieldbook_server;

GRANT SELECT ON TABLE public.schema_migrations TO PUBLIC;

GRANT SELECT ON TABLE public.schema_objects TO PUBLIC;

GRANT SELECT ON TABLE public.sync_statistics TO fieldbook_server;

GRANT SELECT ON TABLE public.synced_entities TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.tags TO fieldbook_server;

GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE public.types TO fieldbook_server;

GRANT SELECT ON TABLE public.synced_rows TO fieldbook_server;

GRANT USAGE ON SEQUENCE public.version_sequence TO fieldbook_server;
