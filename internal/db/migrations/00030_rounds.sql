-- +goose Up
-- Public: an allocation round (R122): free places of some sessions of an offer
-- are given out after a window by a published rule and a draw, not to the
-- fastest. What the draw will be is fixed before the window opens: the hash of
-- its seed is public from the start, the seed when it is done.
CREATE TABLE allocation_round (
    provider_id        uuid NOT NULL REFERENCES provider (id),
    id                 uuid NOT NULL,
    offer_id           uuid NOT NULL,
    opens_at           timestamptz NOT NULL,
    closes_at          timestamptz NOT NULL,
    groups             text[] NOT NULL CHECK (groups <@ ARRAY['missed_last_round', 'new_here']), -- who comes first, in order; then the lot
    siblings_together  boolean NOT NULL, -- one lot for brothers and sisters
    words              text NOT NULL CHECK (length(words) <= 1000),
    commitment         bytea NOT NULL CHECK (length(commitment) = 32),
    state              text NOT NULL CHECK (state IN ('announced', 'done', 'called_off')),
    seed               bytea,
    draw               jsonb, -- wishes by ticket and what became of them: enough to draw again
    ended_at           timestamptz,
    opened_by          uuid NOT NULL,
    created_at         timestamptz NOT NULL,
    CHECK (closes_at > opens_at),
    CHECK ((state = 'announced') = (ended_at IS NULL)),
    CHECK ((state = 'done') = (seed IS NOT NULL) AND (state = 'done') = (draw IS NOT NULL)),
    CONSTRAINT seed_is_the_one_promised CHECK (sha256(seed) = commitment),
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, offer_id) REFERENCES offer (provider_id, id)
);
CREATE INDEX allocation_round_offer ON allocation_round (offer_id, id);
CREATE INDEX allocation_round_due ON allocation_round (closes_at) WHERE state = 'announced';
-- Public: the places a round has. While they are kept they are taken off
-- session_places.capacity, so that nobody finds or takes them in another way.
-- Rows of a session are changed only under the lock of its places.
CREATE TABLE allocation_place (
    provider_id  uuid NOT NULL,
    round_id     uuid NOT NULL,
    session_id   uuid NOT NULL,
    places       int NOT NULL CHECK (places > 0),
    kept         boolean NOT NULL, -- false: given out, given back, or the session was called off
    PRIMARY KEY (provider_id, round_id, session_id),
    FOREIGN KEY (provider_id, round_id) REFERENCES allocation_round (provider_id, id),
    FOREIGN KEY (provider_id, session_id) REFERENCES session (provider_id, id)
);
CREATE UNIQUE INDEX allocation_place_once ON allocation_place (provider_id, session_id) WHERE kept;
-- Provider private, and told by nobody before the round is done.
CREATE TABLE allocation_seed (
    provider_id  uuid NOT NULL,
    round_id     uuid NOT NULL,
    seed         bytea NOT NULL CHECK (length(seed) = 32),
    PRIMARY KEY (provider_id, round_id),
    FOREIGN KEY (provider_id, round_id) REFERENCES allocation_round (provider_id, id)
);
-- Tenant: a child in a round, with its wishes in their order, and what became
-- of it. The provider never reads it.
CREATE TABLE allocation_entry (
    authority_id  uuid NOT NULL,
    round_id      uuid NOT NULL,
    child_id      uuid NOT NULL,
    provider_id   uuid NOT NULL,
    offer_id      uuid NOT NULL,
    wishes        jsonb NOT NULL CHECK (jsonb_typeof(wishes) = 'array' AND jsonb_array_length(wishes) BETWEEN 1 AND 10),
    state         text NOT NULL CHECK (state IN ('entered', 'withdrawn', 'placed', 'waiting', 'without', 'called_off')),
    place         int, -- in the order of the draw
    wish          int, -- that was granted
    groups        text[],
    booking_id    uuid,
    told          boolean NOT NULL DEFAULT false,
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    CHECK ((state = 'placed') = (booking_id IS NOT NULL) AND (state = 'placed') = (wish IS NOT NULL)),
    CHECK ((state IN ('placed', 'waiting', 'without')) = (place IS NOT NULL)),
    PRIMARY KEY (authority_id, round_id, child_id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id),
    FOREIGN KEY (authority_id, booking_id) REFERENCES booking (authority_id, id)
);
CREATE INDEX allocation_entry_round ON allocation_entry (round_id, child_id);
CREATE INDEX allocation_entry_child ON allocation_entry (child_id, round_id);
CREATE INDEX allocation_entry_to_tell ON allocation_entry (round_id) WHERE NOT told;
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['allocation_round', 'allocation_place', 'allocation_seed', 'allocation_entry'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['allocation_round', 'allocation_place'] LOOP
        EXECUTE format('CREATE POLICY %I ON %I FOR SELECT USING (true)', t || '_public', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['allocation_round', 'allocation_place', 'allocation_seed'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_own', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY allocation_entry_tenant ON allocation_entry USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
GRANT SELECT, INSERT ON allocation_round, allocation_place, allocation_seed, allocation_entry TO shortbreaks_app;
GRANT UPDATE (state, seed, draw, ended_at) ON allocation_round TO shortbreaks_app; -- what was promised never changes
GRANT UPDATE (kept) ON allocation_place TO shortbreaks_app;
GRANT UPDATE (wishes, state, place, wish, groups, booking_id, told, created_by) ON allocation_entry TO shortbreaks_app;

-- A round that is over keeps nothing, one that is on keeps only what can still
-- run; who is placed has a booking of its own child at that provider, and no
-- entry of a round that is done is without an answer.
CREATE VIEW audit_rounds WITH (security_invoker = true) AS
SELECT NULL::uuid AS authority_id, 'allocation_round ' || r.id AS subject,
    'is ' || r.state || ' and keeps ' || p.places || ' of session ' || p.session_id || ', which is ' || coalesce(s.state, 'gone') AS detail
FROM allocation_place p
LEFT JOIN session s ON s.provider_id = p.provider_id AND s.id = p.session_id
JOIN allocation_round r ON r.provider_id = p.provider_id AND r.id = p.round_id
WHERE p.kept AND (r.state <> 'announced' OR s.state IS DISTINCT FROM 'scheduled')
UNION ALL
SELECT e.authority_id, 'allocation_entry of ' || e.child_id || ' in ' || e.round_id, 'is ' || e.state || ' in a round that is ' || coalesce(r.state, 'gone')
FROM allocation_entry e LEFT JOIN allocation_round r ON r.provider_id = e.provider_id AND r.id = e.round_id
WHERE CASE coalesce(r.state, '') WHEN 'announced' THEN e.state NOT IN ('entered', 'withdrawn')
    WHEN 'done' THEN e.state NOT IN ('withdrawn', 'placed', 'waiting', 'without')
    WHEN 'called_off' THEN e.state NOT IN ('entered', 'withdrawn', 'called_off') ELSE true END
UNION ALL
SELECT e.authority_id, 'allocation_entry of ' || e.child_id || ' in ' || e.round_id, 'booking ' || e.booking_id || ' is not its own'
FROM allocation_entry e LEFT JOIN booking b ON b.authority_id = e.authority_id AND b.id = e.booking_id
WHERE e.booking_id IS NOT NULL AND (b.child_id IS DISTINCT FROM e.child_id OR b.offer_id IS DISTINCT FROM e.offer_id)
UNION ALL
SELECT NULL, 'allocation_round ' || id, 'was not drawn by the seed it promised' FROM allocation_round WHERE sha256(seed) <> commitment;
GRANT SELECT ON audit_rounds TO shortbreaks_app;

-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'allocation_entry ' || c.round_id AS subject, 'child ' || c.child_id || ' is not of this authority' AS detail
            FROM allocation_entry c WHERE NOT EXISTS (SELECT FROM child p WHERE p.authority_id = c.authority_id AND p.id = c.child_id)
        UNION ALL SELECT c.authority_id, 'allocation_entry ' || c.round_id, 'booking ' || c.booking_id || ' is not of this authority'
            FROM allocation_entry c WHERE c.booking_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM booking p WHERE p.authority_id = c.authority_id AND p.id = c.booking_id)$v$;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    FOR n IN 1..2 LOOP
        EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
            || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
    END LOOP;
END $$;
-- +goose StatementEnd
DROP VIEW audit_rounds;
UPDATE session_places p SET capacity = p.capacity + k.places FROM allocation_place k
    WHERE k.kept AND k.provider_id = p.provider_id AND k.session_id = p.session_id;
DROP TABLE allocation_entry, allocation_seed, allocation_place, allocation_round;
