-- +goose Up
-- The register as a phone writes it: one row for each thing noted, by the
-- phone's own clock, so that sending one twice changes nothing. The last noted
-- of each kind is what counts.
CREATE TABLE register_step (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('arrived', 'left', 'absent')),
    noted_at      timestamptz NOT NULL, -- by the phone
    provider_id   uuid NOT NULL,
    at            timestamptz, -- when it happened; null: absent
    cause         text NOT NULL DEFAULT '',
    collected_by  text NOT NULL DEFAULT '',
    collected_how text NOT NULL DEFAULT '' CHECK (collected_how IN ('', 'listed', 'password', 'unlisted')),
    recorded_by   uuid NOT NULL,
    recorded_at   timestamptz NOT NULL,
    CHECK ((kind = 'absent') = (at IS NULL)),
    CHECK (kind = 'left' OR collected_by = ''),
    PRIMARY KEY (authority_id, item_id, kind, noted_at),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
ALTER TABLE delivery ADD COLUMN collected_by text NOT NULL DEFAULT '', ADD COLUMN collected_how text NOT NULL DEFAULT '',
    ADD COLUMN agree_because text NOT NULL DEFAULT '' CHECK (agree_because IN ('', 'late', 'overnight', 'sum')); -- why silence does not agree
-- Who of the staff was there, for a session or a visit; the last noted counts.
CREATE TABLE staff_present (
    provider_id    uuid NOT NULL,
    occasion_id    uuid NOT NULL, -- a session, or the item of a visit
    noted_at       timestamptz NOT NULL,
    worker_ids     uuid[] NOT NULL,
    staff_needed   int NOT NULL CHECK (staff_needed >= 0),
    recorded_by    uuid NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (provider_id, occasion_id, noted_at)
);
-- Who may collect a child, and the password for anybody else. Kept by the
-- family; a provider reads it only through a booking.
CREATE TABLE collection_list (
    authority_id   uuid NOT NULL,
    child_id       uuid NOT NULL,
    people         jsonb NOT NULL, -- [{"name": ..., "relation": ...}]
    password_hash  bytea, -- Argon2id; null: nobody else may collect
    password_salt  bytea,
    set_by         uuid NOT NULL,
    set_at         timestamptz NOT NULL,
    CHECK ((password_hash IS NULL) = (password_salt IS NULL)),
    PRIMARY KEY (authority_id, child_id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE TABLE collection_try (
    authority_id  uuid NOT NULL,
    child_id      uuid NOT NULL,
    id            uuid NOT NULL,
    provider_id   uuid NOT NULL,
    tried_by      uuid NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (authority_id, child_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);

-- What is added to an item after it took place: more time the family agreed
-- to, or what the price list said could be added, each with its event. It is
-- due in full, whatever part of the rest is.
ALTER TABLE item_charge ADD COLUMN added text NOT NULL DEFAULT '', ADD COLUMN due_pence bigint CHECK (due_pence BETWEEN 0 AND amount_pence);
GRANT UPDATE (due_pence) ON item_charge TO shortbreaks_app;
CREATE TABLE extra_time (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    id            uuid NOT NULL,
    provider_id   uuid NOT NULL,
    minutes       int NOT NULL CHECK (minutes > 0),
    amount_pence  bigint NOT NULL CHECK (amount_pence > 0),
    reason        text NOT NULL,
    state         text NOT NULL CHECK (state IN ('open', 'agreed', 'refused', 'withdrawn')),
    answer        text NOT NULL DEFAULT '',
    proposed_by   uuid NOT NULL,
    proposed_at   timestamptz NOT NULL,
    answered_by   uuid,
    answered_at   timestamptz,
    CHECK ((state IN ('agreed', 'refused')) = (answered_by IS NOT NULL)),
    PRIMARY KEY (authority_id, item_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
CREATE UNIQUE INDEX extra_time_open ON extra_time (authority_id, item_id) WHERE state = 'open';
CREATE UNIQUE INDEX extra_time_once ON extra_time (authority_id, item_id) WHERE state = 'agreed';
CREATE TABLE item_happening (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    id            uuid NOT NULL,
    provider_id   uuid NOT NULL,
    event         text NOT NULL CHECK (event IN ('late_pick_up', 'disturbance', 'waking_night', 'extra_mile', 'damage', 'other')),
    amount        int NOT NULL CHECK (amount > 0), -- minutes or times
    happened_at   timestamptz NOT NULL,
    note          text NOT NULL DEFAULT '',
    noted_at      timestamptz NOT NULL, -- by the phone; names it
    charge_n      int,
    charge_pence  bigint NOT NULL DEFAULT 0 CHECK (charge_pence >= 0),
    cap_pence     bigint, -- of one date, as the quote showed it
    because       text NOT NULL DEFAULT '', -- why nothing is charged
    recorded_by   uuid NOT NULL,
    recorded_at   timestamptz NOT NULL,
    withdrawn_at  timestamptz,
    CHECK ((charge_n IS NULL) = (charge_pence = 0)),
    PRIMARY KEY (authority_id, item_id, id),
    CONSTRAINT happened_once UNIQUE (authority_id, item_id, event, noted_at),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id),
    FOREIGN KEY (authority_id, item_id, charge_n) REFERENCES item_charge (authority_id, item_id, n)
);

-- What was added is what somebody agreed to or what happened, and no more than
-- the quote showed.
CREATE VIEW audit_added_charges WITH (security_invoker = true) AS
WITH reason AS (
    SELECT authority_id, item_id, 'extra' AS added, amount_pence AS pence FROM extra_time WHERE state = 'agreed'
    UNION ALL
    SELECT authority_id, item_id, event, charge_pence FROM item_happening WHERE withdrawn_at IS NULL
), reasons AS (
    SELECT authority_id, item_id, added, sum(pence) AS pence FROM reason GROUP BY 1, 2, 3
), charged AS (
    SELECT authority_id, item_id, added, sum(amount_pence) AS pence FROM item_charge WHERE added <> '' GROUP BY 1, 2, 3
)
SELECT coalesce(c.authority_id, r.authority_id) AS authority_id, 'item ' || coalesce(c.item_id, r.item_id) AS subject,
    coalesce(c.added, r.added) || ' adds ' || coalesce(c.pence, 0) || ' pence, its reasons ' || coalesce(r.pence, 0) AS detail
FROM charged c FULL JOIN reasons r ON r.authority_id = c.authority_id AND r.item_id = c.item_id AND r.added = c.added
WHERE coalesce(c.pence, 0) <> coalesce(r.pence, 0)
UNION ALL
SELECT authority_id, 'item ' || item_id, event || ' adds ' || sum(charge_pence) || ' pence, the cap shown is ' || min(cap_pence)
FROM item_happening WHERE withdrawn_at IS NULL GROUP BY authority_id, item_id, event HAVING sum(charge_pence) > min(cap_pence);
GRANT SELECT ON audit_added_charges TO shortbreaks_app;

-- What went wrong and what medicine was given: read by few, never changed.
CREATE TABLE item_note (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    id            uuid NOT NULL,
    provider_id   uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('incident', 'medication')),
    words         text NOT NULL,
    happened_at   timestamptz NOT NULL,
    corrects      uuid, -- the note this one puts right
    written_by    uuid NOT NULL,
    written_role  text NOT NULL,
    written_at    timestamptz NOT NULL,
    PRIMARY KEY (authority_id, item_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id),
    FOREIGN KEY (authority_id, item_id, corrects) REFERENCES item_note (authority_id, item_id, id)
);
-- What a worker needs to know of a child, as the family writes and confirms it.
CREATE TABLE care_fact (
    authority_id  uuid NOT NULL,
    child_id      uuid NOT NULL,
    field         text NOT NULL CHECK (field IN ('communication', 'what_helps', 'avoid', 'medication', 'eating', 'moving', 'personal_care', 'sleep',
                      'emergency_contact')),
    owner_id      uuid NOT NULL, -- of an emergency contact its parent, who alone of the family reads it; else nobody (zero)
    words         text NOT NULL,
    written_by    uuid NOT NULL,
    confirmed_at  timestamptz NOT NULL,
    confirmed_by  uuid NOT NULL,
    PRIMARY KEY (authority_id, child_id, field, owner_id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
-- Who read what of the most private things about a child.
CREATE TABLE read_event (
    authority_id  uuid NOT NULL,
    child_id      uuid NOT NULL,
    id            uuid NOT NULL,
    what          text NOT NULL CHECK (what IN ('notes', 'care_sheet')),
    item_id       uuid, -- the booking it was read for
    provider_id   uuid,
    reader_id     uuid NOT NULL,
    reader_role   text NOT NULL,
    at            timestamptz NOT NULL,
    PRIMARY KEY (authority_id, child_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['register_step', 'staff_present', 'collection_list', 'collection_try', 'extra_time', 'item_happening', 'item_note', 'read_event', 'care_fact'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['register_step', 'collection_list', 'collection_try', 'extra_time', 'item_happening', 'item_note', 'read_event', 'care_fact'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_tenant', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['register_step', 'staff_present', 'extra_time', 'item_happening', 'item_note', 'read_event'] LOOP
        EXECUTE format($p$CREATE POLICY %I ON %I USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]))$p$, t || '_provider', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE TRIGGER register_step_append_only BEFORE UPDATE OR DELETE ON register_step FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER staff_present_append_only BEFORE UPDATE OR DELETE ON staff_present FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER item_note_append_only BEFORE UPDATE OR DELETE ON item_note FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER read_event_append_only BEFORE UPDATE OR DELETE ON read_event FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT, UPDATE, DELETE ON care_fact TO shortbreaks_app;
GRANT SELECT, INSERT ON register_step, staff_present, collection_try, item_note, read_event TO shortbreaks_app;
GRANT SELECT, INSERT, UPDATE ON collection_list, extra_time, item_happening TO shortbreaks_app;

-- A provider's day: visits by their start; sessions are found by their own.
CREATE INDEX booking_item_visit ON booking_item (provider_id, starts_at) WHERE session_id IS NULL;

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
DECLARE
    pair text[];
    parts text := rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ');
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['register_step', 'item_id', 'booking_item'], ['extra_time', 'item_id', 'booking_item'], ['item_happening', 'item_id', 'booking_item'],
        ['collection_list', 'child_id', 'child'], ['collection_try', 'child_id', 'child'],
        ['item_note', 'item_id', 'booking_item'], ['care_fact', 'child_id', 'child'], ['read_event', 'child_id', 'child'], ['read_event', 'item_id', 'booking_item']
    ] LOOP
        parts := parts || format(' UNION ALL SELECT c.authority_id, %L || c.%I AS subject, %L AS detail FROM %I c
            WHERE c.%I IS NOT NULL AND NOT EXISTS (SELECT FROM %I p WHERE p.authority_id = c.authority_id AND p.id = c.%I)',
            pair[1] || ' of ', pair[2], 'its ' || pair[3] || ' is not of this authority', pair[1], pair[2], pair[3], pair[2]);
    END LOOP;
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS ' || parts;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    FOR n IN 1..9 LOOP
        EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
            || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
    END LOOP;
END $$;
-- +goose StatementEnd
DROP INDEX booking_item_visit;
DROP VIEW audit_added_charges;
DROP TABLE read_event, care_fact, item_note;
DROP TABLE item_happening, extra_time;
ALTER TABLE item_charge DROP COLUMN added, DROP COLUMN due_pence;
DROP TABLE collection_try, collection_list, staff_present, register_step;
ALTER TABLE delivery DROP COLUMN collected_by, DROP COLUMN collected_how, DROP COLUMN agree_because;
