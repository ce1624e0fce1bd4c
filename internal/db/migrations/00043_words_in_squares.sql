-- Words within a circle are found by one index.

-- +goose Up
-- One index of words and squares together: of the offers that have a word, those of the squares are picked out of the index's own lists, where
-- two indexes had all offers of both listed first. What is waiting to be put into the index is looked through by every search, so little may wait.
DROP INDEX offer_listing_words;
CREATE INDEX offer_listing_words ON offer_listing USING gin (words, (ARRAY[cell])) WITH (gin_pending_list_limit = 256);

-- +goose Down
DROP INDEX offer_listing_words;
CREATE INDEX offer_listing_words ON offer_listing USING gin (words);
