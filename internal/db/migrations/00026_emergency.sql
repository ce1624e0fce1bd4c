-- +goose Up
-- Places a provider keeps for an authority's emergencies (R027, T53). What is
-- kept is taken off session_places.capacity, so nobody else can see or take
-- it, and what was not used goes back there once. Rows of a session are
-- changed only under the lock of its places.
CREATE TABLE emergency_capacity (
    authority_id         uuid NOT NULL REFERENCES authority (id),
    id                   uuid NOT NULL,
    provider_id          uuid NOT NULL REFERENCES provider (id),
    session_id           uuid NOT NULL,
    places               int NOT NULL CHECK (places > 0),
    used                 int NOT NULL DEFAULT 0,
    release_hours_before int NOT NULL CHECK (release_hours_before >= 0), -- of the start, wherever that moves to
    state                text NOT NULL CHECK (state IN ('held', 'released', 'ended')),
    agreed_by            uuid NOT NULL,
    agreed_at            timestamptz NOT NULL,
    ended_by             uuid, -- null: the time, or the session was called off
    ended_at             timestamptz,
    CONSTRAINT emergency_places_never_oversold CHECK (used BETWEEN 0 AND places),
    CHECK ((state = 'held') = (ended_at IS NULL)),
    PRIMARY KEY (authority_id, id)
);
CREATE UNIQUE INDEX emergency_capacity_once ON emergency_capacity (authority_id, provider_id, session_id) WHERE state = 'held';
CREATE INDEX emergency_capacity_held ON emergency_capacity (provider_id, session_id) WHERE state = 'held';
ALTER TABLE emergency_capacity ENABLE ROW LEVEL SECURITY;
ALTER TABLE emergency_capacity FORCE ROW LEVEL SECURITY;
CREATE POLICY emergency_capacity_tenant ON emergency_capacity USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE POLICY emergency_capacity_provider ON emergency_capacity USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
GRANT SELECT, INSERT ON emergency_capacity TO shortbreaks_app;
GRANT UPDATE (used, state, ended_by, ended_at) ON emergency_capacity TO shortbreaks_app; -- whose it is never changes

-- Money for emergencies: one commissioner proposes, another one approves.
CREATE TABLE contingency_funding (
    authority_id  uuid NOT NULL REFERENCES authority (id),
    id            uuid NOT NULL,
    stream        text NOT NULL CHECK (stream IN ('social_care', 'education', 'health', 'grant')),
    period_id     uuid NOT NULL,
    amount_pence  bigint NOT NULL CHECK (amount_pence > 0),
    note          text NOT NULL DEFAULT '' CHECK (length(note) <= 300),
    proposed_by   uuid NOT NULL,
    proposed_at   timestamptz NOT NULL,
    account_id    uuid, -- once approved
    approved_by   uuid,
    approved_at   timestamptz,
    CHECK ((approved_by IS NULL) = (approved_at IS NULL) AND (approved_by IS NULL) = (account_id IS NULL)),
    CONSTRAINT funding_takes_two CHECK (approved_by <> proposed_by),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, period_id) REFERENCES period (authority_id, id),
    FOREIGN KEY (authority_id, account_id) REFERENCES account (authority_id, id)
);
ALTER TABLE contingency_funding ENABLE ROW LEVEL SECURITY;
ALTER TABLE contingency_funding FORCE ROW LEVEL SECURITY;
CREATE POLICY contingency_funding_tenant ON contingency_funding USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
GRANT SELECT, INSERT ON contingency_funding TO shortbreaks_app;
GRANT UPDATE (account_id, approved_by, approved_at) ON contingency_funding TO shortbreaks_app;

-- Who pays may now be the authority's contingency.
ALTER TABLE item_charge DROP CONSTRAINT item_charge_payer_check, ADD CONSTRAINT item_charge_payer_check
    CHECK (payer IN ('budget', 'contract', 'funded_place', 'family_direct', 'family_top_up', 'contingency'));

-- A booking of an emergency place, and what was decided the next working day.
CREATE TABLE emergency_booking (
    authority_id  uuid NOT NULL,
    booking_id    uuid NOT NULL,
    item_id       uuid NOT NULL,
    child_id      uuid NOT NULL,
    capacity_id   uuid NOT NULL,
    stream        text NOT NULL CHECK (stream IN ('social_care', 'education', 'health', 'grant')),
    reason        text NOT NULL CHECK (length(reason) BETWEEN 3 AND 500),
    booked_by     uuid NOT NULL,
    booked_at     timestamptz NOT NULL,
    decide_by     date NOT NULL, -- the next working day
    decision      text CHECK (decision IN ('contingency', 'recharge')),
    line_id       uuid, -- that is to pay, if the child's budget is
    words         text NOT NULL DEFAULT '' CHECK (length(words) <= 500),
    decided_by    uuid,
    decided_at    timestamptz,
    recharged_pence bigint CHECK (recharged_pence >= 0), -- null: not yet, or not
    CHECK ((decision IS NULL) = (decided_by IS NULL) AND (decision IS NULL) = (decided_at IS NULL)),
    CHECK ((decision IS NOT DISTINCT FROM 'recharge') = (line_id IS NOT NULL)),
    CHECK (recharged_pence IS NULL OR decision = 'recharge'),
    CONSTRAINT emergency_takes_two CHECK (decided_by <> booked_by),
    PRIMARY KEY (authority_id, booking_id),
    FOREIGN KEY (authority_id, booking_id) REFERENCES booking (authority_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id),
    FOREIGN KEY (authority_id, line_id) REFERENCES plan_line (authority_id, id),
    FOREIGN KEY (authority_id, capacity_id) REFERENCES emergency_capacity (authority_id, id)
);
CREATE INDEX emergency_booking_capacity ON emergency_booking (authority_id, capacity_id);
CREATE INDEX emergency_booking_to_recharge ON emergency_booking (authority_id, booking_id) WHERE decision = 'recharge' AND recharged_pence IS NULL;
-- What a child's budget paid back to the contingency, by account.
CREATE TABLE recharge (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    account_id    uuid NOT NULL,
    line_id       uuid NOT NULL,
    amount_pence  bigint NOT NULL CHECK (amount_pence > 0),
    PRIMARY KEY (authority_id, item_id, account_id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id),
    FOREIGN KEY (authority_id, account_id) REFERENCES account (authority_id, id),
    FOREIGN KEY (authority_id, line_id) REFERENCES plan_line (authority_id, id)
);
CREATE INDEX recharge_line ON recharge (authority_id, line_id);
-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['emergency_booking', 'recharge'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_tenant', t);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE TRIGGER recharge_append_only BEFORE UPDATE OR DELETE ON recharge FOR EACH ROW EXECUTE FUNCTION refuse_change();
GRANT SELECT, INSERT ON emergency_booking, recharge TO shortbreaks_app;
GRANT UPDATE (decision, line_id, words, decided_by, decided_at, recharged_pence) ON emergency_booking TO shortbreaks_app;

-- A charge the contingency bears is held and given back like one of a budget.
-- The views are changed where they name the payers, and otherwise left as they are.
-- +goose StatementBegin
DO $$
DECLARE
    v text;
    was text;
    now text;
BEGIN
    FOREACH v IN ARRAY ARRAY['audit_charges_equal_holds', 'audit_refunds'] LOOP
        was := rtrim(pg_get_viewdef(v::regclass), '; ');
        now := replace(was, '''family_top_up''::text]', '''family_top_up''::text, ''contingency''::text]');
        IF now = was THEN
            RAISE EXCEPTION '% names its payers in another way', v;
        END IF;
        EXECUTE 'CREATE OR REPLACE VIEW ' || v || ' WITH (security_invoker = true) AS ' || now;
    END LOOP;
END $$;
-- +goose StatementEnd

-- What a line was charged later counts as spent of it.
CREATE OR REPLACE VIEW audit_line_limits WITH (security_invoker = true) AS
SELECT l.authority_id, 'plan line ' || l.id AS subject,
    'limit ' || l.limit_amount || ', held ' || l.held || ' (holds ' || coalesce(h.held, 0) || '), spent ' || l.spent || ' (holds ' || coalesce(h.spent, 0)
        || ', recharged ' || coalesce(r.pence, 0) || ')' AS detail
FROM plan_line l
LEFT JOIN (SELECT authority_id, line_id, coalesce(sum(amount) FILTER (WHERE state = 'pending'), 0) AS held, sum(captured - refunded) AS spent
    FROM hold WHERE line_id IS NOT NULL GROUP BY 1, 2) h ON h.authority_id = l.authority_id AND h.line_id = l.id
LEFT JOIN (SELECT authority_id, line_id, sum(amount_pence) AS pence FROM recharge GROUP BY 1, 2) r ON r.authority_id = l.authority_id AND r.line_id = l.id
WHERE l.held + l.spent > l.limit_amount OR l.held <> coalesce(h.held, 0) OR l.spent <> coalesce(h.spent, 0) + coalesce(r.pence, 0);

-- Emergency places used are those booked; none is kept past its time or in a
-- session that is not running; contingency money came by two people and pays
-- for emergencies alone; what a budget paid back was posted once.
CREATE VIEW audit_emergency WITH (security_invoker = true) AS
WITH booked AS (
    SELECT e.authority_id, e.capacity_id, sum(i.places) AS n FROM emergency_booking e
    JOIN booking_item i ON i.authority_id = e.authority_id AND i.id = e.item_id GROUP BY 1, 2
), back AS (
    SELECT authority_id, item_id, sum(amount_pence) AS pence FROM recharge GROUP BY 1, 2
), posted AS (
    SELECT t.authority_id, t.source_id, e.account_id, a.kind, sum(e.amount) AS amount FROM ledger_transaction t
    JOIN ledger_entry e ON e.authority_id = t.authority_id AND e.transaction_id = t.id
    JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id
    WHERE t.kind = 'recharge' GROUP BY 1, 2, 3, 4
)
SELECT c.authority_id, 'emergency_capacity ' || c.id AS subject, 'used ' || c.used || ' of ' || c.places || ', booked ' || coalesce(b.n, 0) AS detail
FROM emergency_capacity c LEFT JOIN booked b ON b.authority_id = c.authority_id AND b.capacity_id = c.id
WHERE c.used <> coalesce(b.n, 0) OR c.used > c.places
UNION ALL
SELECT c.authority_id, 'emergency_capacity ' || c.id, 'still held of session ' || c.session_id || ', which is ' || coalesce(s.state, 'gone') || ' and starts at ' || coalesce(s.starts_at::text, '?')
FROM emergency_capacity c LEFT JOIN session s ON s.provider_id = c.provider_id AND s.id = c.session_id
WHERE c.state = 'held' AND (s.id IS NULL OR s.state <> 'scheduled' OR s.starts_at - make_interval(hours => c.release_hours_before) < audit_now() - interval '2 minutes')
UNION ALL
SELECT f.authority_id, 'contingency_funding ' || f.id, 'approved by who proposed it, or posted otherwise'
FROM contingency_funding f
LEFT JOIN ledger_transaction t ON t.authority_id = f.authority_id AND t.source_id = f.id AND t.kind = 'allocate'
LEFT JOIN ledger_entry e ON e.authority_id = t.authority_id AND e.transaction_id = t.id AND e.account_id = f.account_id
WHERE f.approved_by = f.proposed_by OR coalesce(e.amount, 0) <> CASE WHEN f.approved_by IS NULL THEN 0 ELSE f.amount_pence END
UNION ALL
SELECT h.authority_id, 'hold ' || h.id, 'on contingency money, and no emergency'
FROM hold h JOIN account a ON a.authority_id = h.authority_id AND a.id = h.account_id AND a.kind = 'contingency'
WHERE NOT EXISTS (SELECT FROM emergency_booking e WHERE e.authority_id = h.authority_id AND e.item_id = h.item_id)
UNION ALL
SELECT coalesce(r.authority_id, p.authority_id), 'item ' || coalesce(r.item_id, p.source_id),
    'recharged ' || coalesce(r.amount_pence, 0) || ' to account ' || coalesce(r.account_id, p.account_id) || ', posted ' || -coalesce(p.amount, 0)
FROM recharge r FULL JOIN (SELECT * FROM posted WHERE kind = 'budget') p
    ON p.authority_id = r.authority_id AND p.source_id = r.item_id AND p.account_id = r.account_id
WHERE coalesce(r.amount_pence, 0) <> -coalesce(p.amount, 0)
UNION ALL
SELECT e.authority_id, 'item ' || e.item_id, 'recharged ' || coalesce(b.pence, 0) || ', decided ' || coalesce(e.recharged_pence, 0) || ', the contingency got '
    || coalesce(p.pence, 0)
FROM emergency_booking e
LEFT JOIN back b ON b.authority_id = e.authority_id AND b.item_id = e.item_id
LEFT JOIN (SELECT authority_id, source_id, sum(amount) AS pence FROM posted WHERE kind = 'contingency' GROUP BY 1, 2) p
    ON p.authority_id = e.authority_id AND p.source_id = e.item_id
WHERE coalesce(b.pence, 0) <> coalesce(e.recharged_pence, 0) OR coalesce(p.pence, 0) <> coalesce(e.recharged_pence, 0)
UNION ALL
SELECT r.authority_id, 'recharge of item ' || r.item_id, 'from the account or the plan line of another child'
FROM recharge r JOIN booking_item i ON i.authority_id = r.authority_id AND i.id = r.item_id
JOIN account a ON a.authority_id = r.authority_id AND a.id = r.account_id
JOIN plan_line l ON l.authority_id = r.authority_id AND l.id = r.line_id
WHERE a.child_id IS DISTINCT FROM i.child_id OR l.child_id IS DISTINCT FROM i.child_id;
GRANT SELECT ON audit_emergency TO shortbreaks_app;

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
DECLARE
    pair text[];
    sql text := rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ');
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['contingency_funding', 'id', 'period_id', 'period'], ['contingency_funding', 'id', 'account_id', 'account'],
        ['emergency_booking', 'booking_id', 'booking_id', 'booking'], ['emergency_booking', 'booking_id', 'item_id', 'booking_item'],
        ['emergency_booking', 'booking_id', 'child_id', 'child'], ['emergency_booking', 'booking_id', 'line_id', 'plan_line'],
        ['emergency_booking', 'booking_id', 'capacity_id', 'emergency_capacity'],
        ['recharge', 'item_id', 'item_id', 'booking_item'], ['recharge', 'item_id', 'account_id', 'account'], ['recharge', 'item_id', 'line_id', 'plan_line']
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
DECLARE v text;
BEGIN
    FOR n IN 1..10 LOOP
        EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
            || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
    END LOOP;
    FOREACH v IN ARRAY ARRAY['audit_charges_equal_holds', 'audit_refunds'] LOOP
        EXECUTE 'CREATE OR REPLACE VIEW ' || v || ' WITH (security_invoker = true) AS '
            || replace(rtrim(pg_get_viewdef(v::regclass), '; '), ', ''contingency''::text]', ']');
    END LOOP;
END $$;
-- +goose StatementEnd
DROP VIEW audit_emergency;
CREATE OR REPLACE VIEW audit_line_limits WITH (security_invoker = true) AS
SELECT l.authority_id, 'plan line ' || l.id AS subject,
    'limit ' || l.limit_amount || ', held ' || l.held || ' (holds ' || coalesce(h.held, 0) || '), spent ' || l.spent || ' (holds ' || coalesce(h.spent, 0) || ')' AS detail
FROM plan_line l
LEFT JOIN (SELECT authority_id, line_id, coalesce(sum(amount) FILTER (WHERE state = 'pending'), 0) AS held, sum(captured - refunded) AS spent
    FROM hold WHERE line_id IS NOT NULL GROUP BY 1, 2) h ON h.authority_id = l.authority_id AND h.line_id = l.id
WHERE l.held + l.spent > l.limit_amount OR l.held <> coalesce(h.held, 0) OR l.spent <> coalesce(h.spent, 0);
DROP TABLE recharge, emergency_booking;
ALTER TABLE item_charge DROP CONSTRAINT item_charge_payer_check, ADD CONSTRAINT item_charge_payer_check
    CHECK (payer IN ('budget', 'contract', 'funded_place', 'family_direct', 'family_top_up'));
DROP TABLE contingency_funding, emergency_capacity;
