-- +goose Up
-- Provider private: places of a session taken by somebody who does not book
-- here. They count against capacity and carry nothing but the provider's own
-- reference. Rows of a session are made and ended under the lock of its places.
CREATE TABLE outside_place (
    provider_id  uuid NOT NULL,
    id           uuid NOT NULL,
    session_id   uuid NOT NULL,
    reference    text NOT NULL CHECK (length(reference) BETWEEN 1 AND 60),
    places       int NOT NULL CHECK (places BETWEEN 1 AND 50),
    place_seq    bigint NOT NULL,
    state        text NOT NULL CHECK (state IN ('live', 'ended')),
    taken_by     uuid NOT NULL,
    taken_at     timestamptz NOT NULL,
    ended_by     uuid, -- null: the session was called off
    ended_at     timestamptz,
    CHECK ((state = 'live') = (ended_at IS NULL)),
    CONSTRAINT outside_once UNIQUE (provider_id, session_id, reference),
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, session_id) REFERENCES session (provider_id, id)
);
CREATE INDEX outside_place_live ON outside_place (provider_id, session_id) WHERE state = 'live';
ALTER TABLE outside_place ENABLE ROW LEVEL SECURITY;
ALTER TABLE outside_place FORCE ROW LEVEL SECURITY;
CREATE POLICY outside_place_own ON outside_place USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
-- Jobs act for nobody and for every authority; they count and change nothing.
CREATE POLICY outside_place_by_jobs ON outside_place FOR SELECT
    USING ((SELECT app_person()) IS NULL AND cardinality((SELECT app_ids('app.authorities'))::uuid[]) > 0);
GRANT SELECT, INSERT ON outside_place TO shortbreaks_app;
GRANT UPDATE (state, ended_by, ended_at) ON outside_place TO shortbreaks_app; -- whose it is never changes

-- Tenant, and the provider of the row: a code a family reads to a provider, so
-- that it may enter one booking for one child. Only its hash is kept.
CREATE TABLE booking_code (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    child_id      uuid NOT NULL,
    provider_id   uuid NOT NULL REFERENCES provider (id),
    code_hash     bytea NOT NULL CHECK (length(code_hash) = 32),
    role          text NOT NULL CHECK (role IN ('family', 'practitioner')), -- as what it was made
    made_by       uuid NOT NULL,
    made_at       timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    withdrawn_at  timestamptz,
    used_at       timestamptz,
    CHECK (used_at IS NULL OR withdrawn_at IS NULL),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE UNIQUE INDEX booking_code_hash ON booking_code (provider_id, code_hash);
CREATE INDEX booking_code_child ON booking_code (authority_id, child_id, id);
-- Tenant, and the provider of the row: what a provider entered with a code.
CREATE TABLE offline_booking (
    authority_id  uuid NOT NULL,
    booking_id    uuid NOT NULL,
    code_id       uuid NOT NULL,
    provider_id   uuid NOT NULL REFERENCES provider (id),
    child_id      uuid NOT NULL,
    reference     text NOT NULL DEFAULT '' CHECK (length(reference) <= 60), -- the provider's own
    entered_by    uuid NOT NULL,
    entered_at    timestamptz NOT NULL,
    agreed_by     uuid,
    agreed_at     timestamptz,
    CHECK ((agreed_by IS NULL) = (agreed_at IS NULL)),
    CONSTRAINT code_used_once UNIQUE (authority_id, code_id),
    PRIMARY KEY (authority_id, booking_id),
    FOREIGN KEY (authority_id, booking_id) REFERENCES booking (authority_id, id),
    FOREIGN KEY (authority_id, code_id) REFERENCES booking_code (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE INDEX offline_booking_provider ON offline_booking (provider_id, booking_id);
CREATE INDEX offline_booking_child ON offline_booking (authority_id, child_id, booking_id);
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['booking_code', 'offline_booking'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_tenant', t);
        EXECUTE format($p$CREATE POLICY %I ON %I FOR SELECT USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_provider', t);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT ON booking_code, offline_booking TO shortbreaks_app;
GRANT UPDATE (withdrawn_at, used_at) ON booking_code TO shortbreaks_app;
GRANT UPDATE (agreed_by, agreed_at) ON offline_booking TO shortbreaks_app;

-- Tenant: rows of files an authority imported bookings from, each once.
CREATE TABLE imported_booking (
    authority_id  uuid NOT NULL,
    reference     text NOT NULL CHECK (length(reference) BETWEEN 1 AND 60),
    booking_id    uuid NOT NULL,
    imported_by   uuid, -- null: from the command line
    imported_at   timestamptz NOT NULL,
    PRIMARY KEY (authority_id, reference),
    FOREIGN KEY (authority_id, booking_id) REFERENCES booking (authority_id, id)
);
ALTER TABLE imported_booking ENABLE ROW LEVEL SECURITY;
ALTER TABLE imported_booking FORCE ROW LEVEL SECURITY;
CREATE POLICY imported_booking_tenant ON imported_booking USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE TRIGGER imported_booking_append_only BEFORE UPDATE OR DELETE ON imported_booking FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON imported_booking TO shortbreaks_app;

-- What is taken of a session is what families have, and what was taken outside.
CREATE OR REPLACE VIEW audit_places WITH (security_invoker = true) AS
SELECT NULL::uuid AS authority_id, 'session ' || coalesce(p.session_id, l.session_id) AS subject,
    'taken ' || coalesce(p.taken, 0) || ' of ' || coalesce(p.capacity, 0) || ', live items and outside places ' || coalesce(l.n, 0) AS detail
FROM session_places p
FULL JOIN (SELECT provider_id, session_id, sum(n) AS n, sum(staff) AS staff FROM (
        SELECT provider_id, session_id, places AS n, staff_units AS staff FROM booking_item WHERE session_id IS NOT NULL AND item_is_live(state)
        UNION ALL SELECT provider_id, session_id, places, 0 FROM outside_place WHERE state = 'live') u GROUP BY 1, 2) l
    ON l.provider_id = p.provider_id AND l.session_id = p.session_id
WHERE coalesce(p.taken, 0) <> coalesce(l.n, 0) OR coalesce(p.taken, 0) > coalesce(p.capacity, 0)
    OR coalesce(p.staff_taken, 0) <> coalesce(l.staff, 0) OR (p.staff_units > 0 AND p.staff_taken > p.staff_units);

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
DECLARE
    pair text[];
    sql text := rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ');
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['booking_code', 'id', 'child_id', 'child'], ['offline_booking', 'booking_id', 'booking_id', 'booking'],
        ['offline_booking', 'booking_id', 'code_id', 'booking_code'], ['offline_booking', 'booking_id', 'child_id', 'child'],
        ['imported_booking', 'reference', 'booking_id', 'booking']
    ] LOOP
        sql := sql || format($v$ UNION ALL SELECT c.authority_id, %L || c.%I AS subject, %L || c.%I || ' is not of this authority' AS detail FROM %I c
            WHERE c.%I IS NOT NULL AND NOT EXISTS (SELECT FROM %I p WHERE p.authority_id = c.authority_id AND p.id = c.%I)$v$,
            pair[1] || ' ', pair[2], pair[4] || ' ', pair[3], pair[1], pair[3], pair[4], pair[3]);
    END LOOP;
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS ' || sql;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    FOR n IN 1..5 LOOP
        EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
            || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE OR REPLACE VIEW audit_places WITH (security_invoker = true) AS
SELECT NULL::uuid AS authority_id, 'session ' || coalesce(p.session_id, l.session_id) AS subject,
    'taken ' || coalesce(p.taken, 0) || ' of ' || coalesce(p.capacity, 0) || ', live items ' || coalesce(l.n, 0) AS detail
FROM session_places p
FULL JOIN (SELECT provider_id, session_id, sum(places) AS n, sum(staff_units) AS staff FROM booking_item
        WHERE session_id IS NOT NULL AND item_is_live(state) GROUP BY 1, 2) l
    ON l.provider_id = p.provider_id AND l.session_id = p.session_id
WHERE coalesce(p.taken, 0) <> coalesce(l.n, 0) OR coalesce(p.taken, 0) > coalesce(p.capacity, 0)
    OR coalesce(p.staff_taken, 0) <> coalesce(l.staff, 0) OR (p.staff_units > 0 AND p.staff_taken > p.staff_units);
DROP TABLE imported_booking, offline_booking, booking_code, outside_place;
