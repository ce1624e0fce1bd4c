-- +goose Up
-- Tenant class: every key starts with authority_id; seen only inside the scope's authorities.
CREATE TABLE family (
    authority_id  uuid NOT NULL REFERENCES authority (id),
    id            uuid NOT NULL,
    PRIMARY KEY (authority_id, id)
);
CREATE TABLE child (
    authority_id   uuid NOT NULL,
    id             uuid NOT NULL,
    family_id      uuid NOT NULL,
    first_name     text NOT NULL CHECK (length(first_name) BETWEEN 1 AND 100),
    family_name    text NOT NULL CHECK (length(family_name) BETWEEN 1 AND 100),
    date_of_birth  date NOT NULL,
    school_id      uuid,
    postcode       text NOT NULL DEFAULT '',
    reduced_rate   boolean NOT NULL DEFAULT false, -- may use a reduced-rate price option
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, family_id) REFERENCES family (authority_id, id)
);
CREATE INDEX child_family ON child (authority_id, family_id);
CREATE TABLE family_member (
    authority_id  uuid NOT NULL,
    family_id     uuid NOT NULL,
    person_id     uuid NOT NULL,
    relation      text NOT NULL DEFAULT 'parent',
    PRIMARY KEY (authority_id, family_id, person_id),
    FOREIGN KEY (authority_id, family_id) REFERENCES family (authority_id, id)
);
-- When money counts: a financial year, or a year of a family's own (R116).
CREATE TABLE period (
    authority_id  uuid NOT NULL REFERENCES authority (id),
    id            uuid NOT NULL,
    name          text NOT NULL,
    starts_on     date NOT NULL,
    ends_on       date NOT NULL,
    CHECK (ends_on >= starts_on),
    PRIMARY KEY (authority_id, id),
    UNIQUE (authority_id, starts_on, ends_on)
);
CREATE TABLE plan (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    child_id      uuid NOT NULL,
    plan_type     text NOT NULL CHECK (plan_type IN ('ehc', 'child_in_need', 'short_breaks_grant', 'isp', 'other')),
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (authority_id, id),
    UNIQUE (authority_id, child_id, plan_type),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
-- What may be spent, on what. Limits spending inside the accounts its shares name.
CREATE TABLE plan_line (
    authority_id       uuid NOT NULL,
    id                 uuid NOT NULL,
    plan_id            uuid NOT NULL,
    child_id           uuid NOT NULL,
    description        text NOT NULL CHECK (length(description) BETWEEN 1 AND 500),
    outcome            text NOT NULL DEFAULT '',
    categories         text[] NOT NULL, -- empty: any category
    pays_kinds         text[] NOT NULL, -- kinds of charge it pays for; empty: any (R115)
    management_option  text NOT NULL CHECK (management_option IN ('direct_payment', 'third_party', 'notional')),
    holder_id          uuid, -- the recipient or manager who hands the money over
    unit               text NOT NULL CHECK (unit IN ('pence', 'minutes', 'nights', 'sessions')),
    shares             jsonb NOT NULL, -- [{"stream": "social_care", "weight": 60}, ...]
    limit_amount       bigint NOT NULL CHECK (limit_amount >= 0),
    held               bigint NOT NULL DEFAULT 0 CHECK (held >= 0),
    spent              bigint NOT NULL DEFAULT 0 CHECK (spent >= 0),
    state              text NOT NULL CHECK (state IN ('draft', 'approved', 'closed')),
    starts_on          date NOT NULL,
    ends_on            date NOT NULL CHECK (ends_on >= starts_on),
    proposed_by        uuid NOT NULL,
    proposed_at        timestamptz NOT NULL,
    approved_by        uuid,
    approved_at        timestamptz,
    CONSTRAINT line_never_above_limit CHECK (held + spent <= limit_amount),
    CONSTRAINT approver_is_not_proposer CHECK (approved_by <> proposed_by),
    CHECK ((state = 'draft') = (approved_by IS NULL)),
    CHECK (management_option = 'notional' OR holder_id IS NOT NULL),
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, plan_id) REFERENCES plan (authority_id, id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
) WITH (fillfactor = 70);
CREATE INDEX plan_line_child ON plan_line (authority_id, child_id);
CREATE TABLE tenant_setting (
    authority_id  uuid NOT NULL REFERENCES authority (id),
    name          text NOT NULL,
    valid_from    date NOT NULL,
    value         jsonb NOT NULL,
    PRIMARY KEY (authority_id, name, valid_from)
);

-- The books.
CREATE TABLE account (
    authority_id  uuid NOT NULL REFERENCES authority (id),
    id            uuid NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('budget', 'topup', 'contingency', 'authority_funding', 'provider_payable', 'holder_float', 'consumed',
                      'family_due', 'card_clearing', 'card_fees', 'bank_clearing', 'bank', 'vat_control', 'reclaimed', 'written_off')),
    unit          text NOT NULL CHECK (unit IN ('pence', 'minutes', 'nights', 'sessions')),
    child_id      uuid,
    stream        text CHECK (stream IN ('social_care', 'education', 'health', 'grant')),
    period_id     uuid,
    provider_id   uuid,
    payer         text CHECK (payer IN ('authority', 'recipient', 'manager', 'family')),
    holder_id     uuid,
    has_floor     boolean NOT NULL,
    balance       bigint NOT NULL DEFAULT 0, -- kept only where there is a floor; derived elsewhere
    held          bigint NOT NULL DEFAULT 0,
    pending_cut   bigint NOT NULL DEFAULT 0 CHECK (pending_cut >= 0),
    seq           bigint NOT NULL DEFAULT 0, -- grows with every hold under the row lock
    CHECK (has_floor = (kind IN ('budget', 'topup', 'contingency'))),
    CHECK (has_floor OR (balance = 0 AND held = 0)),
    CHECK (held >= 0),
    CONSTRAINT free_never_negative CHECK (NOT has_floor OR balance - held >= 0),
    CHECK (kind <> 'budget' OR (child_id IS NOT NULL AND stream IS NOT NULL AND period_id IS NOT NULL)),
    CHECK (kind <> 'topup' OR (child_id IS NOT NULL AND unit = 'pence')),
    CHECK (kind <> 'provider_payable' OR (provider_id IS NOT NULL AND payer IS NOT NULL AND unit = 'pence')),
    PRIMARY KEY (authority_id, id),
    UNIQUE NULLS NOT DISTINCT (authority_id, kind, unit, child_id, stream, period_id, provider_id, payer, holder_id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id),
    FOREIGN KEY (authority_id, period_id) REFERENCES period (authority_id, id)
) WITH (fillfactor = 50);
CREATE INDEX account_child ON account (authority_id, child_id) WHERE child_id IS NOT NULL;
CREATE TABLE ledger_transaction (
    authority_id  uuid NOT NULL REFERENCES authority (id),
    id            uuid NOT NULL,
    kind          text NOT NULL,
    source_id     uuid NOT NULL, -- the row that caused it
    actor_id      uuid,          -- null: the system
    at            timestamptz NOT NULL,
    on_date       date NOT NULL, -- London date it belongs to
    PRIMARY KEY (authority_id, id),
    CONSTRAINT event_posts_once UNIQUE (authority_id, kind, source_id)
);
CREATE INDEX ledger_transaction_at ON ledger_transaction (authority_id, at);
CREATE TABLE ledger_entry (
    authority_id    uuid NOT NULL,
    transaction_id  uuid NOT NULL,
    n               int NOT NULL,
    account_id      uuid NOT NULL,
    unit            text NOT NULL,
    amount          bigint NOT NULL CHECK (amount <> 0),
    PRIMARY KEY (authority_id, transaction_id, n),
    FOREIGN KEY (authority_id, transaction_id) REFERENCES ledger_transaction (authority_id, id),
    FOREIGN KEY (authority_id, account_id) REFERENCES account (authority_id, id)
);
CREATE INDEX ledger_entry_account ON ledger_entry (authority_id, account_id);
-- +goose StatementBegin
CREATE FUNCTION entries_sum_to_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM added GROUP BY authority_id, transaction_id, unit HAVING sum(amount) <> 0) THEN
        RAISE EXCEPTION 'a ledger transaction does not sum to zero' USING ERRCODE = 'check_violation', CONSTRAINT = 'entries_sum_to_zero';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
-- All entries of a transaction come in one INSERT.
CREATE TRIGGER entries_sum_to_zero AFTER INSERT ON ledger_entry REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION entries_sum_to_zero();
CREATE TRIGGER ledger_transaction_append_only BEFORE UPDATE OR DELETE ON ledger_transaction FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entry_append_only BEFORE UPDATE OR DELETE ON ledger_entry FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_transaction_no_truncate BEFORE TRUNCATE ON ledger_transaction FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entry_no_truncate BEFORE TRUNCATE ON ledger_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE allocation (
    authority_id  uuid NOT NULL,
    id            uuid NOT NULL,
    child_id      uuid NOT NULL,
    account_id    uuid NOT NULL,
    amount        bigint NOT NULL CHECK (amount > 0),
    note          text NOT NULL DEFAULT '',
    created_by    uuid NOT NULL,
    created_at    timestamptz NOT NULL,
    created_key   text, -- the Idempotency-Key that made it
    PRIMARY KEY (authority_id, id),
    FOREIGN KEY (authority_id, account_id) REFERENCES account (authority_id, id)
);
CREATE TABLE top_up (
    authority_id         uuid NOT NULL,
    id                   uuid NOT NULL, -- also Stripe's idempotency key
    child_id             uuid NOT NULL,
    person_id            uuid NOT NULL,
    amount_pence         bigint NOT NULL CHECK (amount_pence > 0),
    state                text NOT NULL CHECK (state IN ('pending', 'open', 'succeeded', 'expired', 'failed', 'review')),
    idempotency_key      text NOT NULL,
    request_hash         bytea NOT NULL,
    checkout_session_id  text,
    checkout_url         text,
    payment_intent_id    text,
    created_at           timestamptz NOT NULL,
    settled_at           timestamptz,
    PRIMARY KEY (authority_id, id),
    UNIQUE (authority_id, person_id, idempotency_key),
    UNIQUE (authority_id, payment_intent_id),
    FOREIGN KEY (authority_id, child_id) REFERENCES child (authority_id, id)
);
CREATE TABLE idempotency (
    authority_id  uuid NOT NULL,
    caller_id     uuid NOT NULL,
    key           text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
    operation     text NOT NULL,
    hash          bytea NOT NULL,
    status        int NOT NULL CHECK (status BETWEEN 200 AND 299),
    body          bytea NOT NULL,
    created_at    timestamptz NOT NULL,
    PRIMARY KEY (authority_id, caller_id, key)
);
CREATE INDEX idempotency_created ON idempotency (created_at);

-- +goose StatementBegin
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['family', 'child', 'family_member', 'period', 'plan', 'plan_line', 'tenant_setting', 'account', 'ledger_transaction',
                             'ledger_entry', 'allocation', 'top_up', 'idempotency'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', t);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', t);
        EXECUTE format($p$CREATE POLICY %I ON %I USING (authority_id = ANY ((SELECT app_ids('app.authorities'))::uuid[]))$p$, t || '_tenant', t);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT, INSERT, UPDATE ON family, child, family_member, period, plan, plan_line, tenant_setting, account, top_up TO shortbreaks_app;
GRANT SELECT, INSERT ON ledger_transaction, ledger_entry, allocation TO shortbreaks_app;
GRANT SELECT, INSERT, DELETE ON idempotency TO shortbreaks_app;

-- Infrastructure: no child, no tenant.
CREATE TABLE stripe_event (
    id           text PRIMARY KEY,
    type         text NOT NULL,
    object_id    text NOT NULL DEFAULT '',
    payload      jsonb NOT NULL,
    received_at  timestamptz NOT NULL,
    handled_at   timestamptz,
    outcome      text NOT NULL DEFAULT ''
);
GRANT SELECT, INSERT, UPDATE ON stripe_event TO shortbreaks_app;

-- +goose Down
DROP TABLE stripe_event, idempotency, top_up, allocation, ledger_entry, ledger_transaction, account, tenant_setting, plan_line, plan, period, family_member, child, family;
DROP FUNCTION entries_sum_to_zero();
