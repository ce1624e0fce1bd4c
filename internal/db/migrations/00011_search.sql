-- +goose Up
-- Finding (docs/adr/0009-search.md). One row for each published offer holds
-- all that a search filters and sorts by, so that it reads one table, whatever
-- it asks. Read by all; its provider writes it.
CREATE TABLE offer_listing (
    provider_id    uuid NOT NULL,
    offer_id       uuid NOT NULL,
    words          tsvector NOT NULL,
    category       text NOT NULL,
    access_route   text NOT NULL,
    age_from       int NOT NULL,
    age_to         int NOT NULL,
    ratio_staff    int NOT NULL,
    ratio_children int NOT NULL,
    sold_by        text[] NOT NULL, -- session, bundle, visit
    price_unit     text NOT NULL,
    price_pence    bigint NOT NULL,
    rate_pence     bigint,          -- the comparable hour; null where time is not what is sold
    area           text NOT NULL,
    place          cube NOT NULL,   -- of the setting, in metres from the earth's middle (ll_to_earth)
    cell           int NOT NULL,    -- the square of the grid it is in, see marketplace/grid.go
    days           int NOT NULL,    -- a bit for each day of the week something is still to run on, Monday's first
    hours          int NOT NULL,    -- a bit for each hour of the day something still to run starts in
    -- Not after the next session with a place, or the next opening hour of a
    -- visit. Searches walk in this order and look each one up; it is brought
    -- forward by a sweep and never by a booking.
    next_at        timestamptz NOT NULL,
    PRIMARY KEY (provider_id, offer_id),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id)
);
CREATE INDEX offer_listing_next ON offer_listing (next_at, offer_id);
CREATE INDEX offer_listing_rate ON offer_listing (coalesce(rate_pence, 9223372036854775807), offer_id);
CREATE INDEX offer_listing_cell ON offer_listing (cell, next_at);
CREATE INDEX offer_listing_category ON offer_listing (category, next_at, offer_id);
CREATE INDEX offer_listing_offer ON offer_listing (offer_id);
CREATE INDEX offer_listing_place ON offer_listing USING gist (place);
CREATE INDEX offer_listing_words ON offer_listing USING gin (words);
-- Enough that each square of the grid, each word and each price is known by its own share.
ALTER TABLE offer_listing ALTER COLUMN cell SET STATISTICS 1500, ALTER COLUMN words SET STATISTICS 500;
ALTER TABLE offer_listing SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_scale_factor = 0.05);

-- A bundle's own sessions, however many others its offer ran.
CREATE INDEX session_term ON session (provider_id, term_id, starts_at) WHERE term_id IS NOT NULL;

-- Words that offers use, for spelling what somebody typed.
CREATE TABLE search_word (
    word  text PRIMARY KEY CHECK (length(word) BETWEEN 3 AND 40)
);
CREATE INDEX search_word_like ON search_word USING gin (word gin_trgm_ops);

-- Offers whose listing no longer says what they are; a sweep puts them right.
-- Rows are only added and taken away: two who mark the same offer never wait
-- for each other.
CREATE TABLE offer_stale (
    provider_id  uuid NOT NULL,
    offer_id     uuid NOT NULL
);
CREATE INDEX offer_stale_offer ON offer_stale (provider_id, offer_id);

-- +goose StatementBegin
CREATE FUNCTION mark_offers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    CASE TG_TABLE_NAME
    WHEN 'offer' THEN
        INSERT INTO offer_stale SELECT provider_id, id FROM changed;
    WHEN 'setting' THEN
        INSERT INTO offer_stale SELECT o.provider_id, o.id FROM offer o
            JOIN (SELECT provider_id, id FROM changed) c ON c.provider_id = o.provider_id AND c.id = o.setting_id WHERE o.state = 'published';
    WHEN 'provider' THEN
        INSERT INTO offer_stale SELECT o.provider_id, o.id FROM offer o JOIN (SELECT id FROM changed) c ON c.id = o.provider_id WHERE o.state = 'published';
    ELSE -- term, session
        INSERT INTO offer_stale SELECT DISTINCT provider_id, offer_id FROM changed;
    END CASE;
    RETURN NULL;
END $$;
CREATE FUNCTION mark_offer_of_places() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO offer_stale SELECT s.provider_id, s.offer_id FROM session s WHERE s.provider_id = NEW.provider_id AND s.id = NEW.session_id;
    RETURN NULL;
END $$;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['offer', 'setting', 'provider', 'term', 'session'] LOOP
        EXECUTE format('CREATE TRIGGER %I AFTER UPDATE ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_offers()', t || '_changed', t);
        EXECUTE format('CREATE TRIGGER %I AFTER INSERT ON %I REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_offers()', t || '_added', t);
    END LOOP;
END $$;
-- +goose StatementEnd
-- A place given back in a full session may bring the offer forward. A place
-- taken only moves it back, which a search finds out when it looks.
CREATE TRIGGER places_freed AFTER UPDATE ON session_places FOR EACH ROW
    WHEN (OLD.taken >= OLD.capacity AND NEW.taken < NEW.capacity) EXECUTE FUNCTION mark_offer_of_places();

-- The same rule as before, in a form that is looked up by key for each row:
-- as EXISTS it may be worked out by reading all offers first.
DROP POLICY session_public ON session;
CREATE POLICY session_public ON session FOR SELECT USING (
    (SELECT o.state <> 'draft' FROM offer o WHERE o.provider_id = session.provider_id AND o.id = session.offer_id));
DROP POLICY term_public ON term;
CREATE POLICY term_public ON term FOR SELECT USING (
    (SELECT o.state <> 'draft' FROM offer o WHERE o.provider_id = term.provider_id AND o.id = term.offer_id));
DROP POLICY offer_version_public ON offer_version;
CREATE POLICY offer_version_public ON offer_version FOR SELECT USING (
    (SELECT o.state <> 'draft' FROM offer o WHERE o.provider_id = offer_version.provider_id AND o.id = offer_version.offer_id));

-- Where postcodes and outcodes are. Open: it names no person and no offer.
CREATE TABLE place (
    code       text PRIMARY KEY, -- in capitals, without spaces
    postcode   text NOT NULL,    -- as it is shown
    area       text NOT NULL,
    latitude   double precision NOT NULL CHECK (latitude BETWEEN -90 AND 90),
    longitude  double precision NOT NULL CHECK (longitude BETWEEN -180 AND 180)
);

-- Offers a person keeps for later. The person's alone (R042).
CREATE TABLE shortlist (
    person_id    uuid NOT NULL REFERENCES person (id),
    offer_id     uuid NOT NULL,
    provider_id  uuid NOT NULL,
    note         text NOT NULL DEFAULT '' CHECK (length(note) <= 500),
    added_at     timestamptz NOT NULL,
    PRIMARY KEY (person_id, offer_id)
);

ALTER TABLE offer_listing ENABLE ROW LEVEL SECURITY;
ALTER TABLE offer_listing FORCE ROW LEVEL SECURITY;
CREATE POLICY offer_listing_public ON offer_listing FOR SELECT USING (true);
CREATE POLICY offer_listing_own ON offer_listing USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
ALTER TABLE shortlist ENABLE ROW LEVEL SECURITY;
ALTER TABLE shortlist FORCE ROW LEVEL SECURITY;
CREATE POLICY shortlist_own ON shortlist USING (person_id = (SELECT app_person()));
GRANT SELECT, INSERT, UPDATE, DELETE ON offer_listing, shortlist TO shortbreaks_app;
GRANT SELECT, INSERT, DELETE ON offer_stale TO shortbreaks_app;
GRANT SELECT, INSERT ON search_word TO shortbreaks_app;
GRANT SELECT, INSERT, UPDATE ON place TO shortbreaks_app;

-- What a search that found nothing lacked: which filter, once dropped, finds
-- something. '' if none alone does, or if something was found.
ALTER TABLE search_count ADD COLUMN missing text NOT NULL DEFAULT '';
ALTER TABLE search_count DROP CONSTRAINT search_count_pkey;
ALTER TABLE search_count ADD PRIMARY KEY (week, area, category, outcome, missing);

-- Replaced by offer_listing.
DROP INDEX offer_words, offer_category;
ALTER TABLE offer DROP COLUMN words;

-- +goose Down
ALTER TABLE offer ADD COLUMN words tsvector GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || summary || ' ' || replace(category, '_', ' '))) STORED;
CREATE INDEX offer_words ON offer USING gin (words);
CREATE INDEX offer_category ON offer (category) WHERE state = 'published';
CREATE TEMPORARY TABLE counted ON COMMIT DROP AS SELECT week, area, category, outcome, sum(n)::bigint AS n FROM search_count GROUP BY 1, 2, 3, 4;
DELETE FROM search_count;
ALTER TABLE search_count DROP CONSTRAINT search_count_pkey;
ALTER TABLE search_count DROP COLUMN missing;
ALTER TABLE search_count ADD PRIMARY KEY (week, area, category, outcome);
INSERT INTO search_count (week, area, category, outcome, n) SELECT week, area, category, outcome, n FROM counted;
DROP TABLE shortlist, place;
DROP POLICY session_public ON session;
DROP POLICY term_public ON term;
DROP POLICY offer_version_public ON offer_version;
CREATE POLICY session_public ON session FOR SELECT USING (EXISTS (SELECT FROM offer o
    WHERE o.provider_id = session.provider_id AND o.id = session.offer_id AND o.state <> 'draft'));
CREATE POLICY term_public ON term FOR SELECT USING (EXISTS (SELECT FROM offer o
    WHERE o.provider_id = term.provider_id AND o.id = term.offer_id AND o.state <> 'draft'));
CREATE POLICY offer_version_public ON offer_version FOR SELECT USING (EXISTS (SELECT FROM offer o
    WHERE o.provider_id = offer_version.provider_id AND o.id = offer_version.offer_id AND o.state <> 'draft'));
DROP TRIGGER places_freed ON session_places;
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['offer', 'setting', 'provider', 'term', 'session'] LOOP
        EXECUTE format('DROP TRIGGER %I ON %I', t || '_changed', t);
        EXECUTE format('DROP TRIGGER %I ON %I', t || '_added', t);
    END LOOP;
END $$;
-- +goose StatementEnd
DROP FUNCTION mark_offer_of_places();
DROP FUNCTION mark_offers();
DROP INDEX session_term;
DROP TABLE offer_stale, search_word, offer_listing;
