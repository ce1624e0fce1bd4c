-- +goose Up
-- Public supply: read by all; written, and drafts seen, by the provider alone.
CREATE TABLE provider (
    id           uuid PRIMARY KEY,
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    staff_count  int NOT NULL CHECK (staff_count >= 0), -- below three, components may be merged (R136)
    created_at   timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE setting (
    provider_id  uuid NOT NULL REFERENCES provider (id),
    id           uuid NOT NULL,
    name         text NOT NULL,
    postcode     text NOT NULL,
    area         text NOT NULL, -- the district demand is counted by
    latitude     double precision NOT NULL,
    longitude    double precision NOT NULL,
    PRIMARY KEY (provider_id, id)
);
CREATE TABLE offer (
    provider_id    uuid NOT NULL REFERENCES provider (id),
    id             uuid NOT NULL,
    setting_id     uuid NOT NULL,
    state          text NOT NULL CHECK (state IN ('draft', 'published', 'withdrawn')),
    version_id     uuid NOT NULL, -- what is sold now
    title          text NOT NULL CHECK (length(title) BETWEEN 1 AND 200),
    summary        text NOT NULL,
    category       text NOT NULL,
    access_route   text NOT NULL CHECK (access_route IN ('universal', 'targeted', 'specialist')),
    age_from       int NOT NULL CHECK (age_from >= 0),
    age_to         int NOT NULL CHECK (age_to >= age_from AND age_to <= 25),
    ratio_staff    int NOT NULL CHECK (ratio_staff > 0),
    ratio_children int NOT NULL CHECK (ratio_children > 0),
    instant        boolean NOT NULL, -- true: confirmed at once; false: the provider accepts
    visits         jsonb,            -- support by the hour: days, hours, lengths, buffers
    created_at     timestamptz NOT NULL,
    published_at   timestamptz,
    words          tsvector GENERATED ALWAYS AS (to_tsvector('english', title || ' ' || summary || ' ' || replace(category, '_', ' '))) STORED,
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, setting_id) REFERENCES setting (provider_id, id)
);
CREATE INDEX offer_id ON offer (id);
CREATE INDEX offer_words ON offer USING gin (words);
CREATE INDEX offer_category ON offer (category) WHERE state = 'published';
-- A version never changes; a new price is a new version, and a booking keeps its own.
CREATE TABLE offer_version (
    provider_id  uuid NOT NULL,
    id           uuid NOT NULL,
    offer_id     uuid NOT NULL,
    n            int NOT NULL,
    tariff       jsonb NOT NULL,
    terms        jsonb NOT NULL, -- cancellation terms
    price_pence  bigint NOT NULL CHECK (price_pence >= 0), -- headline: the first option's planned charges of one unit
    price_unit   text NOT NULL CHECK (price_unit IN ('hour', 'session', 'half_day', 'day', 'night', 'week', 'half_term', 'term',
                                                     'quarter', 'month', 'year', 'item', 'mile')),
    created_at   timestamptz NOT NULL,
    created_by   uuid NOT NULL,
    PRIMARY KEY (provider_id, id),
    UNIQUE (provider_id, offer_id, n),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id)
);
-- What a price is made of: the components of a charge sum to it, to the penny (R020, R023).
CREATE TABLE price_component (
    provider_id   uuid NOT NULL,
    version_id    uuid NOT NULL,
    n             int NOT NULL,
    option_n      int NOT NULL,
    charge_n      int NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('staff', 'on_costs', 'premises', 'transport', 'materials', 'overhead', 'subsidy', 'other')),
    amount_pence  bigint NOT NULL CHECK (kind = 'subsidy' OR amount_pence >= 0),
    note          text NOT NULL DEFAULT '',
    PRIMARY KEY (provider_id, version_id, n),
    FOREIGN KEY (provider_id, version_id) REFERENCES offer_version (provider_id, id)
);
-- A bundle of sessions sold together: a week, half term, term or quarter.
CREATE TABLE term (
    provider_id       uuid NOT NULL,
    id                uuid NOT NULL,
    offer_id          uuid NOT NULL,
    name              text NOT NULL,
    unit              text NOT NULL CHECK (unit IN ('week', 'half_term', 'term', 'quarter')),
    starts_on         date NOT NULL,
    ends_on           date NOT NULL,
    planned_sessions  int NOT NULL CHECK (planned_sessions > 0), -- dates the price was set for, run or not
    capacity          int CHECK (capacity > 0),
    CHECK (ends_on >= starts_on),
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id)
);
CREATE INDEX term_offer ON term (provider_id, offer_id);
CREATE TABLE session (
    provider_id  uuid NOT NULL,
    id           uuid NOT NULL,
    offer_id     uuid NOT NULL,
    term_id      uuid,
    starts_at    timestamptz NOT NULL,
    ends_at      timestamptz NOT NULL CHECK (ends_at > starts_at),
    local_start  text NOT NULL, -- wall time as agreed, "2027-01-09T10:00"
    time_zone    text NOT NULL DEFAULT 'Europe/London',
    state        text NOT NULL CHECK (state IN ('scheduled', 'cancelled')),
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id),
    FOREIGN KEY (provider_id, term_id) REFERENCES term (provider_id, id)
);
CREATE INDEX session_offer ON session (provider_id, offer_id, starts_at);

-- Public counters: a family's transaction takes a place or a lane, so they are
-- writable by all; they name no child and no authority.
CREATE TABLE session_places (
    provider_id  uuid NOT NULL,
    session_id   uuid NOT NULL,
    capacity     int NOT NULL CHECK (capacity >= 0),
    taken        int NOT NULL DEFAULT 0 CHECK (taken >= 0),
    staff_units  int NOT NULL DEFAULT 0 CHECK (staff_units >= 0), -- 0: not limited by staff (T51)
    seq          bigint NOT NULL DEFAULT 0, -- grows with every place taken
    CONSTRAINT places_never_oversold CHECK (taken <= capacity),
    PRIMARY KEY (provider_id, session_id),
    FOREIGN KEY (provider_id, session_id) REFERENCES session (provider_id, id)
) WITH (fillfactor = 50);
CREATE TABLE lane (
    provider_id  uuid NOT NULL REFERENCES provider (id),
    id           uuid NOT NULL,
    label        text NOT NULL,
    worker_id    uuid, -- who it is; the name stays with the provider
    PRIMARY KEY (provider_id, id)
);
CREATE TABLE offer_lane (
    provider_id  uuid NOT NULL,
    offer_id     uuid NOT NULL,
    lane_id      uuid NOT NULL,
    PRIMARY KEY (provider_id, offer_id, lane_id),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id),
    FOREIGN KEY (provider_id, lane_id) REFERENCES lane (provider_id, id)
);
CREATE TABLE lane_claim (
    provider_id  uuid NOT NULL,
    id           uuid NOT NULL,
    lane_id      uuid NOT NULL,
    item_id      uuid NOT NULL,
    during       tstzrange NOT NULL CHECK (NOT isempty(during)), -- buffers included (T42)
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, lane_id) REFERENCES lane (provider_id, id),
    CONSTRAINT lane_never_used_twice EXCLUDE USING gist (provider_id WITH =, lane_id WITH =, during WITH &&)
);
CREATE INDEX lane_claim_item ON lane_claim (provider_id, item_id);

-- Provider private.
CREATE TABLE worker (
    provider_id   uuid NOT NULL REFERENCES provider (id),
    id            uuid NOT NULL,
    display_name  text NOT NULL,
    person_id     uuid, -- if the worker signs in
    PRIMARY KEY (provider_id, id)
);

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
END $$;
-- +goose StatementEnd
CREATE TRIGGER offer_version_immutable BEFORE UPDATE OR DELETE ON offer_version FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER price_component_immutable BEFORE UPDATE OR DELETE ON price_component FOR EACH ROW EXECUTE FUNCTION refuse_change();

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['provider', 'setting', 'offer', 'offer_version', 'price_component', 'term', 'session', 'offer_lane', 'lane', 'worker',
                             'session_places', 'lane_claim'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    -- Everything of a provider is its own to write.
    FOREACH t IN ARRAY ARRAY['setting', 'offer', 'offer_version', 'price_component', 'term', 'session', 'offer_lane', 'lane', 'worker'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_own', t);
    END LOOP;
    -- Supply is public to read, once published.
    FOREACH t IN ARRAY ARRAY['setting', 'lane', 'offer_lane'] LOOP
        EXECUTE format('CREATE POLICY %I ON %I FOR SELECT USING (true)', t || '_public', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['offer_version', 'term', 'session'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I FOR SELECT USING (EXISTS (SELECT FROM offer o
            WHERE o.provider_id = %I.provider_id AND o.id = %I.offer_id AND o.state <> 'draft'))$p$, t || '_public', t, t, t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY provider_public ON provider FOR SELECT USING (true);
CREATE POLICY provider_own ON provider USING (id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
CREATE POLICY offer_public ON offer FOR SELECT USING (state <> 'draft');
CREATE POLICY price_component_public ON price_component FOR SELECT USING (EXISTS (SELECT FROM offer_version v
    WHERE v.provider_id = price_component.provider_id AND v.id = price_component.version_id));
-- Counters: anyone may read and move them; only their provider makes them.
CREATE POLICY session_places_read ON session_places FOR SELECT USING (true);
CREATE POLICY session_places_move ON session_places FOR UPDATE USING (true);
CREATE POLICY session_places_make ON session_places FOR INSERT WITH CHECK (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
CREATE POLICY lane_move ON lane FOR UPDATE USING (true) WITH CHECK (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[])); -- families lock a lane, never change one
CREATE POLICY lane_claim_all ON lane_claim USING (true);

GRANT SELECT, INSERT, UPDATE ON provider, setting, offer, term, session, session_places, lane, worker TO shortbreaks_app;
GRANT SELECT, INSERT ON offer_version, price_component TO shortbreaks_app;
GRANT SELECT, INSERT, DELETE ON offer_lane, lane_claim TO shortbreaks_app;

-- +goose Down
DROP TABLE worker, lane_claim, offer_lane, lane, session_places, session, term, price_component, offer_version, offer, setting, provider;
DROP FUNCTION refuse_change();
