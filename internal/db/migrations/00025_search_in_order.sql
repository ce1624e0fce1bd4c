-- Searches of a circle that touch no more than they must (docs/adr/0009-search.md).

-- +goose Up
-- All that a walk through a square looks at is in the index: in a town it passes
-- hundreds of offers to find a page, and none of them is looked up.
DROP INDEX offer_listing_cell;
CREATE INDEX offer_listing_cell ON offer_listing (cell, next_at, offer_id, age_from, age_to)
    INCLUDE (provider_id, lapsed, days, hours, rate_pence, place, sold_by);

-- A word that is only begun is looked for by each word it may become: looking
-- for all that begins so costs the index three times as much.
ALTER TABLE search_word ADD COLUMN lexeme text COLLATE "C" NOT NULL GENERATED ALWAYS AS (coalesce((ts_lexize('english_stem', word))[1], word)) STORED;
CREATE INDEX search_word_lexeme ON search_word (lexeme);
-- +goose StatementBegin
CREATE FUNCTION begun(typed text) RETURNS tsquery LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE
    stem text := (ts_lexize('english_stem', typed))[1];
    found text[];
BEGIN
    IF stem IS NULL THEN -- such as "the": no offer is found or missed by it
        RETURN ''::tsquery;
    END IF;
    found := ARRAY(SELECT DISTINCT lexeme FROM search_word WHERE lexeme >= stem AND lexeme < stem || chr(1114111) AND lexeme <> stem LIMIT 41);
    IF cardinality(found) > 40 THEN
        RETURN to_tsquery('simple', stem || ':*');
    END IF;
    RETURN to_tsquery('simple', array_to_string(stem || found, ' | '));
END $$;
-- +goose StatementEnd

-- Registers that no silence agrees to, for reminding.
CREATE INDEX delivery_waits ON delivery (recorded_at) WHERE agree_because <> '';

-- +goose Down
DROP INDEX delivery_waits;
DROP FUNCTION begun;
DROP INDEX search_word_lexeme;
ALTER TABLE search_word DROP COLUMN lexeme;
DROP INDEX offer_listing_cell;
CREATE INDEX offer_listing_cell ON offer_listing (cell, next_at, offer_id, age_from, age_to);
