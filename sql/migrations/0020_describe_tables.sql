-- What each table and column is for, where the database shows it: \d+ in psql, and
-- docs/DATA_MODEL.md, which is made from these. The columns that every synced table has are
-- described by describe_synced_columns().

COMMENT ON TABLE tenants IS 'A company and its settings. Nothing crosses from one tenant to another.';
COMMENT ON COLUMN tenants.id IS 'A short name, as in app.tenant; a fresh server has `default`.';
COMMENT ON COLUMN tenants.name IS 'The company''s name, for people.';
COMMENT ON COLUMN tenants.region IS 'The country (ISO 3166, two letters) of phone numbers without a country code; NULL: the server''s DEFAULT_REGION.';
COMMENT ON COLUMN tenants.max_tags IS 'How many tags a contact may have.';
COMMENT ON COLUMN tenants.clean_phones IS 'Whether phone numbers are rewritten to their international form.';
COMMENT ON COLUMN tenants.duplicates IS 'What a new contact with the e-mail or number of another one meets: nothing, a warning, a refusal.';
COMMENT ON COLUMN tenants.agents_edit IS 'Whether the role `agent` may edit all contacts or only its own.';
COMMENT ON COLUMN tenants.min_app_version IS 'The oldest version of the app that the company still wants to see; NULL: any.';
COMMENT ON COLUMN tenants.conflict_days IS 'For how many days a conflict counts as recent.';
COMMENT ON COLUMN tenants.created_at IS 'When the tenant was made.';

COMMENT ON TABLE global_version IS 'The head of each tenant: one row, kept by triggers, from which every page takes its bounds.';
COMMENT ON COLUMN global_version.tenant_id IS 'The tenant.';
COMMENT ON COLUMN global_version.version IS 'The head: the highest version given.';
COMMENT ON COLUMN global_version.epoch IS 'Names this life of the database. A restored backup needs a new one.';
COMMENT ON COLUMN global_version.floor IS 'Below this version tombstones were purged: older cursors must sync from 0.';
COMMENT ON COLUMN global_version.checksum IS '{plural: {count, sum}}: the live rows of each entity, and the sum of their versions modulo 2^52.';

COMMENT ON TABLE agents IS 'A person or a program that signs in.';
COMMENT ON COLUMN agents.tenant_id IS 'The company that the agent works for.';
COMMENT ON COLUMN agents.id IS 'A nanoid.';
COMMENT ON COLUMN agents.code IS 'A short name that people type; unique in the tenant, capitals aside.';
COMMENT ON COLUMN agents.name IS 'The full name.';
COMMENT ON COLUMN agents.role IS 'What the agent may do.';
COMMENT ON COLUMN agents.disabled IS 'A disabled agent is signed out and can''t sign in.';
COMMENT ON COLUMN agents.created_at IS 'When the agent was registered.';

COMMENT ON TABLE api_keys IS 'The keys that agents sign in with. Only hashes are kept.';
COMMENT ON COLUMN api_keys.tenant_id IS 'The agent''s tenant.';
COMMENT ON COLUMN api_keys.id IS 'A nanoid, by which a key is revoked.';
COMMENT ON COLUMN api_keys.agent_id IS 'Whose key it is.';
COMMENT ON COLUMN api_keys.name IS 'What the key is for, in its owner''s words.';
COMMENT ON COLUMN api_keys.prefix IS 'The first characters, to tell keys apart.';
COMMENT ON COLUMN api_keys.hash IS 'HMAC-SHA256 of the key with the server''s API_KEY_SALT.';
COMMENT ON COLUMN api_keys.created_at IS 'When the key was made.';
COMMENT ON COLUMN api_keys.created_by IS 'The agent who made it.';
COMMENT ON COLUMN api_keys.last_used_at IS 'When somebody last signed in with it.';
COMMENT ON COLUMN api_keys.revoked_at IS 'Since when it opens nothing.';

COMMENT ON TABLE devices IS 'One installation that syncs. Enters itself at its first sign-in.';
COMMENT ON COLUMN devices.tenant_id IS 'The agent''s tenant.';
COMMENT ON COLUMN devices.id IS 'Made by the device, or by the server at the first sign-in.';
COMMENT ON COLUMN devices.agent_id IS 'Whose device it is; never another''s.';
COMMENT ON COLUMN devices.name IS 'What its owner calls it.';
COMMENT ON COLUMN devices.model IS 'What it says of its make.';
COMMENT ON COLUMN devices.os IS 'Its operating system.';
COMMENT ON COLUMN devices.app_version IS 'The version of the app on it.';
COMMENT ON COLUMN devices.created_at IS 'Its first sign-in.';
COMMENT ON COLUMN devices.last_seen IS 'Its last sign-in or ping.';
COMMENT ON COLUMN devices.last_sync IS 'When it last had everything.';
COMMENT ON COLUMN devices.version IS 'Its cursor, as it last said.';
COMMENT ON COLUMN devices.queue_size IS 'Edits that wait on it, as it last said.';
COMMENT ON COLUMN devices.queue_oldest_at IS 'When the oldest of them was made.';
COMMENT ON COLUMN devices.queue_empty_at IS 'When it last said that none waits: until then its ledger rows are kept.';
COMMENT ON COLUMN devices.battery IS 'Per cent.';
COMMENT ON COLUMN devices.network IS 'What it says of its network, such as wifi.';
COMMENT ON COLUMN devices.clock_skew_ms IS 'The server''s clock minus the device''s, in milliseconds.';
COMMENT ON COLUMN devices.sync_requested_at IS 'When somebody last asked it to sync.';
COMMENT ON COLUMN devices.revoked_at IS 'Since when it may not connect.';

COMMENT ON TABLE mutations IS 'The ledger: each write by a client, entered in the transaction of its effects, so that one sent again is answered and not applied again.';
COMMENT ON COLUMN mutations.tenant_id IS 'The tenant.';
COMMENT ON COLUMN mutations.source IS 'The device that wrote, or `agent:<id>` where there was none.';
COMMENT ON COLUMN mutations.mutation_id IS 'The client''s name for the write.';
COMMENT ON COLUMN mutations.body_hash IS 'SHA-256 of the body, to tell another body of the same id.';
COMMENT ON COLUMN mutations.stamp IS 'When the edit was made, as merging counts it, in microseconds since 1970.';
COMMENT ON COLUMN mutations.op IS 'create, update, delete or restore.';
COMMENT ON COLUMN mutations.entity IS 'The entity''s name, such as contact.';
COMMENT ON COLUMN mutations.entity_id IS 'The row that it was meant for.';
COMMENT ON COLUMN mutations.outcome IS 'What became of it. `forbidden` does not answer for the mutation: a later try is judged anew.';
COMMENT ON COLUMN mutations.version IS 'The row''s version after it.';
COMMENT ON COLUMN mutations.conflicts IS 'The conflicts that its ack listed.';
COMMENT ON COLUMN mutations.lost IS '{before, after} of the values that lost or were refused; a trigger copies them into the history.';
COMMENT ON COLUMN mutations.agent_id IS 'Who wrote.';
COMMENT ON COLUMN mutations.device_id IS 'On which device, if on one.';
COMMENT ON COLUMN mutations.origin IS 'socket, rest, import or job.';
COMMENT ON COLUMN mutations.created_at IS 'When it was entered.';

COMMENT ON TABLE audit_log IS 'The history of every synced row, and of sign-ins, exports and settings. Written by triggers and log_action() alone; it only grows.';
COMMENT ON COLUMN audit_log.tenant_id IS 'The tenant.';
COMMENT ON COLUMN audit_log.id IS 'Numbers the entries.';
COMMENT ON COLUMN audit_log.at IS 'When it happened, by the database''s clock.';
COMMENT ON COLUMN audit_log.entity IS 'What was changed: contact, tag, …, or tenant, agent, device.';
COMMENT ON COLUMN audit_log.entity_id IS 'Which one.';
COMMENT ON COLUMN audit_log.version IS 'The version that the change gave, where it gave one.';
COMMENT ON COLUMN audit_log.op IS 'create, update, delete, restore, or the name of an action.';
COMMENT ON COLUMN audit_log.agent_id IS 'Who did it; NULL when it was typed into the database.';
COMMENT ON COLUMN audit_log.device_id IS 'On which device, if on one.';
COMMENT ON COLUMN audit_log.mutation_id IS 'By which mutation.';
COMMENT ON COLUMN audit_log.origin IS 'socket, rest, import, job or sql.';
COMMENT ON COLUMN audit_log.outcome IS 'Whether the values were applied, lost to a later stamp, or were refused.';
COMMENT ON COLUMN audit_log.before IS 'The changed fields before.';
COMMENT ON COLUMN audit_log.after IS 'The changed fields after.';

COMMENT ON TABLE sync_log IS 'What devices did: a row for each connection, sync, push and refused event, and once a minute one for the tenant. Kept 90 days.';
COMMENT ON COLUMN sync_log.tenant_id IS 'The tenant.';
COMMENT ON COLUMN sync_log.id IS 'A nanoid.';
COMMENT ON COLUMN sync_log.kind IS 'What the row tells of.';
COMMENT ON COLUMN sync_log.device_id IS 'The device, where one is known.';
COMMENT ON COLUMN sync_log.agent_id IS 'Its agent.';
COMMENT ON COLUMN sync_log.started IS 'When it began.';
COMMENT ON COLUMN sync_log.ended IS 'When it was over; NULL while it lasts.';
COMMENT ON COLUMN sync_log.since IS 'The cursor that a sync began with.';
COMMENT ON COLUMN sync_log.until IS 'The version that it came to.';
COMMENT ON COLUMN sync_log.rows IS 'Rows sent, or mutations pushed.';
COMMENT ON COLUMN sync_log.bytes IS 'Bytes of the rows sent.';
COMMENT ON COLUMN sync_log.outcome IS 'How it ended.';
COMMENT ON COLUMN sync_log.error_code IS 'The error''s code, where it failed.';
COMMENT ON COLUMN sync_log.address IS 'The client''s IP address.';
COMMENT ON COLUMN sync_log.devices_online IS 'In the minute''s row: devices that were connected.';
COMMENT ON COLUMN sync_log.greatest_lag IS 'In the minute''s row: versions by which the last of them was behind.';

COMMENT ON TABLE synced_entities IS 'The tables whose rows reach devices, entered by publish_entity().';
COMMENT ON COLUMN synced_entities.plural IS 'The table''s name, and the entity''s key in change sets.';

COMMENT ON TABLE contacts IS 'A person or a company that agents work with.';
COMMENT ON COLUMN contacts.external_id IS 'Its id in another system, such as a CRM.';
COMMENT ON COLUMN contacts.first_name IS 'First name.';
COMMENT ON COLUMN contacts.last_name IS 'Last name.';
COMMENT ON COLUMN contacts.display_name IS 'The name to show: first and last name, else company, else the first e-mail, else the first phone. Computed.';
COMMENT ON COLUMN contacts.company IS 'Company.';
COMMENT ON COLUMN contacts.department IS 'Department.';
COMMENT ON COLUMN contacts.job_title IS 'Job title.';
COMMENT ON COLUMN contacts.emails IS '[{label, value}], addresses in lower case.';
COMMENT ON COLUMN contacts.phones IS '[{label, value, e164}]: as typed, and as +41446681800 where it is a whole number.';
COMMENT ON COLUMN contacts.addresses IS '[{label, street, city, region, postal_code, country}].';
COMMENT ON COLUMN contacts.websites IS '[{label, value}].';
COMMENT ON COLUMN contacts.birthday IS 'YYYY-MM-DD, or --MM-DD without the year.';
COMMENT ON COLUMN contacts.notes IS 'Free text.';
COMMENT ON COLUMN contacts.custom IS '{name: value}: fields of the tenant''s own. Merges key by key.';
COMMENT ON COLUMN contacts.preferences IS '{email, phone, sms}: opted_in or opted_out. Merges key by key.';
COMMENT ON COLUMN contacts.tag_ids IS 'Ids of tags. Merges id by id.';
COMMENT ON COLUMN contacts.group_ids IS 'Ids of groups. Merges id by id.';
COMMENT ON COLUMN contacts.type_ids IS 'Ids of types. Merges id by id.';
COMMENT ON COLUMN contacts.owner_id IS 'The agent who looks after it.';
COMMENT ON COLUMN contacts.photo IS '{hash, url}. The server''s.';
COMMENT ON COLUMN contacts.active IS 'Whether the contact is still worked with.';
COMMENT ON COLUMN contacts.search_text IS 'Names, company, e-mails and phone digits without capitals and accents: what search looks through. Computed.';
COMMENT ON COLUMN contacts.sort_name IS 'The beginning of the display name without capitals and accents: what lists are sorted by. Computed.';

COMMENT ON TABLE tags IS 'A coloured label; a contact may carry many.';
COMMENT ON COLUMN tags.name IS 'Unique among the tenant''s live tags, capitals aside.';
COMMENT ON COLUMN tags.color IS '#rrggbb.';
COMMENT ON COLUMN tags.category IS 'What the tag is about, to list tags under headings.';

COMMENT ON TABLE groups IS 'Contacts that belong together, such as a trade fair''s visitors.';
COMMENT ON COLUMN groups.name IS 'Unique among the tenant''s live groups, capitals aside.';
COMMENT ON COLUMN groups.description IS 'Free text.';

COMMENT ON TABLE types IS 'What a contact is to the company, such as a customer or a supplier.';
COMMENT ON COLUMN types.name IS 'Unique among the tenant''s live types, capitals aside.';
COMMENT ON COLUMN types.description IS 'Free text.';

COMMENT ON TABLE schema_migrations IS 'The migrations that were applied; kept by the migration runner.';
COMMENT ON COLUMN schema_migrations.name IS 'The file''s path in sql/.';
COMMENT ON COLUMN schema_migrations.checksum IS 'SHA-256 of its text: an edited migration is refused.';
COMMENT ON COLUMN schema_migrations.applied_at IS 'When it was applied.';

COMMENT ON TABLE schema_objects IS 'Functions, views and triggers as they were last applied; kept by the migration runner.';
COMMENT ON COLUMN schema_objects.name IS 'The file''s path in sql/.';
COMMENT ON COLUMN schema_objects.checksum IS 'SHA-256 of its text: a changed file is applied again.';
COMMENT ON COLUMN schema_objects.applied_at IS 'When it was applied.';
