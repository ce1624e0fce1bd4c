-- +goose Up
-- What was told to those who keep copies of what is published: a row for each
-- offer, and for each session of those that OpenActive's feeds carry. It says
-- that something changed and not what; readers are given what is so when they
-- ask. Public supply: read by all, written for its provider.
CREATE TABLE feed_item (
    provider_id  uuid NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('service', 'session_series', 'scheduled_session')),
    id           uuid NOT NULL,        -- of the offer; of the session
    offer_id     uuid NOT NULL,
    gone         boolean NOT NULL,     -- no longer published, or called off; readers are told so
    change       bigint NOT NULL,      -- given by number_feed_item; no two rows have the same
    changed_at   timestamptz NOT NULL,
    ends_at      timestamptz,          -- of a session; a while after it the row is dropped
    PRIMARY KEY (provider_id, kind, id),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id)
);
CREATE INDEX feed_item_change ON feed_item (kind, change);
CREATE INDEX feed_item_offer ON feed_item (provider_id, offer_id, kind);
CREATE INDEX feed_item_ended ON feed_item (ends_at) WHERE ends_at IS NOT NULL;
CREATE SEQUENCE feed_change;

-- Numbers grow in the order of commits: whoever takes one holds the lock until
-- its transaction has ended, so a reader that has seen a number will never
-- find a smaller one appear behind it.
-- +goose StatementBegin
CREATE FUNCTION number_feed_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7214053891147);
    NEW.change := nextval('feed_change');
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER feed_item_numbered BEFORE INSERT OR UPDATE ON feed_item FOR EACH ROW EXECUTE FUNCTION number_feed_item();

-- Offers, or single sessions, of which something changed since the feeds were
-- last brought up to date. Rows are only added and taken away, so bookings of
-- one session do not wait for each other here.
CREATE TABLE feed_mark (
    provider_id  uuid NOT NULL,
    offer_id     uuid,
    session_id   uuid,
    CHECK ((offer_id IS NULL) <> (session_id IS NULL))
);
-- +goose StatementBegin
CREATE FUNCTION mark_feeds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'offer' THEN
        INSERT INTO feed_mark (provider_id, offer_id) SELECT provider_id, id FROM changed;
    WHEN 'setting' THEN
        INSERT INTO feed_mark (provider_id, offer_id) SELECT o.provider_id, o.id FROM offer o
            JOIN (SELECT provider_id, id FROM changed) c ON c.provider_id = o.provider_id AND c.id = o.setting_id WHERE o.state = 'published';
    WHEN 'provider' THEN
        INSERT INTO feed_mark (provider_id, offer_id) SELECT o.provider_id, o.id FROM offer o
            JOIN (SELECT id FROM changed) c ON c.id = o.provider_id WHERE o.state = 'published';
    WHEN 'session' THEN
        INSERT INTO feed_mark (provider_id, offer_id) SELECT DISTINCT provider_id, offer_id FROM changed;
        IF TG_OP = 'UPDATE' THEN
            INSERT INTO feed_mark (provider_id, session_id) SELECT provider_id, id FROM changed;
        END IF;
    ELSE -- session_places
        INSERT INTO feed_mark (provider_id, session_id) SELECT provider_id, session_id FROM changed;
    END CASE;
    RETURN NULL;
END $$;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['offer', 'setting', 'provider', 'session', 'session_places'] LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_feeds()', t || '_fed', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE TRIGGER session_added_fed AFTER INSERT ON session REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_feeds();
CREATE TRIGGER offer_added_fed AFTER INSERT ON offer REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_feeds();
INSERT INTO feed_mark (provider_id, offer_id) SELECT provider_id, id FROM offer WHERE state = 'published';

ALTER TABLE feed_item ENABLE ROW LEVEL SECURITY;
ALTER TABLE feed_item FORCE ROW LEVEL SECURITY;
CREATE POLICY feed_item_public ON feed_item FOR SELECT USING (true);
CREATE POLICY feed_item_own ON feed_item USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
GRANT SELECT, INSERT, UPDATE, DELETE ON feed_item TO shortbreaks_app;
GRANT SELECT, INSERT, DELETE ON feed_mark TO shortbreaks_app;
GRANT USAGE ON SEQUENCE feed_change TO shortbreaks_app;

-- +goose Down
DROP TRIGGER session_added_fed ON session;
DROP TRIGGER offer_added_fed ON offer;
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['offer', 'setting', 'provider', 'session', 'session_places'] LOOP
        EXECUTE format('DROP TRIGGER %I ON %I', t || '_fed', t);
    END LOOP;
END $$;
-- +goose StatementEnd
DROP FUNCTION mark_feeds();
DROP TABLE feed_mark, feed_item;
DROP FUNCTION number_feed_item();
DROP SEQUENCE feed_change;
