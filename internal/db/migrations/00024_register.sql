-- +goose Up
-- The register as a phone writes it: one row for each thing noted, by the
-- phone's own clock, so that sending one twice changes nothing. The last noted
-- of each kind is what counts.
CREATE TABLE register_step (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('arrived', 'left', 'absent')),
    noted_at      timestamptz NOT NULL, -- by the phone
    provider_id   uuid NOT NULL,
    at            timestamptz, -- when it happened; null: absent
    cause         text NOT NULL DEFAULT '',
    collected_by  text NOT NULL DEFAULT '',
    collected_how text NOT NULL DEFAULT '' CHECK (collected_how IN ('', 'listed', 'password', 'unlisted')),
    recorded_by   uuid NOT NULL,
    recorded_at   timestamptz NOT NULL,
    CHECK ((kind = 'absent') = (at IS NULL)),
    CHECK (kind = 'left' OR collected_by = ''),
    PRIMARY KEY (authority_id, item_id, kind, noted_at),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
ALTER TABLE delivery ADD COLUMN collected_by text NOT NULL DEFAULT '', ADD COLUMN collected_how text NOT NULL DEFAULT '';
-- Who of the staff was there, for a session or a visit; the last noted counts.
CREATE TABLE staff_present (
    provider_id    uuid NOT NULL,
    occasion_id    uuid NOT NULL, -- a session, or the item of a visit
    noted_at       timestamptz NOT NULL,
    worker_ids     uuid[] NOT NULL,
    staff_needed   int NOT NULL CHECK (staff_needed >= 0),
    recorded_by    uuid NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (provider_id, occasion_id, noted_at)
);
-- Who may collect a child, and the password for anybody else. Kept by the
-- family; a provider reads it only through a booking.
CREATE TABLE collection_list (
    authority_id   uuid NOT NULL,
    child_id       uuid NOT NULL,
    people         jsonb NOT NULL, -- [{"name": ..., "relation": ...}]
    password_hash  bytea, -- Argon2id; null: nobody else may collect
    password_salt  bytea,
    set_by         uuid NOT NULL,
    set_at         timestamptz NOT NULL,
    CHECK ((password_hash IS NULL) = (password_salt IS NULL)),
    PRIMARY KEY (authority_id, child_id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE TABLE collection_try (
    authority_id  uuid NOT NULL,
    child_id      uuid NOT NULL,
    id            uuid NOT NULL,
    provider_id   uuid NOT NULL,
    tried_by      uuid NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (authority_id, child_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['register_step', 'staff_present', 'collection_list', 'collection_try'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['register_step', 'collection_list', 'collection_try'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_tenant', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['register_step', 'staff_present'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_provider', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE TRIGGER register_step_append_only BEFORE UPDATE OR DELETE ON register_step FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER staff_present_append_only BEFORE UPDATE OR DELETE ON staff_present FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON register_step, staff_present, collection_try TO shortbreaks_app;
GRANT SELECT, INSERT, UPDATE ON collection_list TO shortbreaks_app;

-- A provider's day: visits by their start; sessions are found by their own.
CREATE INDEX booking_item_visit ON booking_item (provider_id, starts_at) WHERE session_id IS NULL;

-- +goose Down
DROP INDEX booking_item_visit;
DROP TABLE collection_try, collection_list, staff_present, register_step;
ALTER TABLE delivery DROP COLUMN collected_by, DROP COLUMN collected_how;
