-- +goose Up
-- Tenant: what a family paid itself and got back as a credit, to use by a day.
-- The money is in its child's own top-up account, as all of its money is; a row
-- says how much of it ends, and when. What bookings use of it is worked out
-- from their holds, so that no booking writes here.
CREATE TABLE credit (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL, -- names the transactions that transfer it and end it
    child_id      uuid NOT NULL,
    account_id    uuid NOT NULL,
    provider_id   uuid NOT NULL, -- who gave it, and keeps what nobody uses
    offer_id      uuid NOT NULL,
    item_id       uuid NOT NULL, -- the date that was cancelled
    from_id       uuid,          -- the credit of a brother or sister it was taken from
    amount_pence  bigint NOT NULL CHECK (amount_pence > 0),
    moved_pence   bigint NOT NULL DEFAULT 0, -- to brothers and sisters
    lapsed_pence  bigint,                    -- null until its last day has passed
    after_seq     bigint NOT NULL, -- holds of the account after this one may use it
    last_on       date NOT NULL,   -- London's
    for_siblings  boolean NOT NULL,
    told          smallint NOT NULL DEFAULT 0, -- how often its end was announced
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    CONSTRAINT credit_never_below_zero CHECK (moved_pence >= 0 AND coalesce(lapsed_pence, 0) >= 0 AND moved_pence + coalesce(lapsed_pence, 0) <= amount_pence),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id),
    FOREIGN KEY (authority_id, account_id) REFERENCES account (authority_id, id),
    FOREIGN KEY (authority_id, item_id) REFERENCES booking_item (authority_id, id),
    FOREIGN KEY (authority_id, from_id) REFERENCES credit (authority_id, id)
);
CREATE INDEX credit_account ON credit (authority_id, account_id);
CREATE INDEX credit_child ON credit (authority_id, child_id, id);
CREATE INDEX credit_open ON credit (last_on) WHERE lapsed_pence IS NULL;
CREATE UNIQUE INDEX credit_once_an_item ON credit (authority_id, item_id) WHERE from_id IS NULL;
-- Holds of money that no plan line counts: a family's own, and emergencies'.
CREATE INDEX hold_own_money ON hold (authority_id, account_id, account_seq) WHERE line_id IS NULL;
ALTER TABLE credit ENABLE ROW LEVEL SECURITY;
ALTER TABLE credit FORCE ROW LEVEL SECURITY;
CREATE POLICY credit_tenant ON credit USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]));
GRANT SELECT, INSERT ON credit TO shortbreaks_app;
GRANT UPDATE (moved_pence, lapsed_pence, told) ON credit TO shortbreaks_app;

-- A credit is money the family paid itself and never a budget's, and it stays
-- in the family (R109).
-- +goose StatementBegin
CREATE FUNCTION credit_is_family_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM account a WHERE a.authority_id = NEW.authority_id AND a.id = NEW.account_id AND a.kind = 'topup' AND a.child_id = NEW.child_id) THEN
        RAISE EXCEPTION 'a credit is money that the family paid itself' USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_is_family_money';
    END IF;
    IF NEW.from_id IS NOT NULL AND NOT EXISTS (SELECT FROM credit f
            JOIN child a ON a.authority_id = f.authority_id AND a.id = f.child_id
            JOIN child b ON b.authority_id = f.authority_id AND b.id = NEW.child_id AND b.family_id = a.family_id AND b.id <> a.id
            WHERE f.authority_id = NEW.authority_id AND f.id = NEW.from_id AND f.for_siblings AND f.last_on = NEW.last_on) THEN
        RAISE EXCEPTION 'a credit goes to a brother or sister where its terms allow it, and ends when it did'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_stays_in_family';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER credit_is_family_money BEFORE INSERT OR UPDATE OF child_id, account_id, from_id, last_on ON credit FOR EACH ROW EXECUTE FUNCTION credit_is_family_money();
-- What moves or ends a credit moves no other money. Nothing else pays for this
-- check.
-- +goose StatementBegin
CREATE FUNCTION credit_moves_own_money() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_entry e JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id
        WHERE e.authority_id = NEW.authority_id AND e.transaction_id = NEW.id
            AND a.kind <> 'topup' AND NOT (NEW.kind = 'credit_lapse' AND a.kind = 'provider_payable')) THEN
        RAISE EXCEPTION 'only money that a family paid itself is moved as a credit' USING ERRCODE = 'check_violation', CONSTRAINT = 'credit_moves_own_money';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER credit_moves_own_money AFTER INSERT ON ledger_transaction DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.kind IN ('credit_transfer', 'credit_lapse')) EXECUTE FUNCTION credit_moves_own_money();

-- Each credit came back from its date, was posted when it was moved and when it
-- ended, once, and is of its child's own money and its family.
CREATE VIEW audit_credits WITH (security_invoker = true) AS
WITH came AS (
    SELECT r.authority_id, r.item_id, e.account_id, sum(e.amount) AS pence
    FROM refund r
    JOIN ledger_transaction t ON t.authority_id = r.authority_id AND t.kind = 'refund' AND t.source_id = r.id
    JOIN ledger_entry e ON e.authority_id = t.authority_id AND e.transaction_id = t.id
    WHERE (r.authority_id, r.item_id) IN (SELECT authority_id, item_id FROM credit)
    GROUP BY 1, 2, 3
), posted AS (
    SELECT t.authority_id, t.kind, t.source_id, e.account_id, sum(e.amount) AS pence
    FROM ledger_transaction t JOIN ledger_entry e ON e.authority_id = t.authority_id AND e.transaction_id = t.id
    WHERE t.kind IN ('credit_transfer', 'credit_lapse') GROUP BY 1, 2, 3, 4
), moved AS (
    SELECT authority_id, from_id AS id, sum(amount_pence) AS pence FROM credit WHERE from_id IS NOT NULL GROUP BY 1, 2
)
SELECT c.authority_id, 'credit ' || c.id AS subject, 'of ' || c.amount_pence || ' pence, and ' || coalesce(k.pence, 0) || ' came back' AS detail
FROM credit c LEFT JOIN came k ON k.authority_id = c.authority_id AND k.item_id = c.item_id AND k.account_id = c.account_id
WHERE c.from_id IS NULL AND c.amount_pence > coalesce(k.pence, 0)
UNION ALL
SELECT c.authority_id, 'credit ' || c.id, 'is not of its child''s own money'
FROM credit c WHERE NOT EXISTS (SELECT FROM account a WHERE a.authority_id = c.authority_id AND a.id = c.account_id AND a.kind = 'topup' AND a.child_id = c.child_id)
UNION ALL
SELECT c.authority_id, 'credit ' || c.id, 'has ' || c.moved_pence || ' pence moved, to others ' || coalesce(m.pence, 0)
FROM credit c LEFT JOIN moved m ON m.authority_id = c.authority_id AND m.id = c.id
WHERE c.moved_pence <> coalesce(m.pence, 0)
UNION ALL
SELECT c.authority_id, 'credit ' || c.id, 'is not what was taken from credit ' || c.from_id || ' for a brother or sister'
FROM credit c
LEFT JOIN credit f ON f.authority_id = c.authority_id AND f.id = c.from_id
LEFT JOIN child a ON a.authority_id = f.authority_id AND a.id = f.child_id
LEFT JOIN child b ON b.authority_id = c.authority_id AND b.id = c.child_id
LEFT JOIN posted t ON t.authority_id = c.authority_id AND t.kind = 'credit_transfer' AND t.source_id = c.id AND t.account_id = c.account_id
LEFT JOIN posted o ON o.authority_id = f.authority_id AND o.kind = 'credit_transfer' AND o.source_id = c.id AND o.account_id = f.account_id
WHERE c.from_id IS NOT NULL AND (a.family_id IS DISTINCT FROM b.family_id OR a.id = b.id OR NOT f.for_siblings OR c.last_on <> f.last_on
    OR coalesce(t.pence, 0) <> c.amount_pence OR coalesce(o.pence, 0) <> -c.amount_pence)
UNION ALL
SELECT c.authority_id, 'credit ' || c.id, 'ended with ' || coalesce(c.lapsed_pence, 0) || ' pence, posted ' || -coalesce(p.pence, 0)
FROM credit c LEFT JOIN posted p ON p.authority_id = c.authority_id AND p.kind = 'credit_lapse' AND p.source_id = c.id AND p.account_id = c.account_id
WHERE coalesce(c.lapsed_pence, 0) <> -coalesce(p.pence, 0)
UNION ALL
SELECT p.authority_id, 'transaction of ' || p.source_id, p.kind || ' of no credit, or of money that no family paid itself'
FROM posted p JOIN account a ON a.authority_id = p.authority_id AND a.id = p.account_id
WHERE NOT EXISTS (SELECT FROM credit c WHERE c.authority_id = p.authority_id AND c.id = p.source_id)
    OR (a.kind <> 'topup' AND NOT (p.kind = 'credit_lapse' AND a.kind = 'provider_payable'));
GRANT SELECT ON audit_credits TO shortbreaks_app;

-- No child's budget ever pays into another's (R109).
CREATE VIEW audit_budgets_apart WITH (security_invoker = true) AS
SELECT e.authority_id, 'transaction ' || e.transaction_id AS subject, 'moves the budgets of ' || count(DISTINCT a.child_id) || ' children' AS detail
FROM ledger_entry e JOIN account a ON a.authority_id = e.authority_id AND a.id = e.account_id AND a.kind = 'budget'
GROUP BY e.authority_id, e.transaction_id HAVING min(a.child_id::text) <> max(a.child_id::text);
GRANT SELECT ON audit_budgets_apart TO shortbreaks_app;

-- Each row's parent is of the row's own authority here too.
-- +goose StatementBegin
DO $$
DECLARE
    sql text := rtrim(pg_get_viewdef('audit_tenant_parents'::regclass), '; ');
    k text[];
BEGIN
    FOREACH k SLICE 1 IN ARRAY ARRAY[['child_id', 'child'], ['account_id', 'account'], ['item_id', 'booking_item'], ['from_id', 'credit']] LOOP
        sql := sql || format($v$ UNION ALL SELECT c.authority_id, 'credit ' || c.id AS subject, '%2$s ' || c.%1$s || ' is not of this authority' AS detail
            FROM credit c WHERE c.%1$s IS NOT NULL AND NOT EXISTS (SELECT FROM %2$s p WHERE p.authority_id = c.authority_id AND p.id = c.%1$s)$v$, k[1], k[2]);
    END LOOP;
    EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS ' || sql;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
DO $$
BEGIN
    FOR n IN 1..4 LOOP
        EXECUTE 'CREATE OR REPLACE VIEW audit_tenant_parents WITH (security_invoker = true) AS '
            || regexp_replace(pg_get_viewdef('audit_tenant_parents'::regclass), '^(.*)UNION ALL.*$', '\1');
    END LOOP;
END $$;
-- +goose StatementEnd
DROP VIEW audit_budgets_apart, audit_credits;
DROP TRIGGER credit_moves_own_money ON ledger_transaction;
DROP TABLE credit;
DROP INDEX hold_own_money;
DROP FUNCTION credit_moves_own_money();
DROP FUNCTION credit_is_family_money();
