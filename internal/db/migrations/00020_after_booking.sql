-- +goose Up
-- What a provider calls off takes the bookings in it along, if it says so.
ALTER TABLE closure ADD COLUMN cancels_bookings boolean NOT NULL DEFAULT false;
CREATE INDEX session_called_off ON session (starts_at) WHERE state = 'cancelled';

-- An item that takes the place of another: moved at once, or when the provider agrees.
ALTER TABLE booking_item ADD COLUMN moved_from uuid, ADD CONSTRAINT moved_from_item FOREIGN KEY (authority_id, moved_from) REFERENCES booking_item (authority_id, id);

-- A late fee that is not payable if the place is taken again waits for the
-- start: the item is closed, and no more than the fee is kept.
ALTER TABLE booking_item ADD COLUMN fee_due_at timestamptz, ADD COLUMN fee_pence bigint CHECK (fee_pence > 0),
    ADD CHECK (fee_due_at IS NULL OR (fee_pence IS NOT NULL AND state IN ('cancelled_by_family', 'cancelled_by_authority')));
CREATE INDEX booking_item_fee ON booking_item (fee_due_at) WHERE fee_due_at IS NOT NULL;
CREATE INDEX booking_item_late ON booking_item (provider_id, session_id) WHERE fee_pence IS NOT NULL;
ALTER TABLE hold ADD COLUMN for_fee boolean NOT NULL DEFAULT false;

CREATE OR REPLACE VIEW audit_charges_equal_holds WITH (security_invoker = true) AS
WITH never_past_held AS (
    SELECT i.authority_id, i.id FROM booking_item i WHERE i.state = 'held'
    UNION ALL
    SELECT i.authority_id, i.id FROM booking_item i
    JOIN item_event e ON e.authority_id = i.authority_id AND e.item_id = i.id AND e.from_state = 'held' AND e.to_state = i.state
    WHERE NOT item_is_live(i.state)
), kept AS (
    SELECT authority_id, item_id, charge_n, sum(amount) AS total FROM hold WHERE NOT replaced AND NOT for_fee GROUP BY 1, 2, 3
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
    WHERE (h.state = 'pending') <> CASE WHEN h.for_fee THEN i.fee_due_at IS NOT NULL ELSE item_is_live(i.state) AND i.state <> 'settled' END AND NOT h.replaced
)
SELECT f.authority_id, 'hold ' || f.id AS subject, f.state || ' while item ' || f.item_id || ' is ' || f.item_state AS detail
FROM fault f
WHERE NOT (f.state = 'captured' AND EXISTS (SELECT FROM ledger_transaction t
    WHERE t.authority_id = f.authority_id AND t.kind IN ('advance', 'deposit', 'balance') AND t.source_id IN (f.id, f.item_id)));

-- Families in line for a full session, with what each would book. Read across
-- authorities only by the job that offers places.
CREATE TABLE waitlist_entry (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    child_id      uuid NOT NULL,
    provider_id   uuid NOT NULL,
    offer_id      uuid NOT NULL,
    session_id    uuid NOT NULL,
    ask           jsonb NOT NULL,
    state         text NOT NULL CHECK (state IN ('waiting', 'offered', 'accepted', 'lapsed', 'left')),
    because       text NOT NULL DEFAULT '', -- why the last place went to the next family
    booking_id    uuid,
    item_id       uuid,
    expires_at    timestamptz,
    created_at    timestamptz NOT NULL,
    created_by    uuid NOT NULL,
    CHECK ((state = 'offered') = (expires_at IS NOT NULL)),
    CHECK (state IN ('waiting', 'left') OR item_id IS NOT NULL),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id)
);
CREATE UNIQUE INDEX child_once_in_a_line ON waitlist_entry (authority_id, child_id, session_id) WHERE state IN ('waiting', 'offered');
CREATE INDEX waitlist_line ON waitlist_entry (provider_id, session_id, created_at, id) WHERE state = 'waiting';
CREATE INDEX waitlist_offered ON waitlist_entry (item_id) WHERE state = 'offered';
ALTER TABLE waitlist_entry ENABLE ROW LEVEL SECURITY;
ALTER TABLE waitlist_entry FORCE ROW LEVEL SECURITY;
CREATE POLICY waitlist_entry_tenant ON waitlist_entry USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
GRANT SELECT, INSERT, UPDATE ON waitlist_entry TO shortbreaks_app;

-- Who comes with a child: the places they take together as the offer counts
-- them (T96), and the staff who give their time to this child alone (T51).
ALTER TABLE offer ADD COLUMN companions jsonb; -- null: nobody may come along
ALTER TABLE booking_item ADD COLUMN places int NOT NULL DEFAULT 1 CHECK (places > 0), ADD COLUMN staff_units int NOT NULL DEFAULT 0 CHECK (staff_units >= 0),
    ADD COLUMN companions jsonb;
ALTER TABLE session_places ADD COLUMN staff_taken int NOT NULL DEFAULT 0 CHECK (staff_taken >= 0),
    ADD CONSTRAINT staff_never_overbooked CHECK (staff_units = 0 OR staff_taken <= staff_units);

CREATE OR REPLACE VIEW audit_places WITH (security_invoker = true) AS
SELECT NULL::uuid AS authority_id, 'session ' || coalesce(p.session_id, l.session_id) AS subject,
    'taken ' || coalesce(p.taken, 0) || ' of ' || coalesce(p.capacity, 0) || ', live items ' || coalesce(l.n, 0) AS detail
FROM session_places p
FULL JOIN (SELECT provider_id, session_id, sum(places) AS n, sum(staff_units) AS staff FROM booking_item
        WHERE session_id IS NOT NULL AND item_is_live(state) GROUP BY 1, 2) l
    ON l.provider_id = p.provider_id AND l.session_id = p.session_id
WHERE coalesce(p.taken, 0) <> coalesce(l.n, 0) OR coalesce(p.taken, 0) > coalesce(p.capacity, 0)
    OR coalesce(p.staff_taken, 0) <> coalesce(l.staff, 0) OR (p.staff_units > 0 AND p.staff_taken > p.staff_units);

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
        || rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ')
        || $v$ UNION ALL SELECT c.authority_id, 'waitlist_entry ' || c.id AS subject, 'child ' || c.child_id || ' is not of this authority' AS detail
            FROM waitlist_entry c WHERE NOT EXISTS (SELECT FROM child p WHERE p.authority_id = c.authority_id AND p.id = c.child_id)
        UNION ALL SELECT c.authority_id, 'waitlist_entry ' || c.id, 'booking_item ' || c.item_id || ' is not of this authority'
            FROM waitlist_entry c WHERE c.item_id IS NOT NULL
                AND NOT EXISTS (SELECT FROM booking_item p WHERE p.authority_id = c.authority_id AND p.id = c.item_id)
        UNION ALL SELECT c.authority_id, 'booking_item ' || c.id, 'booking_item ' || c.moved_from || ' is not of this authority'
            FROM booking_item c WHERE c.moved_from IS NOT NULL
                AND NOT EXISTS (SELECT FROM booking_item p WHERE p.authority_id = c.authority_id AND p.id = c.moved_from)$v$;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    FOR n IN 1..3 LOOP
        EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
            || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE OR REPLACE VIEW audit_places WITH (security_invoker = true) AS
SELECT NULL::uuid AS authority_id, 'session ' || coalesce(p.session_id, l.session_id) AS subject,
    'taken ' || coalesce(p.taken, 0) || ' of ' || coalesce(p.capacity, 0) || ', live items ' || coalesce(l.n, 0) AS detail
FROM session_places p
FULL JOIN (SELECT provider_id, session_id, count(*) AS n FROM booking_item
        WHERE session_id IS NOT NULL AND item_is_live(state) GROUP BY 1, 2) l
    ON l.provider_id = p.provider_id AND l.session_id = p.session_id
WHERE coalesce(p.taken, 0) <> coalesce(l.n, 0) OR coalesce(p.taken, 0) > coalesce(p.capacity, 0);
ALTER TABLE session_places DROP COLUMN staff_taken;
ALTER TABLE booking_item DROP COLUMN places, DROP COLUMN staff_units, DROP COLUMN companions;
ALTER TABLE offer DROP COLUMN companions;
DROP TABLE waitlist_entry;
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
ALTER TABLE hold DROP COLUMN for_fee;
ALTER TABLE booking_item DROP COLUMN fee_due_at, DROP COLUMN fee_pence;
ALTER TABLE booking_item DROP COLUMN moved_from;
DROP INDEX session_called_off;
ALTER TABLE closure DROP COLUMN cancels_bookings;
