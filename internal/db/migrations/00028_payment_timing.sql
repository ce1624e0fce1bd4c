-- +goose Up
-- What is paid before it takes place, as it was quoted: so much of a charge, on
-- a day. What the family pays the provider itself, and what a contract pays, is
-- shown and never taken (outside).
CREATE TABLE item_due (
    authority_id  uuid NOT NULL,
    item_id       uuid NOT NULL,
    charge_n      int NOT NULL,
    what          text NOT NULL CHECK (what IN ('at_booking', 'advance', 'deposit', 'balance')),
    id            uuid NOT NULL, -- names the transaction that takes it
    provider_id   uuid NOT NULL,
    due_on        date NOT NULL, -- London's; at booking: the day of it
    amount_pence  bigint NOT NULL CHECK (amount_pence >= 0),
    state         text NOT NULL CHECK (state IN ('open', 'taken', 'ended', 'outside')),
    taken_at      timestamptz,
    CHECK ((state = 'taken') = (taken_at IS NOT NULL)),
    PRIMARY KEY (authority_id, item_id, charge_n, what),
    CONSTRAINT due_taken_once UNIQUE (authority_id, id),
    FOREIGN KEY (authority_id, item_id, charge_n) REFERENCES item_charge (authority_id, item_id, n)
);
CREATE INDEX item_due_open ON item_due (due_on) WHERE state = 'open';
ALTER TABLE item_due ENABLE ROW LEVEL SECURITY;
ALTER TABLE item_due FORCE ROW LEVEL SECURITY;
CREATE POLICY item_due_tenant ON item_due USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
CREATE POLICY item_due_provider ON item_due USING (provider_id = ANY ((SELECT app_ids('app.providers'))::uuid[]));
GRANT SELECT, INSERT ON item_due TO shortbreaks_app;
GRANT UPDATE (amount_pence, state, taken_at) ON item_due TO shortbreaks_app;

-- A charge due in two parts is held in two holds: each is resolved once.
ALTER TABLE hold ADD COLUMN due text NOT NULL DEFAULT '' CHECK (due IN ('', 'at_booking', 'advance', 'deposit', 'balance'));
-- Given back because it was paid ahead and not owed in the end.
ALTER TABLE refund ADD COLUMN ahead boolean NOT NULL DEFAULT false;

CREATE FUNCTION due_kind(what text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT CASE what WHEN 'at_booking' THEN 'advance' ELSE what END $$;

CREATE OR REPLACE VIEW audit_hold_state WITH (security_invoker = true) AS
WITH fault AS MATERIALIZED (
    SELECT h.authority_id, h.id, h.item_id, h.charge_n, h.due, h.state, i.state AS item_state
    FROM hold h JOIN booking_item i ON i.authority_id = h.authority_id AND i.id = h.item_id
    WHERE (h.state = 'pending') <> CASE WHEN h.for_fee THEN i.fee_due_at IS NOT NULL ELSE item_is_live(i.state) AND i.state <> 'settled' END AND NOT h.replaced
)
SELECT f.authority_id, 'hold ' || f.id AS subject, f.state || ' while item ' || f.item_id || ' is ' || f.item_state AS detail
FROM fault f
WHERE NOT (f.state = 'captured' AND EXISTS (SELECT FROM item_due d WHERE d.authority_id = f.authority_id AND d.item_id = f.item_id
    AND d.charge_n = f.charge_n AND d.what = f.due AND d.state = 'taken'));

-- What was captured was posted, each part once, from the same accounts; and in
-- the end the provider is owed what was due: what was taken ahead, less what of
-- it was given back, and the rest.
CREATE OR REPLACE VIEW audit_settled_items_posted WITH (security_invoker = true) AS
WITH posting AS (
    SELECT authority_id, id, source_id AS item_id, true AS last FROM ledger_transaction WHERE kind IN ('capture', 'late_fee')
    UNION ALL
    SELECT t.authority_id, t.id, d.item_id, false FROM item_due d
    JOIN ledger_transaction t ON t.authority_id = d.authority_id AND t.source_id = d.id AND t.kind = due_kind(d.what)
), moved AS (
    SELECT p.authority_id, p.item_id, e.account_id, a.kind, sum(e.amount) AS amount
    FROM posting p
    JOIN ledger_entry e ON e.authority_id = p.authority_id AND e.transaction_id = p.id
    JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id AND (a.has_floor OR a.kind = 'provider_payable')
    GROUP BY 1, 2, 3, 4
), taken AS (
    SELECT authority_id, item_id, account_id, sum(captured) AS amount FROM hold WHERE captured > 0 GROUP BY 1, 2, 3
), back AS (
    SELECT authority_id, item_id, sum(amount_pence) AS pence FROM refund WHERE ahead GROUP BY 1, 2
), owed AS (
    SELECT authority_id, item_id, sum(amount) AS pence FROM moved WHERE kind = 'provider_payable' GROUP BY 1, 2
)
SELECT authority_id, 'item ' || item_id AS subject, 'posted ' || count(*) || ' times' AS detail FROM posting WHERE last GROUP BY 1, item_id HAVING count(*) > 1
UNION ALL
SELECT coalesce(k.authority_id, m.authority_id), 'item ' || coalesce(k.item_id, m.item_id),
    'captured ' || coalesce(k.amount, 0) || ' of account ' || coalesce(k.account_id, m.account_id) || ', posted ' || -coalesce(m.amount, 0)
FROM taken k
FULL JOIN (SELECT * FROM moved WHERE kind <> 'provider_payable') m
    ON m.authority_id = k.authority_id AND m.item_id = k.item_id AND m.account_id = k.account_id
WHERE coalesce(k.amount, 0) <> -coalesce(m.amount, 0)
UNION ALL
SELECT i.authority_id, 'item ' || i.id, i.state || ' with ' || coalesce(i.charge_pence, 0) || ' pence due, ' || coalesce(o.pence, 0) - coalesce(b.pence, 0) || ' posted'
FROM booking_item i
LEFT JOIN owed o ON o.authority_id = i.authority_id AND o.item_id = i.id
LEFT JOIN back b ON b.authority_id = i.authority_id AND b.item_id = i.id
WHERE (i.state = 'settled' OR NOT item_is_live(i.state)) AND i.fee_due_at IS NULL AND coalesce(i.charge_pence, 0) <> coalesce(o.pence, 0) - coalesce(b.pence, 0)
    AND NOT EXISTS (SELECT FROM item_charge c WHERE c.authority_id = i.authority_id AND c.item_id = i.id AND c.payer IN ('contract', 'funded_place'));

-- Each part that is due ahead is held for itself, taken whole or not at all,
-- and never more of a charge is paid than it costs; nothing is taken of what is
-- not confirmed, and nothing is given back before it is known what is owed.
CREATE VIEW audit_paid_ahead WITH (security_invoker = true) AS
WITH held AS (
    SELECT authority_id, item_id, charge_n, due, sum(amount) AS amount, sum(captured) AS captured FROM hold
    WHERE due <> '' AND NOT replaced AND NOT for_fee GROUP BY 1, 2, 3, 4
), posted AS (
    SELECT d.authority_id, d.id, t.kind, sum(e.amount) FILTER (WHERE a.kind = 'provider_payable') AS pence
    FROM item_due d
    JOIN ledger_transaction t ON t.authority_id = d.authority_id AND t.source_id = d.id
    JOIN ledger_entry e ON e.authority_id = t.authority_id AND e.transaction_id = t.id
    JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id
    GROUP BY 1, 2, 3
), charged AS (
    SELECT authority_id, item_id, charge_n, sum(amount_pence) AS pence, coalesce(sum(amount_pence) FILTER (WHERE state = 'taken'), 0) AS taken
    FROM item_due GROUP BY 1, 2, 3
), back AS (
    SELECT authority_id, item_id, charge_n, sum(amount_pence) AS pence FROM refund WHERE ahead GROUP BY 1, 2, 3
)
SELECT d.authority_id, 'due ' || d.id AS subject, d.what || ' of item ' || d.item_id || ' is ' || d.state || ' with ' || d.amount_pence || ' pence, '
    || coalesce(p.pence, 0) || ' posted as ' || coalesce(p.kind, 'nothing') AS detail
FROM item_due d LEFT JOIN posted p ON p.authority_id = d.authority_id AND p.id = d.id
WHERE coalesce(p.pence, 0) <> CASE d.state WHEN 'taken' THEN d.amount_pence ELSE 0 END OR p.kind <> due_kind(d.what)
UNION ALL
SELECT d.authority_id, 'due ' || d.id, d.what || ' of item ' || d.item_id || ' is ' || d.state || ' with ' || d.amount_pence || ' pence, its holds are '
    || coalesce(h.amount, 0) || ', captured ' || coalesce(h.captured, 0)
FROM item_due d
JOIN item_charge c ON c.authority_id = d.authority_id AND c.item_id = d.item_id AND c.n = d.charge_n
LEFT JOIN held h ON h.authority_id = d.authority_id AND h.item_id = d.item_id AND h.charge_n = d.charge_n AND h.due = d.what
WHERE coalesce(h.amount, 0) <> CASE WHEN c.payer NOT IN ('budget', 'family_top_up') THEN 0 WHEN c.unit = 'pence' THEN d.amount_pence ELSE c.quantity END
    OR (d.state = 'taken' AND h.captured <> h.amount) OR (d.state = 'outside') <> (c.payer NOT IN ('budget', 'family_top_up'))
UNION ALL
SELECT h.authority_id, 'item ' || h.item_id, 'holds ' || h.amount || ' for a ' || h.due || ' that nobody knows of'
FROM held h
WHERE NOT EXISTS (SELECT FROM item_due d WHERE d.authority_id = h.authority_id AND d.item_id = h.item_id AND d.charge_n = h.charge_n AND d.what = h.due)
UNION ALL
SELECT g.authority_id, 'item ' || g.item_id, 'charge ' || g.charge_n || ' of ' || c.amount_pence || ' pence is due ahead in parts of ' || g.pence
    || ', taken ' || g.taken || ', given back ' || coalesce(b.pence, 0)
FROM charged g
JOIN item_charge c ON c.authority_id = g.authority_id AND c.item_id = g.item_id AND c.n = g.charge_n
LEFT JOIN back b ON b.authority_id = g.authority_id AND b.item_id = g.item_id AND b.charge_n = g.charge_n
WHERE g.pence <> c.amount_pence OR coalesce(b.pence, 0) > g.taken
UNION ALL
SELECT i.authority_id, 'item ' || i.id, i.state || ' with ' || g.taken || ' pence taken ahead, ' || coalesce(b.pence, 0) || ' given back'
FROM charged g
JOIN booking_item i ON i.authority_id = g.authority_id AND i.id = g.item_id
LEFT JOIN back b ON b.authority_id = g.authority_id AND b.item_id = g.item_id AND b.charge_n = g.charge_n
WHERE (g.taken > 0 AND i.state IN ('held', 'requested', 'conditional', 'declined', 'expired')) OR (b.pence > 0 AND item_is_live(i.state) AND i.state <> 'settled');
GRANT SELECT ON audit_paid_ahead TO shortbreaks_app;

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'item_due ' || c.id AS subject, 'booking_item ' || c.item_id || ' is not of this authority' AS detail
            FROM item_due c WHERE NOT EXISTS (SELECT FROM booking_item p WHERE p.authority_id = c.authority_id AND p.id = c.item_id)$v$;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
END $$;
-- +goose StatementEnd
DROP VIEW audit_paid_ahead;
CREATE OR REPLACE VIEW audit_settled_items_posted WITH (security_invoker = true) AS
WITH posting AS (
    SELECT authority_id, id, source_id AS item_id FROM ledger_transaction WHERE kind IN ('capture', 'late_fee')
), moved AS (
    SELECT p.authority_id, p.item_id, e.account_id, a.kind, sum(e.amount) AS amount
    FROM posting p
    JOIN ledger_entry e ON e.authority_id = p.authority_id AND e.transaction_id = p.id
    JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id AND (a.has_floor OR a.kind = 'provider_payable')
    GROUP BY 1, 2, 3, 4
), taken AS (
    SELECT authority_id, item_id, account_id, sum(captured) AS amount FROM hold WHERE captured > 0 GROUP BY 1, 2, 3
), owed AS (
    SELECT authority_id, item_id, sum(amount) AS pence FROM moved WHERE kind = 'provider_payable' GROUP BY 1, 2
)
SELECT authority_id, 'item ' || item_id AS subject, 'posted ' || count(*) || ' times' AS detail FROM posting GROUP BY 1, item_id HAVING count(*) > 1
UNION ALL
SELECT coalesce(k.authority_id, m.authority_id), 'item ' || coalesce(k.item_id, m.item_id),
    'captured ' || coalesce(k.amount, 0) || ' of account ' || coalesce(k.account_id, m.account_id) || ', posted ' || -coalesce(m.amount, 0)
FROM taken k
FULL JOIN (SELECT * FROM moved WHERE kind <> 'provider_payable') m
    ON m.authority_id = k.authority_id AND m.item_id = k.item_id AND m.account_id = k.account_id
WHERE coalesce(k.amount, 0) <> -coalesce(m.amount, 0)
UNION ALL
SELECT i.authority_id, 'item ' || i.id, i.state || ' with ' || coalesce(i.charge_pence, 0) || ' pence due, ' || coalesce(o.pence, 0) || ' posted'
FROM booking_item i LEFT JOIN owed o ON o.authority_id = i.authority_id AND o.item_id = i.id
WHERE (i.state = 'settled' OR NOT item_is_live(i.state)) AND coalesce(i.charge_pence, 0) <> coalesce(o.pence, 0)
    AND NOT EXISTS (SELECT FROM item_charge c WHERE c.authority_id = i.authority_id AND c.item_id = i.id AND c.payer IN ('contract', 'funded_place'))
    AND NOT EXISTS (SELECT FROM ledger_transaction t WHERE t.authority_id = i.authority_id AND t.source_id = i.id AND t.kind IN ('advance', 'deposit', 'balance'));
CREATE OR REPLACE VIEW audit_hold_state WITH (security_invoker = true) AS
WITH fault AS MATERIALIZED (
    SELECT h.authority_id, h.id, h.item_id, h.state, i.state AS item_state
    FROM hold h JOIN booking_item i ON i.authority_id = h.authority_id AND i.id = h.item_id
    WHERE (h.state = 'pending') <> CASE WHEN h.for_fee THEN i.fee_due_at IS NOT NULL ELSE item_is_live(i.state) AND i.state <> 'settled' END AND NOT h.replaced
)
SELECT f.authority_id, 'hold ' || f.id AS subject, f.state || ' while item ' || f.item_id || ' is ' || f.item_state AS detail
FROM fault f
WHERE NOT (f.state = 'captured' AND EXISTS (SELECT FROM ledger_transaction t
    WHERE t.authority_id = f.authority_id AND t.kind IN ('advance', 'deposit', 'balance') AND t.source_id IN (f.id, f.item_id)));
DROP FUNCTION due_kind(text);
ALTER TABLE refund DROP COLUMN ahead;
ALTER TABLE hold DROP COLUMN due;
DROP TABLE item_due;
