-- +goose Up
-- Groups that run only if enough places are taken: each place is taken on that
-- condition until it is decided.
ALTER TABLE session
    ADD COLUMN minimum_places int CHECK (minimum_places > 0),
    ADD COLUMN decide_at timestamptz,
    ADD COLUMN confirm_early boolean NOT NULL DEFAULT false,
    ADD COLUMN decided_at timestamptz,
    ADD CHECK ((minimum_places IS NULL) = (decide_at IS NULL)),
    ADD CHECK (decided_at IS NULL OR minimum_places IS NOT NULL);
CREATE INDEX session_to_decide ON session (decide_at) WHERE minimum_places IS NOT NULL AND decided_at IS NULL;
CREATE INDEX booking_item_conditional ON booking_item (provider_id, session_id) WHERE state = 'conditional';

-- A price for the group is divided once the group is known. A hold's amount
-- never changes: a smaller one takes its place, and it is marked.
ALTER TABLE hold ADD COLUMN replaced boolean NOT NULL DEFAULT false, ADD CHECK (NOT replaced OR state = 'released');
GRANT UPDATE (quantity, amount_pence) ON item_charge TO shortbreaks_app;
GRANT UPDATE (total_pence) ON booking TO shortbreaks_app;

CREATE OR REPLACE VIEW audit_charges_equal_holds WITH (security_invoker = true) AS
WITH never_past_held AS (
    SELECT i.authority_id, i.id FROM booking_item i WHERE i.state = 'held'
    UNION ALL
    SELECT i.authority_id, i.id FROM booking_item i
    JOIN item_event e ON e.authority_id = i.authority_id AND e.item_id = i.id AND e.from_state = 'held' AND e.to_state = i.state
    WHERE NOT item_is_live(i.state)
), kept AS (
    SELECT authority_id, item_id, charge_n, sum(amount) AS total FROM hold WHERE NOT replaced GROUP BY 1, 2, 3
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

CREATE OR REPLACE VIEW audit_hold_state WITH (security_invoker = true) AS
WITH fault AS MATERIALIZED (
    SELECT h.authority_id, h.id, h.item_id, h.state, i.state AS item_state
    FROM hold h JOIN booking_item i ON i.authority_id = h.authority_id AND i.id = h.item_id
    WHERE (h.state = 'pending') <> (item_is_live(i.state) AND i.state <> 'settled') AND NOT h.replaced
)
SELECT f.authority_id, 'hold ' || f.id AS subject, f.state || ' while item ' || f.item_id || ' is ' || f.item_state AS detail
FROM fault f
WHERE NOT (f.state = 'captured' AND EXISTS (SELECT FROM ledger_transaction t
    WHERE t.authority_id = f.authority_id AND t.kind IN ('advance', 'deposit', 'balance') AND t.source_id IN (f.id, f.item_id)));

-- +goose Down
CREATE OR REPLACE VIEW audit_charges_equal_holds WITH (security_invoker = true) AS
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
CREATE OR REPLACE VIEW audit_hold_state WITH (security_invoker = true) AS
WITH fault AS MATERIALIZED (
    SELECT h.authority_id, h.id, h.item_id, h.state, i.state AS item_state
    FROM hold h JOIN booking_item i ON i.authority_id = h.authority_id AND i.id = h.item_id
    WHERE (h.state = 'pending') <> (item_is_live(i.state) AND i.state <> 'settled')
)
SELECT f.authority_id, 'hold ' || f.id AS subject, f.state || ' while item ' || f.item_id || ' is ' || f.item_state AS detail
FROM fault f
WHERE NOT (f.state = 'captured' AND EXISTS (SELECT FROM ledger_transaction t
    WHERE t.authority_id = f.authority_id AND t.kind IN ('advance', 'deposit', 'balance') AND t.source_id IN (f.id, f.item_id)));
REVOKE UPDATE (total_pence) ON booking FROM shortbreaks_app;
REVOKE UPDATE (quantity, amount_pence) ON item_charge FROM shortbreaks_app;
ALTER TABLE hold DROP COLUMN replaced;
DROP INDEX booking_item_conditional, session_to_decide;
ALTER TABLE session DROP COLUMN minimum_places, DROP COLUMN decide_at, DROP COLUMN confirm_early, DROP COLUMN decided_at;
