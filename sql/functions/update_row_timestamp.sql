-- Row trigger of every synced table, before a row is written; fires after the entity's own
-- derive_… trigger, which left the fields' JSON in `wire`. Gives the version, the times, the
-- author and the stamps, and renders the row as it goes out.
--
-- The author columns count only when they were written in this very transaction; otherwise
-- somebody typed into psql: the change has no author, and each field it changed is stamped now.
CREATE OR REPLACE FUNCTION update_row_timestamp() RETURNS trigger
LANGUAGE plpgsql
AS $$
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
$$;
