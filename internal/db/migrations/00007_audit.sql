-- +goose Up
-- One view for each invariant of the books (docs/ARCHITECTURE.md): it
-- returns the rows that break it, and none if all is well. They are read with
-- the reader's own rights: the audit's scope is every authority. Each is
-- written without trusting the constraint or counter it checks.

-- A payment's notice names a top-up by id alone.
CREATE INDEX top_up_id ON top_up (id);

-- +goose StatementBegin
-- The audit's own time if it set one (tests do), else the database's.
CREATE FUNCTION audit_now() RETURNS timestamptz LANGUAGE sql STABLE AS
$$ SELECT coalesce(nullif(current_setting('app.now', true), '')::timestamptz, now()) $$;
-- +goose StatementEnd
-- +goose StatementBegin
-- The item's place is counted.
CREATE FUNCTION item_is_live(state text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT state IN ('held', 'requested', 'conditional', 'confirmed', 'delivered', 'partly_delivered', 'no_show', 'disputed', 'settled') $$;
-- +goose StatementEnd

CREATE VIEW audit_transactions_sum WITH (security_invoker = true) AS
SELECT e.authority_id, 'transaction ' || e.transaction_id AS subject, 'sums to ' || sum(e.amount) || ' ' || e.unit AS detail
FROM ledger_entry e GROUP BY e.authority_id, e.transaction_id, e.unit HAVING sum(e.amount) <> 0
UNION ALL
SELECT t.authority_id, 'transaction ' || t.id, 'has no entries'
FROM ledger_transaction t
WHERE NOT EXISTS (SELECT FROM ledger_entry e WHERE e.authority_id = t.authority_id AND e.transaction_id = t.id);

CREATE VIEW audit_balance_is_entries WITH (security_invoker = true) AS
SELECT a.authority_id, 'account ' || a.id AS subject, 'balance ' || a.balance || ', entries ' || coalesce(e.total, 0) AS detail
FROM account a
LEFT JOIN (SELECT authority_id, account_id, sum(amount) AS total FROM ledger_entry GROUP BY 1, 2) e
    ON e.authority_id = a.authority_id AND e.account_id = a.id
WHERE a.has_floor AND a.balance <> coalesce(e.total, 0);

CREATE VIEW audit_held_is_pending_holds WITH (security_invoker = true) AS
SELECT a.authority_id, 'account ' || a.id AS subject, 'held ' || a.held || ', pending holds ' || coalesce(h.total, 0) AS detail
FROM account a
LEFT JOIN (SELECT authority_id, account_id, sum(amount) AS total FROM hold WHERE state = 'pending' GROUP BY 1, 2) h
    ON h.authority_id = a.authority_id AND h.account_id = a.id
WHERE a.held <> coalesce(h.total, 0);

CREATE VIEW audit_free_never_negative WITH (security_invoker = true) AS
SELECT a.authority_id, 'account ' || a.id AS subject, 'balance ' || a.balance || ', held ' || a.held AS detail
FROM account a
WHERE a.held < 0 OR (a.has_floor AND a.balance - a.held < 0) OR (NOT a.has_floor AND a.balance <> 0)
    OR a.has_floor <> (a.kind IN ('budget', 'topup', 'contingency'));

-- Past `held`, each charge is held to the unit by whoever pays it through us,
-- and the charges are the price.
CREATE VIEW audit_charges_equal_holds WITH (security_invoker = true) AS
WITH never_past_held AS (
    SELECT i.authority_id, i.id FROM booking_item i WHERE i.state = 'held'
    UNION ALL
    SELECT i.authority_id, i.id FROM booking_item i
    JOIN item_event e ON e.authority_id = i.authority_id AND e.item_id = i.id AND e.from_state = 'held' AND e.to_state = i.state
    WHERE NOT item_is_live(i.state)
), kept AS (
    SELECT authority_id, item_id, charge_n, sum(amount) AS total FROM hold GROUP BY 1, 2, 3
), charged AS (
    SELECT authority_id, item_id, sum(amount_pence) AS total FROM item_charge GROUP BY 1, 2
), faults AS (
    SELECT c.authority_id, c.item_id, 'charge ' || c.n || ' of payer ' || c.payer || ' is ' || c.quantity || ' ' || c.unit || ', its holds are ' || coalesce(k.total, 0) AS detail
    FROM item_charge c
    LEFT JOIN kept k ON k.authority_id = c.authority_id AND k.item_id = c.item_id AND k.charge_n = c.n
    WHERE coalesce(k.total, 0) <> CASE WHEN c.payer IN ('budget', 'family_top_up') THEN c.quantity ELSE 0 END
    UNION ALL
    SELECT i.authority_id, i.id, 'price ' || i.price_pence || ' pence, charges ' || coalesce(g.total, 0)
    FROM booking_item i LEFT JOIN charged g ON g.authority_id = i.authority_id AND g.item_id = i.id
    WHERE i.price_pence <> coalesce(g.total, 0)
)
SELECT f.authority_id, 'item ' || f.item_id AS subject, f.detail FROM faults f
WHERE NOT EXISTS (SELECT FROM never_past_held n WHERE n.authority_id = f.authority_id AND n.id = f.item_id);

-- Money is held as long as the item lives, and no longer; what was taken
-- before the item settled was due in advance and posted as such.
CREATE VIEW audit_hold_state WITH (security_invoker = true) AS
WITH fault AS MATERIALIZED (
    SELECT h.authority_id, h.id, h.item_id, h.state, i.state AS item_state
    FROM hold h JOIN booking_item i ON i.authority_id = h.authority_id AND i.id = h.item_id
    WHERE (h.state = 'pending') <> (item_is_live(i.state) AND i.state <> 'settled')
)
SELECT f.authority_id, 'hold ' || f.id AS subject, f.state || ' while item ' || f.item_id || ' is ' || f.item_state AS detail
FROM fault f
WHERE NOT (f.state = 'captured' AND EXISTS (SELECT FROM ledger_transaction t
    WHERE t.authority_id = f.authority_id AND t.kind IN ('advance', 'deposit', 'balance') AND t.source_id IN (f.id, f.item_id)));

CREATE VIEW audit_expired_live WITH (security_invoker = true) AS
SELECT i.authority_id, 'item ' || i.id AS subject, i.state || ' though it expired at ' || i.expires_at AS detail
FROM booking_item i
WHERE i.state IN ('held', 'requested', 'conditional') AND i.expires_at < audit_now() - interval '2 minutes';

CREATE VIEW audit_places WITH (security_invoker = true) AS
SELECT NULL::uuid AS authority_id, 'session ' || coalesce(p.session_id, l.session_id) AS subject,
    'taken ' || coalesce(p.taken, 0) || ' of ' || coalesce(p.capacity, 0) || ', live items ' || coalesce(l.n, 0) AS detail
FROM session_places p
FULL JOIN (SELECT provider_id, session_id, count(*) AS n FROM booking_item
        WHERE session_id IS NOT NULL AND item_is_live(state) GROUP BY 1, 2) l
    ON l.provider_id = p.provider_id AND l.session_id = p.session_id
WHERE coalesce(p.taken, 0) <> coalesce(l.n, 0) OR coalesce(p.taken, 0) > coalesce(p.capacity, 0);

CREATE VIEW audit_lanes WITH (security_invoker = true) AS
WITH claim AS (
    SELECT c.provider_id, c.id, c.lane_id, c.item_id, c.during,
        max(upper(c.during)) OVER (PARTITION BY c.provider_id, coalesce(l.worker_id, c.lane_id) ORDER BY lower(c.during), c.id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS busy_until
    FROM lane_claim c LEFT JOIN lane l ON l.provider_id = c.provider_id AND l.id = c.lane_id
), visit AS (
    SELECT i.authority_id, i.id, i.provider_id, i.lane_id, i.starts_at, i.ends_at FROM booking_item i
    WHERE i.lane_id IS NOT NULL AND item_is_live(i.state)
)
SELECT NULL::uuid AS authority_id, 'claim ' || id AS subject, 'its lane or worker is busy until ' || busy_until || ', it begins ' || lower(during) AS detail
FROM claim WHERE lower(during) < busy_until
UNION ALL
SELECT NULL, 'claim ' || c.id, 'of item ' || c.item_id || ', which is not a live visit in this lane at this time'
FROM claim c
WHERE NOT EXISTS (SELECT FROM visit v WHERE v.provider_id = c.provider_id AND v.id = c.item_id AND v.lane_id = c.lane_id
    AND c.during @> tstzrange(v.starts_at, v.ends_at))
UNION ALL
SELECT v.authority_id, 'item ' || v.id, 'a live visit with ' || count(c.id) || ' claims'
FROM visit v LEFT JOIN lane_claim c ON c.provider_id = v.provider_id AND c.item_id = v.id
GROUP BY v.authority_id, v.id HAVING count(c.id) <> 1;

-- Each write asked for with a key can be answered again for 72 hours, and was
-- done once.
CREATE VIEW audit_idempotency WITH (security_invoker = true) AS
WITH written AS (
    SELECT authority_id, 'booking ' || id AS subject, created_by AS caller_id, created_key AS key, created_at, basket_id AS made FROM booking
    UNION ALL SELECT authority_id, 'allocation ' || id, created_by, created_key, created_at, NULL FROM allocation
    UNION ALL SELECT authority_id, 'top-up ' || id, person_id, idempotency_key, created_at, id FROM top_up
        WHERE checkout_session_id IS NOT NULL AND idempotency_key <> id::text -- its own id: nobody gave a key
), recent AS (
    SELECT * FROM written WHERE key IS NOT NULL AND created_at > audit_now() - interval '72 hours'
)
SELECT w.authority_id, w.subject, 'no reply is kept for its key' AS detail
FROM recent w
WHERE NOT EXISTS (SELECT FROM idempotency i WHERE i.authority_id = w.authority_id AND i.caller_id = w.caller_id AND i.key = w.key)
UNION ALL
SELECT w.authority_id, 'key of ' || w.caller_id, 'one key made ' || count(DISTINCT w.made) || ' things: ' || string_agg(w.subject, ', ')
FROM recent w GROUP BY w.authority_id, w.caller_id, w.key HAVING count(DISTINCT w.made) > 1;

CREATE VIEW audit_refunds WITH (security_invoker = true) AS
WITH given AS (
    SELECT authority_id, item_id, charge_n, sum(amount_pence) AS pence FROM refund GROUP BY 1, 2, 3
), back AS (
    SELECT authority_id, item_id, charge_n, sum(refunded) AS units, sum(captured) AS captured FROM hold GROUP BY 1, 2, 3
)
SELECT h.authority_id, 'hold ' || h.id AS subject, 'refunded ' || h.refunded || ' of ' || h.captured || ' captured' AS detail
FROM hold h WHERE h.refunded < 0 OR h.refunded > h.captured
UNION ALL
SELECT c.authority_id, 'item ' || c.item_id, 'charge ' || c.n || ': refunds of ' || coalesce(g.pence, 0) || ' pence, holds gave back ' || coalesce(b.units, 0)
    || ' of ' || coalesce(b.captured, 0) || ' ' || c.unit
FROM item_charge c
LEFT JOIN given g ON g.authority_id = c.authority_id AND g.item_id = c.item_id AND g.charge_n = c.n
LEFT JOIN back b ON b.authority_id = c.authority_id AND b.item_id = c.item_id AND b.charge_n = c.n
WHERE coalesce(g.pence, 0) > c.amount_pence
    OR (c.unit = 'pence' AND c.payer IN ('budget', 'family_top_up') AND coalesce(g.pence, 0) <> coalesce(b.units, 0))
    OR (c.unit <> 'pence' AND coalesce(b.units, 0) > 0 AND g.pence IS NULL)
UNION ALL
SELECT r.authority_id, 'refund ' || r.id, 'took ' || coalesce(p.pence, 0) || ' pence from the provider, not ' || r.amount_pence
FROM refund r
LEFT JOIN (SELECT t.authority_id, t.source_id, -sum(e.amount) AS pence
    FROM ledger_transaction t
    JOIN ledger_entry e ON e.authority_id = t.authority_id AND e.transaction_id = t.id
    JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id AND a.kind = 'provider_payable'
    WHERE t.kind = 'refund' GROUP BY 1, 2) p ON p.authority_id = r.authority_id AND p.source_id = r.id
WHERE coalesce(p.pence, 0) <> r.amount_pence;

CREATE VIEW audit_stripe_intents WITH (security_invoker = true) AS
SELECT NULL::uuid AS authority_id, 'payment ' || payment_intent_id AS subject, count(*) || ' top-ups claim it' AS detail
FROM top_up WHERE payment_intent_id IS NOT NULL GROUP BY payment_intent_id HAVING count(*) > 1
UNION ALL
SELECT NULL, 'checkout ' || checkout_session_id, count(*) || ' top-ups claim it'
FROM top_up WHERE checkout_session_id IS NOT NULL GROUP BY checkout_session_id HAVING count(*) > 1
UNION ALL
SELECT coalesce(u.authority_id, p.authority_id), 'top-up ' || coalesce(u.id, p.source_id),
    coalesce(u.state, 'unknown') || ' of ' || coalesce(u.amount_pence, 0) || ' pence, ' || coalesce(p.pence, 0) || ' posted'
FROM top_up u
FULL JOIN (SELECT t.authority_id, t.source_id, sum(e.amount) AS pence
    FROM ledger_transaction t
    JOIN ledger_entry e ON e.authority_id = t.authority_id AND e.transaction_id = t.id
    JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id AND a.kind = 'topup'
    WHERE t.kind = 'top_up' GROUP BY 1, 2) p ON p.authority_id = u.authority_id AND p.source_id = u.id
WHERE coalesce(p.pence, 0) <> CASE WHEN u.state = 'succeeded' THEN u.amount_pence ELSE 0 END
    OR (u.state = 'succeeded') <> (u.payment_intent_id IS NOT NULL);

-- A line's counters are what its holds say.
CREATE VIEW audit_line_limits WITH (security_invoker = true) AS
SELECT l.authority_id, 'plan line ' || l.id AS subject,
    'limit ' || l.limit_amount || ', held ' || l.held || ' (holds ' || coalesce(h.held, 0) || '), spent ' || l.spent || ' (holds ' || coalesce(h.spent, 0) || ')' AS detail
FROM plan_line l
LEFT JOIN (SELECT authority_id, line_id, coalesce(sum(amount) FILTER (WHERE state = 'pending'), 0) AS held, sum(captured - refunded) AS spent
    FROM hold WHERE line_id IS NOT NULL GROUP BY 1, 2) h ON h.authority_id = l.authority_id AND h.line_id = l.id
WHERE l.held + l.spent > l.limit_amount OR l.held <> coalesce(h.held, 0) OR l.spent <> coalesce(h.spent, 0);

-- What was captured was posted, once, from the same accounts, and the provider
-- is owed what was due.
CREATE VIEW audit_settled_items_posted WITH (security_invoker = true) AS
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

-- The events of an item are one path from nothing to its state: it enters each
-- state as often as it leaves it, but the last once more. No clock is trusted.
CREATE VIEW audit_history WITH (security_invoker = true) AS
WITH step AS (
    SELECT authority_id, item_id, to_state AS state, 1 AS n FROM item_event
    UNION ALL SELECT authority_id, item_id, coalesce(from_state, ''), -1 FROM item_event
    UNION ALL SELECT authority_id, id, state, -1 FROM booking_item
    UNION ALL SELECT authority_id, id, '', 1 FROM booking_item
)
SELECT authority_id, 'item ' || item_id AS subject,
    CASE state WHEN '' THEN 'made' ELSE state END || ' is ' || abs(sum(n)) || ' too ' || CASE WHEN sum(n) > 0 THEN 'often' ELSE 'seldom' END || ' in its events' AS detail
FROM step GROUP BY authority_id, item_id, state HAVING sum(n) <> 0;

CREATE VIEW audit_entry_units WITH (security_invoker = true) AS
SELECT e.authority_id, 'entry ' || e.transaction_id || '/' || e.n AS subject, e.unit || ' on an account of ' || a.unit AS detail
FROM ledger_entry e JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id WHERE e.unit <> a.unit
UNION ALL
SELECT h.authority_id, 'hold ' || h.id, h.unit || ' on an account of ' || a.unit
FROM hold h JOIN account a ON a.authority_id = h.authority_id AND a.id = h.account_id WHERE h.unit <> a.unit
UNION ALL
SELECT h.authority_id, 'hold ' || h.id, h.unit || ' for a charge of ' || c.unit
FROM hold h JOIN item_charge c ON c.authority_id = h.authority_id AND c.item_id = h.item_id AND c.n = h.charge_n WHERE h.unit <> c.unit
UNION ALL
SELECT h.authority_id, 'hold ' || h.id, h.unit || ' on a plan line of ' || l.unit
FROM hold h JOIN plan_line l ON l.authority_id = h.authority_id AND l.id = h.line_id WHERE h.unit <> l.unit;

-- A booking is paid from its own child's accounts and lines, never a sibling's (T10).
CREATE VIEW audit_own_child WITH (security_invoker = true) AS
SELECT h.authority_id, 'hold ' || h.id AS subject, 'for child ' || b.child_id || ' on the account or plan line of child ' ||
    coalesce(CASE WHEN a.child_id <> b.child_id THEN a.child_id END, l.child_id) AS detail
FROM hold h
JOIN booking_item i ON i.authority_id = h.authority_id AND i.id = h.item_id
JOIN booking b ON b.authority_id = i.authority_id AND b.id = i.booking_id
JOIN account a ON a.authority_id = h.authority_id AND a.id = h.account_id
LEFT JOIN plan_line l ON l.authority_id = h.authority_id AND l.id = h.line_id
WHERE a.child_id <> b.child_id OR l.child_id <> b.child_id
UNION ALL
SELECT n.authority_id, 'allocation ' || n.id, 'for child ' || n.child_id || ' to the account of another'
FROM allocation n JOIN account a ON a.authority_id = n.authority_id AND a.id = n.account_id
WHERE a.child_id IS DISTINCT FROM n.child_id;

-- A row's parent is of the row's own authority, whatever the foreign keys say.
-- +goose StatementBegin
DO $$
DECLARE
    pair text[];
    parts text[] := '{}';
BEGIN
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['child', 'id', 'family_id', 'family'], ['family_member', 'person_id', 'family_id', 'family'], ['plan', 'id', 'child_id', 'child'],
        ['plan_line', 'id', 'plan_id', 'plan'], ['plan_line', 'id', 'child_id', 'child'], ['account', 'id', 'child_id', 'child'],
        ['account', 'id', 'period_id', 'period'], ['ledger_entry', 'transaction_id', 'transaction_id', 'ledger_transaction'],
        ['ledger_entry', 'transaction_id', 'account_id', 'account'], ['allocation', 'id', 'account_id', 'account'],
        ['allocation', 'id', 'child_id', 'child'], ['top_up', 'id', 'child_id', 'child'], ['quote', 'id', 'child_id', 'child'],
        ['booking', 'id', 'child_id', 'child'], ['booking', 'id', 'quote_id', 'quote'], ['booking_item', 'id', 'booking_id', 'booking'],
        ['booking_item', 'id', 'child_id', 'child'], ['item_charge', 'item_id', 'item_id', 'booking_item'],
        ['item_charge', 'item_id', 'line_id', 'plan_line'], ['item_event', 'id', 'item_id', 'booking_item'],
        ['delivery', 'item_id', 'item_id', 'booking_item'], ['hold', 'id', 'item_id', 'booking_item'], ['hold', 'id', 'account_id', 'account'],
        ['hold', 'id', 'line_id', 'plan_line'], ['refund', 'id', 'item_id', 'booking_item']
    ] LOOP
        parts := parts || format('SELECT c.authority_id, %L || c.%I AS subject, %L || c.%I || %L AS detail FROM %I c
            WHERE c.%I IS NOT NULL AND NOT EXISTS (SELECT FROM %I p WHERE p.authority_id = c.authority_id AND p.id = c.%I)',
            pair[1] || ' ', pair[2], pair[4] || ' ', pair[3], ' is not of this authority', pair[1], pair[3], pair[4], pair[3]);
    END LOOP;
    -- A provider sees bookings by provider_id, which each row repeats.
    FOREACH pair SLICE 1 IN ARRAY ARRAY[
        ['booking_item', 'id', 'booking_id', 'booking'], ['item_charge', 'item_id', 'item_id', 'booking_item'],
        ['item_event', 'id', 'item_id', 'booking_item'], ['delivery', 'item_id', 'item_id', 'booking_item']
    ] LOOP
        parts := parts || format('SELECT c.authority_id, %L || c.%I AS subject, %L AS detail FROM %I c
            JOIN %I p ON p.authority_id = c.authority_id AND p.id = c.%I WHERE p.provider_id <> c.provider_id',
            pair[1] || ' ', pair[2], 'names another provider than its ' || pair[4], pair[1], pair[4], pair[3]);
    END LOOP;
    EXECUTE 'CREATE VIEW audit_tenant_parents WITH (security_invoker = true) AS ' || array_to_string(parts, ' UNION ALL ');
END $$;
-- +goose StatementEnd

GRANT SELECT ON audit_transactions_sum, audit_balance_is_entries, audit_held_is_pending_holds, audit_free_never_negative, audit_charges_equal_holds,
    audit_hold_state, audit_expired_live, audit_places, audit_lanes, audit_idempotency, audit_refunds, audit_stripe_intents, audit_tenant_parents,
    audit_line_limits, audit_settled_items_posted, audit_history, audit_entry_units, audit_own_child TO shortbreaks_app;

-- +goose Down
DROP VIEW audit_transactions_sum, audit_balance_is_entries, audit_held_is_pending_holds, audit_free_never_negative, audit_charges_equal_holds,
    audit_hold_state, audit_expired_live, audit_places, audit_lanes, audit_idempotency, audit_refunds, audit_stripe_intents, audit_tenant_parents,
    audit_line_limits, audit_settled_items_posted, audit_history, audit_entry_units, audit_own_child;
DROP FUNCTION item_is_live(text);
DROP FUNCTION audit_now();
DROP INDEX top_up_id;
