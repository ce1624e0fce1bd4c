-- +goose Up
-- Tenant: times a family would book and cannot (R104). No word of its own
-- stands in it, so that nothing but what can be counted is kept. It lapses by
-- itself after its last day.
CREATE TABLE wanted_time (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    child_id      uuid NOT NULL,
    category      text NOT NULL CHECK (length(category) BETWEEN 1 AND 40),
    postcode      text NOT NULL CHECK (length(postcode) BETWEEN 2 AND 8),
    area          text NOT NULL CHECK (length(area) BETWEEN 1 AND 80), -- the district of the postcode
    within_km     int NOT NULL CHECK (within_km BETWEEN 1 AND 200),
    windows       jsonb NOT NULL CHECK (jsonb_typeof(windows) = 'array' AND jsonb_array_length(windows) BETWEEN 1 AND 7),
    from_date     date NOT NULL,
    to_date       date NOT NULL CHECK (to_date >= from_date),
    needs         text[] NOT NULL CHECK (cardinality(needs) <= 14),
    state         text NOT NULL CHECK (state IN ('open', 'withdrawn')),
    version       int NOT NULL DEFAULT 1,
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    looked_at     timestamptz, -- when offers were last looked for
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE INDEX wanted_time_child ON wanted_time (authority_id, child_id, id);
CREATE INDEX wanted_time_next ON wanted_time (looked_at NULLS FIRST, authority_id, id) WHERE state = 'open';
-- Offers found for one since it was posted: each is told once.
CREATE TABLE wanted_match (
    authority_id  uuid NOT NULL,
    wanted_id     uuid NOT NULL,
    offer_id      uuid NOT NULL,
    provider_id   uuid NOT NULL,
    starts_at     timestamptz, -- of the first session with a place; null: visits by the hour
    found_at      timestamptz NOT NULL,
    PRIMARY KEY (authority_id, wanted_id, offer_id),
    FOREIGN KEY (authority_id, wanted_id) REFERENCES wanted_time (authority_id, id)
);
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['wanted_time', 'wanted_match'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_tenant', t);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT ON wanted_time TO shortbreaks_app;
GRANT UPDATE (category, postcode, area, within_km, windows, from_date, to_date, needs, state, version, looked_at) ON wanted_time TO shortbreaks_app;
GRANT SELECT, INSERT, DELETE ON wanted_match TO shortbreaks_app;

-- What is counted of them: a child once for each day of the week and part of
-- the day it could come, and once more for each need. '' is whatever the need.
CREATE VIEW wanted_slot WITH (security_invoker = true) AS
SELECT w.authority_id, w.id AS wanted_id, w.child_id, w.category, w.area, d.weekday::int AS weekday, b.band, n.need, w.from_date, w.to_date
FROM wanted_time w
CROSS JOIN LATERAL jsonb_to_recordset(w.windows) AS v (weekdays jsonb, earliest text, latest text)
CROSS JOIN LATERAL jsonb_array_elements_text(v.weekdays) AS d (weekday)
JOIN (VALUES ('morning', '00:00', '12:00'), ('afternoon', '12:00', '17:00'), ('evening', '17:00', '24:00')) AS b (band, starts, ends)
    ON v.earliest < b.ends AND v.latest > b.starts
CROSS JOIN LATERAL unnest(array_append(w.needs, '')) AS n (need)
WHERE w.state = 'open';
GRANT SELECT ON wanted_slot TO shortbreaks_app;
-- Infrastructure: wanted demand as everybody may know it, counted once a day.
-- Small counts never get here, and the others are rounded first.
CREATE TABLE wanted_cell (
    n         int PRIMARY KEY, -- the order it is read in
    category  text NOT NULL,
    area      text NOT NULL,
    weekday   int NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    band      text NOT NULL CHECK (band IN ('morning', 'afternoon', 'evening')),
    need      text NOT NULL,
    wanted    bigint NOT NULL,
    children  bigint NOT NULL CONSTRAINT wanted_cell_names_nobody CHECK (children >= 5 AND children % 5 = 0 AND wanted % 5 = 0),
    UNIQUE (category, area, weekday, band, need)
);
GRANT SELECT, INSERT, DELETE ON wanted_cell TO shortbreaks_app;

-- News may be about what is no booking (yet): an offer, for a child.
ALTER TABLE news ALTER COLUMN booking_id DROP NOT NULL, ADD COLUMN offer_id uuid, ADD COLUMN child_id uuid,
    ADD CONSTRAINT news_is_about_something CHECK ((booking_id IS NULL) = (offer_id IS NOT NULL) AND (offer_id IS NULL) = (child_id IS NULL));

-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'wanted_time ' || c.id AS subject, 'child ' || c.child_id || ' is not of this authority' AS detail
            FROM wanted_time c WHERE NOT EXISTS (SELECT FROM child p WHERE p.authority_id = c.authority_id AND p.id = c.child_id)
        UNION ALL SELECT c.authority_id, 'wanted_match ' || c.offer_id, 'wanted_time ' || c.wanted_id || ' is not of this authority'
            FROM wanted_match c WHERE NOT EXISTS (SELECT FROM wanted_time p WHERE p.authority_id = c.authority_id AND p.id = c.wanted_id)$v$;
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
DELETE FROM news WHERE booking_id IS NULL;
ALTER TABLE news DROP COLUMN offer_id, DROP COLUMN child_id, ALTER COLUMN booking_id SET NOT NULL;
DROP TABLE wanted_cell;
DROP VIEW wanted_slot;
DROP TABLE wanted_match, wanted_time;
