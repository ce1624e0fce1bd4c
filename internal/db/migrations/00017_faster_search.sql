-- Searches that look at less (docs/adr/0009-search.md).

-- +goose Up
-- The squares of a circle are each read in order, as far as a page needs; an
-- age, which nearly everybody gives, is looked at in the index itself.
DROP INDEX offer_listing_cell, offer_listing_next, offer_listing_category;
CREATE INDEX offer_listing_cell ON offer_listing (cell, next_at, offer_id, age_from, age_to);
CREATE INDEX offer_listing_next ON offer_listing (next_at, offer_id, age_from, age_to);
CREATE INDEX offer_listing_category ON offer_listing (category, next_at, offer_id, age_from, age_to);

-- When the next sessions begin, the first 64, in minutes since 1970, places or
-- not: which offers run in a window, and when at the earliest, is then known
-- without looking any of them up. Null: not known yet; the sweep writes it.
ALTER TABLE offer_listing ADD COLUMN starts int[];
-- What an offer says it is fit for, what its place has, what is spoken there and
-- what its provider is: need:autism, feature:hoist, language:polish, kind:charity.
ALTER TABLE offer_listing ADD COLUMN traits text[] NOT NULL DEFAULT '{}';
CREATE INDEX offer_listing_traits ON offer_listing USING gin (traits);
-- A bit for each age the offer could not be booked for on the day it was
-- listed, since a credential had run out (T82); the sign, for all its ages.
ALTER TABLE offer_listing ADD COLUMN lapsed int NOT NULL DEFAULT 0, ADD COLUMN listed_on date NOT NULL DEFAULT '2000-01-01';
-- +goose StatementBegin
CREATE FUNCTION mark_offers_of_cover() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO offer_stale SELECT o.provider_id, o.id FROM offer o
        JOIN (SELECT DISTINCT provider_id FROM changed) c ON c.provider_id = o.provider_id WHERE o.state = 'published';
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER cover_added AFTER INSERT ON credential_cover REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_offers_of_cover();
CREATE TRIGGER cover_taken AFTER DELETE ON credential_cover REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION mark_offers_of_cover();
INSERT INTO offer_stale SELECT provider_id, offer_id FROM offer_listing;

-- +goose Down
DROP TRIGGER cover_added ON credential_cover;
DROP TRIGGER cover_taken ON credential_cover;
DROP FUNCTION mark_offers_of_cover();
ALTER TABLE offer_listing DROP COLUMN starts, DROP COLUMN traits, DROP COLUMN lapsed, DROP COLUMN listed_on;
DROP INDEX offer_listing_cell, offer_listing_next, offer_listing_category;
CREATE INDEX offer_listing_cell ON offer_listing (cell, next_at);
CREATE INDEX offer_listing_next ON offer_listing (next_at, offer_id);
CREATE INDEX offer_listing_category ON offer_listing (category, next_at, offer_id);
