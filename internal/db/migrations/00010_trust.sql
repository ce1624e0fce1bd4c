-- +goose Up
-- Who a provider is. Public, as the provider itself is.
ALTER TABLE provider
    ADD COLUMN kind        text NOT NULL DEFAULT 'company' CHECK (kind IN ('company', 'charity', 'council_in_house', 'sole_trader', 'consortium')),
    ADD COLUMN description text NOT NULL DEFAULT '' CHECK (length(description) <= 2000),
    ADD COLUMN web_address text NOT NULL DEFAULT '' CHECK (length(web_address) <= 300),
    ADD COLUMN languages   jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(languages) = 'array');
CREATE INDEX provider_kind ON provider (kind, id);
-- The numbers it gives for itself. They say nothing until somebody looked.
CREATE TABLE provider_identifier (
    provider_id  uuid NOT NULL REFERENCES provider (id),
    scheme       text NOT NULL CHECK (scheme IN ('company', 'charity', 'ofsted', 'cqc')),
    value        text NOT NULL CHECK (length(value) BETWEEN 1 AND 40),
    stated_at    timestamptz NOT NULL,
    PRIMARY KEY (provider_id, scheme)
);
-- A person of an authority looked the number up. It is of the number and not
-- of the provider: another number is unverified again.
CREATE TABLE identifier_confirmation (
    authority_id  uuid NOT NULL,
    provider_id   uuid NOT NULL,
    scheme        text NOT NULL,
    value         text NOT NULL,
    confirmed_by  uuid NOT NULL,
    confirmed_on  date NOT NULL,
    PRIMARY KEY (authority_id, provider_id, scheme, value)
);
CREATE INDEX identifier_confirmation_provider ON identifier_confirmation (provider_id);
-- The organisations of a consortium (R029); one that left is dated, not deleted.
CREATE TABLE provider_member (
    provider_id     uuid NOT NULL REFERENCES provider (id),
    id              uuid NOT NULL,
    name            text NOT NULL CHECK (length(name) BETWEEN 2 AND 200),
    company_number  text NOT NULL DEFAULT '',
    charity_number  text NOT NULL DEFAULT '',
    joined_on       date NOT NULL,
    left_on         date,
    PRIMARY KEY (provider_id, id)
);
CREATE UNIQUE INDEX provider_member_once ON provider_member (provider_id, lower(name)) WHERE left_on IS NULL;
-- How often sessions ran as booked (R037): two counts of a provider, worked
-- out anew each day. No child, family or authority is in them.
CREATE TABLE reliability (
    provider_id  uuid NOT NULL REFERENCES provider (id),
    sessions     int NOT NULL CHECK (sessions >= 0), -- that ran, or were to run and the provider called off
    as_booked    int NOT NULL CHECK (as_booked >= 0 AND as_booked <= sessions),
    counted_at   timestamptz NOT NULL,
    PRIMARY KEY (provider_id)
);

ALTER TABLE setting
    ADD COLUMN address_lines   jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(address_lines) = 'array'),
    ADD COLUMN access_features text NOT NULL DEFAULT '' CHECK (length(access_features) <= 2000);
ALTER TABLE worker
    ADD COLUMN skills     jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(skills) = 'array'),
    ADD COLUMN languages  jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(languages) = 'array'),
    ADD COLUMN left_on    date; -- the last day; null: still here
ALTER TABLE offer ADD COLUMN personal_care boolean NOT NULL DEFAULT false; -- washing, dressing, toilet, feeding (L12, L13)
CREATE INDEX lane_worker ON lane (provider_id, worker_id) WHERE worker_id IS NOT NULL;

-- Who acts for a provider, as its owner reads it. The right itself is the
-- grant; both are written together. The name is the one the provider knows
-- the person by, so that giving a role tells nobody a stranger's name.
CREATE TABLE staff (
    provider_id  uuid NOT NULL REFERENCES provider (id),
    id           uuid NOT NULL,
    person_id    uuid NOT NULL,
    grant_id     uuid NOT NULL,
    role         text NOT NULL CHECK (role IN ('provider_owner', 'coordinator', 'worker')),
    name         text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    starts_on    date NOT NULL,
    ends_on      date, -- the last day; null: until further notice
    PRIMARY KEY (provider_id, id)
);
CREATE UNIQUE INDEX staff_role_once ON staff (provider_id, person_id, role) WHERE ends_on IS NULL;
-- Those who act for a provider already. Row-level security binds a table's
-- owner too, so it is set aside for this one statement.
ALTER TABLE role_grant NO FORCE ROW LEVEL SECURITY;
ALTER TABLE person NO FORCE ROW LEVEL SECURITY;
ALTER TABLE provider NO FORCE ROW LEVEL SECURITY;
INSERT INTO staff (provider_id, id, person_id, grant_id, role, name, starts_on, ends_on)
SELECT g.provider_id, g.id, g.person_id, g.id, g.role, p.display_name, g.starts_on, g.ends_on
FROM role_grant g JOIN person p ON p.id = g.person_id JOIN provider v ON v.id = g.provider_id;
ALTER TABLE role_grant FORCE ROW LEVEL SECURITY;
ALTER TABLE person FORCE ROW LEVEL SECURITY;
ALTER TABLE provider FORCE ROW LEVEL SECURITY;

-- One credential file for each provider. What a check of the DBS found is
-- never here: such a row has no column that takes words (L13).
CREATE TABLE credential (
    provider_id       uuid NOT NULL REFERENCES provider (id),
    id                uuid NOT NULL,
    worker_id         uuid, -- whose it is; null: the provider's own
    kind              text NOT NULL CHECK (kind IN ('ofsted', 'cqc', 'insurance_public_liability', 'insurance_employers', 'insurance_vehicle',
                          'dbs_enhanced', 'dbs_update_service', 'first_aid', 'safeguarding_training', 'food_hygiene', 'manual_handling',
                          'medication_training')),
    reference         text NOT NULL DEFAULT '' CHECK (length(reference) <= 80),
    issued_on         date NOT NULL,
    expires_on        date CHECK (expires_on >= issued_on), -- the last day it counts; null: no end
    evidence          text NOT NULL DEFAULT '' CHECK (length(evidence) <= 500),
    checked_on        date,
    checked_by        uuid, -- the person of the provider who saw it
    dbs_level         text CHECK (dbs_level IN ('enhanced', 'enhanced_with_barred_list')),
    dbs_workforce     text CHECK (dbs_workforce IN ('child', 'adult', 'child_and_adult')),
    update_checked_on date, -- with the update service, by checked_by
    added_at          timestamptz NOT NULL,
    added_by          uuid NOT NULL,
    withdrawn_at      timestamptz, -- taken out of the file: entered by mistake, or taken away
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, worker_id) REFERENCES worker (provider_id, id),
    CONSTRAINT credential_of_whom CHECK ((worker_id IS NULL) = (kind IN ('ofsted', 'cqc', 'insurance_public_liability', 'insurance_employers', 'insurance_vehicle'))),
    CONSTRAINT dbs_holds_no_words CHECK (kind NOT IN ('dbs_enhanced', 'dbs_update_service') OR (reference = '' AND evidence = '')),
    CONSTRAINT dbs_fields CHECK (CASE WHEN kind IN ('dbs_enhanced', 'dbs_update_service')
        THEN dbs_level IS NOT NULL AND dbs_workforce IS NOT NULL
        ELSE dbs_level IS NULL AND dbs_workforce IS NULL AND update_checked_on IS NULL END),
    CHECK (checked_on IS NULL OR checked_by IS NOT NULL)
);
CREATE INDEX credential_expires ON credential (provider_id, expires_on) WHERE expires_on IS NOT NULL AND withdrawn_at IS NULL;
-- What the file comes to, by kind and date, without who, what number or what
-- was seen: a family's quote reads this and nothing of the file.
CREATE TABLE credential_cover (
    provider_id  uuid NOT NULL REFERENCES provider (id),
    kind         text NOT NULL,
    starts_on    date NOT NULL,
    ends_on      date, -- null: no end
    holders      int NOT NULL CHECK (holders > 0), -- workers who hold it then; 1 for the provider's own
    PRIMARY KEY (provider_id, kind, starts_on)
);
-- What an authority made of a credential; the newest counts.
CREATE TABLE credential_acceptance (
    authority_id   uuid NOT NULL,
    id             uuid NOT NULL,
    provider_id    uuid NOT NULL,
    credential_id  uuid NOT NULL,
    decision       text NOT NULL CHECK (decision IN ('accepted', 'refused')),
    until          date,
    reason         text NOT NULL DEFAULT '' CHECK (length(reason) <= 500),
    decided_by     uuid NOT NULL,
    decided_at     timestamptz NOT NULL,
    CHECK (decision = 'accepted' OR (reason <> '' AND until IS NULL)),
    PRIMARY KEY (authority_id, id)
);
CREATE INDEX credential_acceptance_of ON credential_acceptance (provider_id, credential_id, decided_at DESC);
-- Told to the provider's staff; one for each credential, its end and each
-- threshold, however often the day's round is made (T82). No child is in it.
CREATE TABLE notice (
    provider_id    uuid NOT NULL,
    id             uuid NOT NULL,
    credential_id  uuid NOT NULL,
    days_before    int NOT NULL CHECK (days_before IN (60, 30, 7)),
    expires_on     date NOT NULL,
    written_at     timestamptz NOT NULL,
    PRIMARY KEY (provider_id, id),
    CONSTRAINT notice_once UNIQUE (provider_id, credential_id, days_before),
    FOREIGN KEY (provider_id, credential_id) REFERENCES credential (provider_id, id)
);
-- Who was signed off for which task, for one child or in general (R120). A row
-- about a child is also its authority's.
CREATE TABLE competency (
    provider_id   uuid NOT NULL REFERENCES provider (id),
    id            uuid NOT NULL,
    worker_id     uuid NOT NULL,
    task          text NOT NULL CHECK (length(task) BETWEEN 2 AND 120),
    authority_id  uuid,
    child_id      uuid,
    booking_id    uuid, -- by which the provider came to know the child
    assessed_by   text NOT NULL CHECK (length(assessed_by) BETWEEN 2 AND 120),
    assessed_on   date NOT NULL,
    expires_on    date CHECK (expires_on >= assessed_on),
    added_at      timestamptz NOT NULL,
    added_by      uuid NOT NULL,
    CHECK ((child_id IS NULL) = (authority_id IS NULL) AND (child_id IS NULL) = (booking_id IS NULL)),
    PRIMARY KEY (provider_id, id),
    FOREIGN KEY (provider_id, worker_id) REFERENCES worker (provider_id, id)
);
CREATE INDEX competency_child ON competency (authority_id, child_id) WHERE child_id IS NOT NULL;
CREATE INDEX booking_item_provider_child ON booking_item (provider_id, child_id) WHERE child_id IS NOT NULL;

-- What the law and good practice ask of whom, as data. A rule that changes is
-- ended and followed by another; rows are never edited.
CREATE TABLE credential_rule (
    code           text NOT NULL,
    starts_on      date NOT NULL,
    ends_on        date CHECK (ends_on >= starts_on),
    categories     text[] NOT NULL, -- of offers; empty: all
    age_from       int NOT NULL,    -- of the child, on the date
    age_to         int NOT NULL CHECK (age_to >= age_from),
    over_minutes   int NOT NULL DEFAULT 0, -- only offers of more than this on a day
    overnight      boolean,         -- only if so; null: either
    personal_care  boolean,
    frequent       boolean,         -- four days in thirty, or more
    kind           text NOT NULL,
    holders        text NOT NULL CHECK (holders IN ('provider', 'one', 'each')), -- itself; one worker; as many as the offer's ratio has
    words          text NOT NULL,
    basis          text NOT NULL,
    PRIMARY KEY (code, starts_on)
);
INSERT INTO credential_rule (code, starts_on, categories, age_from, age_to, over_minutes, overnight, personal_care, frequent, kind, holders, words, basis) VALUES
('ofsted_childcare', '2000-01-01', '{club,holiday_scheme,play}', 0, 7, 120, NULL, NULL, NULL, 'ofsted', 'provider',
    'Childcare for children under 8 for more than two hours a day is registered with Ofsted.', 'L12'),
('ofsted_overnight', '2000-01-01', '{overnight}', 0, 17, 0, NULL, NULL, NULL, 'ofsted', 'provider',
    'A place where disabled children stay overnight is registered with Ofsted.', 'L12'),
('ofsted_residential_holiday', '2000-01-01', '{holiday_scheme,trip}', 0, 17, 0, true, NULL, NULL, 'ofsted', 'provider',
    'A residential holiday scheme for disabled children is registered with Ofsted.', 'L12'),
('cqc_personal_care', '2000-01-01', '{support_worker,overnight}', 0, 25, 0, NULL, true, NULL, 'cqc', 'provider',
    'Personal care is a regulated activity, registered with the Care Quality Commission.', 'L12'),
('dbs_frequent', '2000-01-01', '{}', 0, 17, 0, NULL, NULL, true, 'dbs_enhanced', 'each',
    'Work with children on four days in thirty or more needs an enhanced DBS check with the barred list.', 'L13'),
('dbs_overnight', '2000-01-01', '{}', 0, 17, 0, true, NULL, NULL, 'dbs_enhanced', 'each',
    'Work with children between 2 and 6 in the morning needs an enhanced DBS check with the barred list.', 'L13'),
('dbs_personal_care', '2000-01-01', '{}', 0, 25, 0, NULL, true, NULL, 'dbs_enhanced', 'each',
    'Personal care, even once, needs an enhanced DBS check with the barred list.', 'L13'),
('public_liability', '2000-01-01', '{}', 0, 25, 0, NULL, NULL, NULL, 'insurance_public_liability', 'provider',
    'Whoever offers support is insured for harm to others.', 'L12'),
('safeguarding', '2000-01-01', '{}', 0, 17, 0, NULL, NULL, true, 'safeguarding_training', 'one',
    'Somebody on the staff has been trained to keep children safe.', 'L12'),
('first_aid', '2000-01-01', '{club,holiday_scheme,play,swimming,hydrotherapy,sport,trip,overnight}', 0, 25, 0, NULL, NULL, NULL, 'first_aid', 'one',
    'Somebody on the staff holds a first aid certificate.', 'L12'),
('manual_handling', '2000-01-01', '{}', 0, 25, 0, NULL, true, NULL, 'manual_handling', 'one',
    'Personal care needs somebody trained in moving and handling.', 'L12');

CREATE TABLE ratio_rule (
    code                text NOT NULL,
    starts_on           date NOT NULL,
    ends_on             date CHECK (ends_on >= starts_on),
    register            text NOT NULL CHECK (register IN ('early_years', 'any')), -- early_years: where Ofsted registers the care
    age_from            int NOT NULL,
    age_to              int NOT NULL CHECK (age_to >= age_from),
    children_per_staff  int NOT NULL CHECK (children_per_staff > 0),
    binding             boolean NOT NULL, -- false: shown as advice
    words               text NOT NULL,
    PRIMARY KEY (code, starts_on)
);
INSERT INTO ratio_rule (code, starts_on, register, age_from, age_to, children_per_staff, binding, words) VALUES
('early_years_under_2', '2023-09-04', 'early_years', 0, 1, 3, true, 'Registered care of children under 2 has one adult for at most 3.'),
('early_years_2', '2023-09-04', 'early_years', 2, 2, 5, true, 'Registered care of two-year-olds has one adult for at most 5.'),
('early_years_3_and_4', '2023-09-04', 'early_years', 3, 4, 8, true, 'Registered care of children of 3 and 4 has one adult for at most 8.'),
('advice_4_to_8', '2000-01-01', 'any', 4, 8, 6, false, 'For children of 4 to 8, one adult for 6 is advised.'),
('advice_9_to_12', '2000-01-01', 'any', 9, 12, 8, false, 'For children of 9 to 12, one adult for 8 is advised.'),
('advice_13_to_17', '2000-01-01', 'any', 13, 17, 10, false, 'For young people of 13 to 17, one adult for 10 is advised.');

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['provider_identifier', 'identifier_confirmation', 'provider_member', 'reliability', 'staff', 'credential',
                             'credential_cover', 'credential_acceptance', 'notice', 'competency'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['provider_identifier', 'provider_member', 'reliability', 'staff', 'credential', 'credential_cover', 'notice'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_own', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['provider_identifier', 'identifier_confirmation', 'provider_member', 'reliability', 'credential_cover'] LOOP
        EXECUTE format('CREATE POLICY %I ON %I FOR SELECT USING (true)', t || '_public', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['identifier_confirmation', 'credential_acceptance'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_tenant', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY credential_acceptance_provider ON credential_acceptance FOR SELECT USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
-- A provider reads and writes of a child only while it has a place for it; the
-- rows of booking_item it can see are its own.
CREATE POLICY competency_own ON competency USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[])
    AND (child_id IS NULL OR EXISTS (SELECT FROM booking_item i WHERE i.provider_id = competency.provider_id AND i.child_id = competency.child_id
        AND item_is_live(i.state))));
CREATE POLICY competency_tenant ON competency FOR SELECT USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE TRIGGER credential_acceptance_append_only BEFORE UPDATE OR DELETE ON credential_acceptance FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER notice_append_only BEFORE UPDATE OR DELETE ON notice FOR EACH ROW EXECUTE FUNCTION refuse_change();

GRANT SELECT, INSERT, UPDATE ON provider_identifier, provider_member, reliability, staff, credential TO shortbreaks_app;
GRANT DELETE ON provider_identifier TO shortbreaks_app;
GRANT SELECT, INSERT ON identifier_confirmation, credential_acceptance, notice, competency TO shortbreaks_app;
GRANT SELECT, INSERT, DELETE ON credential_cover TO shortbreaks_app;
GRANT SELECT ON credential_rule, ratio_rule TO shortbreaks_app;

-- +goose Down
DROP INDEX booking_item_provider_child;
DROP TABLE ratio_rule, credential_rule, competency, notice, credential_acceptance, credential_cover, credential, staff, reliability, provider_member,
    identifier_confirmation, provider_identifier;
DROP INDEX lane_worker;
ALTER TABLE offer DROP COLUMN personal_care;
ALTER TABLE worker DROP COLUMN skills, DROP COLUMN languages, DROP COLUMN left_on;
ALTER TABLE setting DROP COLUMN address_lines, DROP COLUMN access_features;
DROP INDEX provider_kind;
ALTER TABLE provider DROP COLUMN kind, DROP COLUMN description, DROP COLUMN web_address, DROP COLUMN languages;
