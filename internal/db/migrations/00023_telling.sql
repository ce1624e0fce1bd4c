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

-- +goose Down
DROP TABLE message_mark, booking_message;
DROP INDEX offer_setting;
DROP INDEX booking_item_lane;
DROP TABLE calendar_link;
