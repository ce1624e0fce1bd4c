-- What an offer says of itself, its photos, questions asked about it, and the
-- worksheet its price is worked out on.

-- +goose Up
ALTER TABLE offer
    ADD COLUMN needs           text[] NOT NULL DEFAULT '{}' CHECK (cardinality(needs) <= 30),
    ADD COLUMN access_features text[] NOT NULL DEFAULT '{}' CHECK (cardinality(access_features) <= 30),
    ADD COLUMN languages       text[] NOT NULL DEFAULT '{}' CHECK (cardinality(languages) <= 30),
    ADD COLUMN included        text[] NOT NULL DEFAULT '{}' CHECK (cardinality(included) <= 20),
    ADD COLUMN to_bring        text[] NOT NULL DEFAULT '{}' CHECK (cardinality(to_bring) <= 20),
    ADD COLUMN eligibility     text NOT NULL DEFAULT '' CHECK (length(eligibility) <= 500), -- '': what its access route says (R123)
    ADD COLUMN transport_given boolean NOT NULL DEFAULT false,
    ADD COLUMN edition         int NOT NULL DEFAULT 1 CHECK (edition > 0), -- grows with every edit, so that two people cannot undo each other
    ADD COLUMN next_price_on   date; -- when the version on sale changes its price by itself; null: never
-- Search narrows what is on sale by these.
CREATE INDEX offer_needs ON offer USING gin (needs) WHERE state = 'published';
CREATE INDEX offer_access_features ON offer USING gin (access_features) WHERE state = 'published';
CREATE INDEX offer_languages ON offer USING gin (languages) WHERE state = 'published';
CREATE INDEX offer_next_price ON offer (next_price_on) WHERE next_price_on IS NOT NULL;
ALTER TABLE offer DROP CONSTRAINT offer_state_check;
ALTER TABLE offer ADD CONSTRAINT offer_state_check CHECK (state IN ('draft', 'published', 'paused', 'withdrawn'));
ALTER TABLE offer_version ADD COLUMN change_note text NOT NULL DEFAULT '' CHECK (length(change_note) <= 300);

-- Public supply: photos as they were made anew here, never as they came.
CREATE TABLE offer_photo (
    provider_id   uuid NOT NULL,
    id            uuid NOT NULL,
    offer_id      uuid NOT NULL,
    n             int NOT NULL CHECK (n > 0), -- its place in the row of photos
    alt_text      text NOT NULL CHECK (length(alt_text) BETWEEN 5 AND 200),
    width         int NOT NULL CHECK (width > 0),
    height        int NOT NULL CHECK (height > 0),
    small_width   int NOT NULL CHECK (small_width > 0),
    small_height  int NOT NULL CHECK (small_height > 0),
    large         bytea NOT NULL CHECK (octet_length(large) <= 5242880),
    small         bytea NOT NULL CHECK (octet_length(small) <= 1048576),
    digest        text NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'), -- of large and small
    created_at    timestamptz NOT NULL,
    created_by    uuid NOT NULL,
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id)
);
CREATE INDEX offer_photo_offer ON offer_photo (provider_id, offer_id, n);
ALTER TABLE offer_photo ALTER COLUMN large SET STORAGE EXTERNAL, ALTER COLUMN small SET STORAGE EXTERNAL; -- JPEG does not shrink
-- Public supply: what was asked and is now told to everybody, in the provider's words (R006).
CREATE TABLE offer_fact (
    provider_id   uuid NOT NULL,
    id            uuid NOT NULL,
    offer_id      uuid NOT NULL,
    question      text NOT NULL CHECK (length(question) BETWEEN 5 AND 300),
    answer        text NOT NULL CHECK (length(answer) BETWEEN 2 AND 1000),
    published_at  timestamptz NOT NULL,
    published_by  uuid NOT NULL,
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id)
);
CREATE INDEX offer_fact_offer ON offer_fact (provider_id, offer_id, published_at);

-- Between two: a question belongs to the person who asked and to the provider
-- who was asked, and to nobody else; no child and no authority is in it.
CREATE TABLE enquiry (
    provider_id        uuid NOT NULL,
    id                 uuid NOT NULL,
    offer_id           uuid NOT NULL,
    person_id          uuid NOT NULL, -- who asked
    asked_as           text NOT NULL CHECK (asked_as IN ('family', 'practitioner')),
    asked_at           timestamptz NOT NULL,
    contact            text CHECK (length(contact) BETWEEN 3 AND 200), -- what the asker chose to hand over; null: nothing
    contact_shared_at  timestamptz,
    CHECK ((contact IS NULL) = (contact_shared_at IS NULL)),
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id)
);
CREATE INDEX enquiry_asker ON enquiry (person_id, id);
CREATE INDEX enquiry_offer ON enquiry (provider_id, offer_id, id);
CREATE TABLE enquiry_message (
    provider_id  uuid NOT NULL,
    id           uuid NOT NULL,
    enquiry_id   uuid NOT NULL,
    side         text NOT NULL CHECK (side IN ('asker', 'provider')),
    person_id    uuid NOT NULL, -- who wrote it
    words        text NOT NULL CHECK (length(words) BETWEEN 2 AND 2000),
    at           timestamptz NOT NULL,
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, enquiry_id) REFERENCES enquiry (provider_id, id)
);
CREATE INDEX enquiry_message_enquiry ON enquiry_message (provider_id, enquiry_id, at);

-- Provider private: the worksheet a price was worked out on.
CREATE TABLE cost_worksheet (
    provider_id  uuid NOT NULL REFERENCES provider (id),
    id           uuid NOT NULL,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 120),
    sheet        jsonb NOT NULL,
    created_at   timestamptz NOT NULL,
    created_by   uuid NOT NULL,
    PRIMARY KEY (provider_id, id)
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['offer_photo', 'offer_fact', 'enquiry', 'enquiry_message', 'cost_worksheet'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['offer_photo', 'offer_fact', 'cost_worksheet'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_own', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['offer_photo', 'offer_fact'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I FOR SELECT USING (EXISTS (SELECT FROM offer o
            WHERE o.provider_id = %I.provider_id AND o.id = %I.offer_id AND o.state <> 'draft'))$p$, t || '_public', t, t, t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY enquiry_asker_reads ON enquiry FOR SELECT USING (person_id = (SELECT app_person()));
CREATE POLICY enquiry_provider_reads ON enquiry FOR SELECT USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
CREATE POLICY enquiry_asks ON enquiry FOR INSERT WITH CHECK (person_id = (SELECT app_person()) AND contact IS NULL);
CREATE POLICY enquiry_shares ON enquiry FOR UPDATE USING (person_id = (SELECT app_person()));
-- A message is seen by whoever sees its enquiry, and written on one's own side in one's own name.
CREATE POLICY enquiry_message_reads ON enquiry_message FOR SELECT USING (EXISTS (SELECT FROM enquiry e
    WHERE e.provider_id = enquiry_message.provider_id AND e.id = enquiry_message.enquiry_id));
CREATE POLICY enquiry_message_asks ON enquiry_message FOR INSERT WITH CHECK (side = 'asker' AND person_id = (SELECT app_person())
    AND EXISTS (SELECT FROM enquiry e WHERE e.provider_id = enquiry_message.provider_id AND e.id = enquiry_message.enquiry_id
        AND e.person_id = (SELECT app_person())));
CREATE POLICY enquiry_message_answers ON enquiry_message FOR INSERT WITH CHECK (side = 'provider' AND person_id = (SELECT app_person())
    AND provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));

GRANT SELECT, INSERT, DELETE ON offer_photo, offer_fact TO shortbreaks_app;
GRANT UPDATE (n) ON offer_photo TO shortbreaks_app;
GRANT SELECT, INSERT ON enquiry, enquiry_message, cost_worksheet TO shortbreaks_app;
GRANT UPDATE (contact, contact_shared_at) ON enquiry TO shortbreaks_app; -- what was asked stays as it was

-- +goose Down
DROP TABLE cost_worksheet, enquiry_message, enquiry, offer_fact, offer_photo;
ALTER TABLE offer_version DROP COLUMN change_note;
SELECT set_config('app.providers', (SELECT coalesce(string_agg(id::text, ','), '') FROM provider), true);
UPDATE offer SET state = 'withdrawn' WHERE state = 'paused'; -- there was no such state
ALTER TABLE offer DROP CONSTRAINT offer_state_check;
ALTER TABLE offer ADD CONSTRAINT offer_state_check CHECK (state IN ('draft', 'published', 'withdrawn'));
DROP INDEX offer_next_price, offer_languages, offer_access_features, offer_needs;
ALTER TABLE offer
    DROP COLUMN next_price_on, DROP COLUMN edition, DROP COLUMN transport_given, DROP COLUMN eligibility,
    DROP COLUMN to_bring, DROP COLUMN included, DROP COLUMN languages, DROP COLUMN access_features, DROP COLUMN needs;
