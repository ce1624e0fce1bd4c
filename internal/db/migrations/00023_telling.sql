-- +goose Up
-- Person: secret addresses at which somebody's calendar is read without
-- signing in. Only a hash of what stands in the address is kept; whoever
-- presents it finds its one row, and what that person may see is read then.
CREATE TABLE calendar_link (
    person_id    uuid NOT NULL REFERENCES person (id),
    id           uuid NOT NULL,
    token_hash   bytea NOT NULL CONSTRAINT calendar_link_hash UNIQUE CHECK (length(token_hash) = 32),
    kind         text NOT NULL CHECK (kind IN ('bookings', 'visits', 'setting')),
    role         text NOT NULL CHECK (role IN ('family', 'provider_owner', 'coordinator', 'worker')),
    provider_id  uuid,
    setting_id   uuid,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 80),
    created_at   timestamptz NOT NULL,
    CHECK ((kind = 'bookings') = (role = 'family')),
    CHECK ((kind = 'setting') = (setting_id IS NOT NULL) AND (setting_id IS NULL) = (provider_id IS NULL)),
    PRIMARY KEY (person_id, id)
);
ALTER TABLE calendar_link ENABLE ROW LEVEL SECURITY;
ALTER TABLE calendar_link FORCE ROW LEVEL SECURITY;
CREATE POLICY calendar_link_own ON calendar_link USING (person_id = (SELECT app_person()));
CREATE POLICY calendar_link_presented ON calendar_link FOR SELECT
    USING (token_hash = (SELECT decode(nullif(current_setting('app.link', true), ''), 'hex')));
GRANT SELECT, INSERT, DELETE ON calendar_link TO shortbreaks_app;
-- The visits of one worker.
CREATE INDEX booking_item_lane ON booking_item (provider_id, lane_id, ends_at) WHERE lane_id IS NOT NULL;
-- The sessions of one place.
CREATE INDEX offer_setting ON offer (provider_id, setting_id);

-- Tenant, and the provider of the row: what family, council and provider write
-- to each other about a booking. Numbers of one booking have no gaps and grow
-- in the order of commits; nothing written is ever changed.
CREATE TABLE booking_message (
    authority_id  uuid NOT NULL,
    booking_id    uuid NOT NULL,
    n             int NOT NULL CHECK (n > 0),
    id            uuid NOT NULL,
    provider_id   uuid NOT NULL,
    side          text NOT NULL CHECK (side IN ('family', 'council', 'provider')),
    role          text NOT NULL,
    on_behalf     boolean NOT NULL, -- a practitioner wrote it for the family
    person_id     uuid NOT NULL,    -- who wrote it; told to nobody
    words         text NOT NULL CHECK (length(words) BETWEEN 1 AND 2000),
    at            timestamptz NOT NULL,
    CHECK (NOT on_behalf OR side = 'family'),
    PRIMARY KEY (authority_id, booking_id, n),
    FOREIGN KEY (authority_id, booking_id) REFERENCES booking (authority_id, id)
);
ALTER TABLE booking_message ENABLE ROW LEVEL SECURITY;
ALTER TABLE booking_message FORCE ROW LEVEL SECURITY;
CREATE POLICY booking_message_tenant ON booking_message FOR SELECT USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE POLICY booking_message_provider ON booking_message FOR SELECT USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
-- Each writes on their own side, in their own name.
CREATE POLICY booking_message_asks ON booking_message FOR INSERT WITH CHECK (side <> 'provider' AND person_id = (SELECT app_person())
    AND authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE POLICY booking_message_answers ON booking_message FOR INSERT WITH CHECK (side = 'provider' AND person_id = (SELECT app_person())
    AND provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
CREATE TRIGGER booking_message_append_only BEFORE UPDATE OR DELETE ON booking_message FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON booking_message TO shortbreaks_app;
-- Person: how far somebody has read.
CREATE TABLE message_mark (
    person_id   uuid NOT NULL REFERENCES person (id),
    booking_id  uuid NOT NULL,
    read_to     int NOT NULL,
    PRIMARY KEY (person_id, booking_id)
);
ALTER TABLE message_mark ENABLE ROW LEVEL SECURITY;
ALTER TABLE message_mark FORCE ROW LEVEL SECURITY;
CREATE POLICY message_mark_own ON message_mark USING (person_id = (SELECT app_person()));
GRANT SELECT, INSERT, UPDATE ON message_mark TO shortbreaks_app;

-- What has happened to bookings and has not been told yet: rows are only added
-- and taken away. They come and go with the transaction that moves the item,
-- so one that commits late is not passed over, as it would be by a reader that
-- remembers the last one it saw; and telling needs no statement of a booking.
CREATE TABLE tell_mark (
    authority_id  uuid NOT NULL,
    provider_id   uuid NOT NULL,
    subject_id    uuid NOT NULL, -- the item; the booking that was written about
    source_id     uuid NOT NULL, -- the event; the message
    is_message    boolean NOT NULL
);
GRANT SELECT, INSERT, DELETE ON tell_mark TO shortbreaks_app;
GRANT UPDATE (is_message) ON tell_mark TO shortbreaks_app; -- only so that two who tell pass over each other's (SKIP LOCKED)
-- +goose StatementBegin
CREATE FUNCTION mark_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tell_mark (authority_id, provider_id, subject_id, source_id, is_message) SELECT authority_id, provider_id, item_id, id, false FROM added;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO tell_mark (authority_id, provider_id, subject_id, source_id, is_message) SELECT authority_id, provider_id, booking_id, id, true FROM added;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER item_event_told AFTER INSERT ON item_event REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_events();
CREATE TRIGGER booking_message_told AFTER INSERT ON booking_message REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION mark_messages();
-- Person: what somebody was told, once for each thing that happened. Written
-- and tidied by jobs, which act for no person and for every authority. Which
-- words it has is decided when it is read; no name and no need is kept here.
CREATE TABLE news (
    person_id     uuid NOT NULL REFERENCES person (id),
    id            uuid NOT NULL,
    kind          text NOT NULL,
    source_id     uuid NOT NULL, -- the event, message or item it is about
    role          text NOT NULL, -- as what the person is told
    authority_id  uuid NOT NULL,
    provider_id   uuid NOT NULL,
    booking_id    uuid NOT NULL,
    starts_at     timestamptz NOT NULL, -- of the first date it is about
    dates         int NOT NULL,
    deadline      timestamptz,
    at            timestamptz NOT NULL,
    read_at       timestamptz,
    mailed_at     timestamptz,
    CONSTRAINT news_once UNIQUE (person_id, kind, source_id),
    PRIMARY KEY (person_id, id)
);
CREATE INDEX news_source ON news (source_id);
CREATE INDEX news_age ON news (at);
ALTER TABLE news ENABLE ROW LEVEL SECURITY;
ALTER TABLE news FORCE ROW LEVEL SECURITY;
CREATE POLICY news_own ON news USING (person_id = (SELECT app_person()));
CREATE POLICY news_by_jobs ON news USING ((SELECT app_person()) IS NULL AND authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON news TO shortbreaks_app;
-- Person: of which kinds of news somebody wants no e-mail.
CREATE TABLE news_choice (
    person_id  uuid NOT NULL REFERENCES person (id),
    kind       text NOT NULL,
    mail       boolean NOT NULL,
    PRIMARY KEY (person_id, kind)
);
ALTER TABLE news_choice ENABLE ROW LEVEL SECURITY;
ALTER TABLE news_choice FORCE ROW LEVEL SECURITY;
CREATE POLICY news_choice_own ON news_choice USING (person_id = (SELECT app_person()));
GRANT SELECT, INSERT, UPDATE ON news_choice TO shortbreaks_app;
-- For reminders: what starts soon. Both are written by providers and visits
-- only, never by the booking of a place.
CREATE INDEX session_starts ON session (starts_at) WHERE state = 'scheduled';
CREATE INDEX booking_item_visit_starts ON booking_item (starts_at) WHERE lane_id IS NOT NULL;

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'booking_message ' || c.id AS subject, 'booking ' || c.booking_id || ' is not of this authority' AS detail
            FROM booking_message c WHERE NOT EXISTS (SELECT FROM booking p WHERE p.authority_id = c.authority_id AND p.id = c.booking_id)$v$;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
END $$;
-- +goose StatementEnd
DROP INDEX booking_item_visit_starts;
DROP INDEX session_starts;
DROP TABLE news_choice, news;
DROP TRIGGER item_event_told ON item_event;
DROP TRIGGER booking_message_told ON booking_message;
DROP FUNCTION mark_events();
DROP FUNCTION mark_messages();
DROP TABLE tell_mark;
DROP TABLE message_mark, booking_message;
DROP INDEX offer_setting;
DROP INDEX booking_item_lane;
DROP TABLE calendar_link;
