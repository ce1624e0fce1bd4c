-- Searches that look at less (docs/adr/0009-search.md).

-- +goose Up
-- The squares of a circle are each read in order, as far as a page needs; an
-- age is looked at in the index itself.
DROP INDEX offer_listing_cell;
CREATE INDEX offer_listing_cell ON offer_listing (cell, next_at, offer_id, age_from, age_to);

-- When the next sessions begin, the first 64, in minutes since 1970, places or
-- not: which offers run in a window, and when at the earliest, is then known
-- without looking any of them up. Null: not known yet; the sweep writes it.
ALTER TABLE offer_listing ADD COLUMN starts int[];
-- What an offer says it is fit for, what its place has, what is spoken there and
-- what its provider is: need:autism, feature:hoist, language:polish, kind:charity.
ALTER TABLE offer_listing ADD COLUMN traits text[] NOT NULL DEFAULT '{}';
CREATE INDEX offer_listing_traits ON offer_listing USING gin (traits);
INSERT INTO offer_stale SELECT provider_id, offer_id FROM offer_listing;

-- +goose Down
ALTER TABLE offer_listing DROP COLUMN starts, DROP COLUMN traits;
DROP INDEX offer_listing_cell;
CREATE INDEX offer_listing_cell ON offer_listing (cell, next_at);
