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

-- +goose Down
DROP INDEX offer_setting;
DROP INDEX booking_item_lane;
DROP TABLE calendar_link;
