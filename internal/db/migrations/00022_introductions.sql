-- +goose Up
-- Some offers are booked for a child only once the provider has met it (R119);
-- the first visit itself is bookable.
ALTER TABLE offer
    ADD COLUMN needs_introduction boolean NOT NULL DEFAULT false,
    ADD COLUMN first_visit boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT first_visit_needs_no_introduction CHECK (NOT (needs_introduction AND first_visit));

-- A child and a provider getting to know each other. What the provider is told
-- of the child stands here because the family agreed to it, and is emptied when
-- the introduction ends; the provider has no other way to the child.
CREATE TABLE introduction (
    authority_id    uuid NOT NULL,
    id              uuid NOT NULL,
    child_id        uuid NOT NULL,
    provider_id     uuid NOT NULL REFERENCES provider (id),
    state           text NOT NULL CHECK (state IN ('asked', 'arranged', 'accepted', 'declined', 'withdrawn')),
    told_name       text NOT NULL CHECK (length(told_name) <= 100),
    told_age        int CHECK (told_age BETWEEN 0 AND 25),
    told_words      text NOT NULL DEFAULT '' CHECK (length(told_words) <= 1000),
    asked_by        uuid NOT NULL, -- and so agreed to it, or says that the family did
    asked_as        text NOT NULL CHECK (asked_as IN ('family', 'practitioner')),
    asked_at        timestamptz NOT NULL,
    visit_at        timestamptz,
    visit_words     text NOT NULL DEFAULT '' CHECK (length(visit_words) <= 500), -- where, and who will be there
    ratio_staff     int CHECK (ratio_staff BETWEEN 1 AND 10),
    ratio_children  int CHECK (ratio_children BETWEEN 1 AND 30),
    answer_words    text NOT NULL DEFAULT '' CHECK (length(answer_words) <= 500), -- with the decision, or why it ended
    decided_by      uuid,
    decided_at      timestamptz,
    ended_at        timestamptz,
    CHECK (state <> 'arranged' OR visit_at IS NOT NULL),
    CONSTRAINT accepted_after_a_visit CHECK (state <> 'accepted' OR (visit_at <= decided_at AND ratio_staff IS NOT NULL AND ratio_children IS NOT NULL)),
    CONSTRAINT ended_tells_nothing CHECK ((state IN ('declined', 'withdrawn')) = (ended_at IS NOT NULL)
        AND (ended_at IS NULL OR (told_name = '' AND told_age IS NULL AND told_words = ''))),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE UNIQUE INDEX one_introduction_at_a_time ON introduction (authority_id, child_id, provider_id) WHERE ended_at IS NULL;
CREATE INDEX introduction_provider ON introduction (provider_id, id);
ALTER TABLE introduction ENABLE ROW LEVEL SECURITY;
ALTER TABLE introduction FORCE ROW LEVEL SECURITY;
CREATE POLICY introduction_tenant ON introduction USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE POLICY introduction_provider_reads ON introduction FOR SELECT USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
CREATE POLICY introduction_provider_answers ON introduction FOR UPDATE USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
GRANT SELECT, INSERT ON introduction TO shortbreaks_app;
GRANT UPDATE (state, told_name, told_age, told_words, visit_at, visit_words, ratio_staff, ratio_children, answer_words, decided_by, decided_at, ended_at)
    ON introduction TO shortbreaks_app; -- whose it is never changes

-- What a child needs somebody to be signed off for (R120): tasks, in words. The
-- provider that has a place for the child, or is being introduced, reads them.
CREATE TABLE child_need (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    child_id      uuid NOT NULL,
    task          text NOT NULL CHECK (length(task) BETWEEN 2 AND 120),
    categories    text[] NOT NULL, -- of support in which it matters; empty: all
    starts_on     date NOT NULL,
    ends_on       date, -- the last day; null: until further notice
    recorded_by   uuid NOT NULL,
    recorded_at   timestamptz NOT NULL,
    ended_by      uuid,
    CHECK ((ends_on IS NULL) = (ended_by IS NULL)),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE INDEX child_need_child ON child_need (authority_id, child_id);
ALTER TABLE child_need ENABLE ROW LEVEL SECURITY;
ALTER TABLE child_need FORCE ROW LEVEL SECURITY;
CREATE POLICY child_need_tenant ON child_need USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE POLICY child_need_provider ON child_need FOR SELECT USING (
    EXISTS (SELECT FROM introduction i WHERE i.authority_id = child_need.authority_id AND i.child_id = child_need.child_id
        AND i.provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]) AND i.ended_at IS NULL)
    OR EXISTS (SELECT FROM booking_item b WHERE b.child_id = child_need.child_id
        AND b.provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]) AND b.authority_id = child_need.authority_id AND item_is_live(b.state)));
GRANT SELECT, INSERT ON child_need TO shortbreaks_app;
GRANT UPDATE (ends_on, ended_by) ON child_need TO shortbreaks_app;

-- A sign-off for a child can name the introduction by which it is known.
ALTER TABLE competency ADD COLUMN introduction_id uuid;
-- +goose StatementBegin
DO $$
DECLARE c text;
BEGIN
    SELECT conname INTO STRICT c FROM pg_constraint WHERE conrelid = 'competency'::regclass AND contype = 'c' AND pg_get_constraintdef(oid) LIKE '%booking_id%';
    EXECUTE format('ALTER TABLE competency DROP CONSTRAINT %I', c);
END $$;
-- +goose StatementEnd
ALTER TABLE competency ADD CONSTRAINT competency_of_whom CHECK ((child_id IS NULL) = (authority_id IS NULL)
    AND (child_id IS NULL) = (booking_id IS NULL AND introduction_id IS NULL));
DROP POLICY competency_own ON competency;
CREATE POLICY competency_own ON competency USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[])
    AND (child_id IS NULL OR EXISTS (SELECT FROM booking_item i WHERE i.provider_id = competency.provider_id AND i.child_id = competency.child_id
        AND item_is_live(i.state))
        OR EXISTS (SELECT FROM introduction n WHERE n.provider_id = competency.provider_id AND n.child_id = competency.child_id AND n.ended_at IS NULL)));

-- Another worker for a visit that is booked: continuity is the family's to see.
CREATE TABLE worker_change (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    item_id       uuid NOT NULL,
    provider_id   uuid NOT NULL,
    from_lane     uuid NOT NULL,
    to_lane       uuid NOT NULL,
    reason        text NOT NULL CHECK (length(reason) BETWEEN 3 AND 500),
    changed_by    uuid NOT NULL,
    changed_at    timestamptz NOT NULL,
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
CREATE INDEX worker_change_item ON worker_change (authority_id, item_id);
-- What is booked within two days and has nobody signed off for it.
CREATE TABLE competency_flag (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    item_id       uuid NOT NULL,
    provider_id   uuid NOT NULL,
    task          text NOT NULL,
    written_at    timestamptz NOT NULL,
    cleared_at    timestamptz, -- somebody is, or the visit will not be
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
CREATE UNIQUE INDEX competency_flag_once ON competency_flag (authority_id, item_id, task) WHERE cleared_at IS NULL;
CREATE INDEX competency_flag_provider ON competency_flag (provider_id, id);
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['worker_change', 'competency_flag'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_tenant', t);
        EXECUTE format($p$CREATE POLICY %I ON %I USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_provider', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE TRIGGER worker_change_append_only BEFORE UPDATE OR DELETE ON worker_change FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON worker_change, competency_flag TO shortbreaks_app;
GRANT UPDATE (cleared_at) ON competency_flag TO shortbreaks_app;

-- What each stream of an authority pays for, by rules that families can read
-- (R091, L18). A rule that changes gets another version; rows are never edited.
CREATE TABLE funding_rule (
    authority_id  uuid NOT NULL REFERENCES authority (id),
    code          text NOT NULL CHECK (code ~ '^[a-z][a-z0-9-]{1,59}$'),
    version       int NOT NULL CHECK (version > 0),
    stream        text NOT NULL CHECK (stream IN ('social_care', 'education', 'health', 'grant')),
    verdict       text NOT NULL CHECK (verdict IN ('allowed', 'ask', 'not_allowed')),
    categories    text[] NOT NULL, -- empty: any
    kinds         text[] NOT NULL, -- of charge; empty: any
    words         text NOT NULL CHECK (length(words) BETWEEN 10 AND 500), -- for a family
    starts_on     date NOT NULL, -- support from this day on
    retired       boolean NOT NULL DEFAULT false, -- from then on there is no such rule
    made_by       uuid NOT NULL,
    made_at       timestamptz NOT NULL,
    PRIMARY KEY (authority_id, code, version)
);
ALTER TABLE funding_rule ENABLE ROW LEVEL SECURITY;
ALTER TABLE funding_rule FORCE ROW LEVEL SECURITY;
CREATE POLICY funding_rule_tenant ON funding_rule USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE TRIGGER funding_rule_append_only BEFORE UPDATE OR DELETE ON funding_rule FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON funding_rule TO shortbreaks_app;

-- On which law a child's nights away rest (L09): what they come to depends on it.
CREATE TABLE legal_basis (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    child_id      uuid NOT NULL,
    basis         text NOT NULL CHECK (basis IN ('section_17', 'section_20')),
    starts_on     date NOT NULL,
    recorded_by   uuid NOT NULL,
    recorded_at   timestamptz NOT NULL,
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE INDEX legal_basis_child ON legal_basis (authority_id, child_id, starts_on);
ALTER TABLE legal_basis ENABLE ROW LEVEL SECURITY;
ALTER TABLE legal_basis FORCE ROW LEVEL SECURITY;
CREATE POLICY legal_basis_tenant ON legal_basis USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE TRIGGER legal_basis_append_only BEFORE UPDATE OR DELETE ON legal_basis FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON legal_basis TO shortbreaks_app;

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'introduction ' || c.id AS subject, 'child ' || c.child_id || ' is not of this authority' AS detail
            FROM introduction c WHERE NOT EXISTS (SELECT FROM child p WHERE p.authority_id = c.authority_id AND p.id = c.child_id)
        UNION ALL SELECT c.authority_id, 'child_need ' || c.id, 'child ' || c.child_id || ' is not of this authority'
            FROM child_need c WHERE NOT EXISTS (SELECT FROM child p WHERE p.authority_id = c.authority_id AND p.id = c.child_id)
        UNION ALL SELECT c.authority_id, 'legal_basis ' || c.id, 'child ' || c.child_id || ' is not of this authority'
            FROM legal_basis c WHERE NOT EXISTS (SELECT FROM child p WHERE p.authority_id = c.authority_id AND p.id = c.child_id)
        UNION ALL SELECT c.authority_id, 'worker_change ' || c.id, 'booking_item ' || c.item_id || ' is not of this authority'
            FROM worker_change c WHERE NOT EXISTS (SELECT FROM booking_item p WHERE p.authority_id = c.authority_id AND p.id = c.item_id)
        UNION ALL SELECT c.authority_id, 'competency_flag ' || c.id, 'booking_item ' || c.item_id || ' is not of this authority'
            FROM competency_flag c WHERE NOT EXISTS (SELECT FROM booking_item p WHERE p.authority_id = c.authority_id AND p.id = c.item_id)$v$;
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
DROP TABLE legal_basis, funding_rule, competency_flag, worker_change;
DROP POLICY competency_own ON competency;
ALTER TABLE competency DROP CONSTRAINT competency_of_whom;
ALTER TABLE competency NO FORCE ROW LEVEL SECURITY;
DELETE FROM competency WHERE child_id IS NOT NULL AND booking_id IS NULL; -- there was no way to name such a child
ALTER TABLE competency FORCE ROW LEVEL SECURITY;
ALTER TABLE competency DROP COLUMN introduction_id,
    ADD CHECK ((child_id IS NULL) = (authority_id IS NULL) AND (child_id IS NULL) = (booking_id IS NULL));
CREATE POLICY competency_own ON competency USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[])
    AND (child_id IS NULL OR EXISTS (SELECT FROM booking_item i WHERE i.provider_id = competency.provider_id AND i.child_id = competency.child_id
        AND item_is_live(i.state))));
DROP TABLE child_need, introduction;
ALTER TABLE offer DROP CONSTRAINT first_visit_needs_no_introduction, DROP COLUMN first_visit, DROP COLUMN needs_introduction;
