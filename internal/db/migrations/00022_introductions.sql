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

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'introduction ' || c.id AS subject, 'child ' || c.child_id || ' is not of this authority' AS detail
            FROM introduction c WHERE NOT EXISTS (SELECT FROM child p WHERE p.authority_id = c.authority_id AND p.id = c.child_id)$v$;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    FOR n IN 1..1 LOOP
        EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
            || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
    END LOOP;
END $$;
-- +goose StatementEnd
DROP TABLE introduction;
ALTER TABLE offer DROP CONSTRAINT first_visit_needs_no_introduction, DROP COLUMN first_visit, DROP COLUMN needs_introduction;
